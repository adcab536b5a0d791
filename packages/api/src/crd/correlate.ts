import { isJsonObject, jsonEqual } from '../own-property.ts';
import { itemsOf, type JsonSchema } from './json-schema.ts';

/**
 * The old value that a part of a new value replaces, for ratcheting and transition rules
 * (KEP-4008): fields by name, items of list maps by their keys, items of sets by value, items
 * of atomic lists not at all. `undefined`: there is none.
 */
export type OldValue = { readonly value: unknown } | undefined;

/** The old value of a field. */
export function oldProperty(old: OldValue, name: string, schema: JsonSchema | undefined): OldValue {
  if (old === undefined || !isJsonObject(old.value) || schema?.['x-kubernetes-map-type'] === 'atomic') return undefined;
  return Object.hasOwn(old.value, name) ? { value: old.value[name] } : undefined;
}

/** The old value of a list item. */
export function oldItem(old: OldValue, item: unknown, schema: JsonSchema | undefined): OldValue {
  if (old === undefined || !Array.isArray(old.value) || schema === undefined) return undefined;
  switch (schema['x-kubernetes-list-type']) {
    case 'map': {
      if (!isJsonObject(item)) return undefined;
      const keys = schema['x-kubernetes-list-map-keys'] ?? [];
      const wanted = keysOf(item, keys, schema);
      const found = old.value.find(
        (candidate) => isJsonObject(candidate) && jsonEqual(keysOf(candidate, keys, schema), wanted),
      );
      return found === undefined ? undefined : { value: found };
    }
    case 'set':
      return undefined;
    default:
      return undefined;
  }
}

/** The values of a list map's keys in an item; a key that is missing has its default. */
export function keysOf(
  item: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  schema: JsonSchema,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const key of keys) {
    const value = item[key] ?? itemsOf(schema)?.properties?.[key]?.default;
    if (value !== undefined) result[key] = value;
  }
  return result;
}
