import { createInterface } from 'node:readline';
import {
  type EndpointSlice,
  endpointSlices,
  nodes,
  type Pod,
  pods,
  type ResourceRef,
  type Service,
  type Stored,
  services,
} from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock } from '../../sys/clock.ts';
import { startServiceProxy } from '../start.ts';
import { scene, sceneService } from './traffic-matrix.ts';

/**
 * Runs a whole service proxy inside a network namespace of a test: netlink sockets belong to the
 * namespace of their process. The first line of stdin is a {@link ProxySeed}, later lines are
 * a {@link ProxyChange}. Answers are JSON lines.
 */
export interface ProxySeed {
  readonly services: readonly Stored<Service>[];
  readonly slices: readonly Stored<EndpointSlice>[];
  /** Host ports are served if there are any Pods, or none. Default: they are not. */
  readonly pods?: readonly Stored<Pod>[];
  readonly directLinks?: readonly string[];
  /** Default: the address that the node's processes bind. */
  readonly nodeIps?: readonly string[];
  readonly liberalTracking?: boolean;
  /** Endpoints from which on a table is loaded beside the old one. */
  readonly nativeFrom?: number;
  /** Names of namespaces by Pod address. */
  readonly podNamespaces?: Readonly<Record<string, string>>;
}

/** An object of the API to replace or delete. */
export type ProxyChange =
  | { readonly kind: 'slice'; readonly object: Stored<EndpointSlice>; readonly gone: boolean }
  | { readonly kind: 'pod'; readonly object: Stored<Pod>; readonly gone: boolean }
  | { readonly kind: 'service'; readonly object: Stored<Service>; readonly gone: boolean };

/** What the process tells. */
export type ProxyLine =
  | { readonly ready: true }
  | { readonly settled: number }
  | { readonly synced: { readonly full: boolean } }
  | { readonly notice: string; readonly reason: string }
  | { readonly log: string; readonly level: string };

if (process.argv[1] === import.meta.filename) {
  const tell = (line: ProxyLine): void => console.log(JSON.stringify(line));
  const api = new FakeApi();
  api.seed(nodes, { metadata: { name: scene.nodeName } });
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const seed = JSON.parse((await lines.next()).value as string) as ProxySeed;
  for (const service of seed.services) api.seed(services, service);
  for (const pod of seed.pods ?? []) api.seed(pods, pod);
  for (const slice of seed.slices) api.seed(endpointSlices, slice);
  const proxy = await startServiceProxy({
    client: api,
    nodeName: scene.nodeName,
    mode: 'kernel',
    podCidr: scene.podCidrs,
    serviceCidr: scene.serviceCidrs,
    nodeIps: seed.nodeIps ?? [scene.node],
    ...(seed.directLinks === undefined ? {} : { directLinks: seed.directLinks }),
    ...(seed.liberalTracking === undefined ? {} : { liberalTracking: seed.liberalTracking }),
    ...(seed.nativeFrom === undefined ? {} : { nativeFrom: seed.nativeFrom }),
    hostPorts: seed.pods !== undefined,
    podNamespaceOf: (ip) => seed.podNamespaces?.[ip],
    log: (level, log) => tell({ level, log }),
    onNotice: ({ service, reason, message }) => tell({ notice: `${service} ${message}`, reason }),
    metrics: { synced: ({ full }) => tell({ synced: { full } }) },
  });
  process.on('SIGTERM', () => void proxy.stop().then(() => process.exit(0)));
  await proxy.ready;
  tell({ ready: true });
  const become = async <T>(ref: ResourceRef<T>, object: Stored<T>, gone: boolean): Promise<void> => {
    const { namespace = '', name } = object.metadata;
    const present = await api.get(ref, { namespace, name }).catch(() => undefined);
    if (gone) await api.delete(ref, { namespace, name }, { gracePeriodSeconds: 0 }).catch(() => undefined);
    else if (present === undefined) await api.create(ref, object);
    else {
      const { uid, resourceVersion } = present.metadata;
      await api.update(ref, { ...object, metadata: { ...object.metadata, uid, resourceVersion } });
    }
  };
  let marks = 0;
  /**
   * Synchronizations follow each other: once one has taken up the deletion of a Service of our own, the
   * one that took up its creation, and all that came before, has ended.
   */
  const settle = async (): Promise<void> => {
    const mark = `mark-${++marks}`;
    await api.create(services, sceneService(mark, { clusterIP: '10.96.255.254' }));
    while (!proxy.program().has(`default/${mark}`)) await systemClock.sleep(5);
    await api.delete(services, { namespace: 'default', name: mark });
    while (proxy.program().has(`default/${mark}`)) await systemClock.sleep(5);
  };
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const change = JSON.parse(line.value) as ProxyChange | { readonly settle: number };
    if ('settle' in change) {
      await settle();
      tell({ settled: change.settle });
      continue;
    }
    if (change.kind === 'pod') await become(pods, change.object, change.gone);
    else if (change.kind === 'slice') await become(endpointSlices, change.object, change.gone);
    else await become(services, change.object, change.gone);
  }
}
