import { type Binding, namespaces, nodes, type Pod, pods, type ResourceRef, type Stored } from '@fairlead/api';
import { isNotFound } from '@fairlead/client';
import { filterCollection, groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';
import { isPodFinished, podCondition, timestamp } from '../workload/pod-state.ts';
import { chooseNode } from './choose-node.ts';
import type { NodeLoad } from './node-fit.ts';

const about = { kind: 'Pod', apiVersion: 'v1' };
const bindings: ResourceRef<Binding> = pods as ResourceRef<unknown> as ResourceRef<Binding>;

/** Gives every Pod a node. */
export const scheduler: Controller = {
  name: 'scheduler',
  start(context) {
    const controller = new Scheduler(context);
    return { stop: () => controller.queue.stop() };
  },
};

class Scheduler {
  readonly #context: ControllerContext;
  readonly #events;
  readonly #podInformer;
  readonly #nodeInformer;
  readonly #namespaceInformer;
  readonly #podsByNode;
  /** Bindings on their way: Pod key → node, so that the next choice counts them. */
  readonly #assumed = new Map<string, { readonly pod: Stored<Pod>; readonly node: string }>();
  readonly #unschedulable = new Set<string>();
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#events = context.recorder('default-scheduler');
    this.queue = startWorkQueue({ ...context, name: 'scheduler', concurrency: 16, sync: (key) => this.#sync(key) });
    this.#podInformer = context.informers.informer(pods);
    this.#nodeInformer = context.informers.informer(nodes);
    this.#namespaceInformer = context.informers.informer(namespaces);
    const all = context.informers.collection(pods);
    const placed = filterCollection('placed pods', all, (pod) => !isPodFinished(pod));
    this.#podsByNode = groupBy('pods by node', placed, (pod) => pod.spec?.nodeName);
    all.subscribe((changes) => {
      for (const { key, new: pod } of changes) {
        if (pod === undefined || pod.spec?.nodeName !== undefined) {
          this.#assumed.delete(key);
          this.#unschedulable.delete(key);
          // Room may have become free.
          if (pod === undefined || isPodFinished(pod)) this.#retry();
        } else {
          this.queue.add(key);
        }
      }
    });
    context.informers.collection(nodes).subscribe(() => this.#retry());
  }

  #retry(): void {
    for (const key of this.#unschedulable) this.queue.add(key);
  }

  async #sync(key: string): Promise<void> {
    await Promise.all([this.#podInformer.synced, this.#nodeInformer.synced]);
    const pod = this.#podInformer.get(key);
    if (pod === undefined || !isForUs(pod) || this.#assumed.has(key)) return;
    const labelsOf = (namespace: string): Readonly<Record<string, string>> | undefined =>
      this.#namespaceInformer.get(namespace)?.metadata.labels;
    const choice = chooseNode(pod, this.#loads(), labelsOf);
    if (!choice.ok) {
      this.#unschedulable.add(key);
      await this.#report(pod, choice.message);
      return;
    }
    this.#unschedulable.delete(key);
    const { name, namespace = '', uid } = pod.metadata;
    this.#assumed.set(key, { pod, node: choice.node });
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: choice.node },
    };
    try {
      await this.#context.client.create(bindings, binding, { subresource: 'binding' });
      const text = `Successfully assigned ${namespace}/${name} to ${choice.node}`;
      this.#events.record(pod, 'Normal', 'Scheduled', text, about);
    } catch (error) {
      this.#assumed.delete(key);
      if (!isNotFound(error)) throw error;
    }
  }

  #loads(): NodeLoad[] {
    const assumed = [...this.#assumed.values()];
    return [...this.#nodeInformer.values()]
      .filter((node) => node.metadata.deletionTimestamp === undefined)
      .map((node) => {
        const coming = assumed.filter((entry) => entry.node === node.metadata.name).map((entry) => entry.pod);
        return { node, pods: [...(this.#podsByNode.get(node.metadata.name) ?? []), ...coming] };
      });
  }

  /** Says on the Pod why it waits; once per reason, so that the write does not lead to another. */
  async #report(pod: Stored<Pod>, message: string): Promise<void> {
    const old = podCondition(pod, 'PodScheduled');
    if (old?.status === 'False' && old.reason === 'Unschedulable' && old.message === message) return;
    const lastTransitionTime =
      old?.status === 'False' && old.lastTransitionTime !== undefined
        ? old.lastTransitionTime
        : timestamp(this.#context.clock.now());
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime };
    const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled'), condition];
    const status = { phase: 'Pending' as const, ...pod.status, conditions };
    await this.#context.client.update(pods, { ...pod, status }, { subresource: 'status' });
    this.#events.record(pod, 'Warning', 'FailedScheduling', message, about);
  }
}

function isForUs(pod: Stored<Pod>): boolean {
  const { nodeName, schedulerName = 'default-scheduler', schedulingGates = [] } = pod.spec ?? {};
  return (
    (nodeName === undefined || nodeName === '') &&
    schedulerName === 'default-scheduler' &&
    schedulingGates.length === 0 &&
    pod.metadata.deletionTimestamp === undefined &&
    !isPodFinished(pod)
  );
}
