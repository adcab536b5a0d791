import { type DaemonSet, type Node, nodes, type Pod, type Stored } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { ownerReference, PodControl } from '../workload/pod-control.ts';
import { controllerRevisions, daemonSets } from '../workload/resource-refs.ts';
import { revisionLabel, syncRevisions, trimRevisions } from '../workload/revisions.ts';
import { daemonTolerations, decideDaemonPods } from './decide-pods.ts';

const about = { kind: 'DaemonSet', apiVersion: 'apps/v1' };
const defaultHistory = 10;
const maxPerSync = 250;

/** Keeps one Pod on every node that the template fits. */
export const daemonSetController: Controller = {
  name: 'daemonset',
  needs: [daemonSets, controllerRevisions],
  start(context) {
    const controller = new DaemonSetController(context);
    return { stop: () => controller.queue.stop() };
  },
};

class DaemonSetController {
  readonly #context: ControllerContext;
  readonly #sets;
  readonly #nodes;
  readonly #revisions;
  readonly #pods;
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = startWorkQueue({ ...context, name: 'daemonset', sync: (key) => this.#sync(key) });
    this.#sets = context.informers.informer(daemonSets);
    this.#nodes = context.informers.informer(nodes);
    this.#revisions = context.informers.informer(controllerRevisions);
    const events = context.recorder('daemonset-controller');
    this.#pods = new PodControl(
      context,
      about,
      events,
      (key) => this.queue.add(key),
      () => this.#sets.values(),
    );
    context.informers.collection(daemonSets).subscribe((changes) => {
      for (const change of changes) this.queue.add(change.key);
    });
    context.informers.collection(nodes).subscribe((changes) => {
      const relevant = changes.some(({ old, new: now }) => !deepEqual(placementOf(old), placementOf(now)));
      if (!relevant) return;
      for (const { metadata } of this.#sets.values()) this.queue.add(`${metadata.namespace}/${metadata.name}`);
    });
  }

  async #sync(key: string): Promise<SyncResult> {
    await this.#nodes.synced;
    const set = this.#sets.get(key);
    if (set?.spec === undefined) return undefined;
    const { client, clock } = this.#context;
    const owned = await this.#pods.claim(set, set.spec.selector);
    const history = await syncRevisions(this.#context, this.#revisions, set, about);
    const hash = history.present.metadata.labels?.[revisionLabel] ?? '';
    const leaving = this.#pods.isLeaving.bind(this.#pods);
    const decision = decideDaemonPods(set, [...this.#nodes.values()], owned, leaving, hash, clock.now());
    const wanted = decision.create.slice(0, maxPerSync).map((node) => daemonPod(set, node, hash));
    const failure = await this.#pods.create(set, wanted, (pod) => `Created pod: ${pod}`);
    for (const pod of decision.remove) await this.#pods.remove(set, pod, `Deleted pod: ${pod.metadata.name}`);
    if (!deepEqual(set.status, decision.status)) {
      const next = { ...set, status: decision.status };
      const { metadata } = await client.update(daemonSets, next, { subresource: 'status' });
      await this.#sets.caughtUp(metadata.resourceVersion);
    }
    if (failure !== undefined) throw failure;
    const used = new Set(owned.map((pod) => `${set.metadata.name}-${pod.metadata.labels?.[revisionLabel] ?? ''}`));
    await trimRevisions(this.#context, history, used, set.spec.revisionHistoryLimit ?? defaultHistory);
    if (decision.create.length > maxPerSync) this.queue.add(key);
    return decision.againAfterMs === undefined ? undefined : { againAfterMs: decision.againAfterMs };
  }
}

/** What of a node decides about DaemonSets. */
function placementOf(node: Node | undefined): unknown {
  return node === undefined ? undefined : { labels: node.metadata?.labels, taints: node.spec?.taints };
}

/** The Pod for a node; the scheduler binds it there and nowhere else. */
export function daemonPod(set: Stored<DaemonSet>, node: string, hash: string): Pod {
  const template = set.spec!.template;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const spec = template.spec!;
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [node] }] }],
    },
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${set.metadata.name}-`,
      ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
      labels: {
        ...labels,
        [revisionLabel]: hash,
        'pod-template-generation': String(set.metadata.generation ?? 1),
      },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [ownerReference(set, about)],
    },
    spec: {
      ...spec,
      affinity: { ...spec.affinity, nodeAffinity },
      tolerations: [...(spec.tolerations ?? []), ...daemonTolerations(spec.hostNetwork === true)],
    },
  };
}
