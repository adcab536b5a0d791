import { readFileSync } from 'node:fs';
import { endpointSlices, ingresses, namespaces, pods, type ResourceRef, type Stored, services } from '@fairlead/api';
import { type ApiClient, type Informer, type InformerOptions, startInformer } from '@fairlead/client';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import type { MetricRegistry } from '../telemetry/metrics.ts';
import { nameFromText } from '../wire/dns/name.ts';
import { compileApexRecords, compileZoneRecords } from './compile.ts';
import { compileHostsRecords, type HostsEntry, type RewriteRule } from './compile-static.ts';
import { DnsError } from './dns-error.ts';
import { DnsLoop, type DnsNotice } from './dns-loop.ts';
import { registerDnsMetrics } from './dns-metrics.ts';
import type { ForwardRule } from './forward/forwarder.ts';
import { parseNameservers } from './forward/resolv-conf.ts';
import { parseUpstream } from './forward/upstream-address.ts';
import type { Upstream } from './forward/upstream-exchange.ts';
import { type KubeDnsOptions, KubeDnsRegistration, kubeDnsSlice } from './kube-dns-service.ts';
import { addressFamily, normalizeName } from './owner-names.ts';
import { clusterZone, type DnsProgram } from './program.ts';
import { DnsServer, type DnsServerStats, type SecureListeners } from './server/dns-server.ts';
import { stripSlice } from './slice-strip.ts';

/** Options of {@link startDns}. */
export interface DnsOptions {
  readonly client: ApiClient;
  /** UDP and TCP both. An address that this machine does not have yet is served once it appears. */
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  /** Zone of the cluster, e.g. `cluster.local`. */
  readonly clusterDomain: string;
  /** Where other names go: the servers of /etc/resolv.conf, or `ADDRESS[:PORT]` each; `[]` for nowhere. */
  readonly upstreams: 'resolv.conf' | readonly string[];
  /** Domains that go elsewhere, e.g. `{'example.org': ['10.0.0.53']}`; the longest one decides. */
  readonly forwardRules?: Readonly<Record<string, readonly string[]>>;
  /** UDP threads. */
  readonly workers: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Writes Service and EndpointSlice of the cluster DNS; absent: writes nothing. */
  readonly kubeDns?: KubeDnsOptions;
  /** TTL of all records and negative answers. Default 5. */
  readonly ttlSeconds?: number;
  /** Zone for clients outside the cluster: Ingress hosts and addresses of load balancers. */
  readonly externalZone?: string;
  /** Names with fixed addresses, as in hosts(5). */
  readonly hosts?: readonly HostsEntry[];
  /** Aliases for names outside the cluster's zone. */
  readonly rewrites?: readonly RewriteRule[];
  /** DNS over TLS (and, if given, HTTPS) with a certificate. */
  readonly secure?: SecureListeners;
  /** Where metrics are registered, under CoreDNS's names; absent: nowhere. */
  readonly metrics?: MetricRegistry;
  /** Logs one of so many UDP queries; absent: none. */
  readonly logEvery?: number;
  /** Zone of this node, for Services that prefer it. */
  readonly nodeZone?: string;
  /** Told of mistakes in annotations `fairlead.dev/dns-*`, once per change. */
  readonly onNotice?: (notice: DnsNotice) => void;
  /**
   * Answers a Pod's first query of a search list with what the list leads to, so that one query does for
   * four. Reads Pods, to know whose list it is. Default: off; a query that leads nowhere costs microseconds.
   */
  readonly completesSearch?: boolean;
  /** `a-b-c-d.ns.pod` names for Pods that exist. Default `disabled`. */
  readonly podRecords?: 'disabled' | 'verified';
}

/** A running DNS server. */
export interface RunningDns extends Running {
  /** Resolves when the cluster's records are complete (SERVFAIL before) and `kubeDns` is written. */
  readonly ready: Promise<void>;
  /** Served addresses, with the ports the kernel chose for port 0. */
  readonly addresses: readonly SocketAddress[];
  stats(): DnsServerStats;
  /** What is installed, for `explain` and dumps; a live view. */
  program(): DnsProgram;
}

/** The upstreams of the options, without our own addresses: forwarding to ourselves would loop. */
function chooseUpstreams(options: DnsOptions, texts: readonly string[]): Upstream[] {
  const own = new Set(options.listen.map(({ address, port }) => `${address} ${port}`));
  if (options.kubeDns?.clusterIp !== undefined) own.add(`${options.kubeDns.clusterIp} 53`);
  if (options.kubeDns !== undefined) own.add(`${options.kubeDns.address} ${options.kubeDns.port}`);
  return texts.flatMap((text) => {
    const upstream = parseUpstream(text);
    if (upstream === undefined) throw new DnsError('options', `not an upstream address: ${text}`);
    if (!own.has(`${upstream.address} ${upstream.port}`)) return [upstream];
    options.log('warn', 'DNS upstream is this server itself, left out', { upstream: text });
    return [];
  });
}

/** Domains with upstreams of their own. */
function chooseRules(options: DnsOptions): ForwardRule[] {
  return Object.entries(options.forwardRules ?? {}).map(([domain, texts]) => {
    if (nameFromText(domain) === undefined) throw new DnsError('options', `not a domain to forward: ${domain}`);
    return { domain: normalizeName(domain), upstreams: chooseUpstreams(options, texts) };
  });
}

function readResolvConf(log: Log): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch (error) {
    log('warn', 'no /etc/resolv.conf: names outside the cluster will not resolve', { error });
    return '';
  }
}

/**
 * Starts the DNS server: it listens at once and answers SERVFAIL for the cluster's names until the API has
 * delivered everything. Losing the API later keeps the last records.
 *
 * @throws DnsError `listen` when an address is taken, `options` for a bad upstream.
 */
export async function startDns(options: DnsOptions): Promise<RunningDns> {
  const { client, clock, random, log, kubeDns } = options;
  const ttlSeconds = options.ttlSeconds ?? 5;
  const zone = clusterZone(normalizeName(options.clusterDomain), ttlSeconds);
  const { nodeZone, onNotice } = options;
  const compileOptions = { zone: zone.origin, ttlSeconds, ...(nodeZone === undefined ? {} : { nodeZone }) };
  const listen = options.listen.map(({ address, port }): SocketAddress => {
    const family = addressFamily(address);
    if (family === undefined) throw new DnsError('options', `not an address to listen on: ${address}`);
    return { family: family === 'A' ? 'ipv4' : 'ipv6', address, port };
  });
  const upstreamTexts = options.upstreams === 'resolv.conf' ? parseNameservers(readResolvConf(log)) : options.upstreams;
  const external = options.externalZone === undefined ? undefined : normalizeName(options.externalZone);
  if (external !== undefined && nameFromText(external) === undefined) {
    throw new DnsError('options', `not a zone: ${options.externalZone}`);
  }
  const externalZone = external === undefined ? undefined : clusterZone(external, ttlSeconds);
  let running: DnsServer | undefined;
  const [first] = options.listen;
  const metrics =
    options.metrics &&
    registerDnsMetrics(options.metrics, `dns://:${first?.port ?? 53}`, `${zone.origin}.`, () => running?.stats);
  const server = new DnsServer({
    zone,
    onResolved: metrics?.resolved,
    logEvery: options.logEvery,
    completesSearch: options.completesSearch === true,
    ...(externalZone === undefined ? {} : { otherZones: [externalZone] }),
    rewrites: options.rewrites ?? [],
    secure: options.secure,
    listen,
    upstreams: chooseUpstreams(options, upstreamTexts),
    forwardRules: chooseRules(options),
    workers: options.workers,
    clock,
    random,
    log,
  });
  const nameservers = kubeDns?.clusterIp === undefined ? listen.map(({ address }) => address) : [kubeDns.clusterIp];
  server.setSource('zone', compileApexRecords(zone, nameservers, compileOptions));
  if (externalZone !== undefined) {
    server.setSource('external', compileZoneRecords(externalZone, nameservers, ttlSeconds));
  }
  if (options.hosts !== undefined) server.setSource('hosts', compileHostsRecords(options.hosts, ttlSeconds));
  running = server;
  await server.start();

  const informers: Informer<unknown>[] = [];
  function watch<T>(ref: ResourceRef<T>, strip?: (object: Stored<T>) => Stored<T>): Informer<T> {
    const more = strip === undefined ? {} : { strip: strip as unknown as NonNullable<InformerOptions['strip']> };
    const informer = startInformer(client, ref, {}, { clock, random, log, ...more });
    informers.push(informer as Informer<unknown>);
    return informer;
  }
  const sources = {
    services: watch(services),
    endpointSlices: watch(endpointSlices, stripSlice),
    namespaces: watch(namespaces),
    pods: options.podRecords === 'verified' || options.completesSearch === true ? watch(pods) : undefined,
    ingresses: external === undefined ? undefined : watch(ingresses),
  };
  const loop = new DnsLoop(sources, server, { ...compileOptions, externalZone: external, onNotice });
  const registration = kubeDns && new KubeDnsRegistration(client, kubeDns, clock, log);
  if (kubeDns !== undefined && registration !== undefined) {
    watchRegistration(sources.services, sources.endpointSlices, kubeDns, registration);
  }
  let stopped: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    await registration?.stop();
    loop.stop();
    for (const informer of informers) informer.stop();
    await server.stop();
  };
  return {
    ready: Promise.all([loop.synced, registration?.registered]).then(() => undefined),
    get addresses() {
      return server.addresses;
    },
    stats: () => server.stats,
    program: () => server.program,
    stop() {
      stopped ??= stopAll();
      return stopped;
    },
  };
}

/** Restores the Service or our slice when somebody removes or changes them. */
function watchRegistration(
  serviceSource: Pick<Informer<unknown>, 'subscribe'>,
  sliceSource: Pick<Informer<unknown>, 'subscribe'>,
  kubeDns: KubeDnsOptions,
  registration: KubeDnsRegistration,
): void {
  const slice = `kube-system/${kubeDnsSlice(kubeDns).metadata?.name}`;
  const isOurs = ({ key, old }: { readonly key: string; readonly old: unknown }): boolean =>
    old !== undefined && (key === 'kube-system/kube-dns' || key === slice);
  for (const source of [serviceSource, sliceSource]) {
    source.subscribe((changes) => {
      if (changes.some(isOurs)) registration.ensureAgain();
    });
  }
}
