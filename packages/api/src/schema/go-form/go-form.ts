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
  return lineDifference(goText(form, old), goText(form, now));
}

/** A value as a Kubernetes server holds it, to be shown as JSON: Go's names in Go's order, and also what is not set. */
export function goValue(form: string, value: unknown): unknown {
  if (form.startsWith('*')) return value === undefined || value === null ? null : goValue(form.slice(1), value);
  if (form.startsWith('[]')) return Array.isArray(value) ? value.map((item) => goValue(form.slice(2), item)) : null;
  if (form.startsWith('{}')) {
    if (value === undefined || value === null) return null;
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, item]) => [key, goValue(form.slice(2), item)]));
  }
  switch (form) {
    case 's':
      return value ?? '';
    case 'n':
    case 'I':
      return value ?? 0;
    case 'b':
      return value ?? false;
    case 'Q':
      return value ?? '0';
    case 'B':
    case 'T':
      return value ?? null;
    default:
      return Object.fromEntries(structEntries(form, (value ?? {}) as JsonObject));
  }
}

function structEntries(struct: string, given: JsonObject): (readonly [string, unknown])[] {
  const object = struct === 'PodSpec' ? withSharedParts(given) : given;
  return fieldsOf(struct).flatMap(({ shown, name, omitEmpty, form }) => {
    // Metadata has a name of its own in the API, other parts have not.
    if (shown === '')
      return structEntries(form, (form === 'ObjectMeta' ? (object.metadata ?? {}) : object) as JsonObject);
    const item = object[name];
    return omitEmpty && isEmpty(item) ? [] : [[shown, goValue(form, item)] as const];
  });
}

/** A server holds what a Pod shares with its host in the security context. */
function withSharedParts(spec: JsonObject): JsonObject {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = spec;
  const shared = { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers };
  return { ...spec, securityContext: { ...(spec.securityContext as JsonObject | undefined), ...shared } };
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Indented JSON with the escapes of Go. */
function goText(form: string, value: unknown): string {
  const text = JSON.stringify(
    goValue(form, value),
    (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item),
    1,
  );
  return text.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
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
