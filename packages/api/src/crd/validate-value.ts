// Hot path: runs over every custom resource that is written.
import { isFloatInteger } from '../go-float.ts';
import { isJsonNumber } from '../json-number.ts';
import { isJsonObject, jsonEqual } from '../own-property.ts';
import { type FieldCause, invalid, notSupported, quoted, required, tooLong, tooMany } from '../schema/field-cause.ts';
import { type OldValue, oldItem, oldProperty } from './correlate.ts';
import { hasFormat, isKnownFormat } from './formats.ts';
import { itemsOf, type JsonSchema } from './json-schema.ts';
import { LinearPattern } from './linear-pattern.ts';

/** Where a value stands: `text` in messages, `base` before it in field paths. */
interface Place {
  readonly base: string;
  readonly text: string;
}

/** Mistakes, and how many checks were made: the best of several alternatives has made most. */
interface Outcome {
  readonly causes: FieldCause[];
  checks: number;
}

/** The field path of mistakes that belong to no field, as Kubernetes writes it. */
const noField = '<nil>';

const patterns = new Map<string, LinearPattern | undefined>();
const maxPatterns = 2000;

/**
 * Every mistake of a value by the OpenAPI rules of a schema, with the causes and texts of a
 * Kubernetes server. `base` stands before field paths (`status` when only the status is
 * checked). With `old`, parts that did not change are not complained about (ratcheting,
 * KEP-4008).
 */
export function valueCauses(value: unknown, schema: JsonSchema, base = '', old?: OldValue): FieldCause[] {
  return check(value, schema, { base, text: '' }, old).causes;
}

function check(value: unknown, schema: JsonSchema, place: Place, old: OldValue): Outcome {
  const outcome: Outcome = { causes: [], checks: 1 };
  checkType(value, schema, place, outcome);
  if (value !== null) {
    checkCombinations(value, schema, place, outcome);
    if (typeof value === 'string') checkString(value, schema, place, outcome);
    else if (isJsonNumber(value)) checkNumber(value, schema, place, outcome);
    else if (Array.isArray(value)) checkList(value, schema, place, outcome, old);
  }
  if (schema.enum !== undefined && schema.enum.length > 0 && !(value === null && schema.nullable === true)) {
    outcome.checks++;
    if (!schema.enum.some((allowed) => jsonEqual(allowed, value))) {
      const names = schema.enum.map((allowed) => (typeof allowed === 'string' ? allowed : JSON.stringify(allowed)));
      outcome.causes.push(notSupported(fieldOf(place), value, names));
    }
  }
  if (isJsonObject(value)) checkObject(value, schema, place, outcome, old);
  if (outcome.causes.length > 0 && old !== undefined && jsonEqual(old.value, value)) outcome.causes.length = 0;
  return outcome;
}

function fieldOf({ base, text }: Place): string {
  const inner = text.startsWith('.') ? text.slice(1) : text;
  if (inner === '') return base === '' ? noField : base;
  if (base === '') return inner;
  return inner.startsWith('[') ? base + inner : `${base}.${inner}`;
}

function nameOf({ text }: Place): string {
  return text.startsWith('.') ? text.slice(1) : text;
}

function wrong(place: Place, value: unknown, rule: string): FieldCause {
  return invalid(fieldOf(place), value, `${nameOf(place)} in body ${rule}`);
}

function wrongType(place: Place, expected: string, found: string): FieldCause {
  return {
    reason: 'FieldValueTypeInvalid',
    field: fieldOf(place),
    message: `Invalid value: ${quoted(found)}: ${nameOf(place)} in body must be of type ${expected}: ${quoted(found)}`,
  };
}

function jsonTypeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (isJsonNumber(value)) return isWhole(value) ? 'integer' : 'number';
  return typeof value === 'object' ? 'object' : typeof value;
}

function checkType(value: unknown, schema: JsonSchema, place: Place, outcome: Outcome): void {
  const expected = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : (schema.type ?? '');
  if (expected === '') return;
  outcome.checks++;
  const found = jsonTypeOf(value);
  if (found === 'null') {
    if (schema.nullable !== true) outcome.causes.push(wrongType(place, expected, 'null'));
    return;
  }
  const fits = expected.split(',').includes(found) || (found === 'integer' && expected === 'number');
  if (fits) return;
  const format = schema.format ?? '';
  if (typeof value === 'string' && format !== '' && expected !== 'number' && expected !== 'integer') return;
  if (format !== '' && typeof value !== 'string' && !Array.isArray(value) && isKnownFormat(format)) {
    const given = found === 'integer' ? 'int64' : found === 'number' ? 'double' : '';
    outcome.causes.push(wrongType(place, format, given));
    return;
  }
  outcome.causes.push(wrongType(place, expected, found));
}

function checkString(value: string, schema: JsonSchema, place: Place, outcome: Outcome): void {
  outcome.checks++;
  const { maxLength, minLength, pattern, format } = schema;
  const length = maxLength === undefined && minLength === undefined ? 0 : [...value].length;
  if (maxLength !== undefined && length > maxLength) outcome.causes.push(tooLong(fieldOf(place), maxLength));
  else if (minLength !== undefined && length < minLength) {
    outcome.causes.push(wrong(place, value, `should be at least ${minLength} chars long`));
  } else if (pattern !== undefined && pattern !== '') {
    const compiled = compiledPattern(pattern);
    if (compiled === undefined) {
      outcome.causes.push(wrong(place, value, `should match '${pattern}', but pattern is invalid`));
    } else if (!compiled.test(value)) outcome.causes.push(wrong(place, value, `should match '${pattern}'`));
  }
  if (format !== undefined && format !== '' && !hasFormat(format, value)) {
    outcome.causes.push({
      reason: 'FieldValueTypeInvalid',
      field: fieldOf(place),
      message: `Invalid value: ${quoted(value)}: ${nameOf(place)} in body must be of type ${format}: ${quoted(value)}`,
    });
  }
}

function compiledPattern(source: string): LinearPattern | undefined {
  let compiled = patterns.get(source);
  if (compiled === undefined && !patterns.has(source)) {
    const result = LinearPattern.compile(source);
    compiled = result instanceof LinearPattern ? result : undefined;
    if (patterns.size >= maxPatterns) patterns.clear();
    patterns.set(source, compiled);
  }
  return compiled;
}

function checkNumber(value: number | bigint, schema: JsonSchema, place: Place, outcome: Outcome): void {
  outcome.checks++;
  const { multipleOf, maximum, minimum } = schema;
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    outcome.causes.push(wrong(place, value, `should be a multiple of ${multipleOf}`));
  }
  if (maximum !== undefined) {
    const exclusive = schema.exclusiveMaximum === true;
    const rule = exclusive ? 'should be less than' : 'should be less than or equal to';
    if (exclusive ? value >= maximum : value > maximum) outcome.causes.push(wrong(place, value, `${rule} ${maximum}`));
  }
  if (minimum !== undefined) {
    const exclusive = schema.exclusiveMinimum === true;
    const rule = exclusive ? 'should be greater than' : 'should be greater than or equal to';
    if (exclusive ? value <= minimum : value < minimum) outcome.causes.push(wrong(place, value, `${rule} ${minimum}`));
  }
}

function isWhole(value: number | bigint): boolean {
  return typeof value === 'bigint' || isFloatInteger(value);
}

function isMultiple(value: number | bigint, factor: number): boolean {
  if (factor === 0) return true;
  if (Number.isInteger(factor) && (typeof value === 'bigint' || Number.isSafeInteger(value))) {
    return BigInt(value) % BigInt(factor) === 0n;
  }
  return isFloatInteger(factor < 1 ? (1 / factor) * Number(value) : Number(value) / factor);
}

function checkList(value: readonly unknown[], schema: JsonSchema, place: Place, outcome: Outcome, old: OldValue): void {
  outcome.checks++;
  const items = itemsOf(schema);
  if (items !== undefined) {
    for (const [index, item] of value.entries()) {
      merge(outcome, check(item, items, { ...place, text: `${place.text}[${index}]` }, oldItem(old, item, schema)));
    }
  }
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    outcome.causes.push(wrong(place, value.length, `should have at least ${schema.minItems} items`));
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    outcome.causes.push(tooMany(fieldOf(place), value.length, schema.maxItems));
  }
  if (schema.uniqueItems === true) {
    const texts = new Set(value.map((item) => JSON.stringify(item)));
    if (texts.size < value.length) outcome.causes.push(wrong(place, value, "shouldn't contain duplicates"));
  }
}

function checkObject(
  value: Readonly<Record<string, unknown>>,
  schema: JsonSchema,
  place: Place,
  outcome: Outcome,
  old: OldValue,
): void {
  outcome.checks++;
  const { properties, additionalProperties } = schema;
  const names = Object.keys(value);
  if (schema.minProperties !== undefined && names.length < schema.minProperties) {
    outcome.causes.push(wrong(place, names.length, `should have at least ${schema.minProperties} properties`));
    return;
  }
  if (schema.maxProperties !== undefined && names.length > schema.maxProperties) {
    outcome.causes.push(tooMany(fieldOf(place), names.length, schema.maxProperties));
    return;
  }
  for (const name of names.sort()) {
    const declared = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
    const inner = { ...place, text: `${place.text}.${name}` };
    const known = declared ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (known !== undefined) merge(outcome, check(value[name], known, inner, oldProperty(old, name, schema)));
    else if (additionalProperties === false) {
      outcome.causes.push(wrong(inner, '', 'is a forbidden property'));
    }
  }
  for (const name of schema.required ?? []) {
    outcome.checks++;
    if (Object.hasOwn(value, name)) continue;
    outcome.causes.push(required(fieldOf({ ...place, text: `${place.text}.${name}` })));
    outcome.checks--;
  }
}

function nameless(message: string): FieldCause {
  return { reason: 'FieldValueInvalid', field: noField, message: `Invalid value: "": ${message}` };
}

function merge(outcome: Outcome, inner: Outcome): void {
  outcome.causes.push(...inner.causes);
  outcome.checks += inner.checks;
}

/** allOf, anyOf, oneOf and not. Their parts see no old value: ratcheting is for the whole. */
function checkCombinations(value: unknown, schema: JsonSchema, place: Place, outcome: Outcome): void {
  const { anyOf, oneOf, allOf, not } = schema;
  const subject = JSON.stringify(nameOf(place));
  const outcomes = (schemas: readonly JsonSchema[]): Outcome[] =>
    schemas.map((part) => check(value, part, place, undefined));
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  if (anyOf !== undefined && anyOf.length > 0 && !(intOrString && isIntOrStringPattern(anyOf))) {
    const results = outcomes(anyOf);
    if (results.every(({ causes }) => causes.length > 0)) {
      outcome.causes.push(nameless(`${subject} must validate at least one schema (anyOf)`));
      merge(outcome, best(results));
    }
  }
  if (oneOf !== undefined && oneOf.length > 0) {
    const results = outcomes(oneOf);
    const valid = results.filter(({ causes }) => causes.length === 0).length;
    if (valid !== 1) {
      const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
      outcome.causes.push(nameless(`${subject} must validate one and only one schema (oneOf). ${found}`));
      if (valid === 0) merge(outcome, best(results));
    }
  }
  if (allOf !== undefined && allOf.length > 0) {
    const results = outcomes(allOf);
    for (const result of results) merge(outcome, result);
    const valid = results.filter(({ causes }) => causes.length === 0).length;
    if (valid !== results.length) {
      const none = valid === 0 ? '. None validated' : '';
      outcome.causes.push(nameless(`${subject} must validate all the schemas (allOf)${none}`));
    }
  }
  if (not !== undefined && check(value, not, place, undefined).causes.length === 0) {
    outcome.causes.push(nameless(`${subject} must not validate the schema (not)`));
  }
}

/** The `anyOf` that structural schemas may carry beside int-or-string says what is checked anyhow. */
function isIntOrStringPattern(anyOf: readonly JsonSchema[]): boolean {
  return anyOf.length === 2 && anyOf[0]?.type === 'integer' && anyOf[1]?.type === 'string';
}

function best(results: readonly Outcome[]): Outcome {
  return results.reduce((left, right) => (right.checks > left.checks ? right : left));
}
