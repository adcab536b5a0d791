import { compareQuantities, parseQuantity } from '../../quantity.ts';
import { duplicate, type FieldCause, forbidden, invalid, required } from '../field-cause.ts';
import { checkQualifiedName, type JsonObject, objectIn, objectsIn, textIn } from './fields.ts';
import { COMPUTED, OF_QUOTA } from './quota.ts';

const LIMIT_TYPES = ['Container', 'Pod', 'PersistentVolumeClaim'];
const LIMIT_MAPS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
const NO_DEFAULTS = "may not be specified when `type` is 'Pod'";

/** Checks a LimitRange. */
export function validateLimitRange(range: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const types = new Set<string>();
  for (const [index, limit] of objectsIn(objectIn(range, 'spec'), 'limits').entries()) {
    const field = `spec.limits[${index}]`;
    const type = textIn(limit, 'type');
    const wrong = checkQualifiedName(type, `${field}.type`);
    causes.push(...wrong);
    if (wrong.length === 0 && !type.includes('/') && !LIMIT_TYPES.includes(type)) {
      causes.push(invalid(`${field}.type`, type, 'must be a standard limit type or fully qualified'));
    }
    if (types.has(type)) causes.push(duplicate(`${field}.type`, type));
    types.add(type);
    causes.push(...validateLimit(limit, type, field));
  }
  return causes;
}

function validateLimit(limit: JsonObject, type: string, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const names = new Set<string>();
  for (const map of LIMIT_MAPS) {
    const isDefault = map === 'default' || map === 'defaultRequest';
    const entries = Object.entries(objectIn(limit, map));
    if (type === 'Pod' && isDefault) {
      if (entries.length > 0) causes.push(forbidden(`${field}.${map}`, NO_DEFAULTS));
      continue;
    }
    for (const [name] of entries) {
      names.add(name);
      const place = `${field}.${map}[${name}]`;
      const wrong = checkQualifiedName(name, place);
      causes.push(...wrong);
      if (wrong.length === 0 && !name.includes('/') && !isLimitResource(type, name)) {
        causes.push(invalid(place, name, 'must be a standard resource type or fully qualified'));
        if (type === 'Container') causes.push(invalid(place, name, 'must be a standard resource for containers'));
      }
    }
  }
  if (type === 'PersistentVolumeClaim') {
    const given = objectIn(limit, 'min').storage ?? objectIn(limit, 'max').storage;
    const text = 'either minimum or maximum storage value is required, but neither was provided';
    if (given === undefined) causes.push(required(`${field}.limits`, text));
  }
  for (const name of names) causes.push(...compareLimits(limit, name, field));
  return causes;
}

function isLimitResource(type: string, name: string): boolean {
  if (type === 'PersistentVolumeClaim') return name === 'storage';
  return COMPUTED.includes(name) || name.startsWith('hugepages-') || (type === 'Pod' && OF_QUOTA.has(name));
}

/** The bounds of one resource must be in order: min, default request, default, max. */
function compareLimits(limit: JsonObject, name: string, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const amount = (map: string): string | undefined => {
    const value = objectIn(limit, map)[name];
    return value === undefined ? undefined : String(value);
  };
  const [min, max, normal, request, ratio] = [
    amount('min'),
    amount('max'),
    amount('default'),
    amount('defaultRequest'),
    amount('maxLimitRequestRatio'),
  ];
  const order = (
    map: string,
    shown: string | undefined,
    low: readonly [string, string | undefined],
    high: readonly [string, string | undefined],
  ): void => {
    if (low[1] === undefined || high[1] === undefined || compareQuantities(low[1], high[1]) <= 0) return;
    const text = `${low[0]} value ${low[1]} is greater than ${high[0]} value ${high[1]}`;
    causes.push(invalid(`${field}.${map}[${name}]`, shown, text));
  };
  order('min', min, ['min', min], ['max', max]);
  order('defaultRequest', request, ['min', min], ['default request', request]);
  order('defaultRequest', request, ['default request', request], ['max', max]);
  order('defaultRequest', request, ['default request', request], ['default limit', normal]);
  order('default', min, ['min', min], ['default', normal]);
  order('default', max, ['default', normal], ['max', max]);
  if (ratio === undefined) return causes;
  const place = `${field}.maxLimitRequestRatio[${name}]`;
  if (compareQuantities(ratio, '1') < 0) causes.push(invalid(place, ratio, `ratio ${ratio} is less than 1`));
  if (min === undefined || max === undefined) return causes;
  const [low, high] = [Number(parseQuantity(min)?.nano ?? 0), Number(parseQuantity(max)?.nano ?? 0)];
  if (low !== 0 && Number(parseQuantity(ratio)?.nano ?? 0) / 1e9 > high / low) {
    causes.push(invalid(place, ratio, `ratio ${ratio} is greater than max/min = ${(high / low).toFixed(6)}`));
  }
  return causes;
}
