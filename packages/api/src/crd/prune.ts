import { isJsonObject, setOwn } from '../own-property.ts';
import { itemsOf, type JsonSchema, propertyOf } from './json-schema.ts';

/** Fields every object has; the schema of an object need not mention them. */
const objectFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Drops the fields a structural schema does not know (KEP "structural schema", pruning).
 *
 * `isResource`: the value is a whole object, whose apiVersion, kind and metadata are known
 * without the schema. Paths of dropped fields are appended to `unknown` in the order of the
 * input. Never changes `value`; returns it itself when there is nothing to drop.
 */
export function prune(
  value: unknown,
  schema: JsonSchema | undefined,
  isResource: boolean,
  unknown: string[] = [],
  path = '',
): unknown {
  if (schema?.['x-kubernetes-preserve-unknown-fields'] === true && schema.properties === undefined) {
    if (schema.items === undefined && typeof schema.additionalProperties !== 'object') return value;
  }
  const resource = isResource || schema?.['x-kubernetes-embedded-resource'] === true;
  if (Array.isArray(value)) return pruneList(value, itemsOf(schema), unknown, path);
  if (!isJsonObject(value)) return value;
  const keepsUnknown = schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  let copy: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const known = propertyOf(schema, name);
    const place = path === '' ? name : `${path}.${name}`;
    if (known === undefined || (resource && objectFields.has(name))) {
      if (keepsUnknown || schema?.additionalProperties === true || (resource && objectFields.has(name))) continue;
      copy ??= { ...value };
      delete copy[name];
      unknown.push(place);
      continue;
    }
    const inner = prune(value[name], known, false, unknown, place);
    if (inner === value[name]) continue;
    copy ??= { ...value };
    setOwn(copy, name, inner);
  }
  return copy ?? value;
}

function pruneList(list: readonly unknown[], items: JsonSchema | undefined, unknown: string[], path: string): unknown {
  let copy: unknown[] | undefined;
  for (const [index, item] of list.entries()) {
    const inner = prune(item, items, false, unknown, `${path}[${index}]`);
    if (inner === item) continue;
    copy ??= [...list];
    copy[index] = inner;
  }
  return copy ?? list;
}
