import { parseQuantity } from '../../quantity.ts';
import { type FieldCause, invalid, required } from '../field-cause.ts';
import { checkQualifiedName, type JsonObject, objectIn, objectsIn, stringsIn, textIn } from './fields.ts';

const COUNTED = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
/** Resources of containers without a name of their own group. */
export const COMPUTED: readonly string[] = ['cpu', 'memory', 'ephemeral-storage'];
/** Names a quota may bound, without `hugepages-` ones. */
export const OF_QUOTA: ReadonlySet<string> = new Set([
  ...COMPUTED,
  ...COMPUTED.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  'requests.storage',
  ...COUNTED,
]);
const OF_PODS: ReadonlySet<string> = new Set([
  'pods',
  ...COMPUTED,
  ...COMPUTED.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
]);
const POD_SCOPES = ['Terminating', 'NotTerminating', 'NotBestEffort', 'PriorityClass', 'CrossNamespacePodAffinity'];
const SCOPES = [...POD_SCOPES, 'BestEffort', 'VolumeAttributesClass'];
const ONLY_EXISTS = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'];
const CONFLICTS = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

/** Checks a ResourceQuota; its scopes never change. */
export function validateResourceQuota(quota: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(quota, 'spec');
  const scopes = stringsIn(spec, 'scopes');
  const causes = [
    ...validateQuotaAmounts(objectIn(spec, 'hard'), 'spec.hard'),
    ...validateScopes(scopes, Object.keys(objectIn(spec, 'hard'))),
    ...validateScopeSelector(spec),
  ];
  for (const name of ['hard', 'used']) {
    causes.push(...validateQuotaAmounts(objectIn(objectIn(quota, 'status'), name), `status.${name}`));
  }
  if (old !== undefined) {
    const before = stringsIn(objectIn(old, 'spec'), 'scopes');
    const same = scopes.every((scope) => before.includes(scope)) && before.every((scope) => scopes.includes(scope));
    if (!same) causes.push(invalid('spec.scopes', scopes, 'field is immutable'));
  }
  return causes;
}

function validateQuotaAmounts(amounts: JsonObject, path: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [name, amount] of Object.entries(amounts)) {
    const field = `${path}[${name}]`;
    causes.push(...validateQuotaResource(name, field), ...checkAmount(name, String(amount), field));
  }
  return causes;
}

function validateQuotaResource(name: string, field: string): FieldCause[] {
  const causes = checkQualifiedName(name, field);
  if (causes.length > 0 || name.includes('/') || isQuotaResource(name)) return causes;
  if (name !== 'storage') causes.push(invalid(field, name, 'must be a standard resource type or fully qualified'));
  causes.push(invalid(field, name, 'must be a standard resource for quota'));
  return causes;
}

function isQuotaResource(name: string): boolean {
  return OF_QUOTA.has(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-');
}

/** Checks an amount: not negative, and whole where things are counted. */
function checkAmount(name: string, amount: string, field: string): FieldCause[] {
  const nano = parseQuantity(amount)?.nano ?? 0n;
  if (nano < 0n) return [invalid(field, amount, 'must be greater than or equal to 0')];
  const whole = COUNTED.includes(name) || name.startsWith('count/');
  return whole && nano % 1_000_000_000n !== 0n ? [invalid(field, amount, 'must be an integer')] : [];
}

function validateScopes(scopes: readonly string[], names: readonly string[]): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const scope of scopes) {
    if (!SCOPES.includes(scope)) causes.push(invalid('spec.scopes', scopes, 'unsupported scope'));
    for (const name of names) {
      if (isQuotaResource(name) && !scopeFits(scope, name)) {
        causes.push(invalid('spec.scopes', scopes, 'unsupported scope applied to resource'));
      }
    }
  }
  for (const pair of CONFLICTS) {
    if (pair.every((scope) => scopes.includes(scope))) {
      causes.push(invalid('spec.scopes', scopes, 'conflicting scopes'));
    }
  }
  return causes;
}

/** True when a scope can narrow the use of a resource; unknown scopes have been complained about. */
function scopeFits(scope: string, name: string): boolean {
  if (POD_SCOPES.includes(scope)) return OF_PODS.has(name);
  if (scope === 'BestEffort') return name === 'pods';
  if (scope === 'VolumeAttributesClass') return name === 'persistentvolumeclaims' || name === 'requests.storage';
  return true;
}

function validateScopeSelector(spec: JsonObject): FieldCause[] {
  const selector = objectIn(spec, 'scopeSelector');
  const field = 'spec.scopeSelector.matchExpressions';
  const causes: FieldCause[] = [];
  for (const requirement of objectsIn(selector, 'matchExpressions')) {
    const scope = textIn(requirement, 'scopeName');
    const operator = textIn(requirement, 'operator');
    const values = stringsIn(requirement, 'values');
    if (!SCOPES.includes(scope)) causes.push(invalid(`${field}.scopeName`, scope, 'unsupported scope'));
    for (const name of Object.keys(objectIn(spec, 'hard'))) {
      if (isQuotaResource(name) && !scopeFits(scope, name)) {
        causes.push(invalid(field, selector, 'unsupported scope applied to resource'));
      }
    }
    if (ONLY_EXISTS.includes(scope) && operator !== 'Exists') {
      const text =
        "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
      causes.push(invalid(`${field}.operator`, operator, text));
    }
    if (operator === 'In' || operator === 'NotIn') {
      const text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) causes.push(required(`${field}.values`, text));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      const text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) causes.push(invalid(`${field}.values`, values, text));
    } else causes.push(invalid(`${field}.operator`, operator, 'not a valid selector operator'));
  }
  return causes;
}
