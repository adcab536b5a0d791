import { matchesLabels, requirementsOfSelector } from '../../label-selector.ts';
import { isJsonObject } from '../../own-property.ts';
import type { LabelSelector } from '../../types.ts';
import { type FieldCause, forbidden, invalid, notSupported, quoted, required } from '../field-cause.ts';
import { checkNonNegative, type JsonObject, objectIn, textIn } from './fields.ts';
import { validateLabelSelector } from './label-selector.ts';
import { validatePodTemplate } from './pod/pod.ts';

const PERCENT_ERROR =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** How a kind words what is wrong with its selector and template. */
export interface TemplateWords {
  /** The kind, where a selector is empty. */
  readonly kind: string;
  /** The kind, where a template has a deadline. */
  readonly deadlineOf: string;
  /** What is said of a selector that cannot be used; nothing when absent. */
  readonly unusable?: string;
  /** Checks the template instead of what every template is checked for. */
  readonly template?: (template: JsonObject, field: string) => FieldCause[];
}

/** Checks selector and template of a workload, and that they fit. */
export function validateSelectorAndTemplate(spec: JsonObject, words: TemplateWords): FieldCause[] {
  const causes: FieldCause[] = [];
  const { selector } = spec;
  const template = objectIn(spec, 'template');
  if (!isJsonObject(selector)) {
    return [required('spec.selector'), ...validateTemplate(template, {}, words)];
  }
  causes.push(...validateLabelSelector(selector, 'spec.selector'));
  const empty =
    Object.keys(objectIn(selector, 'matchLabels')).length === 0 &&
    !(Array.isArray(selector.matchExpressions) && selector.matchExpressions.length > 0);
  if (empty) causes.push(invalid('spec.selector', selector, `empty selector is invalid for ${words.kind}`));
  if (!isUsable(selector)) {
    if (words.unusable !== undefined) {
      const message = `Invalid value: ${quoted(selector)}${words.unusable}`;
      causes.push({ reason: 'FieldValueInvalid', field: 'spec.selector', message });
    }
    return [...causes, ...validateTemplate(template, undefined, words)];
  }
  return [...causes, ...validateTemplate(template, empty ? undefined : (selector as LabelSelector), words)];
}

/** Whether keys, operators and values of a selector can be worked with at all. */
function isUsable(selector: JsonObject): boolean {
  return validateLabelSelector(selector, '').length === 0 && requirementsOfSelector(selector as LabelSelector).ok;
}

/** Checks a template of Pods that run for ever; `{}` is the selector that was not given, which no template matches. */
export function validateTemplate(
  template: JsonObject,
  selector: LabelSelector | undefined,
  words: TemplateWords,
): FieldCause[] {
  const causes: FieldCause[] = [];
  const metadata = objectIn(template, 'metadata');
  const labels = objectIn(metadata, 'labels');
  const parsed = selector === undefined ? undefined : requirementsOfSelector(selector);
  const matches =
    parsed?.ok === true &&
    Object.keys(selector ?? {}).length > 0 &&
    matchesLabels(parsed.requirements, labels as Record<string, string>);
  if (parsed?.ok === true && !matches) {
    const shown = metadata.labels ?? null;
    causes.push(invalid('spec.template.metadata.labels', shown, '`selector` does not match template `labels`'));
  }
  causes.push(...(words.template ?? validatePodTemplate)(template, 'spec.template'));
  const spec = objectIn(template, 'spec');
  const policy = textIn(spec, 'restartPolicy');
  if (policy !== '' && policy !== 'Always') {
    causes.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  }
  if (spec.activeDeadlineSeconds !== undefined) {
    const text = `activeDeadlineSeconds in ${words.deadlineOf} is not Supported`;
    causes.push(forbidden('spec.template.spec.activeDeadlineSeconds', text));
  }
  return causes;
}

/** A strategy by the names it has inside a server. */
export function goStrategy(strategy: JsonObject, names: readonly string[]): object {
  const { type = '', rollingUpdate } = strategy;
  const field = (name: string): unknown =>
    objectIn(strategy, 'rollingUpdate')[`${name.charAt(0).toLowerCase()}${name.slice(1)}`] ?? null;
  const rolling = rollingUpdate === undefined ? null : Object.fromEntries(names.map((name) => [name, field(name)]));
  return { Type: type, RollingUpdate: rolling };
}

/** Checks a count or a percentage. */
export function checkIntOrPercent(value: unknown, field: string): FieldCause[] {
  if (typeof value === 'number') return checkNonNegative(value, field);
  return /^\d+%$/.test(String(value)) ? [] : [invalid(field, value, PERCENT_ERROR)];
}

/** Checks that a percentage is of something that is there. */
export function checkAtMost100Percent(value: unknown, field: string): FieldCause[] {
  const percent = typeof value === 'string' && /^\d+%$/.test(value) ? Number.parseInt(value, 10) : 0;
  return percent > 100 ? [invalid(field, value, 'must not be greater than 100%')] : [];
}

/** Whether a count or percentage is none. */
export function isZero(value: unknown): boolean {
  return value === 0 || (typeof value === 'string' && (/^0+%$/.test(value) || !/^\d+%$/.test(value)));
}
