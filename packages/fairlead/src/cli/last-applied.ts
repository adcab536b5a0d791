import { childStructure, type SchemaField, type SchemaValue } from '@fairlead/api/schema';
import type { AnyObject } from './resource-lookup.ts';

/** Where kubectl (and so we) keep the configuration that was applied last. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * What to send for a manifest: without its null members, and with the annotation that a later apply
 * compares with. The annotation's text is the one that kubectl would write, so that the two can
 * take turns without a change.
 */
export function withLastApplied(manifest: AnyObject): AnyObject {
  const { [LAST_APPLIED]: _, ...annotations } = manifest.metadata?.annotations ?? {};
  const metadata = { ...manifest.metadata, annotations };
  const configuration = `${goJson({ ...manifest, metadata })}\n`;
  const { metadata: present, ...object } = withoutNulls({ ...manifest, metadata }) as AnyObject;
  return { ...object, metadata: { ...present, annotations: { ...annotations, [LAST_APPLIED]: configuration } } };
}

/** JSON as Go's encoder writes maps: keys sorted, `<`, `>` and `&` escaped. */
function goJson(value: unknown): string {
  const sorted = (_key: string, member: unknown): unknown =>
    isRecord(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member;
  const escapes: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };
  return JSON.stringify(value, sorted).replace(/[<>&]/g, (character) => escapes[character] ?? character);
}

/** The configuration that was applied last, or undefined when the object was made otherwise. */
export function lastApplied(stored: AnyObject): AnyObject | undefined {
  const text = stored.metadata?.annotations?.[LAST_APPLIED];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as AnyObject;
  } catch {
    // Somebody edited the annotation: nothing can be concluded from it.
    return undefined;
  }
}

/**
 * The patch of a client-side apply: all of `wanted`, and a removal of what the last configuration
 * had and `wanted` has not. Fields that others set stay. With a `structure` the result is a
 * strategic merge patch (items of keyed lists are removed by key), without one a JSON merge patch.
 */
export function applyPatch(
  before: unknown,
  wanted: unknown,
  structure: SchemaField | SchemaValue | undefined,
): unknown {
  if (isRecord(before) && isRecord(wanted)) {
    const patch: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(wanted))
      patch[name] = applyPatch(before[name], value, childStructure(structure, name));
    for (const name of Object.keys(before)) if (!Object.hasOwn(wanted, name)) patch[name] = null;
    return patch;
  }
  const mergeKey = mergeKeyOf(structure);
  if (Array.isArray(before) && Array.isArray(wanted) && mergeKey !== undefined) {
    const old = before.filter(isRecord);
    const items = wanted.map((item: unknown) => {
      const key = isRecord(item) ? item[mergeKey] : undefined;
      return applyPatch(
        old.find((candidate) => candidate[mergeKey] === key),
        item,
        structure?.items,
      );
    });
    const kept = new Set(wanted.filter(isRecord).map((item) => item[mergeKey]));
    const removed = old.filter((item) => !kept.has(item[mergeKey]));
    return [...items, ...removed.map((item) => ({ $patch: 'delete', [mergeKey]: item[mergeKey] }))];
  }
  return wanted;
}

/** The key of a list that a strategic merge patch merges item by item. */
function mergeKeyOf(structure: SchemaField | SchemaValue | undefined): string | undefined {
  if (structure === undefined || !('patchStrategy' in structure)) return undefined;
  return structure.patchStrategy?.includes('merge') === true ? structure.patchMergeKey : undefined;
}

/** Without members that are null: manifests hold them for absent fields (`creationTimestamp: null`), a patch would delete. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  const present = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(present.map(([name, member]) => [name, withoutNulls(member)]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
