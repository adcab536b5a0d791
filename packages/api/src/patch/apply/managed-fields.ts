import { isJsonObject, jsonEqual } from '../../own-property.ts';
import { type FieldSet, isEmptySet, orderedFields, parseFieldSet, unionFields } from './field-set.ts';

/** Whether a manager owns its fields by server-side apply or by ordinary writes. */
export type ManagedOperation = 'Apply' | 'Update';

/** One entry of `metadata.managedFields`. */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  /** RFC 3339, whole seconds. */
  readonly time?: string;
  readonly fieldsType?: string;
  readonly fieldsV1?: FieldSet;
  readonly subresource?: string;
}

/** Who writes: one line of bookkeeping per identity. */
export interface ManagerIdentity {
  readonly manager: string;
  readonly operation: ManagedOperation;
  /** Of the version that was written. Does not tell appliers apart. */
  readonly apiVersion: string;
  readonly subresource: string;
}

/** What one manager owns. */
export interface ManagerFields extends ManagerIdentity {
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** All managers of an object by identity. */
export type ManagersOfObject = Map<string, ManagerFields>;

/** The identity as a key: two writes with the same key share one entry. */
export function managerKey({ manager, operation, apiVersion, subresource }: ManagerIdentity): string {
  return JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource]);
}

/** Reads entries that this package made: nothing is checked. */
export function managersOf(entries: readonly unknown[] | undefined): ManagersOfObject {
  const managers: ManagersOfObject = new Map();
  for (const entry of (entries ?? []) as readonly ManagedFieldsEntry[]) {
    const fields: ManagerFields = {
      manager: entry.manager ?? '',
      operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion: entry.apiVersion ?? '',
      subresource: entry.subresource ?? '',
      time: entry.time,
      fields: entry.fieldsV1 ?? {},
    };
    managers.set(managerKey(fields), fields);
  }
  return managers;
}

/** Reads entries that a client sent; `undefined` when any of them is malformed. */
export function parseManagers(entries: readonly unknown[]): ManagersOfObject | undefined {
  const checked: ManagedFieldsEntry[] = [];
  for (const entry of entries) {
    if (!isJsonObject(entry)) return undefined;
    const { operation, apiVersion, fieldsType } = entry;
    if (operation !== 'Apply' && operation !== 'Update') return undefined;
    if (typeof apiVersion !== 'string' || apiVersion === '' || fieldsType !== 'FieldsV1') return undefined;
    const fieldsV1 = entry.fieldsV1 === undefined || entry.fieldsV1 === null ? {} : parseFieldSet(entry.fieldsV1);
    if (fieldsV1 === undefined) return undefined;
    checked.push({ ...entry, fieldsV1 });
  }
  return managersOf(checked);
}

/** True for what a client sends to forget all managers: an empty list, or one empty entry. */
export function isReset(entries: readonly unknown[] | undefined): boolean {
  if (entries === undefined) return false;
  const [first] = entries;
  return entries.length === 0 || (entries.length === 1 && isJsonObject(first) && Object.keys(first).length === 0);
}

/** The managers as entries, in Kubernetes' order: appliers first, then by time, name, version and subresource. */
export function managedFieldsEntries(managers: ManagersOfObject): ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()].sort(compareManagers).map(entryOf);
}

function entryOf({ manager, operation, apiVersion, subresource, time, fields }: ManagerFields): ManagedFieldsEntry {
  return {
    ...(manager === '' ? undefined : { manager }),
    operation,
    apiVersion,
    ...(time === undefined ? undefined : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: orderedFields(fields),
    ...(subresource === '' ? undefined : { subresource }),
  };
}

function compareManagers(a: ManagerFields, b: ManagerFields): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** True when two lists of entries say the same but for their times: no reason to write an object. */
export function sameButTimes(a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  const timeless = (entries: readonly unknown[]): ManagersOfObject => {
    const managers = managersOf(entries);
    for (const [key, manager] of managers) managers.set(key, { ...manager, time: undefined });
    return managers;
  };
  return jsonEqual(managedFieldsEntries(timeless(a)), managedFieldsEntries(timeless(b)));
}

/** More entries of ordinary writes than this are merged, the oldest first. */
const UPDATERS_MAX = 10;
/** Who owns the fields of merged entries. */
const MERGED_UPDATERS = 'ancient-changes';

/** Merges the oldest entries of ordinary writes, so that at most ten are left. Changes `managers`. */
export function capUpdaters(managers: ManagersOfObject): void {
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update');
  let surplus = updaters.length - UPDATERS_MAX;
  if (surplus <= 0) return;
  updaters.sort(([a, left], [b, right]) => compareText(left.time ?? '', right.time ?? '') || compareText(a, b));
  const firstOfVersion = new Map<string, string>();
  for (const [key, updater] of updaters) {
    if (surplus <= 0) return;
    const { apiVersion } = updater;
    const first = firstOfVersion.get(apiVersion);
    if (first === undefined) {
      firstOfVersion.set(apiVersion, key);
      continue;
    }
    const identity = { manager: MERGED_UPDATERS, operation: 'Update', apiVersion, subresource: '' } as const;
    const bucketKey = managerKey(identity);
    const before = managers.get(bucketKey) ?? managers.get(first)!;
    if (!managers.has(bucketKey)) managers.delete(first);
    managers.delete(key);
    managers.set(bucketKey, { ...identity, time: updater.time, fields: unionFields(before.fields, updater.fields) });
    surplus--;
  }
}

/** Replaces what a manager owns; one that owns nothing is forgotten. */
export function setFields(managers: ManagersOfObject, key: string, entry: ManagerFields): void {
  if (isEmptySet(entry.fields)) managers.delete(key);
  else managers.set(key, entry);
}
