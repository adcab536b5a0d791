import { isJsonObject } from '../own-property.ts';
import { duplicate, type FieldCause } from '../schema/field-cause.ts';
import { keysOf } from './correlate.ts';
import { itemsOf, type JsonSchema, propertyOf } from './json-schema.ts';

/** Items that lists of type `set` and `map` hold twice. */
export function listTypeCauses(value: unknown, schema: JsonSchema | undefined, path = ''): FieldCause[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return [
      ...repeated(value, schema, path),
      ...(items === undefined ? [] : value.flatMap((item, index) => listTypeCauses(item, items, `${path}[${index}]`))),
    ];
  }
  if (!isJsonObject(value)) return [];
  return Object.keys(value).flatMap((name) => {
    const property = propertyOf(schema, name);
    const place = schema.properties !== undefined && Object.hasOwn(schema.properties, name) ? `.${name}` : `[${name}]`;
    return property === undefined ? [] : listTypeCauses(value[name], property, path === '' ? name : path + place);
  });
}

function repeated(list: readonly unknown[], schema: JsonSchema, path: string): FieldCause[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const seen = new Set<string>();
  const causes: FieldCause[] = [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  for (const [index, item] of list.entries()) {
    const identity = type === 'map' ? (isJsonObject(item) ? keysOf(item, keys, schema) : item) : item;
    const text = canonical(identity);
    if (seen.has(text)) causes.push(duplicate(`${path}[${index}]`, identity));
    seen.add(text);
  }
  return causes;
}

function canonical(value: unknown): string {
  return JSON.stringify(inOrder(value));
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, inOrder(inner)]));
}
