import { isJsonObject } from '../own-property.ts';
import { schemaTypes } from './all-types.ts';
import type { SchemaValue } from './schema-type.ts';

/** Puts the keys of an object, at every depth, in the order of the schema. Changes it in place. */
export function orderFields(typeId: string, object: Record<string, unknown>): void {
  const fields = schemaTypes[typeId]?.fields;
  if (fields === undefined) return;
  const keys: string[] = [];
  for (const name in fields) {
    if (!Object.hasOwn(object, name)) continue;
    keys.push(name);
    const field = fields[name];
    if (field !== undefined) descend(field, object[name]);
  }
  const current = Object.keys(object);
  if (current.length !== keys.length || current.every((key, index) => key === keys[index])) return;
  for (const key of keys) {
    const value = object[key];
    delete object[key];
    object[key] = value;
  }
}

function descend(schema: SchemaValue, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    if (schema.items?.ref !== undefined) for (const item of value) descend(schema.items, item);
  } else if (schema.type === 'map') {
    if (schema.values?.ref !== undefined) for (const item of Object.values(value)) descend(schema.values, item);
  } else if (schema.ref !== undefined && isJsonObject(value)) {
    orderFields(schema.ref, value);
  }
}
