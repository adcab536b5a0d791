import { goFloatText } from '../go-float.ts';
import { isJsonNumber } from '../json-number.ts';
import { goTypeName, jsonKind } from './go-type-name.ts';
import type { SchemaValue } from './schema-type.ts';

/** What Go's reflection calls the kind of a value that came from JSON. */
function reflectKind(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  if (typeof value === 'bigint') return 'int64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'map';
}

/**
 * What a server says of a value of the wrong type in a strategic merge patch. Such patches are not decoded from JSON but
 * converted from the merged maps, by code with texts of its own: values convert between number types only, and
 * structures, lists and maps say what they cannot be made from.
 */
export function conversionText(value: unknown, schema: SchemaValue, field: string, struct: string): string {
  const found = reflectKind(value);
  switch (schema.type) {
    case 'object':
      return `cannot restore struct from: ${found}`;
    case 'map':
      return `cannot restore map from ${found}`;
    case 'array':
    case 'bytes':
      return `cannot restore slice from ${found}`;
    case 'int-or-string':
      return `json: cannot unmarshal ${jsonKind(value)}${isJsonNumber(value) ? ` ${String(value)}` : ''} into Go value of type int32`;
    case 'string':
      return found === 'int64'
        ? `cannot convert int64 to ${goTypeName(schema, field, struct)}`
        : 'unrecognized type: string';
    case 'integer': {
      const kind = schema.format === 'int32' ? 'int32' : 'int64';
      return isJsonNumber(value) ? `cannot convert ${found} to ${kind}` : `unrecognized type: ${kind}`;
    }
    case 'boolean':
      return 'unrecognized type: bool';
    case 'number':
      return 'unrecognized type: float64';
    // Times: the one kind of a text with a decoder of its own that comes here.
    case 'any':
    case 'quantity':
      return `json: cannot unmarshal ${jsonKind(value)} into Go value of type string`;
  }
}

/** A value of a patch as Go prints maps (`%+v`): `map[spec:map[replicas:abc]]`. */
export function goMapText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goMapText).join(' ')}]`;
  if (typeof value === 'number') return goFloatText(value);
  if (typeof value !== 'object') return String(value);
  const record = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(record).sort();
  return `map[${names.map((name) => `${name}:${goMapText(record[name])}`).join(' ')}]`;
}
