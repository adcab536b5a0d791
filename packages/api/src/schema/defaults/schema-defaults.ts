import { isJsonObject } from '../../own-property.ts';
import { schemaTypes } from '../all-types.ts';
import type { SchemaValue } from '../schema-type.ts';

const reaches = new Map<string, boolean>();

/** Whether a type, or one inside it, publishes a default. Types may be recursive. */
function hasDefaults(typeId: string): boolean {
  const known = reaches.get(typeId);
  if (known !== undefined) return known;
  reaches.set(typeId, false);
  let found = false;
  for (const field of Object.values(schemaTypes[typeId]?.fields ?? {})) {
    const ref = refOf(field);
    if (field.default !== undefined || (ref !== undefined && hasDefaults(ref))) found = true;
  }
  reaches.set(typeId, found);
  return found;
}

function refOf(value: SchemaValue): string | undefined {
  return (
    value.ref ??
    (value.items === undefined ? undefined : refOf(value.items)) ??
    (value.values === undefined ? undefined : refOf(value.values))
  );
}

/** Sets the defaults that the schema publishes, at every depth. */
export function applySchemaDefaults(typeId: string, object: Record<string, unknown>): void {
  if (!hasDefaults(typeId)) return;
  for (const [name, field] of Object.entries(schemaTypes[typeId]?.fields ?? {})) {
    if (field.default !== undefined && object[name] === undefined) object[name] = field.default;
    descend(field, object[name]);
  }
}

function descend(schema: SchemaValue, value: unknown): void {
  if (value === undefined) return;
  if (schema.items !== undefined && Array.isArray(value)) for (const item of value) descend(schema.items, item);
  else if (schema.values !== undefined && isJsonObject(value))
    for (const item of Object.values(value)) descend(schema.values, item);
  else if (schema.ref !== undefined && isJsonObject(value)) applySchemaDefaults(schema.ref, value);
}
