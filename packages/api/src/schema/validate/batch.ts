import { selectorMatches } from '../../label-selector.ts';
import { dns1123LabelErrors } from '../../names.ts';
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import type { LabelSelector } from '../../types.ts';
import { type FieldCause, invalid, notSupported, required } from '../field-cause.ts';
import { goValue } from '../go-form/go-form.ts';
import { checkImmutable, checkNonNegative, type JsonObject, numberIn, objectIn, textIn } from './fields.ts';
import { validateJobSpec } from './job-spec.ts';
import { validateLabelSelector } from './label-selector.ts';

/** Longest name of a CronJob: its Jobs append eleven characters to it. */
const CRON_JOB_NAME_MAX = 52;

/** Checks a Job; a changed one is looked at twice, as a Kubernetes server does. */
export function validateJob(job: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(job, 'spec');
  const own = old === undefined || foreignSelectorCauses(old).length === 0 ? foreignSelectorCauses(job) : [];
  const specCauses = [...validateJobSpec(spec, 'spec'), ...selectorCauses(spec)];
  const causes = [...own, ...specCauses, ...indexedNameCauses(job)];
  return old === undefined ? causes : [...causes, ...specCauses, ...changeCauses(spec, old)];
}

/** Checks that a Job selects the Pods it makes. */
function selectorCauses(spec: JsonObject): FieldCause[] {
  const { selector } = spec;
  const causes = isJsonObject(selector)
    ? validateLabelSelector(selector, 'spec.selector')
    : [required('spec.selector')];
  if (causes.length > 0 && isJsonObject(selector)) return causes;
  const { labels } = objectIn(objectIn(spec, 'template'), 'metadata');
  const matches =
    isJsonObject(selector) && selectorMatches(selector as LabelSelector, (labels ?? {}) as Record<string, string>);
  if (matches) return causes;
  return [...causes, invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')];
}

function changeCauses(spec: JsonObject, old: JsonObject): FieldCause[] {
  const before = objectIn(old, 'spec');
  const causes: FieldCause[] = [];
  const { completions } = spec;
  if (spec.completionMode !== 'Indexed') {
    causes.push(...checkImmutable(completions, before.completions, 'spec.completions'));
  } else if (completions !== before.completions && completions !== undefined && completions !== spec.parallelism) {
    causes.push(invalid('spec.completions', completions, 'can only be modified in tandem with spec.parallelism'));
  }
  causes.push(...checkImmutable(spec.selector, before.selector, 'spec.selector'));
  const suspended = before.suspend === true && objectIn(old, 'status').startTime === undefined;
  const template = suspended ? withSchedulingOf(before.template, spec.template) : spec.template;
  if (!jsonEqual(template ?? null, before.template ?? null)) {
    causes.push(invalid('spec.template', goValue('PodTemplateSpec', spec.template), 'field is immutable'));
  }
  causes.push(...checkImmutable(spec.completionMode, before.completionMode, 'spec.completionMode'));
  causes.push(...checkImmutableForm('PodFailurePolicy', spec, before, 'podFailurePolicy'));
  causes.push(...checkImmutable(spec.backoffLimitPerIndex, before.backoffLimitPerIndex, 'spec.backoffLimitPerIndex'));
  causes.push(...checkImmutable(spec.managedBy, before.managedBy, 'spec.managedBy'));
  return [...causes, ...checkImmutableForm('SuccessPolicy', spec, before, 'successPolicy')];
}

function checkImmutableForm(form: string, spec: JsonObject, old: JsonObject, name: string): FieldCause[] {
  if (jsonEqual(spec[name] ?? null, old[name] ?? null)) return [];
  return [invalid(`spec.${name}`, goValue(`*${form}`, spec[name]), 'field is immutable')];
}

/** A Job that selects its own Pods must do so by its own uid and name, which its template names. */
function foreignSelectorCauses(job: JsonObject): FieldCause[] {
  const spec = objectIn(job, 'spec');
  if (spec.manualSelector === true || !isJsonObject(spec.selector)) return [];
  const metadata = objectIn(job, 'metadata');
  const [uid, name] = [textIn(metadata, 'uid'), textIn(metadata, 'name')];
  const labels = objectIn(objectIn(objectIn(spec, 'template'), 'metadata'), 'labels');
  const wanted: readonly (readonly [label: string, value: string])[] = [
    ['controller-uid', uid],
    ['job-name', name],
    ['batch.kubernetes.io/controller-uid', uid],
    ['batch.kubernetes.io/job-name', name],
  ];
  const causes = wanted.flatMap(([label, value]) => {
    const place = `spec.template.metadata.labels[${label}]`;
    if (labels[label] === undefined) return [required(place, `must be '${value}'`)];
    return labels[label] === value ? [] : [invalid(place, labels, `must be '${value}'`)];
  });
  const isOwn = selectorMatches(spec.selector as LabelSelector, Object.fromEntries(wanted));
  return isOwn ? causes : [...causes, invalid('spec.selector', spec.selector, '`selector` not auto-generated')];
}

/** The template with what says where its Pods run taken from the old one: that may change before the Job starts. */
function withSchedulingOf(old: unknown, template: unknown): unknown {
  if (!isJsonObject(old) || !isJsonObject(template)) return template;
  const taken = (holder: string, names: readonly string[]): JsonObject => {
    const result: Record<string, unknown> = { ...objectIn(template, holder) };
    const before = objectIn(old, holder);
    for (const name of names) {
      if (before[name] === undefined) delete result[name];
      else result[name] = before[name];
    }
    return result;
  };
  const spec: Record<string, unknown> = { ...taken('spec', ['nodeSelector', 'tolerations', 'schedulingGates']) };
  const { nodeAffinity: _, ...others } = objectIn(spec, 'affinity');
  const { nodeAffinity } = objectIn(objectIn(old, 'spec'), 'affinity');
  const affinity = { ...others, ...(nodeAffinity === undefined ? {} : { nodeAffinity }) };
  if (Object.keys(affinity).length > 0) spec.affinity = affinity;
  else delete spec.affinity;
  return { ...template, metadata: taken('metadata', ['annotations', 'labels']), spec };
}

/** Pods of an indexed Job are named after it, with the highest index behind. */
function indexedNameCauses(job: JsonObject): FieldCause[] {
  const spec = objectIn(job, 'spec');
  const completions = numberIn(spec, 'completions') ?? 0;
  if (spec.completionMode !== 'Indexed' || completions === 0) return [];
  const name = textIn(objectIn(job, 'metadata'), 'name');
  const last = `${name}-${completions - 1}`;
  if (dns1123LabelErrors(last).length === 0) return [];
  return [invalid('metadata.name', name, `will not able to create pod with invalid DNS label: ${last}`)];
}

/** Checks a CronJob; a schedule with a zone in it is kept where it was there before. */
export function validateCronJob(cronJob: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(cronJob, 'spec');
  const before = old === undefined ? undefined : objectIn(old, 'spec');
  const causes = scheduleCauses(spec, before);
  causes.push(...checkNonNegative(spec.startingDeadlineSeconds, 'spec.startingDeadlineSeconds'));
  if (before === undefined || before.timeZone !== spec.timeZone) causes.push(...zoneCauses(spec.timeZone));
  const policies = ['Allow', 'Forbid', 'Replace'];
  const policy = textIn(spec, 'concurrencyPolicy');
  if (policy === '') causes.push(required('spec.concurrencyPolicy'));
  else if (!policies.includes(policy)) causes.push(notSupported('spec.concurrencyPolicy', policy, policies));
  causes.push(...validateJobTemplate(objectIn(objectIn(spec, 'jobTemplate'), 'spec'), 'spec.jobTemplate.spec'));
  for (const name of ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit']) {
    causes.push(...checkNonNegative(spec[name], `spec.${name}`));
  }
  const name = textIn(objectIn(cronJob, 'metadata'), 'name');
  if (old === undefined && name.length > CRON_JOB_NAME_MAX) {
    causes.push(invalid('metadata.name', name, `must be no more than ${CRON_JOB_NAME_MAX} characters`));
  }
  return causes;
}

function validateJobTemplate(spec: JsonObject, field: string): FieldCause[] {
  const causes = validateJobSpec(spec, field);
  if (spec.selector !== undefined) {
    causes.push(invalid(`${field}.selector`, spec.selector, '`selector` will be auto-generated'));
  }
  if (spec.manualSelector === true) causes.push(notSupported(`${field}.manualSelector`, true, ['nil', 'false']));
  return causes;
}

function scheduleCauses(spec: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const schedule = textIn(spec, 'schedule');
  if (schedule === '') return [required('spec.schedule')];
  const error = scheduleError(schedule);
  const causes = error === undefined ? [] : [invalid('spec.schedule', schedule, error)];
  if (!schedule.includes('TZ')) return causes;
  const kept = old !== undefined && textIn(old, 'schedule').includes('TZ');
  if (kept && spec.timeZone === undefined) return causes;
  const text = kept
    ? 'cannot use both timeZone field and TZ or CRON_TZ in schedule'
    : 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
  return [...causes, invalid('spec.schedule', schedule, text)];
}

function zoneCauses(zone: unknown): FieldCause[] {
  if (typeof zone !== 'string') return [];
  if (zone === '') return [invalid('spec.timeZone', '', 'timeZone must be nil or non-empty string')];
  return isTimeZone(zone) ? [] : [invalid('spec.timeZone', zone, `unknown time zone ${zone}`)];
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone !== '';
  } catch {
    return false;
  }
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** Least and most of minute, hour, day of month, month and day of week, and names for values. */
const CRON_FIELDS: readonly (readonly [min: number, max: number, names: readonly string[]])[] = [
  [0, 59, []],
  [0, 23, []],
  [1, 31, []],
  [1, 12, MONTHS],
  [0, 6, DAYS],
];
const SHORTHANDS = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \d+(\.\d+)?(ns|us|µs|ms|s|m|h).*)$/;

/** What is wrong with a cron schedule (crontab(5) and the shorthands), or `undefined`. */
function scheduleError(schedule: string): string | undefined {
  const plain = schedule.replace(/^(CRON_)?TZ=\S+\s+/, '').trim();
  if (plain.startsWith('@')) return SHORTHANDS.test(plain) ? undefined : `unrecognized descriptor: ${plain}`;
  const fields = plain.split(/\s+/);
  if (fields.length !== CRON_FIELDS.length) {
    return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  }
  for (const [index, field] of fields.entries()) {
    const [min, max, names] = CRON_FIELDS[index]!;
    for (const part of field.split(',')) {
      const match = /^(\*|\?|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d+))?$/i.exec(part);
      if (match === null) return `failed to parse int from ${part}`;
      const [, from = '', to, step] = match;
      const number = (text: string): number => {
        const named = names.indexOf(text.toLowerCase());
        if (named >= 0) return named + (names === MONTHS ? 1 : 0);
        return /^\d+$/.test(text) ? Number(text) : Number.NaN;
      };
      const start = from === '*' || from === '?' ? min : number(from);
      const end = to === undefined ? (from === '*' || from === '?' ? max : start) : number(to);
      if (Number.isNaN(start) || Number.isNaN(end)) return `failed to parse int from ${part}`;
      if (start < min) return `beginning of range (${start}) below minimum (${min}): ${part}`;
      if (end > max) return `end of range (${end}) above maximum (${max}): ${part}`;
      if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${part}`;
      if (step === '0') return `step of range should be a positive number: ${part}`;
    }
  }
  return undefined;
}
