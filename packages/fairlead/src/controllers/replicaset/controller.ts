import {
  apiVersionOf,
  type Pod,
  pods,
  type ReplicaSet,
  type ReplicaSetCondition,
  type ResourceRef,
  replicaSets,
  type Stored,
} from '@fairlead/api';
import { ApiError, isNotFound } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { type OwnerKind, ownerReference } from '../workload/pod-control.ts';
import { controllerOf, timestamp } from '../workload/pod-state.ts';
import { replicationControllers } from '../workload/resource-refs.ts';
import { decideReplicas, sameStatus } from './decide-replicas.ts';

const maxPerSync = 500;

/** One of the kinds that keep Pods of a template. */
interface ReplicaKind {
  readonly about: OwnerKind;
  readonly ref: ResourceRef<ReplicaSet>;
  /** Who tells of its doings in Events. */
  readonly component: string;
  /** The object in the form of a ReplicaSet. */
  asReplicaSet(object: Stored<ReplicaSet>): Stored<ReplicaSet>;
}

const replicaSetKind: ReplicaKind = {
  about: { kind: 'ReplicaSet', apiVersion: apiVersionOf(replicaSets) },
  ref: replicaSets,
  component: 'replicaset-controller',
  asReplicaSet: (object) => object,
};

/** As a ReplicaSet in all but its selector, which is a map of labels. */
const replicationControllerKind: ReplicaKind = {
  about: { kind: 'ReplicationController', apiVersion: apiVersionOf(replicationControllers) },
  ref: replicationControllers as ResourceRef<object> as ResourceRef<ReplicaSet>,
  component: 'replication-controller',
  asReplicaSet(object) {
    const matchLabels = (object.spec?.selector ?? {}) as Record<string, string>;
    return { ...object, spec: { ...object.spec, selector: { matchLabels } } };
  },
};

/** Keeps as many Pods of a template as wanted. */
export const replicaSetController: Controller = {
  name: 'replicaset',
  start(context) {
    const controller = new ReplicaSetController(context, replicaSetKind);
    return { stop: () => controller.queue.stop() };
  },
};

/** The same for the older kind. */
export const replicationControllerController: Controller = {
  name: 'replicationcontroller',
  needs: [replicationControllers],
  start(context) {
    const controller = new ReplicaSetController(context, replicationControllerKind);
    return { stop: () => controller.queue.stop() };
  },
};

class ReplicaSetController {
  readonly #context: ControllerContext;
  readonly #kind: ReplicaKind;
  readonly #events;
  readonly #podInformer;
  readonly #replicaSetInformer;
  /** `owner:UID` and `orphan:NAMESPACE`. */
  readonly #podsBy;
  readonly #deleted = new Set<string>();
  readonly queue;

  constructor(context: ControllerContext, kind: ReplicaKind) {
    this.#context = context;
    this.#kind = kind;
    this.#events = context.recorder(kind.component);
    this.queue = startWorkQueue({ ...context, name: kind.about.kind.toLowerCase(), sync: (key) => this.#sync(key) });
    this.#podInformer = context.informers.informer(pods);
    this.#replicaSetInformer = context.informers.informer(kind.ref);
    const podCollection = context.informers.collection(pods);
    const sets = context.informers.collection(kind.ref);
    this.#podsBy = groupBy<Stored<Pod>>('pods by owner', podCollection, (pod) => {
      const owner = controllerOf(pod);
      return owner === undefined ? `orphan:${pod.metadata.namespace}` : `owner:${owner.uid}`;
    });
    sets.subscribe((changes) => {
      for (const change of changes) this.queue.add(change.key);
    });
    podCollection.subscribe((changes) => {
      for (const change of changes) {
        if (change.new === undefined && change.old !== undefined) this.#deleted.delete(change.old.metadata.uid);
        for (const pod of [change.old, change.new]) if (pod !== undefined) this.#wake(pod);
      }
    });
  }

  #wake(pod: Stored<Pod>): void {
    const owner = controllerOf(pod);
    const { namespace } = pod.metadata;
    if (owner !== undefined) {
      if (owner.kind === this.#kind.about.kind) this.queue.add(`${namespace}/${owner.name}`);
      return;
    }
    for (const set of this.#replicaSetInformer.values()) {
      if (set.metadata.namespace === namespace) this.queue.add(`${namespace}/${set.metadata.name}`);
    }
  }

  async #sync(key: string): Promise<SyncResult | undefined> {
    if (!this.#podInformer.hasSynced) await this.#podInformer.synced;
    const stored = this.#replicaSetInformer.get(key);
    if (stored === undefined) return;
    const replicaSet = this.#kind.asReplicaSet(stored);
    const { clock, client } = this.#context;
    const owned = this.#podsBy.get(`owner:${replicaSet.metadata.uid}`) ?? [];
    const orphans = this.#podsBy.get(`orphan:${replicaSet.metadata.namespace}`) ?? [];
    const decision = decideReplicas(replicaSet, owned, orphans, this.#deleted, clock.now());

    for (const pod of decision.adopt) await this.#adopt(replicaSet, pod);
    for (const pod of decision.release) await this.#release(replicaSet, pod);
    const failure =
      decision.create > 0 ? await this.#create(replicaSet, Math.min(decision.create, maxPerSync)) : undefined;
    await Promise.all(decision.remove.map((pod) => this.#remove(replicaSet, pod)));

    const conditions = failureConditions(replicaSet, failure, clock.now());
    const status = { ...decision.status, ...(conditions === undefined ? {} : { conditions }) };
    if (conditions === undefined) delete status.conditions;
    if (!sameStatus(replicaSet.status, status)) {
      const { metadata } = await client.update(this.#kind.ref, { ...stored, status }, { subresource: 'status' });
      await this.#replicaSetInformer.caughtUp(metadata.resourceVersion);
    }
    if (failure !== undefined) throw failure;
    if (decision.create > maxPerSync) this.queue.add(key);
    return decision.againAfterMs === undefined ? undefined : { againAfterMs: decision.againAfterMs };
  }

  /** Creates in batches that double, so that a failing template costs one request and not hundreds. */
  async #create(replicaSet: Stored<ReplicaSet>, count: number): Promise<unknown> {
    const { client } = this.#context;
    const pod = podOf(replicaSet, this.#kind.about);
    let version = '0';
    let failure: unknown;
    for (let done = 0, batch = 1; done < count && failure === undefined; done += batch, batch *= 2) {
      const size = Math.min(batch, count - done);
      const results = await Promise.allSettled(Array.from({ length: size }, () => client.create(pods, pod)));
      for (const result of results) {
        if (result.status === 'rejected') {
          failure ??= result.reason;
          continue;
        }
        const { name, resourceVersion } = result.value.metadata;
        if (Number(resourceVersion) > Number(version)) version = resourceVersion;
        this.#events.record(replicaSet, 'Normal', 'SuccessfulCreate', `Created pod: ${name}`, this.#kind.about);
      }
    }
    await this.#podInformer.caughtUp(version);
    if (
      failure instanceof ApiError &&
      failure.status?.details?.causes?.some((c) => c.reason === 'NamespaceTerminating')
    )
      return;
    if (failure !== undefined) {
      const text = `Error creating: ${(failure as Error).message}`;
      this.#events.record(replicaSet, 'Warning', 'FailedCreate', text, this.#kind.about);
    }
    return failure;
  }

  async #remove(replicaSet: Stored<ReplicaSet>, pod: Stored<Pod>): Promise<void> {
    const { name, namespace = '', uid } = pod.metadata;
    this.#deleted.add(uid);
    try {
      await this.#context.client.delete(pods, { name, namespace }, { preconditions: { uid } });
      this.#events.record(replicaSet, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`, this.#kind.about);
    } catch (error) {
      if (isNotFound(error) || (error instanceof ApiError && error.code === 409)) return;
      this.#deleted.delete(uid);
      throw error;
    }
  }

  async #adopt(replicaSet: Stored<ReplicaSet>, pod: Stored<Pod>): Promise<void> {
    const { name, namespace = '', uid, ownerReferences = [] } = pod.metadata;
    const metadata = { uid, ownerReferences: [...ownerReferences, ownerReference(replicaSet, this.#kind.about)] };
    const patched = await this.#context.client.patch(pods, { name, namespace }, 'merge', { metadata });
    await this.#podInformer.caughtUp(patched.metadata.resourceVersion);
  }

  async #release(replicaSet: Stored<ReplicaSet>, pod: Stored<Pod>): Promise<void> {
    const { name, namespace = '', uid, ownerReferences = [] } = pod.metadata;
    const rest = ownerReferences.filter((owner) => owner.uid !== replicaSet.metadata.uid);
    const metadata = { uid, ownerReferences: rest.length === 0 ? null : rest };
    const patched = await this.#context.client.patch(pods, { name, namespace }, 'merge', { metadata });
    await this.#podInformer.caughtUp(patched.metadata.resourceVersion);
  }
}

/** A new Pod of the template. */
function podOf(replicaSet: Stored<ReplicaSet>, about: OwnerKind): Pod {
  const { name, namespace } = replicaSet.metadata;
  const template = replicaSet.spec?.template;
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${name}-`,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [ownerReference(replicaSet, about)],
    },
    spec: template?.spec,
  };
}

/** The `ReplicaFailure` condition while creating fails; none otherwise. */
function failureConditions(
  replicaSet: Stored<ReplicaSet>,
  failure: unknown,
  nowMs: number,
): ReplicaSetCondition[] | undefined {
  const present = replicaSet.status?.conditions ?? [];
  const others = present.filter((condition) => condition.type !== 'ReplicaFailure');
  if (failure === undefined) return others.length === 0 ? undefined : others;
  const old = present.find((condition) => condition.type === 'ReplicaFailure');
  // The first failure stands: later ones differ by the names they tried, and telling them would never end.
  if (old !== undefined) return [...others, old];
  const message = (failure as Error).message;
  const lastTransitionTime = timestamp(nowMs);
  return [...others, { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message, lastTransitionTime }];
}
