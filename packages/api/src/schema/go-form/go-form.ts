import type { JsonObject } from '../validate/fields.ts';
import { goStructs } from './go-structs.ts';
import { lineDifference } from './line-difference.ts';

interface GoField {
  /** As the server writes it, `''` for a struct whose fields stand among the others. */
  readonly shown: string;
  /** As it is called in the API. */
  readonly name: string;
  readonly omitEmpty: boolean;
  readonly form: string;
}

const fieldsByStruct = new Map<string, readonly GoField[]>();

/**
 * How two values of one struct differ, as lines of what a Kubernetes server holds inside: Go's names, and also what is not
 * set. For messages about changes that are not allowed. `form` is a struct of `goStructs`, or a list of one (`[]Struct`).
 */
export function goDifference(form: string, old: unknown, now: unknown): string {
  return lineDifference(goText(form, old, 0), goText(form, now, 0));
}

/** A value as indented lines of JSON, in the order and with the escapes of Go. */
function goText(form: string, value: unknown, depth: number): string {
  if (form.startsWith('*')) return value === undefined || value === null ? 'null' : goText(form.slice(1), value, depth);
  if (form.startsWith('[]')) {
    if (!Array.isArray(value)) return 'null';
    return block(
      '[]',
      value.map((item) => goText(form.slice(2), item, depth + 1)),
      depth,
    );
  }
  if (form.startsWith('{}')) {
    if (value === undefined || value === null) return 'null';
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return block(
      '{}',
      entries.map(([key, item]) => `${goString(key)}: ${goText(form.slice(2), item, depth + 1)}`),
      depth,
    );
  }
  switch (form) {
    case 's':
      return goString(String(value ?? ''));
    case 'n':
      return String(value ?? 0);
    case 'b':
      return String(value ?? false);
    case 'I':
      return typeof value === 'string' ? goString(value) : String(value ?? 0);
    case 'Q':
      return goString(String(value ?? '0'));
    case 'B':
    case 'T':
      return value === undefined || value === null ? 'null' : goString(String(value));
    default:
      return block('{}', structLines(form, value, depth), depth);
  }
}

function structLines(struct: string, value: unknown, depth: number): string[] {
  const object = (value ?? {}) as JsonObject;
  return fieldsOf(struct).flatMap(({ shown, name, omitEmpty, form }) => {
    if (shown === '') return structLines(form, object, depth);
    const item = object[name];
    if (omitEmpty && isEmpty(item)) return [];
    return [`${goString(shown)}: ${goText(form, item, depth + 1)}`];
  });
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function block(brackets: string, lines: readonly string[], depth: number): string {
  if (lines.length === 0) return brackets;
  const indent = `\n${' '.repeat(depth + 1)}`;
  return `${brackets[0]}${indent}${lines.join(`,${indent}`)}\n${' '.repeat(depth)}${brackets[1]}`;
}

function goString(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function fieldsOf(struct: string): readonly GoField[] {
  const known = fieldsByStruct.get(struct);
  if (known !== undefined) return known;
  const fields = goStructs[struct]!.split(' ').map(readField);
  fieldsByStruct.set(struct, fields);
  return fields;
}

function readField(text: string): GoField {
  if (text.startsWith('+')) return { shown: '', name: '', omitEmpty: false, form: text.slice(1) };
  const [names = '', form = ''] = text.split(':');
  const [shown = '', name] = names.replace('~', '').split('=');
  return {
    shown,
    name: name ?? `${shown[0]!.toLowerCase()}${shown.slice(1)}`,
    omitEmpty: names.startsWith('~'),
    form,
  };
}
