import { isJsonObject, setOwn } from '../own-property.ts';
import { itemsOf, type JsonSchema, propertyOf } from './json-schema.ts';

/**
 * Fills in the defaults of a structural schema, in place.
 *
 * A `null` for a field that is not nullable counts as absent: it is dropped, and the default
 * takes its place where there is one.
 */
export function applySchemaDefaults(value: unknown, schema: JsonSchema | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items === undefined) return;
    for (const [index, item] of value.entries()) {
      if (item === null && items.nullable !== true && items.default !== undefined) {
        value[index] = structuredClone(items.default);
      }
      applySchemaDefaults(value[index], items);
    }
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined) continue;
    const present = Object.hasOwn(value, name) && (value[name] !== null || property.nullable === true);
    if (!present) setOwn(value, name, structuredClone(property.default));
  }
  for (const name of Object.keys(value)) {
    const property = propertyOf(schema, name);
    if (property === undefined) continue;
    if (value[name] === null && property.nullable !== true) {
      if (property.default === undefined) {
        if (schema.properties !== undefined && Object.hasOwn(schema.properties, name)) delete value[name];
        continue;
      }
      setOwn(value, name, structuredClone(property.default));
    }
    applySchemaDefaults(value[name], property);
  }
}

/** True when a schema has a default anywhere. */
export function hasDefaults(schema: JsonSchema | undefined): boolean {
  if (schema === undefined) return false;
  if (schema.default !== undefined || hasDefaults(itemsOf(schema))) return true;
  if (typeof schema.additionalProperties === 'object' && hasDefaults(schema.additionalProperties)) return true;
  return Object.values(schema.properties ?? {}).some(hasDefaults);
}
