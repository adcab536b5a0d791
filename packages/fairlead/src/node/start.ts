import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { configMaps, nodes, type Pod, pods, type Stored, services } from '@fairlead/api';
import { type ApiClient, createEventRecorder, type Informer, startInformer } from '@fairlead/client';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import { stopAll } from '../sys/stop-all.ts';
import { createConfigSource } from './environment/config-source.ts';
import { createConfigWatch } from './environment/config-watch.ts';
import { configMapAliases, type ImageAlias } from './images.ts';
import { type LogTarget, startLogServer } from './logs/log-server.ts';
import { familyOf, type IpFamily } from './machine-network.ts';
import { chooseNodeIps } from './node-addresses.ts';
import { startOverlay } from './overlay/overlay.ts';
import { VXLAN_OVERHEAD } from './overlay/peers.ts';
import { openPodStore } from './pod/pod-files.ts';
import { startPodWorker } from './pod/pod-worker.ts';
import type { WorkerContext } from './pod/worker-context.ts';
import type { PodWorker } from './pod/worker-contract.ts';
import type { NodeFacts } from './registration/node-object.ts';
import { isNodeReady, registerNode } from './registration/registration.ts';
import type { ProcessInfo } from './runtime/protocol.ts';
import { connectRuntime, type RuntimeClient } from './runtime/runtime-client.ts';
import { createKernelSandboxes, podNetns } from './sandbox/kernel.ts';
import type { SandboxDriver } from './sandbox/sandbox.ts';
import { createUserspaceSandboxes } from './sandbox/userspace.ts';
import { podTargets } from './streaming/pod-targets.ts';
import { createStreamServer } from './streaming/stream-server.ts';
import { underlayMtu } from './underlay-mtu.ts';

/** What a node agent needs. */
export interface NodeAgentOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  readonly mode: 'kernel' | 'userspace';
  /** Four hex digits that mark this system's kernel objects. */
  readonly instance: string;
  /** State is kept in `DATADIR/nodes/NODENAME`. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly clusterDomain: string;
  /** Name server of Pods. Kernel mode: the Pod bridge's address by default. */
  readonly clusterDns: string | undefined;
  /** Families of Pod and cluster IPs, the preferred one first. Default: IPv4. */
  readonly families?: readonly IpFamily[];
  /** The node's InternalIPs, at most one per family. Default: first ones of the machine; 127.0.0.1 in userspace mode. */
  readonly nodeIps?: readonly string[] | undefined;
  /** Bindings of images to commands, before those of the ConfigMap `kube-system/fairlead-images`. */
  readonly images: readonly ImageAlias[];
  /** VXLAN to the other nodes. */
  readonly overlay: boolean;
  readonly logListen: { readonly host: string; readonly port: number };
  /** Bearer token of the log server. */
  readonly logToken: string;
  /** Shown as the node's version. */
  readonly version?: string;
  /** Most Pods on this node. Default 250. */
  readonly maxPods?: number;
  /** Called when the node is registered and takes Pods, before `startNodeAgent` resolves. */
  readonly onReady?: (info: NodeAgentInfo) => void;
}

/** What the rest of the agent role wants to know of its node. */
export interface NodeAgentInfo {
  /** One per family, the preferred one first. */
  readonly nodeIps: readonly string[];
  readonly podCidrs: readonly string[];
  /** Addresses of the Pod bridge, where node-local DNS listens; none in userspace mode. */
  readonly gatewayIps: readonly string[];
  readonly logServerPort: number;
}

/** A running node agent. */
export interface NodeAgent extends Running {
  readonly info: NodeAgentInfo;
  /** Name of the network namespace of the Pod with this address; `undefined` when it has none of its own here. */
  podNamespaceOf(podIp: string): string | undefined;
  /** Leaves Pods, namespaces and links as they are, for a successor. */
  detach(): Promise<void>;
}

/** Grace that a stopping system gives its Pods. */
const STOP_GRACE_MS = 1500;

/** Registers the node, takes over what a predecessor left, and runs the node's Pods until stopped. */
export async function startNodeAgent(options: NodeAgentOptions): Promise<NodeAgent> {
  const { client, clock, random, log, nodeName, mode } = options;
  const stateDir = join(options.dataDir, 'nodes', nodeName);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const families = options.families ?? [4];
  const nodeIps = options.nodeIps ?? chooseNodeIps(mode, families);
  const [nodeIp = ''] = nodeIps;
  const store = openPodStore(stateDir);
  const workers = new Map<string, PodWorker>();
  const stopping = new AbortController();
  const surroundings = { clock, random, log };

  const streamServer = createStreamServer(
    podTargets({ get: (key) => podInformer.get(key) }, workers, () => runtime),
    clock,
  );
  const logServer = await startLogServer({
    ...options.logListen,
    token: options.logToken,
    clock,
    upgrade: streamServer.upgrade,
    find: (namespace, pod, container, previous) => findLog(podInformer, store, namespace, pod, container, previous),
  });
  const facts: NodeFacts = {
    nodeName,
    nodeIps,
    mode,
    version: options.version ?? 'v0.1.0',
    logServerPort: logServer.port,
    maxPods: options.maxPods ?? 250,
  };

  let runtime: RuntimeClient;
  const connect = (): Promise<RuntimeClient> =>
    connectRuntime({
      stateDir,
      clock,
      onExit(id, exit) {
        const [uid = '', container = '', attempt = ''] = id.split('/');
        workers.get(uid)?.exited(container, Number(attempt), exit);
      },
      onLost() {
        if (stopping.signal.aborted) return;
        log('error', 'the Pod runtime process is gone; starting another and all Pods with it');
        void connect().then((next) => {
          runtime = next;
          for (const worker of workers.values()) worker.runtimeLost();
        });
      },
    });

  const podInformer = startInformer(client, pods, { fieldSelector: `spec.nodeName=${nodeName}` }, surroundings);
  const serviceInformer = startInformer(client, services, {}, surroundings);
  const imageInformer = startInformer(
    client,
    configMaps,
    { namespace: 'kube-system', fieldSelector: 'metadata.name=fairlead-images' },
    surroundings,
  );
  const nodeInformer = startInformer(client, nodes, { fieldSelector: `metadata.name=${nodeName}` }, surroundings);
  const informers = [podInformer, serviceInformer, imageInformer, nodeInformer] as const;

  const [registration, connected, outerMtu] = await Promise.all([
    registerNode({ client, clock, log, facts, families }, stopping.signal),
    connect(),
    mode === 'kernel' ? underlayMtu(nodeIp) : 0,
  ]);
  const mtu = options.overlay ? outerMtu - VXLAN_OVERHEAD[familyOf(nodeIp)] : outerMtu;
  runtime = connected;
  const { podCidrs } = registration;
  const sandboxes: SandboxDriver =
    mode === 'kernel'
      ? await createKernelSandboxes({
          instance: options.instance,
          podCidrs,
          nodeIps,
          mtu,
          stateDir,
          dns: { clusterDns: options.clusterDns, clusterDomain: options.clusterDomain },
          log,
          clock,
        })
      : createUserspaceSandboxes({ podCidrs, nodeIps, stateDir });
  const overlay =
    options.overlay && mode === 'kernel'
      ? await startOverlay({ client, nodeName, nodeIp, podCidrs, clock, random, log, mtu })
      : undefined;
  await Promise.all(informers.map((informer) => informer.synced));

  let images: readonly ImageAlias[] = options.images;
  imageInformer.subscribe(() => {
    const map = imageInformer.get('kube-system/fairlead-images');
    images = [...options.images, ...configMapAliases(map?.data)];
    for (const worker of workers.values()) worker.retry();
  });

  const configWatch = createConfigWatch(client, surroundings);
  const context: WorkerContext = {
    client,
    clock,
    log,
    recorder: createEventRecorder(client, { ...surroundings, component: 'fairlead-node', host: nodeName }),
    nodeName,
    nodeIps,
    stateDir,
    store,
    sandboxes,
    source: createConfigSource(client),
    configWatch,
    runtime: () => runtime,
    images: () => images,
    services: () => serviceInformer.values(),
    nodeReady: () => isNodeReady(nodeInformer.get(nodeName)),
  };
  const unsubscribeNode = nodeInformer.subscribe((changes) => {
    for (const { new: node } of changes) {
      if (node === undefined) continue;
      registration.observe(node);
      // While this node was taken for lost, its Pods were called not ready.
      if (isNodeReady(node)) for (const worker of workers.values()) worker.restoreStatus();
    }
  });
  const byPod = new Map<string, ProcessInfo[]>();
  for (const info of await runtime.list()) {
    const uid = info.id.split('/')[0]!;
    byPod.set(uid, [...(byPod.get(uid) ?? []), info]);
  }
  await removeStrangers(context, podInformer, byPod);

  const startWorker = (pod: Stored<Pod>): void => {
    const uid = pod.metadata.uid;
    const worker = startPodWorker(context, pod, byPod.get(uid) ?? []);
    byPod.delete(uid);
    workers.set(uid, worker);
    void worker.gone.then(() => {
      if (workers.get(uid) === worker) workers.delete(uid);
    });
  };
  const unsubscribe = podInformer.subscribe((changes) => {
    for (const change of changes) {
      const before = change.old?.metadata.uid;
      const uid = change.new?.metadata.uid;
      if (before !== undefined && before !== uid) workers.get(before)?.removed();
      if (change.new === undefined) continue;
      const worker = workers.get(change.new.metadata.uid);
      if (worker === undefined) startWorker(change.new);
      else worker.update(change.new);
    }
  });
  await sandboxes.removeLeftovers();
  await registration.announceReady();
  const info: NodeAgentInfo = { nodeIps, podCidrs, gatewayIps: sandboxes.gatewayIps, logServerPort: logServer.port };
  options.onReady?.(info);
  log('info', 'node agent ready', { node: nodeName, mode, nodeIps, podCidrs });

  const leave = async (): Promise<void> => {
    stopping.abort();
    registration.stop();
    unsubscribe();
    unsubscribeNode();
    for (const informer of informers) informer.stop();
    configWatch.stop();
    for (const worker of workers.values()) worker.detach();
    streamServer.stop();
    await logServer.stop();
  };
  let stopped: Promise<void> | undefined;
  return {
    info,
    podNamespaceOf(podIp) {
      if (mode !== 'kernel') return undefined;
      for (const { metadata, spec, status } of podInformer.values()) {
        if (spec?.hostNetwork === true || status?.podIPs?.every(({ ip }) => ip !== podIp) !== false) continue;
        return podNetns(options.instance, metadata.uid);
      }
      return undefined;
    },
    stop() {
      stopped ??= (async () => {
        const forget = (uid: string): void => rmSync(join(store.podDir(uid), 'state.json'), { force: true });
        await stopAll([
          leave,
          () => runtime.shutdown(STOP_GRACE_MS),
          () => overlay?.stop(),
          () => sandboxes.close(),
          () => store.uids().forEach(forget),
        ]);
      })();
      return stopped;
    },
    async detach() {
      await leave();
      runtime.disconnect();
      overlay?.detach();
    },
  };
}

/** Processes and sandboxes of Pods that left this node while no agent ran. */
async function removeStrangers(
  context: WorkerContext,
  informer: Informer<Pod>,
  byPod: Map<string, ProcessInfo[]>,
): Promise<void> {
  const present = new Set<string>();
  for (const pod of informer.values()) present.add(pod.metadata.uid);
  for (const [uid, infos] of byPod) {
    if (present.has(uid)) continue;
    for (const info of infos) await context.runtime().signal(info.id, 'SIGKILL');
    byPod.delete(uid);
  }
  for (const uid of context.store.uids()) {
    if (present.has(uid)) continue;
    const sandbox = context.store.load(uid)?.sandbox;
    if (sandbox !== undefined) await context.sandboxes.remove(sandbox);
    context.store.remove(uid);
  }
}

function findLog(
  informer: Informer<Pod>,
  store: ReturnType<typeof openPodStore>,
  namespace: string,
  podName: string,
  container: string,
  previous: boolean,
): LogTarget | { readonly notFound: boolean; readonly message: string } {
  const pod = informer.get(`${namespace}/${podName}`);
  if (pod === undefined) return { notFound: true, message: `pods "${podName}" not found` };
  const uid = pod.metadata.uid;
  const record = store.load(uid)?.containers.find((candidate) => candidate.name === container);
  if (record === undefined) {
    return { notFound: false, message: `container ${container} is not valid for pod ${podName}` };
  }
  const ran = record.run.phase === 'running' || record.run.phase === 'ended';
  const attempt = previous ? record.last?.attempt : ran ? record.attempt : record.last?.attempt;
  const path = attempt === undefined ? '' : store.logPath(namespace, podName, uid, container, attempt);
  if (attempt === undefined || !existsSync(path)) {
    const message = previous
      ? `previous terminated container "${container}" in pod "${podName}" not found`
      : `container "${container}" in pod "${podName}" is waiting to start`;
    return { notFound: false, message };
  }
  const running = (): boolean => {
    const now = store.load(uid)?.containers.find((candidate) => candidate.name === container);
    return now?.run.phase === 'running' && now.attempt === attempt;
  };
  return { path, running };
}
