import { goFloatText } from '../go-float.ts';

/** Machine-readable reason of one field error, as in `Status.details.causes[].reason`. */
export type FieldCauseReason =
  | 'FieldValueInvalid'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueNotSupported'
  | 'FieldValueNotFound'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

/** One mistake in one field; `message` is the text a Kubernetes server gives after the path. */
export interface FieldCause {
  readonly reason: FieldCauseReason;
  /** Path as users write it: `spec.ports[0].port`. */
  readonly field: string;
  /** For example `Invalid value: 0: must be between 1 and 65535, inclusive`. */
  readonly message: string;
}

/** Writes a value the way Kubernetes quotes it in messages: strings quoted, objects as JSON. */
export function quoted(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return goQuote(value);
  if (typeof value === 'number') return goFloatText(value);
  return typeof value === 'object' ? goJson(value) : String(value);
}

/** A Go `%q` string: JSON escapes, with control characters as \x.. and no unicode escapes. */
export function goQuote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  return `"${text.replace(/[\\"\u0000-\u001f\u007f]/g, (c) => ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
  '\u0007': '\\a',
};

/** JSON as Go writes it: `<`, `>` and `&` escaped, and map keys left in their order. */
function goJson(value: object): string {
  return JSON.stringify(value).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

/** `Invalid value: …: detail`. */
export function invalid(field: string, value: unknown, detail: string): FieldCause {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${quoted(value)}: ${detail}` };
}

/** `Required value`, with a detail where the server gives one. */
export function required(field: string, detail = ''): FieldCause {
  return { reason: 'FieldValueRequired', field, message: `Required value${detail === '' ? '' : `: ${detail}`}` };
}

/** `Duplicate value: …`. */
export function duplicate(field: string, value: unknown): FieldCause {
  return { reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${quoted(value)}` };
}

/** `Forbidden: detail`. */
export function forbidden(field: string, detail: string): FieldCause {
  return { reason: 'FieldValueForbidden', field, message: `Forbidden: ${detail}` };
}

/** `Unsupported value: …: supported values: …`, listed in the given order. */
export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldCause {
  const list = supported.map(goQuote).join(', ');
  return {
    reason: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${quoted(value)}${list === '' ? '' : `: supported values: ${list}`}`,
  };
}

/** `Too long: may not be more than N bytes`. */
export function tooLong(field: string, maxBytes: number): FieldCause {
  return { reason: 'FieldValueTooLong', field, message: `Too long: may not be more than ${maxBytes} bytes` };
}

/** `Too many: N: must have at most M items`. */
export function tooMany(field: string, actual: number, max: number): FieldCause {
  return { reason: 'FieldValueTooMany', field, message: `Too many: ${actual}: must have at most ${max} items` };
}
