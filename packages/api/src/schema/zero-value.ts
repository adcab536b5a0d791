import { schemaTypes } from './all-types.ts';
import type { SchemaValue } from './schema-type.ts';

/** Whether Go holds the value as a struct, which `omitempty` never leaves out. */
export function isStruct(schema: SchemaValue): boolean {
  if (schema.type === 'array' || schema.type === 'map') return false;
  if (schema.type === 'quantity' || schema.type === 'int-or-string') return true;
  if (schema.ref === undefined) return false;
  const type = schemaTypes[schema.ref];
  return type?.fields !== undefined || type?.special !== undefined;
}

/** What Go writes for a value nobody set: `""`, `0`, `false`, `null`, or a struct with its own zero values. */
export function zeroValue(schema: SchemaValue): unknown {
  const type = schema.ref === undefined ? undefined : schemaTypes[schema.ref];
  switch (type?.special) {
    case undefined:
      break;
    case 'quantity-string':
      return '0';
    case 'int-if-type-0-string-if-type-1':
      return 0;
    default:
      return null;
  }
  switch (schema.type) {
    case 'string':
      return '';
    case 'integer':
    case 'number':
    case 'int-or-string':
      return 0;
    case 'quantity':
      return '0';
    case 'boolean':
      return false;
    case 'object':
      return zeroStruct(schema.ref);
    case 'bytes':
      return '';
    case 'array':
    case 'map':
    case 'any':
      return null;
  }
}

function zeroStruct(ref: string | undefined): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const fields = ref === undefined ? undefined : schemaTypes[ref]?.fields;
  for (const [name, field] of Object.entries(fields ?? {})) {
    if (field.omit === 'never') result[name] = field.pointer === true ? null : zeroValue(field);
    else if (field.omit === 'empty' && field.pointer !== true && isStruct(field)) result[name] = zeroValue(field);
  }
  return result;
}
