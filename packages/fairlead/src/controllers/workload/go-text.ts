import type { PodTemplateSpec } from '@fairlead/api';
import { dumpQuantity } from './go-quantity.ts';
import { type GoField, type GoType, goType } from './go-types.ts';

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** Whether Go has nil for it: an API server's answer makes no difference between nothing and an empty list or map. */
function isNil({ kind }: GoType, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (kind === 'list') return (value as readonly unknown[]).length === 0;
  return kind === 'map' && Object.keys(value).length === 0;
}

/** By bytes, as Go compares texts. */
function sortedEntries(value: unknown): [string, unknown][] {
  return Object.entries(fieldsOf(value)).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function dumpIntOrString(value: unknown): string {
  const text = typeof value === 'string';
  const number = typeof value === 'number' ? value : 0;
  return `{Type:(intstr.Type)${text ? 1 : 0} IntVal:(int32)${number} StrVal:(string)${text ? value : ''}}`;
}

/** A value as spew prints it, without its type. */
function dump(type: GoType, value: unknown): string {
  switch (type.kind) {
    case 'struct': {
      const own = fieldsOf(value);
      const fields = type.fields.map(({ goName, jsonName, type: of }) => {
        return `${goName}:(${of.text})${dump(of, jsonName === '' ? own : own[jsonName])}`;
      });
      return `{${fields.join(' ')}}`;
    }
    case 'pointer':
      return isNil(type, value) ? '<nil>' : dump(type.of, value);
    case 'list':
      return isNil(type, value) ? '<nil>' : `[${(value as unknown[]).map((each) => dump(type.of, each)).join(' ')}]`;
    case 'map':
      return isNil(type, value)
        ? '<nil>'
        : `map[${sortedEntries(value)
            .map(([key, each]) => `${key}:${dump(type.of, each)}`)
            .join(' ')}]`;
    case 'quantity':
      return dumpQuantity(String(value ?? '0'));
    case 'time':
      return '{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}';
    case 'int-or-string':
      return dumpIntOrString(value);
    case 'string':
      return String(value ?? '');
    case 'bool':
      return String(value ?? false);
    case 'number':
      return String(value ?? 0);
  }
}

/** Whether JSON leaves a field out that need not be written. Structs always are. */
function isEmpty(type: GoType, value: unknown): boolean {
  if (type.kind === 'struct' || type.kind === 'quantity' || type.kind === 'int-or-string') return false;
  return (
    type.kind === 'time' ||
    isNil(type, value) ||
    (type.kind !== 'pointer' && (value === '' || value === 0 || value === false))
  );
}

/** What Go writes to JSON for a value: fields that are always there, and none that are empty. */
function written(type: GoType, value: unknown): unknown {
  switch (type.kind) {
    case 'struct':
      return writtenFields(type.fields, fieldsOf(value));
    case 'pointer':
      return isNil(type, value) ? null : written(type.of, value);
    case 'list':
      return isNil(type, value) ? null : (value as unknown[]).map((each) => written(type.of, each));
    case 'map':
      return isNil(type, value)
        ? null
        : Object.fromEntries(sortedEntries(value).map(([key, each]) => [key, written(type.of, each)]));
    case 'quantity':
      return String(value ?? '0');
    case 'string':
      return value ?? '';
    case 'bool':
      return value ?? false;
    default:
      return value ?? 0;
  }
}

function writtenFields(fields: readonly GoField[], own: Fields): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const { jsonName, always, type } of fields) {
    const value = jsonName === '' ? own : own[jsonName];
    if (jsonName === '') Object.assign(out, written(type, own));
    else if (always || !isEmpty(type, value)) out[jsonName] = written(type, value);
  }
  return out;
}

const template = 'v1.PodTemplateSpec';

/** A pod template as Kubernetes prints it to hash it (k8s.io/apimachinery, dump.ForHash: go-spew's `%#v`). */
export function dumpTemplate(value: PodTemplateSpec): string {
  return `(${template})${dump(goType(template), value)}`;
}

/** A pod template as Kubernetes writes it to JSON. */
export function writtenTemplate(value: PodTemplateSpec): PodTemplateSpec {
  return written(goType(template), value) as PodTemplateSpec;
}

/** Text of JSON as Go's encoding/json writes it: maps sorted by key, characters of HTML escaped. */
export function goJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goJson).join()}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${sortedEntries(value)
      .map(([key, each]) => `${goJson(key)}:${goJson(each)}`)
      .join()}}`;
  }
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
