import {
  apiVersionOf,
  type Deployment,
  deployments,
  pods,
  type ReplicaSet,
  replicaSets,
  type Stored,
  selectorMatches,
} from '@fairlead/api';
import { ApiError, deepEqual, isNotFound } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { controllerOf, isPodFinished } from '../workload/pod-state.ts';
import { hashLabel, sameTemplate, templateHash } from '../workload/template-hash.ts';
import { decideRollout, type RolloutDecision } from './decide-rollout.ts';
import { replicaSetAnnotations, revisionAnnotation, scaleAnnotations } from './replica-set-annotations.ts';
import { rolloutStatus } from './rollout-status.ts';

const about = { kind: 'Deployment', apiVersion: apiVersionOf(deployments) };

/**
 * Quiet after an edit before it is reported, and the longest wait for that, milliseconds: about what the original needs for
 * its own writes. Clients that replace an object several times in a row count on that without knowing it.
 */
const settleMs = 15;
const settleMostMs = 60;

/** Rolls templates out through ReplicaSets. */
export const deploymentController: Controller = {
  name: 'deployment',
  start(context) {
    const controller = new DeploymentController(context);
    return { stop: () => controller.queue.stop() };
  },
};

class DeploymentController {
  readonly #context: ControllerContext;
  readonly #events;
  readonly #deploymentInformer;
  readonly #replicaSetInformer;
  readonly #podInformer;
  readonly #setsBy;
  readonly #podsBy;
  /** Generations that no status tells of yet, by key. */
  readonly #edits = new Map<
    string,
    { readonly generation: number; readonly firstMs: number; readonly lastMs: number }
  >();
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#events = context.recorder('deployment-controller');
    this.queue = startWorkQueue({ ...context, name: 'deployment', sync: (key) => this.#sync(key) });
    this.#deploymentInformer = context.informers.informer(deployments);
    this.#replicaSetInformer = context.informers.informer(replicaSets);
    this.#podInformer = context.informers.informer(pods);
    const sets = context.informers.collection(replicaSets);
    this.#setsBy = groupBy(
      'replicasets by owner',
      sets,
      (set) => controllerOf(set)?.uid ?? `orphan:${set.metadata.namespace}`,
    );
    this.#podsBy = groupBy('pods by owner', context.informers.collection(pods), (pod) => controllerOf(pod)?.uid);
    context.informers.collection(deployments).subscribe((changes) => {
      for (const change of changes) this.queue.add(change.key);
    });
    sets.subscribe((changes) => {
      for (const change of changes) for (const set of [change.old, change.new]) if (set !== undefined) this.#wake(set);
    });
    // Only Recreate looks at Pods themselves: it waits for the last old one to end.
    context.informers.collection(pods).subscribe((changes) => {
      for (const { old, new: next } of changes) {
        const owner = controllerOf(next ?? old ?? {});
        if (owner?.kind !== 'ReplicaSet' || !(next === undefined || isPodFinished(next))) continue;
        const set = this.#replicaSetInformer.get(`${(next ?? old)?.metadata.namespace}/${owner.name}`);
        if (set !== undefined) this.#wake(set);
      }
    });
  }

  #wake(set: Stored<ReplicaSet>): void {
    const { namespace } = set.metadata;
    const owner = controllerOf(set);
    if (owner !== undefined) {
      if (owner.kind === 'Deployment') this.queue.add(`${namespace}/${owner.name}`);
      return;
    }
    for (const deployment of this.#deploymentInformer.values()) {
      if (deployment.metadata.namespace === namespace) this.queue.add(`${namespace}/${deployment.metadata.name}`);
    }
  }

  async #sync(key: string): Promise<SyncResult | undefined> {
    await Promise.all([this.#replicaSetInformer.synced, this.#podInformer.synced]);
    const deployment = this.#deploymentInformer.get(key);
    if (deployment === undefined) {
      this.#edits.delete(key);
      return;
    }
    if (deployment.metadata.deletionTimestamp === undefined) await this.#adoptOrphans(deployment);
    const decide = (): RolloutDecision => {
      const sets = this.#setsBy.get(deployment.metadata.uid) ?? [];
      const oldPods = sets
        .filter((set) => !sameTemplate(set.spec?.template, deployment.spec?.template))
        .flatMap((set) => this.#podsBy.get(set.metadata.uid) ?? []);
      return decideRollout(
        deployment,
        sets,
        oldPods.some((pod) => !isPodFinished(pod)),
      );
    };
    let decision = decide();
    let created = false;
    if (deployment.metadata.deletionTimestamp === undefined) {
      if (decision.create !== undefined) {
        await this.#create(deployment, decision.create, decision.revision);
        created = true;
        decision = decide();
      }
      await this.#apply(deployment, decision);
      // The sizes in the status are those just written.
      decision = decide();
    }
    return this.#writeStatus(deployment, decision, created);
  }

  async #create(deployment: Stored<Deployment>, replicas: number, revision: number): Promise<void> {
    const { client } = this.#context;
    const { name, namespace, uid } = deployment.metadata;
    const template = deployment.spec?.template ?? {};
    const hash = templateHash(template, deployment.status?.collisionCount);
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    const selector = deployment.spec?.selector ?? {};
    const owner = { ...about, name, uid, controller: true, blockOwnerDeletion: true };
    const minReadySeconds = deployment.spec?.minReadySeconds;
    const set: ReplicaSet = {
      apiVersion: apiVersionOf(replicaSets),
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: replicaSetAnnotations(deployment, {}, revision),
        ownerReferences: [owner],
      },
      spec: {
        replicas,
        ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    };
    try {
      const made = await client.create(replicaSets, set);
      if (replicas > 0) {
        this.#events.record(deployment, 'Normal', 'ScalingReplicaSet', scaledText('up', made, 0, replicas), about);
      }
      await this.#replicaSetInformer.caughtUp(made.metadata.resourceVersion);
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
      // Ours with the same template: an earlier answer was lost. Anything else: take another hash.
      const present = await client.get(replicaSets, { name: `${name}-${hash}`, namespace: namespace ?? '' });
      const ours = controllerOf(present)?.uid === uid && sameTemplate(present.spec?.template, template);
      if (!ours) {
        const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
        const status = { ...deployment.status, collisionCount };
        await client.update(deployments, { ...deployment, status }, { subresource: 'status' });
      }
      throw error;
    }
  }

  async #apply(deployment: Stored<Deployment>, decision: RolloutDecision): Promise<void> {
    const { current, old, scale, revision } = decision;
    for (const set of [...(current === undefined ? [] : [current]), ...old]) {
      const size = scale.get(set.metadata.name);
      const present = set.metadata.annotations ?? {};
      const annotations =
        set === current && deployment.spec?.paused !== true
          ? replicaSetAnnotations(deployment, present, revision)
          : size === undefined && (set.spec?.replicas ?? 0) === 0
            ? present
            : { ...present, ...scaleAnnotations(deployment) };
      const minReadySeconds = set === current ? deployment.spec?.minReadySeconds : set.spec?.minReadySeconds;
      const readyChanged = (minReadySeconds ?? 0) !== (set.spec?.minReadySeconds ?? 0);
      if (size === undefined && !readyChanged && deepEqual(annotations, present)) continue;
      const before = set.spec?.replicas ?? 1;
      const written = await this.#context.client.update(replicaSets, {
        ...set,
        metadata: { ...set.metadata, annotations },
        spec: { ...(set.spec ?? { selector: {} }), replicas: size ?? before, minReadySeconds },
      });
      if (size !== undefined && size !== before) {
        const text = scaledText(size > before ? 'up' : 'down', set, before, size);
        this.#events.record(deployment, 'Normal', 'ScalingReplicaSet', text, about);
      }
      await this.#replicaSetInformer.caughtUp(written.metadata.resourceVersion);
    }
    for (const { metadata } of decision.remove) {
      const { name, namespace = '', uid } = metadata;
      await this.#context.client
        .delete(replicaSets, { name, namespace }, { preconditions: { uid } })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
    }
  }

  /**
   * Edits come in bursts, and each would earn a status of its own that the next one has to be merged with: what is new
   * is reported when it has been quiet for a moment. The ReplicaSets follow at once.
   * @returns milliseconds until the status may be written
   */
  #untilSettled({ metadata, status }: Stored<Deployment>): number {
    const { namespace, name, generation = 0 } = metadata;
    const key = `${namespace}/${name}`;
    // A new one has nothing to wait for.
    if (generation <= 1 || (status?.observedGeneration ?? 0) >= generation) {
      this.#edits.delete(key);
      return 0;
    }
    const now = this.#context.clock.monotonicMs();
    const before = this.#edits.get(key);
    const firstMs = before?.firstMs ?? now;
    const lastMs = before?.generation === generation ? before.lastMs : now;
    this.#edits.set(key, { generation, firstMs, lastMs });
    return Math.max(0, Math.min(lastMs + settleMs, firstMs + settleMostMs) - now);
  }

  async #writeStatus(
    deployment: Stored<Deployment>,
    decision: RolloutDecision,
    created: boolean,
  ): Promise<SyncResult | undefined> {
    const { client, clock } = this.#context;
    const waitMs = this.#untilSettled(deployment);
    if (waitMs > 0) return { againAfterMs: waitMs };
    const { current, old } = decision;
    const { status, againAfterMs } = rolloutStatus(deployment, current, old, created, clock.now());
    const revision = current?.metadata.annotations?.[revisionAnnotation];
    const { annotations } = deployment.metadata;
    const revised = revision !== undefined && revision !== annotations?.[revisionAnnotation];
    if (revised || !deepEqual(status, deployment.status)) {
      // One write: the status of a built-in kind takes annotations along.
      const metadata = revised
        ? { ...deployment.metadata, annotations: { ...annotations, [revisionAnnotation]: revision } }
        : deployment.metadata;
      const written = await client.update(deployments, { ...deployment, metadata, status }, { subresource: 'status' });
      await this.#deploymentInformer.caughtUp(written.metadata.resourceVersion);
    }
    return againAfterMs === undefined ? undefined : { againAfterMs };
  }

  async #adoptOrphans(deployment: Stored<Deployment>): Promise<void> {
    const { uid, name, namespace } = deployment.metadata;
    for (const set of this.#setsBy.get(`orphan:${namespace}`) ?? []) {
      if (set.metadata.deletionTimestamp !== undefined) continue;
      if (!selectorMatches(deployment.spec?.selector, set.metadata.labels)) continue;
      const owner = { ...about, name, uid, controller: true, blockOwnerDeletion: true };
      const metadata = { uid: set.metadata.uid, ownerReferences: [...(set.metadata.ownerReferences ?? []), owner] };
      const target = { name: set.metadata.name, namespace: namespace ?? '' };
      const adopted = await this.#context.client.patch(replicaSets, target, 'merge', { metadata });
      await this.#replicaSetInformer.caughtUp(adopted.metadata.resourceVersion);
    }
  }
}

function scaledText(direction: 'up' | 'down', set: Stored<ReplicaSet>, from: number, to: number): string {
  return `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${to}`;
}
