// Hot path: runs on every ordinary write.
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import { type FieldSet, isEmptySet, noFields, subtractFields, subtractTrees, unionFields } from './field-set.ts';
import {
  capUpdaters,
  isReset,
  type ManagedFieldsEntry,
  type ManagersOfObject,
  managedFieldsEntries,
  managerKey,
  managersOf,
  parseManagers,
  setFields,
} from './managed-fields.ts';
import { type ManagedType, unownedFields } from './managed-type.ts';
import { compareForManagers, yieldFields } from './reconcile-managers.ts';
import { type InVersion, versionComparisons } from './version-comparisons.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** An ordinary write: POST, PUT or a patch other than apply. */
export interface TrackedUpdate {
  readonly type: ManagedType;
  /** The stored object; `undefined` when the write creates it. */
  readonly before: JsonObject | undefined;
  /** The object as the client wants it, with defaults, before the server adds to it. */
  readonly after: JsonObject;
  /** `metadata.managedFields` of the stored object. */
  readonly liveEntries: readonly unknown[] | undefined;
  /** `metadata.managedFields` of `after`, when the client may change it: not through a subresource. */
  readonly givenEntries?: readonly unknown[] | undefined;
  /** Who writes: the `fieldManager` parameter, or what the User-Agent calls itself. */
  readonly manager: string;
  /** `status`, `scale` …; empty for the resource itself. */
  readonly subresource: string;
  readonly apiVersion: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
  /** Fields that this endpoint does not change, whatever the client sends (`f:status` for the resource itself). */
  readonly resetFields: FieldSet;
  /** For managers of other versions; without it all versions are taken for one. */
  readonly inVersion?: InVersion | undefined;
}

/** The new `metadata.managedFields` after an ordinary write; `undefined` for none. */
export function trackUpdate(update: TrackedUpdate): readonly unknown[] | undefined {
  const { liveEntries, givenEntries, before } = update;
  if (givenEntries === undefined || jsonEqual(givenEntries, liveEntries)) {
    return tracked(update, managersOf(liveEntries), liveEntries);
  }
  // Nobody tracks an object any more whose managers were all forgotten, until somebody applies it.
  if (isReset(givenEntries) && before !== undefined) return undefined;
  const given = isReset(givenEntries) ? new Map() : parseManagers(givenEntries);
  return given === undefined || (given.size === 0 && !isReset(givenEntries))
    ? tracked(update, managersOf(liveEntries), liveEntries)
    : tracked(update, given, undefined);
}

function tracked(
  update: TrackedUpdate,
  managers: ManagersOfObject,
  unchanged: readonly unknown[] | undefined,
): readonly unknown[] | undefined {
  if (managers.size === 0 && update.before !== undefined) return undefined;
  const before = new Map(managers);
  const touched = recordUpdate(managers, update);
  if (!touched && unchanged !== undefined && sameManagers(before, managers)) return unchanged;
  return managedFieldsEntries(managers) satisfies ManagedFieldsEntry[] | undefined;
}

function sameManagers(a: ManagersOfObject, b: ManagersOfObject): boolean {
  if (a.size !== b.size) return false;
  for (const [key, entry] of a) if (b.get(key) !== entry) return false;
  return true;
}

/** Records what the write takes from other managers and gives to its own; true when it gains fields. */
export function recordUpdate(managers: ManagersOfObject, update: TrackedUpdate): boolean {
  const { type, manager, subresource, apiVersion, time, resetFields, inVersion } = update;
  const before = ownable(update.before ?? type.emptyObject);
  const after = ownable(update.after);
  const { all, relevant } = compareForManagers(type.structure, before, after, resetFields);
  const change = { before, after, resetFields };
  yieldFields(managers, versionComparisons(apiVersion, relevant, change, inVersion), undefined);
  const gained = subtractFields(subtractTrees(unionFields(all.modified, all.added), resetFields), unownedFields);
  if (isEmptySet(gained)) return false;
  const identity = {
    manager: manager === '' ? 'unknown' : manager,
    operation: 'Update',
    apiVersion,
    subresource,
  } as const;
  const key = managerKey(identity);
  const owned = managers.get(key)?.fields ?? noFields;
  setFields(managers, key, { ...identity, time, fields: unionFields(gained, owned) });
  capUpdaters(managers);
  return true;
}

/** The object without what the server fills in: nothing of that has an owner, so it need not be compared. */
function ownable(object: JsonObject): JsonObject {
  const { kind: _kind, apiVersion: _version, metadata, ...content } = object;
  if (!isJsonObject(metadata)) return content;
  const { name: _n, namespace: _ns, uid: _u, resourceVersion: _r, ...others } = metadata;
  const { creationTimestamp: _c, generation: _g, managedFields: _m, ...own } = others;
  return { metadata: own, ...content };
}
