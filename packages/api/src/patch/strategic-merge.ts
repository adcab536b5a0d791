import { getOwn, isJsonObject, jsonEqual, setOwn } from '../own-property.ts';
import { plainText } from '../plain-text.ts';
import { SchemaError } from '../schema/schema-error.ts';
import type { SchemaField, SchemaValue } from '../schema/schema-type.ts';
import { childStructure } from '../structure.ts';
import { orderItems } from './element-order.ts';

type JsonObject = Record<string, unknown>;

const ORDER = '$setElementOrder/';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';

/**
 * Applies a strategic merge patch to an object of a schema type (`core.v1.Service`).
 *
 * Objects merge and null deletes, as in a merge patch; a list whose field has
 * `patchStrategy: merge` merges item by item, by `patchMergeKey`. Directives:
 * `$patch: delete|replace|merge`, `$retainKeys`, `$setElementOrder/FIELD`,
 * `$deleteFromPrimitiveList/FIELD`. Inputs stay unchanged; throws a SchemaError
 * (`patch`) for a malformed directive.
 */
export function strategicMergePatch(typeId: string, original: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) throw new SchemaError('patch', 'Invalid JSON Patch');
  return mergeObject({ type: 'object', ref: typeId }, isJsonObject(original) ? original : {}, patch);
}

function bad(message: string): never {
  throw new SchemaError('patch', message);
}

function mergeObject(structure: SchemaValue | undefined, original: JsonObject, patch: JsonObject): JsonObject {
  const directive = getOwn(patch, '$patch');
  if (directive !== undefined)
    return replaceObject(directive, patch, () => mergeObject(structure, original, without(patch, '$patch')));
  const result = retainKeys(original, patch);
  const ordered = new Set<string>();
  // Lists with an order directive first: the directive and its list belong together.
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(ORDER)) continue;
    const name = key.slice(ORDER.length);
    ordered.add(name);
    if (!Array.isArray(order)) bad(`${key} must be a list`);
    orderedList(childStructure(structure, name), result, name, getOwn(patch, name), order);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(ORDER) || key === '$retainKeys' || ordered.has(key)) continue;
    if (key.startsWith(DELETE_PRIMITIVES)) {
      deletePrimitives(result, key.slice(DELETE_PRIMITIVES.length), value);
    } else if (value === null) {
      delete result[key];
    } else {
      setOwn(result, key, mergeValue(childStructure(structure, key), getOwn(result, key), value));
    }
  }
  return result;
}

function replaceObject(directive: unknown, patch: JsonObject, merge: () => JsonObject): JsonObject {
  if (directive === 'replace') return without(patch, '$patch');
  if (directive === 'delete') return {};
  if (directive === 'merge') return merge();
  return bad(`unknown patch type found: ${plainText(directive)}`);
}

function without(object: JsonObject, name: string): JsonObject {
  const copy = { ...object };
  delete copy[name];
  return copy;
}

function retainKeys(original: JsonObject, patch: JsonObject): JsonObject {
  const result = { ...original };
  const retained = getOwn(patch, '$retainKeys');
  if (retained === undefined) return result;
  if (!Array.isArray(retained)) return bad('$retainKeys must be a list');
  const keep = new Set<unknown>(retained);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$') || value === null) continue;
    if (!keep.has(key)) bad('$retainKeys list does not contain all the keys of the patch');
  }
  for (const key of Object.keys(result)) if (!keep.has(key)) delete result[key];
  return result;
}

function mergeValue(structure: SchemaField | SchemaValue | undefined, original: unknown, patch: unknown): unknown {
  const strategy = strategies(structure);
  if (isJsonObject(patch)) {
    return isJsonObject(original) && !strategy.includes('replace')
      ? mergeObject(structure, original, patch)
      : dropDirectives(patch);
  }
  if (!Array.isArray(patch)) return patch;
  return Array.isArray(original) && strategy.includes('merge')
    ? mergeList(structure, original, patch)
    : dropDirectives(patch);
}

function strategies(structure: SchemaField | SchemaValue | undefined): readonly string[] {
  return ((structure as SchemaField | undefined)?.patchStrategy ?? '').split(',');
}

function mergeKeyOf(structure: SchemaField | SchemaValue | undefined): string | undefined {
  return (structure as SchemaField | undefined)?.patchMergeKey;
}

function mergeList(
  structure: SchemaField | SchemaValue | undefined,
  original: readonly unknown[],
  patch: readonly unknown[],
): unknown[] {
  const key = mergeKeyOf(structure);
  if (![...original, ...patch].some(isJsonObject)) {
    const merged = unique([...original, ...patch]);
    return orderItems(merged, patch, original, undefined);
  }
  if (key === undefined) return bad('cannot merge lists without merge key for type map');
  const items = patch.filter((item) => isJsonObject(item) && !('$patch' in item));
  let base: readonly unknown[] = original;
  for (const item of patch) {
    if (!isJsonObject(item)) return bad(`list item must be an object with the merge key ${key}`);
    if (!('$patch' in item)) continue;
    if (item.$patch === 'replace') return items.map(dropDirectives);
    if (item.$patch !== 'delete') return bad(`unknown patch type found: ${plainText(item.$patch)}`);
    if (!(key in item)) return bad(`delete patch type with no merge key defined`);
    base = base.filter((old) => !(isJsonObject(old) && jsonEqual(old[key], item[key])));
  }
  const merged: unknown[] = [...base];
  for (const item of items as JsonObject[]) {
    if (!(key in item)) return bad(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const at = merged.findIndex((old) => isJsonObject(old) && jsonEqual(old[key], item[key]));
    if (at < 0) merged.push(dropDirectives(item));
    else merged[at] = mergeObject(structure?.items, merged[at] as JsonObject, item);
  }
  return orderItems(merged, items, base, key);
}

function unique(list: readonly unknown[]): unknown[] {
  return list.filter((item, index) => list.findIndex((other) => jsonEqual(other, item)) === index);
}

/** Merges one list and puts it in the order that `$setElementOrder` lists. */
function orderedList(
  structure: SchemaField | SchemaValue | undefined,
  result: JsonObject,
  name: string,
  patch: unknown,
  order: readonly unknown[],
): void {
  if (patch === null) {
    delete result[name];
    return;
  }
  const original = getOwn(result, name);
  const before: readonly unknown[] = Array.isArray(original) ? original : [];
  const merged = patch === undefined ? original : mergeValue(structure, original, patch);
  if (!Array.isArray(merged)) return;
  setOwn(result, name, orderItems(merged, order, before, mergeKeyOf(structure)));
}

function deletePrimitives(result: JsonObject, name: string, values: unknown): void {
  if (!Array.isArray(values)) bad(`${DELETE_PRIMITIVES}${name} must be a list`);
  const list = getOwn(result, name);
  if (!Array.isArray(list)) return;
  setOwn(
    result,
    name,
    list.filter((item) => !values.some((value) => jsonEqual(value, item))),
  );
}

/** What a patch value becomes where there is nothing to merge it with: its directives and nulls go. */
function dropDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !(isJsonObject(item) && '$patch' in item)).map(dropDirectives);
  }
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  if (value.$patch === 'delete') return result;
  for (const [key, child] of Object.entries(value)) {
    if (
      child === null ||
      key === '$patch' ||
      key === '$retainKeys' ||
      /^\$(setElementOrder|deleteFromPrimitiveList)\//.test(key)
    )
      continue;
    setOwn(result, key, dropDirectives(child));
  }
  return result;
}
