import { createInterface } from 'node:readline';
import { type EndpointSlice, endpointSlices, nodes, type Service, type Stored, services } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { startServiceProxy } from '../start.ts';
import { scene } from './traffic-matrix.ts';

/**
 * Runs a whole service proxy inside a network namespace of a test: netlink sockets belong to the
 * namespace of their process. The first line of stdin is a {@link ProxySeed}, later lines are
 * a {@link ProxyChange}. Answers are JSON lines.
 */
export interface ProxySeed {
  readonly services: readonly Stored<Service>[];
  readonly slices: readonly Stored<EndpointSlice>[];
  readonly directLinks?: readonly string[];
  /** Names of namespaces by Pod address. */
  readonly podNamespaces?: Readonly<Record<string, string>>;
}

/** An object of the API to replace or delete. */
export type ProxyChange =
  | { readonly kind: 'slice'; readonly object: Stored<EndpointSlice>; readonly gone: boolean }
  | { readonly kind: 'service'; readonly object: Stored<Service>; readonly gone: boolean };

/** What the process tells. */
export type ProxyLine =
  | { readonly ready: true }
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
  for (const slice of seed.slices) api.seed(endpointSlices, slice);
  const proxy = await startServiceProxy({
    client: api,
    nodeName: scene.nodeName,
    mode: 'kernel',
    podCidr: scene.podCidrs,
    serviceCidr: scene.serviceCidrs,
    nodeIps: [scene.node],
    ...(seed.directLinks === undefined ? {} : { directLinks: seed.directLinks }),
    podNamespaceOf: (ip) => seed.podNamespaces?.[ip],
    log: (level, log) => tell({ level, log }),
    onNotice: ({ service, reason, message }) => tell({ notice: `${service} ${message}`, reason }),
    metrics: { synced: ({ full }) => tell({ synced: { full } }) },
  });
  process.on('SIGTERM', () => void proxy.stop().then(() => process.exit(0)));
  await proxy.ready;
  tell({ ready: true });
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const change = JSON.parse(line.value) as ProxyChange;
    const { namespace = '', name } = change.object.metadata;
    if (change.kind === 'slice') {
      await api.delete(endpointSlices, { namespace, name }).catch(() => undefined);
      if (!change.gone) await api.create(endpointSlices, change.object);
    } else {
      await api.delete(services, { namespace, name }).catch(() => undefined);
      if (!change.gone) await api.create(services, change.object);
    }
  }
}
