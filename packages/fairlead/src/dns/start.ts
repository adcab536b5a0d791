import { endpointSlices, ingresses, namespaces, pods, type ResourceRef, type Stored, services } from '@fairlead/api';
import { type Informer, type InformerOptions, startInformer } from '@fairlead/client';
import { keepYoungGenerationSmall } from '../sys/heap.ts';
import { releaseFreeMemory } from '../sys/memory.ts';
import type { Running } from '../sys/role.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import type { DnsRecord } from '../wire/dns/message.ts';
import { compileApexRecords, compileZoneRecords } from './compile.ts';
import { compileClustersetApex } from './compile-clusterset.ts';
import { compileHostsRecords } from './compile-static.ts';
import { DnsLoop, type DnsSources } from './dns-loop.ts';
import { registerDnsMetrics } from './dns-metrics.ts';
import { type CheckedDnsOptions, checkDnsOptions, type DnsOptions } from './dns-options.ts';
import { gateways, hostRoutes } from './gateway-kinds.ts';
import { Handover } from './handover.ts';
import { type KubeDnsOptions, KubeDnsRegistration, kubeDnsSlices } from './kube-dns-service.ts';
import { ensureMulticlusterDefinitions } from './multicluster-definitions.ts';
import { serviceImports } from './multicluster-kinds.ts';
import { type OptionalSource, startOptionalInformer } from './optional-informer.ts';
import { tellSecondaries } from './own-zones.ts';
import type { DnsProgram } from './program.ts';
import { SerialNotifier } from './serial-notifier.ts';
import { DnsServer, type DnsServerStats } from './server/dns-server.ts';
import { stripSlice } from './slice-strip.ts';
import { notifyZones, startOwnZones } from './start-zones.ts';

export type { DnsOptions } from './dns-options.ts';

/** A running DNS server. */
export interface RunningDns extends Running {
  /** Resolves when the cluster's records are complete (SERVFAIL before) and `kubeDns` is written. */
  readonly ready: Promise<void>;
  /** Served addresses, with the ports the kernel chose for port 0. */
  readonly addresses: readonly SocketAddress[];
  stats(): DnsServerStats;
  /** Tells of every query from now on, as lines of JSON, until the returned function is called. */
  tap(take: (lines: string, dropped?: number) => void): () => void;
  /** What is installed, for `explain` and dumps; a live view. */
  program(): DnsProgram;
}

/**
 * Starts the DNS server: it listens at once and answers SERVFAIL for the cluster's names until the API has
 * delivered everything. Losing the API later keeps the last records.
 *
 * @throws DnsError `listen` when an address is taken, `options` for a bad upstream.
 */
export async function startDns(options: DnsOptions): Promise<RunningDns> {
  const { clock, random, log, kubeDns } = options;
  const checked = checkDnsOptions(options);
  const { zone, externalZone, clustersetZone, ttlSeconds } = checked;
  keepYoungGenerationSmall();
  let running: DnsServer | undefined;
  const metrics =
    options.metrics &&
    registerDnsMetrics(
      options.metrics,
      `dns://:${options.listen[0]?.port ?? 53}`,
      `${zone.origin}.`,
      () => running?.stats,
      clock,
    );
  const { base, views, all: ownZones } = startOwnZones(options, checked);
  const notifier = new SerialNotifier(clock, () => tellOfCluster(options, server.zoneSoas));
  const server = new DnsServer({
    fileZones: base?.zones,
    views,
    onNotify: ownZones.some(({ takesNotify }) => takesNotify)
      ? (origin, from) => notifyZones(ownZones, origin, from)
      : undefined,
    onSerial: (options.notify ?? []).length === 0 ? undefined : () => notifier.note(),
    accessRules: options.accessRules ?? [],
    zone,
    otherZones: [externalZone, clustersetZone].filter((other) => other !== undefined),
    onResolved: metrics?.resolved,
    onExchanged: metrics?.exchanged,
    logEvery: options.logEvery,
    completesSearch: options.completesSearch === true,
    rewrites: options.rewrites ?? [],
    templates: options.templates ?? [],
    secure: options.secure,
    listen: checked.listen,
    upstreams: checked.upstreams,
    forwardRules: checked.forwardRules,
    subnetSources: checked.subnetSources,
    upstreamAuthorities: options.upstreamAuthorities,
    transferTo: checked.transferTo,
    workers: options.workers,
    clock,
    random,
    log,
  });
  setStaticRecords(server, options, checked);
  running = server;
  const handover = makeHandover(options);
  await Promise.all(ownZones.map(({ settled }) => settled));
  const isSuccessor = (await handover?.meetPredecessor()) === true;
  // A server that another one hands over to loads first: until then the other one has the better answers.
  if (!isSuccessor) {
    await server.start().catch((error: unknown) => {
      for (const zones of ownZones) zones.stop();
      throw error;
    });
  }

  const { sources, stop: stopSources } = startSources(options, checked);
  const loop = new DnsLoop(sources, server, {
    zone: zone.origin,
    ttlSeconds,
    clock,
    hasZonalNames: options.hasZonalNames === true,
    externalZone: externalZone?.origin,
    clustersetZone: clustersetZone?.origin,
    findNodeZone: options.findNodeZone,
    onNotice: options.onNotice,
    onInstalled: metrics?.installed,
  });
  void loop.synced.then(releaseFreeMemory);
  const registration = kubeDns && new KubeDnsRegistration(options.client, kubeDns, clock, log);
  if (kubeDns !== undefined && registration !== undefined) {
    watchRegistration(sources.services, sources.endpointSlices, kubeDns, registration);
  }
  if (isSuccessor) {
    await handover?.beforeServing(loop.synced);
    await server.start();
  }
  await handover?.serving();
  let stopped: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    const isHandedOver = (await handover?.awaitSuccessor(options.lameduckMs ?? 0)) === true;
    // A successor on this node has taken over the slice, too.
    await registration?.stop(!isHandedOver);
    loop.stop();
    stopSources();
    for (const zones of ownZones) zones.stop();
    notifier.stop();
    await server.stop();
    await handover?.stop();
  };
  return {
    ready: Promise.all([loop.synced, registration?.registered]).then(() => undefined),
    get addresses() {
      return server.addresses;
    },
    stats: () => server.stats,
    tap: (take) => server.tap(take),
    program: () => server.program,
    stop() {
      stopped ??= stopAll();
      return stopped;
    },
  };
}

/** Tells secondaries of the zones that come from the API. */
function tellOfCluster({ notify = [], clock, log }: DnsOptions, serials: readonly DnsRecord[]): void {
  for (const soa of serials) tellSecondaries(notify, soa, { clock, log });
}

/** Absent where the kernel chooses the port: nobody else can serve the same one. */
function makeHandover({ listen, clock, log }: DnsOptions): Handover | undefined {
  const [first] = listen;
  if (first === undefined || first.port === 0) return undefined;
  return new Handover(`${first.address}:${first.port}`, clock, log);
}

/** Names that no object makes: of the zones themselves, and of hosts entries. */
function setStaticRecords(server: DnsServer, options: DnsOptions, checked: CheckedDnsOptions): void {
  const { zone, externalZone, clustersetZone, ttlSeconds } = checked;
  const clusterIps = options.kubeDns?.clusterIps ?? [];
  const nameservers = clusterIps.length === 0 ? options.listen.map(({ address }) => address) : clusterIps;
  server.setSource('zone', compileApexRecords(zone, nameservers, { ttlSeconds }));
  if (externalZone !== undefined) {
    server.setSource('external', compileZoneRecords(externalZone, nameservers, ttlSeconds));
  }
  if (clustersetZone !== undefined) {
    server.setSource('clusterset', compileClustersetApex(clustersetZone, nameservers, ttlSeconds));
  }
  if (options.hosts !== undefined) server.setSource('hosts', compileHostsRecords(options.hosts, ttlSeconds));
}

/** Copies of the objects that the options call for. */
function startSources(
  options: DnsOptions,
  checked: CheckedDnsOptions,
): { readonly sources: DnsSources; readonly stop: () => void } {
  const { client, clock, random, log } = options;
  const stops: (() => void)[] = [];
  function watch<T>(ref: ResourceRef<T>, strip?: (object: Stored<T>) => Stored<T>): Informer<T> {
    const more = strip === undefined ? {} : { strip: strip as unknown as NonNullable<InformerOptions['strip']> };
    const informer = startInformer(client, ref, {}, { clock, random, log, ...more });
    stops.push(() => informer.stop());
    return informer;
  }
  function watchOptional<T>(ref: ResourceRef<T>, onForbidden?: () => void): OptionalSource<T> {
    const more = onForbidden === undefined ? {} : { onForbidden };
    const source = startOptionalInformer(client, ref, { clock, random, log, ...more });
    stops.push(() => source.stop());
    return source;
  }
  const hasExternal = checked.externalZone !== undefined;
  const hasClusterset = checked.clustersetZone !== undefined;
  const hasPods = options.podRecords === 'verified' || options.completesSearch === true;
  // An agent may see the Pods of its own node only: all other names must not wait for them.
  const podsForbidden = (): void =>
    log('warn', 'DNS has no names of Pods and completes no searches: it may not list all Pods');
  if (hasClusterset) stops.push(installDefinitions(options));
  const sources: DnsSources = {
    services: watch(services),
    endpointSlices: watch(endpointSlices, stripSlice),
    namespaces: watch(namespaces),
    pods: hasPods ? watchOptional(pods, podsForbidden) : undefined,
    ingresses: hasExternal ? watch(ingresses) : undefined,
    gateways: hasExternal ? watchOptional(gateways) : undefined,
    routes: hasExternal ? Object.fromEntries(hostRoutes.map((ref) => [ref.plural, watchOptional(ref)])) : undefined,
    imports: hasClusterset ? watchOptional(serviceImports) : undefined,
  };
  return { sources, stop: () => stops.forEach((stop) => void stop()) };
}

/** Installs the kinds of the Multi-Cluster Services API once the API answers. Returns a function that gives up. */
function installDefinitions({ client, clock, log }: DnsOptions): () => void {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    for (let delayMs = 100; !stopping.signal.aborted; delayMs = Math.min(delayMs * 2, 5000)) {
      try {
        return await ensureMulticlusterDefinitions(client, log);
      } catch {
        await clock.sleep(delayMs, stopping.signal).catch(() => undefined);
      }
    }
  };
  void run();
  return () => stopping.abort();
}

/** Restores the Service or our slice when somebody removes or changes them. */
function watchRegistration(
  serviceSource: Pick<Informer<unknown>, 'subscribe'>,
  sliceSource: Pick<Informer<unknown>, 'subscribe'>,
  kubeDns: KubeDnsOptions,
  registration: KubeDnsRegistration,
): void {
  const slices = kubeDnsSlices(kubeDns).map(({ metadata }) => `kube-system/${metadata?.name}`);
  const isOurs = ({ key, old }: { readonly key: string; readonly old: unknown }): boolean =>
    old !== undefined && (key === 'kube-system/kube-dns' || slices.includes(key));
  for (const source of [serviceSource, sliceSource]) {
    source.subscribe((changes) => {
      if (changes.some(isOurs)) registration.ensureAgain();
    });
  }
}
