import { type FieldCause, invalid, notSupported, required, tooMany } from '../field-cause.ts';
import { checkQualifiedName, type JsonObject, objectIn, objectsIn, textIn } from './fields.ts';

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const OPERATORS = ['In', 'NotIn'];
const STATUSES = ['False', 'True', 'Unknown'];
const RULES_MAX = 20;
const PATTERNS_MAX = 20;
const EXIT_CODES_MAX = 255;

/** Checks what a Job does about failed Pods (KEP-3329). */
export function validatePodFailurePolicy(spec: JsonObject, field: string): FieldCause[] {
  const rules = objectsIn(objectIn(spec, 'podFailurePolicy'), 'rules');
  const path = `${field}.podFailurePolicy.rules`;
  const causes = rules.length > RULES_MAX ? [tooMany(path, rules.length, RULES_MAX)] : [];
  const template = objectIn(objectIn(spec, 'template'), 'spec');
  const containers = ['containers', 'initContainers'].flatMap((list) =>
    objectsIn(template, list).map((container) => textIn(container, 'name')),
  );
  for (const [index, rule] of rules.entries()) {
    causes.push(...validateRule(rule, spec, `${path}[${index}]`, containers));
  }
  return causes;
}

function validateRule(rule: JsonObject, spec: JsonObject, field: string, containers: readonly string[]): FieldCause[] {
  const causes = checkWord(textIn(rule, 'action'), `${field}.action`, ACTIONS);
  if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
    causes.push(invalid(`${field}.action`, 'FailIndex', 'requires the backoffLimitPerIndex to be set'));
  }
  const hasExitCodes = rule.onExitCodes !== undefined;
  const patterns = objectsIn(rule, 'onPodConditions');
  if (hasExitCodes)
    causes.push(...validateExitCodes(objectIn(rule, 'onExitCodes'), `${field}.onExitCodes`, containers));
  if (patterns.length > PATTERNS_MAX) causes.push(tooMany(`${field}.onPodConditions`, patterns.length, PATTERNS_MAX));
  for (const [index, pattern] of patterns.entries()) {
    const place = `${field}.onPodConditions[${index}]`;
    causes.push(...checkQualifiedName(textIn(pattern, 'type'), `${place}.type`));
    causes.push(...checkWord(textIn(pattern, 'status'), `${place}.status`, STATUSES));
  }
  if (hasExitCodes === patterns.length > 0) {
    const why = hasExitCodes
      ? 'specifying both OnExitCodes and OnPodConditions is not supported'
      : 'specifying one of OnExitCodes and OnPodConditions is required';
    causes.push({ reason: 'FieldValueInvalid', field, message: `Invalid value: ${why}` });
  }
  return causes;
}

function validateExitCodes(codes: JsonObject, field: string, containers: readonly string[]): FieldCause[] {
  const operator = textIn(codes, 'operator');
  const causes = checkWord(operator, `${field}.operator`, OPERATORS);
  const { containerName } = codes;
  if (typeof containerName === 'string' && !containers.includes(containerName)) {
    const text = 'must be one of the container or initContainer names in the pod template';
    causes.push(invalid(`${field}.containerName`, containerName, text));
  }
  const values = Array.isArray(codes.values) ? (codes.values as readonly number[]) : [];
  const path = `${field}.values`;
  if (values.length === 0) causes.push(invalid(path, codes.values ?? null, 'at least one value is required'));
  if (values.length > EXIT_CODES_MAX) causes.push(tooMany(path, values.length, EXIT_CODES_MAX));
  for (const [index, value] of values.entries()) {
    if (values.indexOf(value) < index) {
      causes.push({
        reason: 'FieldValueDuplicate',
        field: `${path}[${index}]`,
        message: `Duplicate value: ${value}`,
      });
    }
    if (operator === 'In' && value === 0) {
      causes.push(invalid(`${path}[${index}]`, value, 'must not be 0 for the In operator'));
    }
  }
  if (values.some((value, index) => index > 0 && values[index - 1]! > value)) {
    causes.push(invalid(path, values, 'must be ordered'));
  }
  return causes;
}

/** A required choice, whose message lists the choices as Go prints a list of texts. */
function checkWord(value: string, field: string, words: readonly string[]): FieldCause[] {
  if (value === '') return [required(field, `valid values: [${words.map((word) => `"${word}"`).join(' ')}]`)];
  return words.includes(value) ? [] : [notSupported(field, value, words)];
}
