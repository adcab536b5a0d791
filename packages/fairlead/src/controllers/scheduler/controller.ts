import { type Binding, namespaces, nodes, type Pod, pods, type ResourceRef, type Stored } from '@fairlead/api';
import { isNotFound } from '@fairlead/client';
import { filterCollection, groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { claimsOfPod } from '../persistentvolume/volume-facts.ts';
import { startWorkQueue } from '../work-queue.ts';
import { isPodFinished, podCondition, timestamp } from '../workload/pod-state.ts';
import { podDisruptionBudgets } from '../workload/resource-refs.ts';
import { chooseNode, hopelessMessage, misfitOf, type VolumeMisfit } from './choose-node.ts';
import { chooseVictims, mayPreempt, priorityOf } from './choose-victims.ts';
import type { NodeLoad } from './node-fit.ts';
import { planVolumes, volumeMisfit, volumeNeeds } from './pod-volumes.ts';
import { VolumeBinding } from './volume-binding.ts';

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
  readonly #volumes: VolumeBinding;
  /** Bindings on their way: Pod key → node, so that the next choice counts them. */
  readonly #assumed = new Map<string, { readonly pod: Stored<Pod>; readonly node: string }>();
  /** Pods for which room is being made: Pod key → node. */
  readonly #nominated = new Map<string, { readonly pod: Stored<Pod>; readonly node: string }>();
  readonly #unschedulable = new Set<string>();
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#events = context.recorder('default-scheduler');
    this.queue = startWorkQueue({ ...context, name: 'scheduler', concurrency: 16, sync: (key) => this.#sync(key) });
    this.#podInformer = context.informers.informer(pods);
    this.#nodeInformer = context.informers.informer(nodes);
    this.#namespaceInformer = context.informers.informer(namespaces);
    this.#volumes = new VolumeBinding(context, () => this.#retry());
    const all = context.informers.collection(pods);
    const placed = filterCollection('placed pods', all, (pod) => !isPodFinished(pod));
    this.#podsByNode = groupBy('pods by node', placed, (pod) => pod.spec?.nodeName);
    all.subscribe((changes) => {
      for (const { key, new: pod } of changes) {
        if (pod === undefined || pod.spec?.nodeName !== undefined) {
          this.#assumed.delete(key);
          this.#nominated.delete(key);
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
    const loads = this.#loads(pod);
    if (claimsOfPod(pod).length > 0) await this.#volumes.synced();
    const state = this.#volumes.stateFor(pod, (node) => this.#nodeInformer.get(node) !== undefined);
    const needs = volumeNeeds(pod, state);
    // Looked at again when something of its volumes changes.
    if (needs === 'pending') return void this.#unschedulable.add(key);
    if ('why' in needs) {
      this.#unschedulable.add(key);
      return this.#report(pod, hopelessMessage(loads.length, needs.why));
    }
    const noVolumes: VolumeMisfit = (node) => volumeMisfit(needs, node, state);
    const choice = chooseNode(pod, loads, labelsOf, noVolumes);
    if (!choice.ok) {
      if (await this.#preempt(pod, loads, choice.full, labelsOf, noVolumes)) return;
      this.#unschedulable.add(key);
      await this.#report(pod, choice.message);
      return;
    }
    const node = needs.waiting.length === 0 ? undefined : this.#nodeInformer.get(choice.node);
    const plan = node === undefined ? undefined : planVolumes(needs, node, state);
    if (plan !== undefined) {
      this.#unschedulable.add(key);
      return this.#volumes.carryOut(plan, choice.node);
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

  /**
   * What each node holds or is about to: bound Pods, those on the way, and those for which room is being made, unless
   * the Pod in question is more important than they are.
   */
  #loads(pod: Stored<Pod>): NodeLoad[] {
    const nominated = [...this.#nominated.values()].filter(
      (entry) => entry.pod.metadata.uid !== pod.metadata.uid && priorityOf(entry.pod) >= priorityOf(pod),
    );
    const assumed = [...this.#assumed.values(), ...nominated];
    return [...this.#nodeInformer.values()]
      .filter((node) => node.metadata.deletionTimestamp === undefined)
      .map((node) => {
        const coming = assumed.filter((entry) => entry.node === node.metadata.name).map((entry) => entry.pod);
        return { node, pods: [...(this.#podsByNode.get(node.metadata.name) ?? []), ...coming] };
      });
  }

  /**
   * Makes room for a Pod by deleting less important ones, if it may and that helps. True: it waits for its room.
   * Each Pod makes room once; it is looked at again when a victim has gone.
   */
  async #preempt(
    pod: Stored<Pod>,
    loads: readonly NodeLoad[],
    full: readonly NodeLoad[],
    labelsOf: (namespace: string) => Readonly<Record<string, string>> | undefined,
    noVolumes: VolumeMisfit,
  ): Promise<boolean> {
    const { name, namespace = '', uid } = pod.metadata;
    const key = `${namespace}/${name}`;
    const waiting = this.#nominated.get(key);
    if (waiting !== undefined) {
      const leaving = this.#podsByNode.get(waiting.node) ?? [];
      if (
        leaving.some((other) => other.metadata.deletionTimestamp !== undefined && priorityOf(other) < priorityOf(pod))
      ) {
        this.#unschedulable.add(key);
        return true;
      }
      this.#nominated.delete(key);
    }
    if (!mayPreempt(pod) || full.length === 0) return false;
    const isLower = (other: Pod): boolean => priorityOf(other) < priorityOf(pod);
    if (!full.some((load) => load.pods.some(isLower))) return false;
    const budgets = await this.#context.client.list(podDisruptionBudgets).then(
      ({ items }) => items,
      (error: unknown) => {
        if (isNotFound(error)) return [];
        throw error;
      },
    );
    const candidates = loads.filter((load) => full.includes(load));
    const victims = chooseVictims(
      pod,
      candidates,
      budgets,
      (load, changed) =>
        misfitOf(pod, load, [...loads.filter((other) => !full.includes(other)), ...changed], labelsOf, noVolumes) ===
        undefined,
    );
    if (victims === undefined) return false;
    this.#nominated.set(key, { pod, node: victims.node });
    this.#unschedulable.add(key);
    const nomination = { status: { nominatedNodeName: victims.node }, metadata: { uid } };
    await this.#context.client.patch(pods, { name, namespace }, 'merge', nomination, { subresource: 'status' });
    for (const victim of victims.pods) await this.#evict(victim, pod, victims.node);
    return true;
  }

  async #evict(victim: Stored<Pod>, pod: Stored<Pod>, node: string): Promise<void> {
    const { name, namespace = '', uid } = victim.metadata;
    const target = { name, namespace };
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
      lastTransitionTime: timestamp(this.#context.clock.now()),
    };
    const others = (victim.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
    const body = { metadata: { uid }, status: { conditions: [...others, condition] } };
    try {
      await this.#context.client.patch(pods, target, 'merge', body, { subresource: 'status' });
      await this.#context.client.delete(pods, target, { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    this.#events.record(victim, 'Normal', 'Preempted', `Preempted by pod ${pod.metadata.uid} on node ${node}`, about);
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
