import type { Comparison } from './compare-objects.ts';
import type { FieldSet } from './field-set.ts';
import type { MergeStructure } from './merge-structure.ts';
import { compareForManagers } from './reconcile-managers.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** An object in one version of its kind. */
export interface VersionedObject {
  readonly structure: MergeStructure;
  readonly object: JsonObject;
}

/** Shows an object, which says its version, in another one; `undefined` where that version is not served any more. */
export type InVersion = (object: JsonObject, apiVersion: string) => VersionedObject | undefined;

/** A change of an object, in the version of whoever asks: a manager owns fields of the version it wrote. */
export interface VersionComparisons {
  /** What changed; `undefined` for a version that is not served, whose managers are forgotten. */
  of(apiVersion: string): Comparison | undefined;
}

/** The comparisons of a change that was made in `apiVersion` and there amounts to `own`; others are made when asked for. */
export function versionComparisons(
  apiVersion: string,
  own: Comparison,
  change: { readonly before: JsonObject; readonly after: JsonObject; readonly resetFields: FieldSet },
  inVersion: InVersion | undefined,
): VersionComparisons {
  const known = new Map<string, Comparison | undefined>([[apiVersion, own]]);
  return {
    of(version) {
      if (inVersion === undefined) return own;
      if (known.has(version)) return known.get(version);
      const before = inVersion({ apiVersion, ...change.before }, version);
      const after = inVersion({ apiVersion, ...change.after }, version);
      const comparison =
        before === undefined || after === undefined
          ? undefined
          : compareForManagers(after.structure, before.object, after.object, change.resetFields).relevant;
      known.set(version, comparison);
      return comparison;
    },
  };
}
