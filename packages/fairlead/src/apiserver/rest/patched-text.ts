import { recordOf } from '../watch/kube-object.ts';

/** The places of a document that a patch goes through, as nested names. */
export interface PatchedPaths {
  readonly [name: string]: PatchedPaths;
}

/** The objects a merge patch goes into. */
export function pathsOfMergePatch(patch: unknown): PatchedPaths {
  const paths: Record<string, PatchedPaths> = Object.create(null) as Record<string, PatchedPaths>;
  for (const [name, value] of Object.entries(recordOf(patch) ?? {})) {
    if (recordOf(value) !== undefined) paths[name] = pathsOfMergePatch(value);
  }
  return paths;
}

/** The objects and lists that the operations of a JSON patch go through. */
export function pathsOfJsonPatch(patch: unknown): PatchedPaths {
  const root: Record<string, PatchedPaths> = Object.create(null) as Record<string, PatchedPaths>;
  for (const operation of Array.isArray(patch) ? (patch as unknown[]) : []) {
    const { path, from } = recordOf(operation) ?? {};
    for (const pointer of [path, from]) {
      if (typeof pointer !== 'string') continue;
      let place: Record<string, PatchedPaths> = root;
      for (const name of pointer.split('/').slice(1, -1)) {
        const key = name.replaceAll('~1', '/').replaceAll('~0', '~');
        place[key] ??= Object.create(null) as PatchedPaths;
        place = place[key] as Record<string, PatchedPaths>;
      }
    }
  }
  return root;
}

/**
 * A patched document as Go's patch libraries write it: the names of objects that the patch went
 * through are in order, all other objects are as they were.
 */
export function patchedText(document: unknown, paths: PatchedPaths): string {
  return JSON.stringify(ordered(document, paths));
}

function ordered(value: unknown, paths: PatchedPaths | undefined): unknown {
  if (paths === undefined) return value;
  if (Array.isArray(value)) return value.map((item, index) => ordered(item, paths[String(index)]));
  const record = recordOf(value);
  if (record === undefined) return value;
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((name) => [name, ordered(record[name], paths[name])]),
  );
}
