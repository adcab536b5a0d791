import { readFileSync } from 'node:fs';
import type { ApiClient } from '@fairlead/client';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import type { MetricRegistry } from '../telemetry/metrics.ts';
import { nameFromText } from '../wire/dns/name.ts';
import { parseNetwork } from './address-networks.ts';
import type { AnswerTemplate } from './answer-templates.ts';
import type { HostsEntry } from './compile-static.ts';
import { DnsError } from './dns-error.ts';
import type { DnsNotice } from './dns-loop.ts';
import type { ForwardRule } from './forward/forwarder.ts';
import { parseNameservers } from './forward/resolv-conf.ts';
import { parseUpstream } from './forward/upstream-address.ts';
import type { Upstream } from './forward/upstream-exchange.ts';
import type { KubeDnsOptions } from './kube-dns-service.ts';
import type { Secondary } from './notify-secondaries.ts';
import { addressFamily, normalizeName } from './owner-names.ts';
import { clusterZone, type ZoneFacts } from './program.ts';
import type { RewriteRule } from './rewrite-rules.ts';
import type { SecondarySource } from './secondary-zones.ts';
import type { AccessRule } from './server/access-list.ts';
import type { AddressPrefix } from './server/address-prefix.ts';
import type { SecureListeners } from './server/dns-server.ts';
import type { ViewZone } from './views/view-plan.ts';
import type { ZoneFileSettings } from './zone-files.ts';

/** Where names go that are not in the cluster's zones, in texts. */
export interface DnsNamesOptions {
  /** The servers of /etc/resolv.conf, or `ADDRESS[:PORT]` each; `[]` for nowhere. */
  readonly upstreams: 'resolv.conf' | readonly string[];
  /** Domains that go elsewhere, e.g. `{'example.org': ['10.0.0.53']}`; the longest one decides. */
  readonly forwardRules?: Readonly<Record<string, readonly string[]>>;
  /** Aliases. */
  readonly rewrites?: readonly RewriteRule[];
  /** Answers made of names. */
  readonly templates?: readonly AnswerTemplate[];
  /** Who may ask for what. Default: all for everything. */
  readonly accessRules?: readonly AccessRule[];
  /** Zones of files. */
  readonly zoneFiles?: ZoneFileSettings;
  /** Zones that are copied from primaries. */
  readonly secondaries?: readonly SecondarySource[];
}

/** Views of clients, each with names of its own. */
export interface DnsViewsOptions {
  /** Which block of a zone is for whom. */
  readonly zones: readonly ViewZone[];
  /** View `n` is at `n - 1`. */
  readonly views: readonly (Partial<DnsNamesOptions> & {
    /** It has the names that come from the API. */
    readonly hasCluster: boolean;
    readonly hosts: readonly HostsEntry[];
  })[];
}

/** Options of `startDns`. */
export interface DnsOptions extends DnsNamesOptions {
  readonly client: ApiClient;
  /** UDP and TCP both. An address that this machine does not have yet is served once it appears. */
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  /** Zone of the cluster, e.g. `cluster.local`. */
  readonly clusterDomain: string;
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
  /** Absent: all clients get the same. */
  readonly views?: DnsViewsOptions;
  /** Names with fixed addresses, as in hosts(5). */
  readonly hosts?: readonly HostsEntry[];
  /** DNS over TLS (and, if given, HTTPS) with a certificate. */
  readonly secure?: SecureListeners;
  /** Where metrics are registered, under CoreDNS's names; absent: nowhere. */
  readonly metrics?: MetricRegistry;
  /** Logs one of so many UDP queries; absent: none. */
  readonly logEvery?: number;
  /** Zone of Services imported from other clusters (KEP-1645), e.g. `clusterset.local`; absent: none. */
  readonly clustersetZone?: string;
  /** Headless Services have names by topology zone: `ZONE.pin._zone.SERVICE…`, `ZONE.prefer._zone.SERVICE…`. */
  readonly hasZonalNames?: boolean;
  /** Networks whose client subnet option (RFC 7871) is believed, e.g. `10.0.0.0/8`. Default: none. */
  readonly subnetSources?: readonly string[];
  /** Networks that may have whole zones by AXFR or IXFR (over TCP), e.g. `192.0.2.1`; `*` is all. Default: none. */
  readonly transferTo?: readonly string[];
  /** Folder where zones of primaries are kept, so that the next start has them. Default: nowhere. */
  readonly zoneFolder?: string;
  /** Secondaries that are told of new serials. Default: none. */
  readonly notify?: readonly Secondary[];
  /** Authorities of the upstreams' certificates (TLS, HTTPS), PEM. Default: those that Node knows. */
  readonly upstreamAuthorities?: string;
  /** After the order to stop it serves so long for a successor to take over. Default 0: one that is there already. */
  readonly lameduckMs?: number;
  /** Asked once the API answers: the zone of this node, for Services that prefer it. */
  readonly findNodeZone?: () => Promise<string | undefined>;
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

/** The upstreams of the options, without our own addresses: forwarding to ourselves would loop. */
function chooseUpstreams(options: DnsOptions, texts: readonly string[]): Upstream[] {
  const own = new Set(options.listen.map(({ address, port }) => `${address} ${port}`));
  for (const clusterIp of options.kubeDns?.clusterIps ?? []) own.add(`${clusterIp} 53`);
  for (const address of options.kubeDns?.addresses ?? []) own.add(`${address} ${options.kubeDns?.port}`);
  return texts.flatMap((text) => {
    const upstream = parseUpstream(text);
    if (upstream === undefined) throw new DnsError('options', `not an upstream address: ${text}`);
    if (!own.has(`${upstream.address} ${upstream.port}`)) return [upstream];
    options.log('warn', 'DNS upstream is this server itself, left out', { upstream: text });
    return [];
  });
}

/** Domains with upstreams of their own. */
function chooseRules(options: DnsOptions, rules: DnsNamesOptions['forwardRules']): ForwardRule[] {
  return Object.entries(rules ?? {}).map(([domain, texts]) => {
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

/** Where names are forwarded to. */
export interface CheckedForwarding {
  readonly upstreams: readonly Upstream[];
  readonly forwardRules: readonly ForwardRule[];
}

/** Options of `startDns` in the form that the server takes. */
export interface CheckedDnsOptions {
  readonly zone: ZoneFacts;
  readonly externalZone: ZoneFacts | undefined;
  readonly clustersetZone: ZoneFacts | undefined;
  readonly ttlSeconds: number;
  readonly listen: readonly SocketAddress[];
  readonly upstreams: readonly Upstream[];
  readonly forwardRules: readonly ForwardRule[];
  /** Where the names of each view are forwarded to. */
  readonly viewForwarding: readonly CheckedForwarding[];
  readonly subnetSources: readonly AddressPrefix[];
  readonly transferTo: readonly AddressPrefix[];
}

/** @throws DnsError `options` for what is not an address, a network, a zone or an upstream. */
export function checkDnsOptions(options: DnsOptions): CheckedDnsOptions {
  const ttlSeconds = options.ttlSeconds ?? 5;
  const zoneOf = (text: string | undefined): ZoneFacts | undefined => {
    if (text === undefined) return undefined;
    const origin = normalizeName(text);
    if (nameFromText(origin) === undefined) throw new DnsError('options', `not a zone: ${text}`);
    return clusterZone(origin, ttlSeconds);
  };
  const listen = options.listen.map(({ address, port }): SocketAddress => {
    const family = addressFamily(address);
    if (family === undefined) throw new DnsError('options', `not an address to listen on: ${address}`);
    return { family: family === 'A' ? 'ipv4' : 'ipv6', address, port };
  });
  const forwardingOf = ({ upstreams = [], forwardRules }: Partial<DnsNamesOptions>): CheckedForwarding => {
    const texts = upstreams === 'resolv.conf' ? parseNameservers(readResolvConf(options.log)) : upstreams;
    return { upstreams: chooseUpstreams(options, texts), forwardRules: chooseRules(options, forwardRules) };
  };
  return {
    zone: clusterZone(normalizeName(options.clusterDomain), ttlSeconds),
    externalZone: zoneOf(options.externalZone),
    clustersetZone: zoneOf(options.clustersetZone),
    ttlSeconds,
    listen,
    ...forwardingOf(options),
    viewForwarding: (options.views?.views ?? []).map(forwardingOf),
    subnetSources: (options.subnetSources ?? []).flatMap(readNetwork),
    transferTo: (options.transferTo ?? []).flatMap(readNetwork),
  };
}

function readNetwork(text: string): AddressPrefix[] {
  const network = parseNetwork(text);
  if (network === undefined) throw new DnsError('options', `not an address or a network: ${text}`);
  return network;
}
