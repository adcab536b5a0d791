import { applyPatch, managedType } from '@fairlead/api/patch/apply/index';
import { badRequest, StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import { readApplyBody } from './apply-body.ts';
import { fieldManagerOf, isForced } from './field-manager.ts';
import { type RestContext, type RestRequest, timestamp } from './rest-context.ts';

/** One entry of `metadata.managedFields`, as far as a scale looks at it. */
interface ManagerEntry {
  readonly manager?: unknown;
  readonly operation?: unknown;
  readonly subresource?: unknown;
  readonly fieldsV1?: unknown;
  readonly [field: string]: unknown;
}

const scaleReplicas = { 'f:spec': { 'f:replicas': {} } } as const;

/** What an apply of a Scale asks of the object it scales. */
export interface AppliedScale {
  readonly replicas: unknown;
  /** Precondition of the configuration, if any. */
  readonly resourceVersion: string | undefined;
  /** The managed fields of the scaled object after the apply. */
  readonly managedFields: unknown[] | undefined;
}

/**
 * Server-side apply of a Scale: who owns the number of replicas of the scaled object owns it in the Scale, and the
 * other way round. `path` leads to the number in the scaled object. Throws 400, 409 and what a bad configuration earns.
 */
export function applyScale(
  context: RestContext,
  target: RestRequest,
  parent: StoredObject,
  scale: KubeObject,
  path: readonly string[],
): AppliedScale {
  const { request, resource } = target;
  const { config } = readApplyBody(request.body);
  const entries = (parent.object.metadata.managedFields ?? []) as readonly ManagerEntry[];
  const owners = entries.filter(({ fieldsV1 }) => owns(fieldsV1, path));
  const live = {
    ...scale,
    metadata: {
      ...scale.metadata,
      managedFields: owners.map((entry) => ({ ...entry, apiVersion: 'autoscaling/v1', fieldsV1: scaleReplicas })),
    },
  };
  const time = timestamp(context.clock);
  const manager = fieldManagerOf(request);
  const outcome = applyPatch({
    type: managedType('autoscaling.v1.Scale'),
    live,
    config,
    manager,
    force: isForced(request.query),
    subresource: 'scale',
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    time,
    resetFields: { 'f:status': {} },
  });
  if (!outcome.ok) {
    if (outcome.reason === 'bad-request') throw badRequest(outcome.message);
    if (outcome.reason === 'schema') throw new StatusError(500, undefined, outcome.message);
    throw new StatusError(409, 'Conflict', outcome.message, { causes: outcome.causes });
  }
  const after = ((outcome.managedFields ?? []) as readonly ManagerEntry[]).filter(({ fieldsV1 }) =>
    owns(fieldsV1, ['spec', 'replicas']),
  );
  const stillOwns = new Set(after.map(keyOf));
  const kept = entries.flatMap((entry): ManagerEntry[] => {
    if (!owns(entry.fieldsV1, path) || stillOwns.has(keyOf(entry))) return [entry];
    const fieldsV1 = without(recordOf(entry.fieldsV1) ?? {}, path);
    return fieldsV1 === undefined ? [] : [{ ...entry, fieldsV1 }];
  });
  const known = new Set(entries.map(keyOf));
  const added = after
    .filter((entry) => !known.has(keyOf(entry)))
    .map(({ time: _, ...entry }) => ({ ...entry, apiVersion: resource.apiVersion, fieldsV1: fieldsAt(path) }));
  const metadata = recordOf(config.metadata);
  const managedFields = [...kept, ...added];
  return {
    replicas: recordOf(outcome.object.spec)?.replicas ?? 0,
    resourceVersion: typeof metadata?.resourceVersion === 'string' ? metadata.resourceVersion : undefined,
    managedFields: managedFields.length === 0 ? undefined : managedFields,
  };
}

/**
 * Owners after a write of the number of replicas that is no apply: when nobody owned the number before, nobody does, and a
 * new owner has no time, as with a Kubernetes server.
 */
export function ownersOfScaled(
  before: readonly unknown[] | undefined,
  tracked: readonly unknown[] | undefined,
  path: readonly string[],
): unknown[] | undefined {
  const entries = (before ?? []) as readonly ManagerEntry[];
  if (!entries.some(({ fieldsV1 }) => owns(fieldsV1, path))) return before === undefined ? undefined : [...before];
  const known = new Set(entries.map(keyOf));
  return (tracked as readonly ManagerEntry[] | undefined)?.map((entry) => {
    if (known.has(keyOf(entry))) return entry;
    const { time: _, ...rest } = entry;
    return rest;
  });
}

function keyOf({ manager, operation, subresource }: ManagerEntry): string {
  return JSON.stringify([manager, operation, subresource ?? '']);
}

function owns(fieldsV1: unknown, path: readonly string[]): boolean {
  let at = recordOf(fieldsV1);
  for (const step of path) at = recordOf(at?.[`f:${step}`]);
  return at !== undefined;
}

function fieldsAt(path: readonly string[]): object {
  return path.reduceRight<object>((inner, step) => ({ [`f:${step}`]: inner }), {});
}

/** A field set without one path; `undefined` when nothing is left. */
function without(fields: Record<string, unknown>, path: readonly string[]): Record<string, unknown> | undefined {
  const [step, ...rest] = path;
  const key = `f:${step}`;
  const { [key]: inner, ...others } = fields;
  const left = rest.length === 0 ? undefined : without(recordOf(inner) ?? {}, rest);
  const result = left === undefined ? others : { ...others, [key]: left };
  return Object.keys(result).length === 0 ? undefined : result;
}
