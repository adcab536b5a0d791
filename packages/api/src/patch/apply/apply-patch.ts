import { parseJson } from '../../json-number.ts';
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import { plainText } from '../../plain-text.ts';
import { configFaults, faultText } from './check-config.ts';
import { type FieldSet, subtractFields, subtractTrees, unionFields, withInside } from './field-set.ts';
import { allowedByLastApplied, withLastApplied } from './last-applied.ts';
import {
  type ManagerFields,
  type ManagersOfObject,
  managedFieldsEntries,
  managerKey,
  managersOf,
  setFields,
} from './managed-fields.ts';
import { type ManagedType, unownedFields } from './managed-type.ts';
import { mergeObjects } from './merge-objects.ts';
import { appliedFields } from './object-fields.ts';
import { pruneGivenUp, withOwned } from './prune-given-up.ts';
import {
  type ConflictCause,
  compareForManagers,
  conflictAnswer,
  type FieldConflict,
  findConflicts,
  yieldFields,
} from './reconcile-managers.ts';
import { recordUpdate } from './track-update.ts';
import { type InVersion, versionComparisons } from './version-comparisons.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** A server-side apply (PATCH `application/apply-patch+yaml`, KEP-555). */
export interface ApplyRequest {
  readonly type: ManagedType;
  /** The stored object; `undefined` when there is none yet. */
  readonly live: JsonObject | undefined;
  /** What the manager wants, as parsed from the body. */
  readonly config: JsonObject;
  readonly manager: string;
  /** Take fields from other managers instead of refusing. */
  readonly force: boolean;
  /** `status`, `scale` …; empty for the resource itself. */
  readonly subresource: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
  /** Fields that this endpoint does not change, whatever the configuration says. */
  readonly resetFields: FieldSet;
  /** For managers of other versions; without it all versions are taken for one. */
  readonly inVersion?: InVersion | undefined;
}

/** What an apply leads to. */
export type ApplyOutcome =
  | {
      readonly ok: true;
      /** The merged object, not yet decoded or defaulted: nulls mean absent. Without `managedFields`. */
      readonly object: Record<string, unknown>;
      /** New `metadata.managedFields`; `undefined` for none. */
      readonly managedFields: readonly unknown[] | undefined;
    }
  /** 400. */
  | { readonly ok: false; readonly reason: 'bad-request'; readonly message: string }
  /** 500, as a Kubernetes server answers a configuration that does not fit its schema. */
  | { readonly ok: false; readonly reason: 'schema'; readonly message: string }
  /** 409. */
  | { readonly ok: false; readonly reason: 'conflict'; readonly message: string; readonly causes: ConflictCause[] };

/** Who owned the fields of an object that was written without tracking before its first apply. */
const BEFORE_FIRST_APPLY = 'before-first-apply';
/** kubectl's own manager keeps the annotation of client-side apply in step. */
const KUBECTL = 'kubectl';

/** Applies a configuration: merges it, removes what the manager gave up, and records who owns what. */
export function applyPatch(request: ApplyRequest): ApplyOutcome {
  const { config, manager } = request;
  const refused = refusal(request);
  if (refused !== undefined) return refused;
  const live = withoutManagedFields(request.live ?? {});
  const entries = isJsonObject(request.live?.metadata) ? request.live.metadata.managedFields : undefined;
  const managers = managersOf(entries as readonly unknown[] | undefined);
  if (managers.size === 0 && request.live !== undefined) {
    recordUpdate(managers, {
      ...request,
      before: undefined,
      after: live,
      liveEntries: undefined,
      manager: BEFORE_FIRST_APPLY,
    });
  }
  let result = merge(request, live, managers, request.force);
  if (result.conflicts.length > 0) {
    const left = manager === KUBECTL ? allowedByLastApplied(request.type, live, result.conflicts) : result.conflicts;
    if (left.length > 0) return { ok: false, reason: 'conflict', ...conflictAnswer(left) };
    result = merge(request, live, managers, true);
  }
  const object = manager === KUBECTL ? withLastApplied(result.object, config) : result.object;
  return { ok: true, object, managedFields: managedFieldsEntries(result.managers) };
}

function refusal({ config, apiVersion, kind, type }: ApplyRequest): ApplyOutcome | undefined {
  const given = gvkText(plainText(config.apiVersion ?? ''), plainText(config.kind ?? ''));
  if (given !== gvkText(apiVersion, kind)) {
    return { ok: false, reason: 'bad-request', message: `invalid object type: ${given}` };
  }
  const metadata = isJsonObject(config.metadata) ? config.metadata : {};
  if ((metadata.managedFields ?? undefined) !== undefined) {
    return { ok: false, reason: 'bad-request', message: 'metadata.managedFields must be nil' };
  }
  const faults = configFaults(type.structure, config);
  if (faults.length === 0) return undefined;
  const who = `${plainText(metadata.namespace ?? '')}/${plainText(metadata.name ?? '')}; ${given}`;
  return {
    ok: false,
    reason: 'schema',
    message: `failed to create typed patch object (${who}): ${faultText(faults)}`,
  };
}

/** Go's text of a kind: `apps/v1, Kind=Deployment`, `/v1, Kind=Service`. */
function gvkText(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}

interface Merged {
  readonly object: Record<string, unknown>;
  readonly managers: ManagersOfObject;
  readonly conflicts: readonly FieldConflict[];
}

function merge(request: ApplyRequest, live: JsonObject, before: ManagersOfObject, force: boolean): Merged {
  const { type, config, manager, subresource, apiVersion, time, resetFields, inVersion } = request;
  const managers: ManagersOfObject = new Map(before);
  const identity = { manager, operation: 'Apply', apiVersion, subresource } as const;
  const key = managerKey(identity);
  const last = managers.get(key);
  const fields = subtractTrees(appliedFields(type.structure, config), resetFields);
  const entry: ManagerFields = { ...identity, time: last?.time, fields };
  managers.set(key, entry);
  const merged = mergeObjects(type.structure, live, config);
  const object = prunedObject(request, merged, last, managers);
  const { relevant } = compareForManagers(type.structure, live, object, resetFields);
  const comparisons = versionComparisons(apiVersion, relevant, { before: live, after: object, resetFields }, inVersion);
  const conflicts = force ? [] : findConflicts(managers, comparisons, key);
  if (conflicts.length > 0) return { object, managers, conflicts };
  yieldFields(managers, comparisons, key);
  const owned = subtractFields(fields, unownedFields);
  const changed = !jsonEqual(live, object);
  setFields(managers, key, { ...entry, fields: owned, time: changed ? time : last?.time });
  return { object, managers, conflicts: [] };
}

function ownedIn(managers: ManagersOfObject, apiVersion: string): FieldSet {
  const here = [...managers.values()].filter((entry) => entry.apiVersion === apiVersion);
  return here.reduce<FieldSet>((owned, { fields }) => unionFields(owned, fields), {});
}

/** The merged object without what its manager gave up, which it did in the version it applied last. */
function prunedObject(
  { type, apiVersion, inVersion }: ApplyRequest,
  merged: unknown,
  last: ManagerFields | undefined,
  managers: ManagersOfObject,
): Record<string, unknown> {
  const whole = isJsonObject(merged) ? merged : {};
  if (last === undefined) return whole;
  if (inVersion === undefined || last.apiVersion === apiVersion) {
    const pruned = pruneGivenUp(type.structure, whole, last.fields, managers.values());
    return isJsonObject(pruned) ? pruned : {};
  }
  const older = inVersion({ ...whole, apiVersion }, last.apiVersion);
  if (older === undefined) return whole;
  const everything = appliedFields(older.structure, older.object);
  const owners = [...managers.values()].map((entry) =>
    entry.apiVersion === last.apiVersion ? entry : { ...entry, fields: withInside(entry.fields, everything) },
  );
  const pruned = pruneGivenUp(older.structure, older.object, last.fields, owners);
  const back = isJsonObject(pruned) ? inVersion({ ...pruned, apiVersion: last.apiVersion }, apiVersion) : undefined;
  return back === undefined
    ? whole
    : { ...withOwned(type.structure, whole, back.object, ownedIn(managers, apiVersion)) };
}

/** A copy without managed fields and without entries that are `undefined`. */
function withoutManagedFields(object: JsonObject): JsonObject {
  const metadata = isJsonObject(object.metadata) ? { ...object.metadata, managedFields: undefined } : undefined;
  return parseJson(JSON.stringify({ ...object, metadata })) as JsonObject;
}
