// Hot path: every write passes here.
import { randomUUID } from 'node:crypto';
import { sameButTimes } from '@fairlead/api/patch/apply/index';
import type { FieldCause } from '@fairlead/api/schema';
import type { AdmissionAttributes } from '../admission/admission-attributes.ts';
import { restrictNode } from '../admission/node-restriction.ts';
import { admitServiceAccount } from '../admission/service-account-admission.ts';
import { admitRoleChange } from '../authorization/role-admission.ts';
import { admitCertificateRequest } from '../certificates/request-admission.ts';
import { isCertificateRequest, stampConditions, stampRequester } from '../certificates/request-forms.ts';
import { shownAs } from '../crd/custom-view.ts';
import { applyKindDefaults, kindCauses, refuseWhenTerminating, settleKindForm } from '../crd/kind-rules.ts';
import { noCompanion, together } from '../resources/companion.ts';
import { applyLimits, checkLimits } from '../resources/limit-ranger.ts';
import { admitPriority } from '../resources/priority-admission.ts';
import { bookQuotas } from '../resources/quota-booking.ts';
import { admitRuntimeClass } from '../resources/runtime-class-admission.ts';
import { admitStorage } from '../resources/storage-admission.ts';
import {
  dropGatedFields,
  dropGatedPodFields,
  markTemplateGeneration,
  stampVolumePhase,
} from '../resources/workload-rules.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  invalid,
  modifiedText,
  notFound,
  StatusError,
} from '../server/status-error.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import { ownersOfScaled } from './apply-scale.ts';
import { commitObject, removeObject, shownOnly } from './commit-object.ts';
import { trackCreate, trackReplace } from './managed-fields.ts';
import { admitToNamespace, checkNamespaceField, generateName } from './object-place.ts';
import { objectWarnings } from './object-warnings.ts';
import { originalKey } from './original-key.ts';
import { dropDoubleOwners } from './owner-references.ts';
import { keepDefaultTolerations } from './pod-admission.ts';
import { type RestContext, type RestRequest, timestamp } from './rest-context.ts';
import { countsAsGeneration, isolate, isReadyToGo, mergeStringData, prepareForCreate, sameJson } from './strategy.ts';

/** Attempts at a free generated name; as in Kubernetes 1.31 and later. */
const generateNameAttempts = 8;

const loopbackText = 'may not be in the loopback range';

/**
 * Stores a new object; answers with what was stored. `object` is changed.
 * `applied` holds the managed fields of a server-side apply; other writes are tracked here.
 */
export async function createObject(
  context: RestContext,
  target: RestRequest,
  object: KubeObject,
  dryRun: boolean,
  applied?: { readonly managedFields: unknown[] | undefined },
): Promise<StoredObject> {
  const { metadata } = object;
  const { resource } = target;
  checkNamespaceField(target, object);
  if (!dryRun && metadata.resourceVersion !== undefined && metadata.resourceVersion !== '') {
    throw new StatusError(500, undefined, 'resourceVersion should not be set on objects to be created', undefined);
  }
  const generated = (metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '';
  if (resource.kind === 'LimitRange' && !generated && (metadata.name ?? '') === '') metadata.name = randomUUID();
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp(context.clock);
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  mergeStringData(resource, object);
  applyKindDefaults(resource, object);
  dropDoubleOwners(object, target.warnings);
  dropGatedFields(resource, object);
  markTemplateGeneration(resource.kind, object, '1');
  // Before allocation and admission: what those add belongs to nobody.
  metadata.managedFields = applied === undefined ? trackCreate(context, target, object) : applied.managedFields;
  for (let attempt = 1; ; attempt++) {
    if (generated) metadata.name = generateName(context, metadata.generateName!);
    try {
      return await createNamed(context, target, object, dryRun);
    } catch (error) {
      const taken = error instanceof StatusError && error.status.reason === 'AlreadyExists';
      if (!generated || !taken || attempt >= generateNameAttempts) throw error;
    }
  }
}

async function createNamed(
  context: RestContext,
  target: RestRequest,
  object: KubeObject,
  dryRun: boolean,
): Promise<StoredObject> {
  const { resource, namespace } = target;
  const name = object.metadata.name ?? '';
  refuseWhenTerminating(resource, name);
  dropGatedPodFields(resource, object);
  prepareForCreate(resource, object, target.warnings);
  if (isCertificateRequest(resource)) stampRequester(object, target.request.user);
  applyKindDefaults(resource, object);
  if (resource.namespaced) admitToNamespace(context, target, name);
  admitRoleChange(context.authorizer, target.request.user, resource, object, undefined);
  const write = { ...writeOf(target, name, undefined, dryRun), operation: 'CREATE', object, old: undefined } as const;
  restrictNode(context, write);
  admitCertificateRequest(context.authorizer, write);
  admitRuntimeClass(context, resource, object);
  if (resource.kind === 'Pod' && resource.group === '') await admitServiceAccount(context, resource, object);
  applyLimits(context, resource, object);
  admitPriority(context, resource, object);
  admitStorage(context, resource, object);
  applyKindDefaults(resource, object);
  if (!context.admission.changesNothing) {
    replaceContent(object, await context.admission.change(write, object, target.warnings));
    applyKindDefaults(resource, object);
  }
  const allocation = context.allocator.allocate(resource, object, undefined, dryRun);
  if (!allocation.ok) throw invalid(resource, name, allocation.causes);
  try {
    const causes = validationCauses(context, target, object, undefined, undefined);
    if (causes.length > 0) throw invalid(resource, name, causes);
    if (!context.admission.refusesNothing) await context.admission.check(write, target.warnings);
    checkLimits(context, resource, object);
    const companion = together(allocation.companion, bookQuotas(context, resource, object, undefined));
    const key = storeKey(resource.prefix, namespace, name);
    const existing = context.cache.resource(resource.prefix).get(key);
    if (existing !== undefined) {
      throw alreadyExists(resource, name, existing.object.metadata.deletionTimestamp !== undefined);
    }
    target.warnings.push(...objectWarnings(resource, object, undefined));
    settleKindForm(resource, object);
    return await commitObject(context, target, key, object, undefined, dryRun, companion);
  } finally {
    allocation.companion.close();
  }
}

/** How an update is to be carried out. */
export interface UpdateOptions {
  readonly subresource: string | undefined;
  readonly dryRun: boolean;
  /** Metadata mistakes are told as 409 for a PUT and as field errors for a PATCH. */
  readonly isPatch: boolean;
  /** Where the number of replicas stands, when that is all that is written. */
  readonly replicasPath?: readonly string[];
  /** Under which subresource the writer owns its fields, where that is not `subresource`. */
  readonly ownedUnder?: string;
  /** Managed fields of a server-side apply; other writes are tracked here. */
  readonly managedFields?: unknown[] | undefined;
}

/** What an update did. */
export interface UpdateOutcome {
  readonly stored: StoredObject;
  /** The update removed the last finalizer of a terminating object, and so the object. */
  readonly removed: boolean;
}

/** Replaces an object by `proposed`; throws 409 when `current` is no longer the newest. */
export async function updateObject(
  context: RestContext,
  target: RestRequest,
  current: StoredObject,
  proposed: KubeObject,
  options: UpdateOptions,
): Promise<UpdateOutcome> {
  const { resource, namespace } = target;
  const old = current.object;
  const name = old.metadata.name ?? '';
  checkNamespaceField(target, proposed);
  const given = proposed.metadata;
  // 0 is any version.
  const version = given.resourceVersion ?? '';
  if (version !== '' && version !== '0') {
    if (!/^\d+$/.test(version)) {
      // The original calls this its own fault, 500.
      throw badRequest(`strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
    }
    if (given.resourceVersion !== old.metadata.resourceVersion) throw conflict(resource, name, modifiedText);
  }
  if (given.uid !== undefined && given.uid !== '' && given.uid !== old.metadata.uid && !options.isPatch) {
    throw conflict(
      resource,
      name,
      `StorageError: invalid object, Code: 4, Key: ${originalKey(resource, namespace, name)}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${old.metadata.uid}`,
    );
  }
  const metadata = {
    ...given,
    name,
    uid: given.uid === undefined || given.uid === '' ? old.metadata.uid : given.uid,
    creationTimestamp: old.metadata.creationTimestamp,
    generateName: given.generateName ?? old.metadata.generateName,
    resourceVersion: old.metadata.resourceVersion,
    generation: old.metadata.generation,
    deletionTimestamp: old.metadata.deletionTimestamp,
    deletionGracePeriodSeconds: old.metadata.deletionGracePeriodSeconds,
    managedFields: old.metadata.managedFields,
  };
  if (namespace !== '') metadata.namespace = namespace;
  const wanted: KubeObject = { ...proposed, metadata };
  mergeStringData(resource, wanted);
  applyKindDefaults(resource, wanted);
  dropDoubleOwners(wanted, target.warnings);
  dropGatedFields(resource, wanted);
  const write = { ...writeOf(target, name, options.subresource, options.dryRun), operation: 'UPDATE', old } as const;
  const owner = options.ownedUnder ?? options.subresource ?? '';
  // Before admission: what webhooks change belongs to nobody.
  const managedFields = Object.hasOwn(options, 'managedFields')
    ? options.managedFields
    : ownersAfter(trackReplace(context, target, old, wanted, given.managedFields, owner), old, options);
  if (resource.kind === 'Pod' && resource.group === '' && options.subresource === undefined) {
    keepDefaultTolerations(wanted);
  }
  if (!context.admission.changesNothing) {
    replaceContent(wanted, await context.admission.change({ ...write, object: wanted }, wanted, target.warnings));
    applyKindDefaults(resource, wanted);
  }
  const next = isolate(resource, wanted, old, options.subresource);
  if (options.subresource !== undefined && isCertificateRequest(resource)) {
    stampConditions(next, old, timestamp(context.clock));
  }
  dropGatedPodFields(resource, next);
  if (resource.kind === 'PersistentVolume' && options.subresource === 'status') {
    stampVolumePhase(next, old, timestamp(context.clock));
  }
  applyKindDefaults(resource, next);
  restrictNode(context, { ...write, object: next });
  admitCertificateRequest(context.authorizer, { ...write, object: next });
  admitRoleChange(context.authorizer, target.request.user, resource, next, old);
  if (resource.kind === 'PriorityClass') admitPriority(context, resource, next);
  const mainWrite = options.subresource === undefined;
  const allocation = mainWrite
    ? context.allocator.allocate(resource, next, old, options.dryRun)
    : ({ ok: true, companion: noCompanion } as const);
  if (!allocation.ok) throw invalid(resource, name, allocation.causes);
  try {
    settleKindForm(resource, next);
    const changesSpec = mainWrite || (resource.kind === 'Pod' && options.subresource !== 'status');
    if (changesSpec && countsAsGeneration(resource, next, old)) {
      next.metadata = { ...next.metadata, generation: (old.metadata.generation ?? 0) + 1 };
    }
    const causes = validationCauses(context, target, next, old, options.subresource);
    if (causes.length > 0) throw invalid(resource, name, causes);
    if (sameJson(next, old) && sameButTimes(managedFields, old.metadata.managedFields)) {
      const gone = isReadyToGo(resource, old);
      if (!gone) return { stored: current, removed: false };
    }
    next.metadata = { ...next.metadata, managedFields };
    if (!context.admission.refusesNothing) {
      await context.admission.check({ ...write, object: next }, target.warnings);
    }
    if (isReadyToGo(resource, next)) {
      if ((await removeObject(context, target, current, options.dryRun)) === false) {
        throw conflict(resource, name, modifiedText);
      }
      return { stored: shownOnly(current, next), removed: true };
    }
    target.warnings.push(...objectWarnings(resource, next, old, options.subresource));
    const companion = mainWrite
      ? together(allocation.companion, bookQuotas(context, resource, next, old))
      : allocation.companion;
    const stored = await commitObject(context, target, current.key, next, current, options.dryRun, companion);
    return { stored, removed: false };
  } finally {
    allocation.companion.close();
  }
}

function ownersAfter(tracked: unknown[] | undefined, old: KubeObject, options: UpdateOptions): unknown[] | undefined {
  const { replicasPath } = options;
  return replicasPath === undefined ? tracked : ownersOfScaled(old.metadata.managedFields, tracked, replicasPath);
}

/** What admission is told about a write, beside the objects. */
export function writeOf(
  target: RestRequest,
  name: string,
  subresource: string | undefined,
  dryRun: boolean,
): Omit<AdmissionAttributes, 'operation' | 'object' | 'old'> {
  const { resource, namespace, request } = target;
  const { user, auditAnnotations } = request;
  return { resource, subresource, namespace, name, user, dryRun, ...(auditAnnotations && { auditAnnotations }) };
}

/** Makes `object` what `content` is. */
function replaceContent(object: KubeObject, content: KubeObject): void {
  if (object === content) return;
  for (const key of Object.keys(object)) delete object[key];
  Object.assign(object, content);
}

/** True when the named object is there. */
export function exists(context: RestContext, target: RestRequest, name: string): boolean {
  const { resource, namespace } = target;
  return context.cache.resource(resource.prefix).get(storeKey(resource.prefix, namespace, name)) !== undefined;
}

/** The newest version of the named object, or 404. */
export function existing(context: RestContext, target: RestRequest, name: string): StoredObject {
  const { resource, namespace } = target;
  const stored = context.cache.resource(resource.prefix).get(storeKey(resource.prefix, namespace, name));
  if (stored === undefined) throw notFound(resource, name);
  return shownAs(resource, stored);
}

/** Mistakes by the rules of the kind; loopback endpoints are none where the whole system is local. */
function validationCauses(
  context: RestContext,
  target: RestRequest,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource: string | undefined,
): FieldCause[] {
  const causes = kindCauses(target.resource, object, old, subresource);
  // The server's own endpoints are where it listens.
  const own = object.metadata.namespace === 'default' && object.metadata.name === 'kubernetes';
  return context.loopbackEndpoints || own ? causes.filter(({ message }) => !message.includes(loopbackText)) : causes;
}
