import { type Deployment, type Node, namespaces, nodes, type Pod, pods, type Stored } from '@fairlead/api';
import { type ApiClient, type Informer, startInformer } from '@fairlead/client';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import { type ControllersOptions, startControllers } from './start.ts';
import { timestamp } from './workload/pod-state.ts';

/** A stateful double of the kubelets: runs every placed Pod at once, ends what is deleted. For tests. */
export class FakeKubelet {
  readonly #client: ApiClient;
  readonly #informer: Informer<Pod>;
  readonly #busy = new Set<string>();
  #nextAddress = 1;
  /** Pods whose image starts so never become ready; those of `exits-N` end with that status at once. */
  readonly brokenImage = 'broken';

  constructor(client: ApiClient) {
    this.#client = client;
    this.#informer = startInformer(client, pods);
    this.#informer.subscribe((changes) => {
      for (const { new: pod } of changes) if (pod?.spec?.nodeName !== undefined) void this.#tend(pod);
    });
  }

  stop(): void {
    this.#informer.stop();
  }

  async #tend(pod: Stored<Pod>): Promise<void> {
    const { name, namespace = '', uid, deletionTimestamp } = pod.metadata;
    const target = { name, namespace };
    const job = `${uid}${deletionTimestamp === undefined ? '' : ' end'}`;
    if (this.#busy.has(job)) return;
    this.#busy.add(job);
    if (deletionTimestamp !== undefined) {
      await this.#client.delete(pods, target, { gracePeriodSeconds: 0 }).catch(() => undefined);
      return;
    }
    const image = pod.spec?.containers[0]?.image ?? '';
    const exitCode = /^exits-(\d+)/.exec(image)?.[1];
    if (exitCode !== undefined) {
      const finishedAt = timestamp(systemClock.now() - 60_000);
      const state = { terminated: { exitCode: Number(exitCode), reason: 'Ended', finishedAt } };
      const containerStatuses = [{ name: 'c', ready: false, restartCount: 0, image, imageID: '', state }];
      const status = { phase: exitCode === '0' ? 'Succeeded' : 'Failed', containerStatuses };
      await this.#client.patch(pods, target, 'merge', { status }, { subresource: 'status' }).catch(() => undefined);
      return;
    }
    const ready = !(pod.spec?.containers[0]?.image ?? '').startsWith(this.brokenImage);
    const podIP = `10.244.${this.#nextAddress >> 8}.${this.#nextAddress++ & 255}`;
    const lastTransitionTime = timestamp(systemClock.now());
    const conditions = [
      { type: 'PodScheduled', status: 'True' },
      { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime },
    ];
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions };
    await this.#client.patch(pods, target, 'merge', { status }, { subresource: 'status' }).catch(() => undefined);
  }
}

/** A fake API with controllers and kubelets, for tests of behaviour. */
export interface FakeCluster extends Running {
  readonly api: FakeApi;
  /** Waits, with a deadline, until the condition holds; it is looked at after every write. */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Waits until no more writes come: nothing is in a hot loop. Returns the number of writes since. */
  settle(): Promise<void>;
}

/** A node that takes Pods. */
export function readyNode(name: string, labels: Record<string, string> = {}): Node {
  return { metadata: { name, labels }, status: { conditions: [{ type: 'Ready', status: 'True' }] } };
}

/** A Deployment of one container, with `app: NAME` as selector. */
export function deploymentOf(name: string, replicas: number, image: string = 'app:1'): Deployment {
  const labels = { app: name };
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'c', image, ports: [{ name: 'http', containerPort: 8080 }] }] },
      },
    },
  };
}

/** Starts controllers and kubelets on a fake API with the given nodes. */
export async function startFakeCluster(
  nodeNames: readonly string[],
  options: Partial<ControllersOptions> = {},
): Promise<FakeCluster> {
  const api = new FakeApi();
  for (const name of ['default', 'kube-system', 'kube-node-lease'])
    api.seed(namespaces, { metadata: { name }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  for (const name of nodeNames) api.seed(nodes, readyNode(name));
  const problems: string[] = [];
  const log: Log = (level, message, fields) => {
    if (level === 'warn' || level === 'error') problems.push(`${message} ${JSON.stringify(fields)}`);
  };
  const controllers = await startControllers({
    client: api,
    clock: systemClock,
    random: () => 0.5,
    log,
    controllers: ['*'],
    podCidr: '10.244.0.0/16',
    rootCa: 'CA',
    identity: 'test',
    ...options,
  });
  const kubelet = new FakeKubelet(api);
  const writes = (): number => api.store.revision;
  return {
    api,
    async until(what, condition) {
      const deadline = systemClock.monotonicMs() + 60_000;
      while (!condition()) {
        if (systemClock.monotonicMs() > deadline) {
          throw new Error(`never: ${what}\n${problems.join('\n')}`);
        }
        await systemClock.sleep(2);
      }
    },
    async settle() {
      for (let quiet = 0, last = writes(); quiet < 15; ) {
        await systemClock.sleep(10);
        quiet = writes() === last ? quiet + 1 : 0;
        last = writes();
        if (last > 100_000) throw new Error('hot loop');
      }
    },
    async stop() {
      kubelet.stop();
      await controllers.stop();
      await api.close();
      if (problems.length > 0) throw new Error(problems.join('\n'));
    },
  };
}
