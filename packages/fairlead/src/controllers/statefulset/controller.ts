import { deepEqual } from '@fairlead/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { PodControl } from '../workload/pod-control.ts';
import { controllerRevisions, statefulSets } from '../workload/resource-refs.ts';
import { revisionLabel, syncRevisions, templateOf, trimRevisions } from '../workload/revisions.ts';
import { decideSetPods } from './decide-pods.ts';
import { setPod } from './set-pod.ts';

const about = { kind: 'StatefulSet', apiVersion: 'apps/v1' };
const defaultHistory = 10;

/** Keeps numbered Pods with stable names, and rolls new templates out from the last to the first. */
export const statefulSetController: Controller = {
  name: 'statefulset',
  needs: [statefulSets, controllerRevisions],
  start(context) {
    const controller = new StatefulSetController(context);
    return { stop: () => controller.queue.stop() };
  },
};

class StatefulSetController {
  readonly #context: ControllerContext;
  readonly #sets;
  readonly #revisions;
  readonly #pods;
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = startWorkQueue({ ...context, name: 'statefulset', sync: (key) => this.#sync(key) });
    this.#sets = context.informers.informer(statefulSets);
    this.#revisions = context.informers.informer(controllerRevisions);
    const events = context.recorder('statefulset-controller');
    this.#pods = new PodControl(
      context,
      about,
      events,
      (key) => this.queue.add(key),
      () => this.#sets.values(),
    );
    context.informers.collection(statefulSets).subscribe((changes) => {
      for (const change of changes) this.queue.add(change.key);
    });
  }

  async #sync(key: string): Promise<SyncResult> {
    const set = this.#sets.get(key);
    if (set?.spec === undefined) return undefined;
    const { client, clock } = this.#context;
    const { name } = set.metadata;
    const owned = await this.#pods.claim(set, set.spec.selector);
    const history = await syncRevisions(this.#context, this.#revisions, set, about);
    const update = history.present.metadata.name;
    const known = history.all.find((revision) => revision.metadata.name === set.status?.currentRevision);
    const current = known?.metadata.name ?? update;
    const leaving = this.#pods.isLeaving.bind(this.#pods);
    const decision = decideSetPods(set, owned, leaving, { current, update }, clock.now());

    const wanted = decision.create.map(({ ordinal, revision }) => {
      const old = revision === current && known !== undefined ? templateOf(known) : undefined;
      return setPod(set, about, old ?? set.spec!.template, ordinal, revision);
    });
    const failure = await this.#pods.create(
      set,
      wanted,
      (pod) => `create Pod ${pod} in StatefulSet ${name} successful`,
    );
    for (const pod of decision.remove) {
      await this.#pods.remove(set, pod, `delete Pod ${pod.metadata.name} in StatefulSet ${name} successful`);
    }
    const status = { ...decision.status };
    if (status.conditions === undefined) delete status.conditions;
    if (!deepEqual(set.status, status)) {
      const { metadata } = await client.update(statefulSets, { ...set, status }, { subresource: 'status' });
      await this.#sets.caughtUp(metadata.resourceVersion);
    }
    if (failure !== undefined) throw failure;
    const used = new Set([
      status.currentRevision ?? '',
      ...owned.map((pod) => pod.metadata.labels?.[revisionLabel] ?? ''),
    ]);
    await trimRevisions(this.#context, history, used, set.spec.revisionHistoryLimit ?? defaultHistory);
    return decision.againAfterMs === undefined ? undefined : { againAfterMs: decision.againAfterMs };
  }
}
