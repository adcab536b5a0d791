import {
  deployments,
  type Pod,
  type PodDisruptionBudget,
  pods,
  replicaSets,
  type Scale,
  type Stored,
  selectorMatches,
} from '@fairlead/api';
import { deepEqual, isNotFound } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { type DiscoveredResource, discoverResources } from '../discovery.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { controllerOf } from '../workload/pod-state.ts';
import { podDisruptionBudgets, statefulSets } from '../workload/resource-refs.ts';
import { decideBudget } from './decide-budget.ts';

const about = { kind: 'PodDisruptionBudget', apiVersion: 'policy/v1' };

/** Says how many Pods of a budget may be evicted. */
export const disruptionController: Controller = {
  name: 'disruption',
  needs: [podDisruptionBudgets, statefulSets],
  start(context) {
    const controller = new DisruptionController(context);
    return { stop: () => controller.queue.stop() };
  },
};

class DisruptionController {
  readonly #context: ControllerContext;
  readonly #budgets;
  readonly #pods;
  readonly #podsBy;
  readonly #replicaSets;
  readonly #statefulSets;
  readonly #deployments;
  readonly #events;
  #kinds: Promise<readonly DiscoveredResource[]> | undefined;
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = startWorkQueue({ ...context, name: 'disruption', sync: (key) => this.#sync(key) });
    this.#events = context.recorder('controllermanager');
    this.#budgets = context.informers.informer(podDisruptionBudgets);
    this.#pods = context.informers.informer(pods);
    this.#replicaSets = context.informers.informer(replicaSets);
    this.#statefulSets = context.informers.informer(statefulSets);
    this.#deployments = context.informers.informer(deployments);
    const all = context.informers.collection(pods);
    this.#podsBy = groupBy<Stored<Pod>>('pods by namespace', all, (pod) => pod.metadata.namespace);
    context.informers.collection(podDisruptionBudgets).subscribe((changes) => {
      for (const change of changes) this.queue.add(change.key);
    });
    all.subscribe((changes) => {
      for (const { old, new: now } of changes) {
        for (const pod of [old, now]) if (pod !== undefined) this.#wake(pod.metadata.namespace, pod);
      }
    });
    for (const ref of [deployments, replicaSets, statefulSets] as const) {
      context.informers
        .collection<{ spec?: { replicas?: number | undefined } | undefined }>(ref)
        .subscribe((changes) => {
          for (const { old, new: now } of changes) {
            if (old?.spec?.replicas !== now?.spec?.replicas) this.#wake((now ?? old)?.metadata.namespace, undefined);
          }
        });
    }
  }

  #wake(namespace: string | undefined, pod: Stored<Pod> | undefined): void {
    for (const budget of this.#budgets.values()) {
      if (budget.metadata.namespace !== namespace) continue;
      if (pod === undefined || takes(budget, pod)) this.queue.add(`${namespace}/${budget.metadata.name}`);
    }
  }

  async #sync(key: string): Promise<SyncResult> {
    const informers = [this.#pods, this.#replicaSets, this.#statefulSets, this.#deployments];
    await Promise.all(informers.map(({ synced }) => synced));
    const budget = this.#budgets.get(key);
    if (budget === undefined) return undefined;
    const { client, clock } = this.#context;
    const matching = (this.#podsBy.get(budget.metadata.namespace ?? '') ?? []).filter((pod) => takes(budget, pod));
    const replicasOf = (pod: Stored<Pod>): { owner: string; replicas: number } | undefined => {
      const owner = controllerOf(pod);
      if (owner === undefined) return undefined;
      if (owner.kind !== 'StatefulSet' && owner.kind !== 'ReplicaSet') return undefined;
      const informer = owner.kind === 'StatefulSet' ? this.#statefulSets : this.#replicaSets;
      const scaled = informer.get(`${pod.metadata.namespace}/${owner.name}`);
      if (scaled?.metadata.uid !== owner.uid) return undefined;
      // During a rollout the sets of a Deployment are larger or smaller than what is wanted in all.
      const above = owner.kind === 'ReplicaSet' ? controllerOf(scaled) : undefined;
      const deployment =
        above?.kind === 'Deployment' ? this.#deployments.get(`${pod.metadata.namespace}/${above.name}`) : undefined;
      if (deployment !== undefined && deployment.metadata.uid === above?.uid) {
        return { owner: above.uid, replicas: deployment.spec?.replicas ?? 1 };
      }
      return { owner: owner.uid, replicas: scaled.spec?.replicas ?? 1 };
    };
    const scales = await this.#otherScales(matching);
    const { status, events, againAfterMs } = decideBudget(
      budget,
      matching,
      (pod) => replicasOf(pod) ?? scales.get(controllerOf(pod)?.uid ?? ''),
      clock.now(),
    );
    for (const { type, reason, message } of events) this.#events.record(budget, type, reason, message, about);
    if (!deepEqual(budget.status, status)) {
      const next = { ...budget, status };
      const { metadata } = await client.update(podDisruptionBudgets, next, { subresource: 'status' });
      await this.#budgets.caughtUp(metadata.resourceVersion);
    }
    return againAfterMs === undefined ? undefined : { againAfterMs };
  }

  /** Sizes of owners of other kinds, by uid: whatever has a scale subresource may own Pods. */
  async #otherScales(matching: readonly Stored<Pod>[]): Promise<Map<string, { owner: string; replicas: number }>> {
    const { client } = this.#context;
    const found = new Map<string, { owner: string; replicas: number }>();
    for (const pod of matching) {
      const owner = controllerOf(pod);
      if (owner === undefined || found.has(owner.uid) || withoutScale.has(owner.kind)) continue;
      this.#kinds ??= discoverResources(client);
      const [group = ''] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : [''];
      const ref = (await this.#kinds).find((one) => one.kind === owner.kind && one.group === group);
      if (ref === undefined) {
        // A definition that is newer than what is known.
        this.#kinds = undefined;
        continue;
      }
      const root = group === '' ? `/api/${ref.version}` : `/apis/${owner.apiVersion}`;
      const path = `${root}/namespaces/${pod.metadata.namespace}/${ref.plural}/${owner.name}/scale`;
      const scale = (await client.request('GET', path).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      })) as Scale | undefined;
      if (scale !== undefined) found.set(owner.uid, { owner: owner.uid, replicas: scale.spec?.replicas ?? 0 });
    }
    return found;
  }
}

/** Kinds that own Pods and are known by heart, or known to have no size that could be asked for. */
const withoutScale: ReadonlySet<string> = new Set(['ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'Node']);

/** An empty selector takes every Pod of the namespace, none takes none. */
function takes(budget: PodDisruptionBudget, pod: Stored<Pod>): boolean {
  return budget.spec?.selector !== undefined && selectorMatches(budget.spec.selector, pod.metadata.labels);
}
