import { type Pod, type PodDisruptionBudget, pods, replicaSets, type Stored, selectorMatches } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { controllerOf } from '../workload/pod-state.ts';
import { podDisruptionBudgets, statefulSets } from '../workload/resource-refs.ts';
import { decideBudget } from './decide-budget.ts';

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
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = startWorkQueue({ ...context, name: 'disruption', sync: (key) => this.#sync(key) });
    this.#budgets = context.informers.informer(podDisruptionBudgets);
    this.#pods = context.informers.informer(pods);
    this.#replicaSets = context.informers.informer(replicaSets);
    this.#statefulSets = context.informers.informer(statefulSets);
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
    for (const ref of [replicaSets, statefulSets] as const) {
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
    await Promise.all([this.#pods.synced, this.#replicaSets.synced, this.#statefulSets.synced]);
    const budget = this.#budgets.get(key);
    if (budget === undefined) return undefined;
    const { client, clock } = this.#context;
    const matching = (this.#podsBy.get(budget.metadata.namespace ?? '') ?? []).filter((pod) => takes(budget, pod));
    const replicasOf = (pod: Stored<Pod>): { owner: string; replicas: number } | undefined => {
      const owner = controllerOf(pod);
      if (owner === undefined) return undefined;
      const informer = owner.kind === 'StatefulSet' ? this.#statefulSets : this.#replicaSets;
      const scaled = informer.get(`${pod.metadata.namespace}/${owner.name}`);
      if (scaled?.metadata.uid !== owner.uid) return undefined;
      return { owner: owner.uid, replicas: scaled.spec?.replicas ?? 1 };
    };
    const { status, againAfterMs } = decideBudget(budget, matching, replicasOf, clock.now());
    if (!deepEqual(budget.status, status)) {
      const next = { ...budget, status };
      const { metadata } = await client.update(podDisruptionBudgets, next, { subresource: 'status' });
      await this.#budgets.caughtUp(metadata.resourceVersion);
    }
    return againAfterMs === undefined ? undefined : { againAfterMs };
  }
}

/** An empty selector takes every Pod of the namespace, none takes none. */
function takes(budget: PodDisruptionBudget, pod: Stored<Pod>): boolean {
  return budget.spec?.selector !== undefined && selectorMatches(budget.spec.selector, pod.metadata.labels);
}
