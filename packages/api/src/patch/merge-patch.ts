import { getOwn, isJsonObject, setOwn } from '../own-property.ts';
import { jsonKind } from '../schema/go-type-name.ts';
import { SchemaError } from '../schema/schema-error.ts';

/**
 * Applies a JSON merge patch (RFC 7386): null deletes, objects merge, everything
 * else replaces. Inputs stay unchanged.
 */
export function mergePatch(original: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result: Record<string, unknown> = isJsonObject(original) ? { ...original } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setOwn(result, key, mergePatch(getOwn(result, key), value));
  }
  return result;
}

/** Throws a SchemaError (`json`) with a server's text unless the patch document is an object. */
export function requireObjectPatch(patch: unknown): asserts patch is Record<string, unknown> {
  if (isJsonObject(patch)) return;
  throw new SchemaError(
    'json',
    `json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`,
  );
}
