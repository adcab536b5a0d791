/**
 * Load time, memory and change time of the DNS data plane at cluster size, without a network: slices go
 * through the same loop, compiler and table as in the agent. Arguments: endpoints, endpoints per Service.
 * Prints one line of JSON. Run by bench/dns.ts in a process of its own, because it measures memory.
 */
import type { EndpointSlice, Namespace, Service, Stored } from '@fairlead/api';
import { askUdp, encodeQuery } from '../packages/fairlead/src/dns/dns-fixtures.ts';
import { DnsLoop } from '../packages/fairlead/src/dns/dns-loop.ts';
import { clusterZone } from '../packages/fairlead/src/dns/program.ts';
import { DnsServer } from '../packages/fairlead/src/dns/server/dns-server.ts';
import { stripSlice } from '../packages/fairlead/src/dns/slice-strip.ts';
import { systemClock, systemRandom } from '../packages/fairlead/src/sys/clock.ts';
import { keepYoungGenerationSmall } from '../packages/fairlead/src/sys/heap.ts';
import { releaseFreeMemory } from '../packages/fairlead/src/sys/memory.ts';
import { endpointSlice, headlessService, perSlice, serviceKey } from './dns-slices.ts';

const [endpointsText = '250000', perServiceText = '5000'] = process.argv.slice(2);
const endpoints = Number(endpointsText);
const perService = Number(perServiceText);
const services = Math.ceil(endpoints / perService);
const ttlSeconds = 5;
const zone = clusterZone('cluster.local', ttlSeconds);

type Listener<T> = (
  changes: readonly { key: string; old: Stored<T> | undefined; new: Stored<T> | undefined }[],
) => void;

/** The part of an informer that the loop reads, filled by hand. */
class Source<T> {
  readonly objects: Map<string, Stored<T>> = new Map();
  readonly #listeners: Listener<T>[] = [];
  #markSynced: () => void = () => {};
  readonly synced: Promise<void> = new Promise((resolve) => {
    this.#markSynced = resolve;
  });
  get(key: string): Stored<T> | undefined {
    return this.objects.get(key);
  }
  subscribe(listener: Listener<T>): () => void {
    this.#listeners.push(listener);
    return () => {};
  }
  put(changed: readonly (readonly [key: string, object: Stored<T>])[]): void {
    const changes = changed.map(([key, object]) => {
      const old = this.objects.get(key);
      this.objects.set(key, object);
      return { key, old, new: object };
    });
    for (const listener of this.#listeners) listener(changes);
  }
  markSynced(): void {
    this.#markSynced();
  }
}

/** A slice as it comes out of the informer: parsed, and stripped. */
const slice = (service: number, number: number, round: number): Stored<EndpointSlice> =>
  stripSlice(JSON.parse(JSON.stringify(endpointSlice(service, number, perService, round))) as Stored<EndpointSlice>);
/** Resident memory as it is, or after a forced collection. */
const rss = (isCollected: boolean): number => {
  for (let round = 0; isCollected && round < 3; round++) globalThis.gc?.();
  return process.memoryUsage().rss;
};
/** CPU time of this thread alone. */
const threadCpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

keepYoungGenerationSmall();

const server = new DnsServer({
  zone,
  listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
  upstreams: [],
  workers: 2,
  clock: systemClock,
  random: systemRandom,
  log: (level, message, fields) => console.error(level, message, fields),
});
await server.start();
const sources = {
  services: new Source<Service>(),
  endpointSlices: new Source<EndpointSlice>(),
  namespaces: new Source<Namespace>(),
};
const loop = new DnsLoop(sources, server, { zone: zone.origin, ttlSeconds, clock: systemClock });
// Workers go on loading for a while: what they take by then belongs to the empty server.
await Promise.all(
  Array.from({ length: 16 }, () => askUdp(server.addresses[0]!, encodeQuery('example.cluster.local', 'A'))),
);
const idleBytes = rss(true);

const slices = Math.ceil(perService / perSlice);
for (let service = 0; service < services; service++) {
  const [namespace = '', name = ''] = serviceKey(service).split('/');
  sources.services.put([[serviceKey(service), headlessService(service) as Stored<Service>]]);
  const rows = Array.from({ length: slices }, (_, number) => {
    return [`${namespace}/${name}-${number}`, slice(service, number, 0)] as const;
  });
  sources.endpointSlices.put(rows);
}
const objectBytes = rss(true) - idleBytes;
const mainCpuStart = threadCpuMs();
const loadCpu = process.cpuUsage();
const loadStart = performance.now();
/** Turns of the event loop: from when to when, and CPU time, because on a busy machine others' work would count as ours. */
const turns: { readonly fromMs: number; readonly toMs: number; readonly cpuMs: number }[] = [];
let lastTurnCpu = threadCpuMs();
let lastTurnMs = performance.now();
let isLoading = true;
const noteTurn = (): void => {
  if (!isLoading) return;
  const [cpu, toMs] = [threadCpuMs(), performance.now()];
  turns.push({ fromMs: lastTurnMs, toMs, cpuMs: cpu - lastTurnCpu });
  lastTurnCpu = cpu;
  lastTurnMs = toMs;
  setImmediate(noteTurn);
};
setImmediate(noteTurn);
const collections: PerformanceEntry[] = [];
const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
observer.observe({ entryTypes: ['gc'] });
for (const source of Object.values(sources)) source.markSynced();
await loop.synced;
const loadMs = performance.now() - loadStart;
isLoading = false;
// What the observer has not been told of yet comes with the next turns.
await new Promise((resolve) => setImmediate(resolve));
collections.push(...observer.takeRecords());
observer.disconnect();
const longestTurnMs = Math.max(...turns.map(({ cpuMs }) => cpuMs));
const longestOwnTurnMs = Math.max(
  ...turns.map(({ fromMs, toMs, cpuMs }) => {
    const within = collections.filter(({ startTime }) => startTime >= fromMs && startTime < toMs);
    return cpuMs - within.reduce((sum, { duration }) => sum + duration, 0);
  }),
);
const loadMainCpuMs = threadCpuMs() - mainCpuStart;
releaseFreeMemory();
const { user, system } = process.cpuUsage(loadCpu);
const peakBytes = process.resourceUsage().maxRSS * 1024;
const uncollectedBytes = rss(false);
const loadedBytes = rss(true);

const changes: number[] = [];
const changeCpuStart = threadCpuMs();
for (let change = 0; change < 60; change++) {
  const service = (change * 7) % services;
  const number = (change * 3) % slices;
  const next = slice(service, number, change % 2 === 0 ? 1 : 2);
  const other = stripSlice({ ...next, endpoints: (next.endpoints ?? []).slice(change % 3) });
  const start = performance.now();
  sources.endpointSlices.put([[`${serviceKey(service)}-${number}`, other]]);
  changes.push(performance.now() - start);
}
const changeCpuMs = (threadCpuMs() - changeCpuStart) / changes.length;
changes.sort((a, b) => a - b);

/** From a change in the informer until the answers to 16 clients, spread over the workers, have it. */
const visible: number[] = [];
for (let change = 0; change < 30; change++) {
  const service = (change * 11) % services;
  const [namespace = '', name = ''] = serviceKey(service).split('/');
  const address = `10.255.${change}.1`;
  const known = slice(service, 0, 0);
  const first = known.endpoints?.[0];
  if (first === undefined) break;
  const next = stripSlice({
    ...known,
    endpoints: [{ ...first, addresses: [address] }, ...(known.endpoints ?? []).slice(1)],
  });
  const start = performance.now();
  sources.endpointSlices.put([[`${namespace}/${name}-0`, next]]);
  const owner = `${first.hostname ?? ''}.${name}.${namespace}.svc.cluster.local`;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (;;) {
        const { answers } = await askUdp(server.addresses[0]!, encodeQuery(owner, 'A'));
        if (answers[0]?.data.join('.') === address) return;
      }
    }),
  );
  visible.push(performance.now() - start);
}
visible.sort((a, b) => a - b);
const { names, arenaBytes } = server.stats.table;
console.log(
  JSON.stringify({
    endpoints,
    perService,
    names,
    loadMs,
    loadMainCpuMs,
    loadCpuMs: (user + system) / 1000,
    arenaBytesPerEndpoint: arenaBytes / endpoints,
    objectBytesPerEndpoint: objectBytes / endpoints,
    bytesPerEndpoint: (loadedBytes - idleBytes) / endpoints,
    uncollectedBytesPerEndpoint: (uncollectedBytes - idleBytes) / endpoints,
    idleBytes,
    loadedBytes,
    peakBytes,
    changeCpuMs,
    changeMedianMs: changes[changes.length >> 1],
    changeMaxMs: changes.at(-1),
    visibleMedianMs: visible[visible.length >> 1],
    visibleMaxMs: visible.at(-1),
    longestTurnMs,
    longestOwnTurnMs,
  }),
);
loop.stop();
await server.stop();
