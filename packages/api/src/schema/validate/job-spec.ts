import { type FieldCause, invalid, notSupported, required, tooLong, tooMany } from '../field-cause.ts';
import { goValue } from '../go-form/go-form.ts';
import { checkDomainPath, checkNonNegative, type JsonObject, numberIn, objectIn, objectsIn, textIn } from './fields.ts';
import { readJobIndexes } from './job-indexes.ts';
import { validatePodTemplate } from './pod/pod.ts';
import { validatePodFailurePolicy } from './pod-failure-policy.ts';

const RESTART_POLICIES = ['OnFailure', 'Never'];
const REPLACEMENT_POLICIES = ['Failed', 'TerminatingOrFailed'];
const MANAGED_BY_MAX = 63;
/** Most Pods at a time, and most failed indexes, of a Job with indexes. */
const INDEXED_MAX = 100_000;
/** The same where a Job has more completions than that, and a limit of failures for each index. */
const INDEXED_MAX_OF_MANY = 10_000;
const SUCCESS_RULES_MAX = 20;
const INDEXES_MAX_LENGTH = 64 * 1024;

/** Checks the specification of a Job, as in a CronJob too; its selector is not looked at. */
export function validateJobSpec(spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const counts = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'];
  for (const name of [...counts, 'backoffLimitPerIndex', 'maxFailedIndexes']) {
    causes.push(...checkNonNegative(spec[name], `${field}.${name}`));
  }
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    causes.push(required(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  }
  if (typeof spec.managedBy === 'string') {
    causes.push(...checkDomainPath(spec.managedBy, `${field}.managedBy`));
    if (spec.managedBy.length > MANAGED_BY_MAX) causes.push(tooLong(`${field}.managedBy`, MANAGED_BY_MAX));
  }
  causes.push(...modeCauses(spec, field));
  causes.push(...validatePodFailurePolicy(spec, field));
  causes.push(...successCauses(spec, `${field}.successPolicy`));
  const { podReplacementPolicy: replacement } = spec;
  const replacements = spec.podFailurePolicy === undefined ? REPLACEMENT_POLICIES : ['Failed'];
  if (typeof replacement === 'string' && !replacements.includes(replacement)) {
    causes.push(notSupported(`${field}.podReplacementPolicy`, replacement, replacements));
  }
  const template = objectIn(spec, 'template');
  causes.push(...validatePodTemplate(template, `${field}.template`));
  const policy = textIn(objectIn(template, 'spec'), 'restartPolicy');
  const policyField = `${field}.template.spec.restartPolicy`;
  if (policy === '' || policy === 'Always') {
    causes.push(required(policyField, `valid values: ${RESTART_POLICIES.map((text) => `"${text}"`).join(', ')}`));
  } else if (!RESTART_POLICIES.includes(policy)) {
    causes.push(notSupported(policyField, policy, RESTART_POLICIES));
  } else if (spec.podFailurePolicy !== undefined && policy !== 'Never') {
    causes.push(invalid(policyField, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
  return causes;
}

/** Checks what goes with indexes and what goes without. */
function modeCauses(spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const mode = textIn(spec, 'completionMode');
  if (spec.completionMode !== undefined && mode !== 'Indexed' && mode !== 'NonIndexed') {
    causes.push(notSupported(`${field}.completionMode`, mode, ['NonIndexed', 'Indexed']));
  }
  const [failures, mostField] = [numberIn(spec, 'maxFailedIndexes'), `${field}.maxFailedIndexes`];
  if (mode === 'Indexed') return [...causes, ...indexedCauses(spec, field)];
  if (mode !== 'NonIndexed' && spec.completionMode !== undefined) return causes;
  const { backoffLimitPerIndex: perIndex } = spec;
  const text = 'requires indexed completion mode';
  if (perIndex !== undefined) causes.push(invalid(`${field}.backoffLimitPerIndex`, perIndex, text));
  if (failures !== undefined) causes.push(invalid(mostField, failures, text));
  return causes;
}

function indexedCauses(spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const completions = numberIn(spec, 'completions');
  const [parallelism, parallelField] = [numberIn(spec, 'parallelism'), `${field}.parallelism`];
  const [failures, mostField] = [numberIn(spec, 'maxFailedIndexes'), `${field}.maxFailedIndexes`];
  if (completions === undefined) causes.push(required(`${field}.completions`, 'when completion mode is Indexed'));
  if (parallelism !== undefined && parallelism > INDEXED_MAX) {
    const text = `must be less than or equal to ${INDEXED_MAX} when completion mode is Indexed`;
    causes.push(invalid(parallelField, parallelism, text));
  }
  if (failures !== undefined && completions !== undefined && failures > completions) {
    causes.push(invalid(mostField, failures, 'must be less than or equal to completions'));
  }
  if (failures !== undefined && failures > INDEXED_MAX) {
    causes.push(invalid(mostField, failures, `must be less than or equal to ${INDEXED_MAX}`));
  }
  if (completions === undefined || completions <= INDEXED_MAX || spec.backoffLimitPerIndex === undefined) return causes;
  if (failures === undefined) {
    causes.push(required(mostField, `must be specified when completions is above ${INDEXED_MAX}`));
  }
  const text = `must be less than or equal to ${INDEXED_MAX_OF_MANY} when completions are above ${INDEXED_MAX} and used with backoff limit per index`;
  if (parallelism !== undefined && parallelism > INDEXED_MAX_OF_MANY) {
    causes.push(invalid(parallelField, parallelism, text));
  }
  if (failures !== undefined && failures > INDEXED_MAX_OF_MANY) causes.push(invalid(mostField, failures, text));
  return causes;
}

/** Checks when a Job counts as done before all of it is (KEP-3998). */
function successCauses(spec: JsonObject, field: string): FieldCause[] {
  const { successPolicy } = spec;
  if (successPolicy === undefined) return [];
  if (spec.completionMode !== 'Indexed') {
    return [invalid(field, goValue('SuccessPolicy', successPolicy), 'requires indexed completion mode')];
  }
  const rules = objectsIn(objectIn(spec, 'successPolicy'), 'rules');
  const causes: FieldCause[] = [];
  if (rules.length === 0) {
    const text = 'at least one rules must be specified when the successPolicy is specified';
    causes.push(required(`${field}.rules`, text));
  }
  if (rules.length > SUCCESS_RULES_MAX) causes.push(tooMany(`${field}.rules`, rules.length, SUCCESS_RULES_MAX));
  const completions = numberIn(spec, 'completions') ?? 0;
  for (const [index, rule] of rules.entries()) {
    causes.push(...successRuleCauses(rule, `${field}.rules[${index}]`, completions));
  }
  return causes;
}

function successRuleCauses(rule: JsonObject, field: string, completions: number): FieldCause[] {
  const causes: FieldCause[] = [];
  const { succeededIndexes: indexes } = rule;
  const [count, countField] = [numberIn(rule, 'succeededCount'), `${field}.succeededCount`];
  if (count === undefined && indexes === undefined) {
    causes.push(required(field, 'at least one of succeededCount or succeededIndexes must be specified'));
  }
  let total = 0;
  if (typeof indexes === 'string') {
    const place = `${field}.succeededIndexes`;
    if (indexes.length > INDEXES_MAX_LENGTH) causes.push(tooLong(place, INDEXES_MAX_LENGTH));
    const read = readJobIndexes(indexes, completions);
    if (read.ok) total = read.total;
    else causes.push(invalid(place, indexes, `error parsing succeededIndexes: ${read.error}`));
  }
  if (count === undefined) return causes;
  causes.push(...checkNonNegative(count, countField));
  if (count > completions) {
    const text = `must be less than or equal to ${completions} (the number of specified completions)`;
    causes.push(invalid(countField, count, text));
  }
  if (indexes !== undefined && count > total) {
    const text = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
    causes.push(invalid(countField, count, text));
  }
  return causes;
}
