import { leases, type Node, nodes, pods, type Stored } from '@fairlead/api';
import { deepEqual, isNotFound } from '@fairlead/client';
import { filterCollection, groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { isPodFinished } from '../workload/pod-state.ts';
import { evictionTime, judgeNode, type NodeJudgement, unreachablePodConditions } from './judge-node.ts';

const about = { kind: 'Node', apiVersion: 'v1' };

/** Notices nodes that stopped renewing their Lease, takes their Pods out of service, later evicts them. */
export const nodeLifecycleController: Controller = {
  name: 'nodelifecycle',
  start(context) {
    const controller = new NodeLifecycleController(context);
    return { stop: () => controller.queue.stop() };
  },
};

class NodeLifecycleController {
  readonly #context: ControllerContext;
  readonly #events;
  readonly #nodeInformer;
  readonly #podInformer;
  readonly #leaseInformer;
  readonly #podsByNode;
  /** When a renewal was last seen, by this process's own clock: the clocks of nodes are not trusted. */
  readonly #renewedAt = new Map<string, number>();
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#events = context.recorder('node-controller');
    this.queue = startWorkQueue({ ...context, name: 'nodelifecycle', sync: (key) => this.#sync(key) });
    this.#nodeInformer = context.informers.informer(nodes);
    this.#podInformer = context.informers.informer(pods);
    this.#leaseInformer = context.informers.informer(leases);
    const running = filterCollection('running pods', context.informers.collection(pods), (pod) => !isPodFinished(pod));
    this.#podsByNode = groupBy('pods by node', running, (pod) => pod.spec?.nodeName);
    context.informers.collection(nodes).subscribe((changes) => {
      for (const change of changes) this.queue.add(change.key);
    });
    context.informers.collection(leases).subscribe((changes) => {
      for (const { new: lease } of changes) {
        if (lease?.metadata.namespace !== 'kube-node-lease') continue;
        const { name } = lease.metadata;
        this.#renewedAt.set(name, context.clock.monotonicMs());
        // Renewals are frequent; only the first after a silence changes anything.
        const ready = this.#nodeInformer.get(name)?.status?.conditions?.find((entry) => entry.type === 'Ready');
        if (ready?.status !== 'True') this.queue.add(name);
      }
    });
    this.#podsByNode.subscribe((changes) => {
      for (const { key } of changes)
        if ((this.#nodeInformer.get(key)?.spec?.taints?.length ?? 0) > 0) this.queue.add(key);
    });
  }

  async #sync(name: string): Promise<SyncResult> {
    await Promise.all([this.#nodeInformer.synced, this.#podInformer.synced, this.#leaseInformer.synced]);
    const node = this.#nodeInformer.get(name);
    if (node === undefined) {
      this.#renewedAt.delete(name);
      return;
    }
    // A Node that no agent ever spoke for is somebody's record: nothing is known about its health.
    const registered = node.status?.conditions?.some((condition) => condition.type === 'Ready') === true;
    if (!registered) return;
    const { clock, settings } = this.#context;
    const renewedAt = this.#renewedAt.get(name) ?? clock.monotonicMs();
    this.#renewedAt.set(name, renewedAt);
    const leftMs = renewedAt + settings.nodeMonitorGraceMs - clock.monotonicMs();
    const judgement = judgeNode(node, leftMs <= 0, clock.now());
    await this.#write(node, judgement);
    if (judgement.health === 'unreachable') await this.#takeOutOfService(name);
    const evictionMs = await this.#evict(name, judgement);
    const next = [...(leftMs > 0 ? [leftMs] : []), ...(evictionMs === undefined ? [] : [evictionMs])];
    return next.length === 0 ? undefined : { againAfterMs: Math.max(50, Math.min(...next)) };
  }

  async #write(node: Stored<Node>, judgement: NodeJudgement): Promise<void> {
    const { client } = this.#context;
    const { name } = node.metadata;
    let version = '0';
    const conditions = [...judgement.conditions];
    if (!deepEqual(conditions, node.status?.conditions)) {
      const status = { ...node.status, conditions };
      version = (await client.update(nodes, { ...node, status }, { subresource: 'status' })).metadata.resourceVersion;
      this.#events.record(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`, about);
    }
    const taints = [...judgement.taints];
    if (!deepEqual(taints, node.spec?.taints ?? [])) {
      // The version guards the list: another writer's taint must not be lost.
      const resourceVersion = version === '0' ? node.metadata.resourceVersion : version;
      const body = { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } };
      version = (await client.patch(nodes, { name }, 'merge', body)).metadata.resourceVersion;
    }
    await this.#nodeInformer.caughtUp(version);
  }

  /** Not-ready Pods leave the endpoints, so nobody is sent to them. */
  async #takeOutOfService(node: string): Promise<void> {
    const { client, clock } = this.#context;
    for (const pod of this.#podsByNode.get(node) ?? []) {
      const conditions = unreachablePodConditions(pod, clock.now());
      if (conditions === undefined) continue;
      const status = { ...pod.status, conditions: [...conditions] };
      try {
        const { metadata } = await client.update(pods, { ...pod, status }, { subresource: 'status' });
        await this.#podInformer.caughtUp(metadata.resourceVersion);
        this.#events.record(pod, 'Warning', 'NodeNotReady', 'Node is not ready', { kind: 'Pod', apiVersion: 'v1' });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  /** Deletes the Pods whose time is up; returns when the next one's is, in milliseconds from now. */
  async #evict(node: string, { taints }: NodeJudgement): Promise<number | undefined> {
    const { client, clock, settings } = this.#context;
    let next: number | undefined;
    for (const pod of this.#podsByNode.get(node) ?? []) {
      if (pod.metadata.deletionTimestamp !== undefined) continue;
      const at = evictionTime(pod, taints, settings.evictionAfterMs, clock.now());
      if (at === undefined) continue;
      if (at > clock.now()) {
        next = Math.min(next ?? Number.POSITIVE_INFINITY, at - clock.now());
        continue;
      }
      const { name, namespace = '', uid } = pod.metadata;
      this.#events.record(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`, {
        kind: 'Pod',
        apiVersion: 'v1',
      });
      await client.delete(pods, { name, namespace }, { preconditions: { uid } }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
    return next;
  }
}
