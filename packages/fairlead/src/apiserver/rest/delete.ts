import { isJsonNumber } from '@fairlead/api/json-number';
import { restrictNode } from '../admission/node-restriction.ts';
import { shownAs, storable } from '../crd/custom-view.ts';
import { withDeletionCondition } from '../crd/definition-deletion.ts';
import { cleanupFinalizer } from '../crd/definition-registry.ts';
import { checkPriorityDeletion } from '../resources/priority-admission.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import type { ApiAnswer } from '../server/api-request.ts';
import { negotiate } from '../server/media-type.ts';
import { conflict, forbidden, modifiedText, StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { StoredObject, storedValue } from '../watch/stored-object.ts';
import { removeObject } from './commit-object.ts';
import { type DeleteOptions, deleteOptions } from './delete-options.ts';
import { readListQuery, selectObjects } from './read.ts';
import { listText, objectForm, textAnswer } from './represent.ts';
import { type RestContext, type RestRequest, timestamp } from './rest-context.ts';
import { existing, writeOf } from './write-object.ts';
import { isStale } from './write-options.ts';

/** Namespaces that cannot be deleted. */
const permanentNamespaces: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);
/** Grace period of Pods that name none, in seconds. */
const defaultPodGraceSeconds = 30;
const deleteAttempts = 16;

/** What a deletion did: the object is gone, or it stays marked until its finalizers are. */
interface Deletion {
  readonly stored: StoredObject;
  readonly gone: boolean;
}

/** DELETE of one object. */
export async function deleteObject(context: RestContext, target: RestRequest, name: string): Promise<ApiAnswer> {
  const { request, resource } = target;
  const representation = negotiate(request.headers.accept, true);
  const options = withDefaultPolicy(target, deleteOptions(target));
  const { stored, gone } = await deleteOne(context, target, name, options);
  const status = 200;
  const answersWithObject = !gone || (resource.facts.deleteReturns ?? 'Status') !== 'Status';
  if (answersWithObject) return textAnswer(status, representation, stored.json);
  const { metadata } = stored.object;
  return textAnswer(
    status,
    representation,
    JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: {
        name: metadata.name,
        ...(resource.group === '' ? {} : { group: resource.group }),
        kind: resource.plural,
        uid: metadata.uid,
      },
    }),
  );
}

/** DELETE of a collection: each matching object by itself, and the list as it was. */
export async function deleteCollection(context: RestContext, target: RestRequest): Promise<ApiAnswer> {
  const { request, resource } = target;
  const representation = negotiate(request.headers.accept, true);
  const form = objectForm(resource, representation, request.query, context.clock.now());
  const options = withDefaultPolicy(target, deleteOptions(target));
  const { found, metadata } = await selectObjects(context, target, readListQuery(target), true);
  await Promise.all(
    found.map(async (stored) => {
      const own = { ...target, namespace: stored.object.metadata.namespace ?? '' };
      try {
        await deleteOne(context, own, stored.object.metadata.name ?? '', options);
      } catch (error) {
        // Gone in the meantime is what was asked for.
        if (!(error instanceof StatusError) || error.status.code !== 404) throw error;
      }
    }),
  );
  if (resource.custom !== undefined) metadata.continue ??= '';
  return textAnswer(200, representation, listText(form, found, metadata));
}

/** Custom kinds may have any name. */
function isNamespace(resource: ServedResource): boolean {
  return resource.group === '' && resource.kind === 'Namespace';
}

function isDefinition(resource: ServedResource): boolean {
  return resource.group === 'apiextensions.k8s.io' && resource.kind === 'CustomResourceDefinition';
}

async function deleteOne(
  context: RestContext,
  target: RestRequest,
  name: string,
  options: DeleteOptions,
): Promise<Deletion> {
  const { resource } = target;
  for (let attempt = 1; ; attempt++) {
    const current = existing(context, target, name);
    checkPreconditions(target, current, options);
    if (isNamespace(resource) && permanentNamespaces.has(name)) {
      throw forbidden(resource, name, 'this namespace may not be deleted');
    }
    checkPriorityDeletion(resource, name);
    try {
      return await deleteCurrent(context, target, current, options);
    } catch (error) {
      if (!isStale(error) || attempt >= deleteAttempts) throw error;
    }
  }
}

async function deleteCurrent(
  context: RestContext,
  target: RestRequest,
  current: StoredObject,
  options: DeleteOptions,
): Promise<Deletion> {
  const { resource } = target;
  const old = current.object;
  const name = old.metadata.name ?? '';
  const grace = graceSeconds(target, old, options);
  const finalizers = wantedFinalizers(old, options);
  const isFirst = isDefinition(resource) && old.metadata.deletionTimestamp === undefined;
  if (isFirst && !finalizers.includes(cleanupFinalizer)) finalizers.push(cleanupFinalizer);
  const write = {
    ...writeOf(target, name, undefined, options.dryRun),
    operation: 'DELETE',
    old,
    object: undefined,
  } as const;
  restrictNode(context, write);
  if (!context.admission.refusesNothing) await context.admission.check(write, target.warnings);
  const specFinalizers = isNamespace(resource) ? recordOf(old.spec)?.finalizers : undefined;
  const waits = finalizers.length > 0 || grace > 0 || (Array.isArray(specFinalizers) && specFinalizers.length > 0);
  if (!waits) {
    const removed = await removeObject(context, target, current, options.dryRun);
    if (removed === false) throw conflict(resource, name, modifiedText);
    // A Pod that was given time before is shown without it.
    const shown: KubeObject = { ...old, metadata: { ...old.metadata, deletionGracePeriodSeconds: 0 } };
    const hadTime = (old.metadata.deletionGracePeriodSeconds ?? 0) > 0;
    return { stored: hadTime ? shownMarked(current, shown) : current, gone: true };
  }
  const already = old.metadata.deletionTimestamp !== undefined;
  const shorter = already && grace < (old.metadata.deletionGracePeriodSeconds ?? 0);
  const sameFinalizers = finalizers.length === (old.metadata.finalizers ?? []).length;
  if (already && !shorter && sameFinalizers) return { stored: current, gone: false };
  const next = marked(context, target, old, grace, finalizers, already && !shorter);
  if (options.dryRun) return { stored: shownMarked(current, next), gone: false };
  const result = await context.storage.commit({
    key: current.key,
    expect: current.modRevision,
    value: storedValue(await storable(resource, next)),
  });
  if (!result.ok) throw conflict(resource, name, modifiedText);
  const stored = new StoredObject(result.entry);
  resource.custom?.remember(stored, next);
  return { stored: shownAs(resource, stored), gone: false };
}

/** The object with its deletion written on it. */
function marked(
  context: RestContext,
  target: RestRequest,
  old: KubeObject,
  grace: number,
  finalizers: readonly string[],
  keepTime: boolean,
): KubeObject {
  const at = keepTime
    ? old.metadata.deletionTimestamp
    : `${new Date(context.clock.now() + grace * 1000).toISOString().slice(0, 19)}Z`;
  const { finalizers: _, ...rest } = old.metadata;
  const counts = (old.metadata.generation ?? 0) > 0 && old.metadata.deletionTimestamp === undefined;
  const next: KubeObject = {
    ...old,
    metadata: {
      ...rest,
      ...(counts ? { generation: old.metadata.generation! + 1 } : {}),
      deletionTimestamp: at ?? timestamp(context.clock),
      deletionGracePeriodSeconds: grace,
      ...(finalizers.length === 0 ? {} : { finalizers: [...finalizers] }),
    },
  };
  if (isNamespace(target.resource)) {
    // A namespace has no grace period in its metadata.
    delete next.metadata.deletionGracePeriodSeconds;
    next.status = { ...recordOf(old.status), phase: 'Terminating' };
  } else if (isDefinition(target.resource)) {
    // Neither has a definition, and its deletion is no change of what it says.
    delete next.metadata.deletionGracePeriodSeconds;
    next.metadata.generation = old.metadata.generation;
    const conditions = withDeletionCondition(old, timestamp(context.clock), 'pending');
    next.status = { ...recordOf(old.status), conditions };
  }
  return next;
}

/** Pods on a node wait for its agent; everything else goes at once. */
function graceSeconds(target: RestRequest, old: KubeObject, options: DeleteOptions): number {
  if (target.resource.kind !== 'Pod' || target.resource.group !== '') return 0;
  const spec = recordOf(old.spec) ?? {};
  const phase = recordOf(old.status)?.phase;
  if ((spec.nodeName ?? '') === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
  const fromSpec = spec.terminationGracePeriodSeconds;
  const wanted = options.graceSeconds ?? (isJsonNumber(fromSpec) ? Number(fromSpec) : defaultPodGraceSeconds);
  // A negative period asks for the shortest one that still tells the agent.
  const grace = wanted < 0 ? 1 : wanted;
  const before = old.metadata.deletionGracePeriodSeconds;
  return old.metadata.deletionTimestamp !== undefined && before !== undefined ? Math.min(grace, before) : grace;
}

/** Finalizers after the propagation policy: `orphan` and `foregroundDeletion` are the collector's. */
function wantedFinalizers(old: KubeObject, options: DeleteOptions): string[] {
  const present = old.metadata.finalizers ?? [];
  if (options.propagation === undefined) return [...present];
  const rest = present.filter((finalizer) => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion');
  if (options.propagation === 'Orphan') return [...rest, 'orphan'];
  if (options.propagation === 'Foreground') return [...rest, 'foregroundDeletion'];
  return rest;
}

/** Kinds whose dependents stay when a deletion does not say what becomes of them. */
const orphaningKinds: ReadonlySet<string> = new Set(['Job', 'ReplicationController']);
const preservedWarning =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';

/** The options of a deletion that names no policy, by kind. */
function withDefaultPolicy(target: RestRequest, options: DeleteOptions): DeleteOptions {
  const { resource, warnings } = target;
  if (options.propagation !== undefined || resource.custom !== undefined || !orphaningKinds.has(resource.kind)) {
    return options;
  }
  if (resource.kind === 'Job' && !warnings.includes(preservedWarning)) warnings.push(preservedWarning);
  return { ...options, propagation: 'Orphan' };
}

function checkPreconditions(target: RestRequest, current: StoredObject, options: DeleteOptions): void {
  const { metadata } = current.object;
  if (isNamespace(target.resource)) {
    checkNamespacePreconditions(metadata, options);
    return;
  }
  const { kind, group } = target.resource;
  // The real server names the kind here, not the resource.
  const fail = (why: string): never => {
    const name = metadata.name ?? '';
    throw new StatusError(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${kind}${group === '' ? '' : `.${group}`} "${name}": ${why}`,
      {
        name,
        ...(group === '' ? {} : { group }),
        kind,
      },
    );
  };
  if (options.uid !== undefined && options.uid !== metadata.uid) {
    fail(
      `the UID in the precondition (${options.uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== metadata.resourceVersion) {
    fail(
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

/** A namespace has checks of its own, with texts of their own. */
function checkNamespacePreconditions(metadata: KubeObject['metadata'], options: DeleteOptions): void {
  const { name = '' } = metadata;
  const fail = (what: string, wanted: string, found: string | undefined): never => {
    const why = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`;
    throw conflict({ group: '', plural: 'namespaces', kind: 'Namespace' }, name, why);
  };
  if (options.uid !== undefined && options.uid !== metadata.uid) fail('UID', options.uid, metadata.uid);
  if (options.resourceVersion !== undefined && options.resourceVersion !== metadata.resourceVersion) {
    fail('ResourceVersion', options.resourceVersion, metadata.resourceVersion);
  }
}

/** What a dry run shows of an object that would wait. */
function shownMarked(current: StoredObject, next: KubeObject): StoredObject {
  const { key, createRevision, modRevision } = current;
  return new StoredObject({ key, createRevision, modRevision, value: storedValue(next) });
}
