import { join } from 'node:path';
import { cidrAddress, formatIp, nodes, parseCidr } from '@fairlead/api';
import type { ApiClient } from '@fairlead/client';
import { DnsError } from '../../dns/dns-error.ts';
import { type DnsOptions, type RunningDns, startDns } from '../../dns/start.ts';
import type { NodeAgentInfo } from '../../node/start.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import type { MetricRegistry } from '../../telemetry/metrics.ts';
import type { DnsRoleSettings } from '../dns-settings.ts';
import { FatalError } from '../role-process.ts';
import { formatListenAddress, type ListenAddress } from '../settings.ts';
import type { AgentRoleOptions } from './agent.ts';
import { noticeWriter } from './agent-notices.ts';

/** Position of the cluster DNS in the service range, by convention. */
const dnsOffset = 10;

/** Port of DNS over TLS (RFC 7858 3.1). */
const tlsPort = 853;

type FromSettings = Pick<
  DnsOptions,
  | 'upstreams'
  | 'clustersetZone'
  | 'hasZonalNames'
  | 'transferTo'
  | 'subnetSources'
  | 'upstreamAuthorities'
  | 'lameduckMs'
  | 'forwardRules'
  | 'externalZone'
  | 'secure'
  | 'logEvery'
  | 'hosts'
  | 'rewrites'
  | 'templates'
  | 'accessRules'
  | 'zoneFiles'
  | 'secondaries'
  | 'views'
  | 'notify'
  | 'ttlSeconds'
  | 'podRecords'
  | 'completesSearch'
>;

/** What the settings and the Corefile say about a DNS server that listens at `listen`. */
function dnsOptionsFrom(settings: DnsRoleSettings, listen: ListenAddress): FromSettings {
  const { corefile, tls, readTls, httpsListen, upstreams, forwardRules, externalZone, logEvery } = settings;
  const { clustersetZone, hasZonalNames, transferTo, subnetSources, upstreamAuthorities, lameduckMs } = settings;
  const addressOf = ({ host, port }: ListenAddress) => {
    if (host === '') throw new DnsError('options', 'DNS over TLS and HTTPS need an address to listen on');
    return { family: host.includes(':') ? ('ipv6' as const) : ('ipv4' as const), address: host, port };
  };
  return {
    upstreams,
    forwardRules,
    hasZonalNames,
    transferTo,
    subnetSources,
    lameduckMs,
    ...(clustersetZone === undefined ? {} : { clustersetZone }),
    ...(upstreamAuthorities === undefined ? {} : { upstreamAuthorities }),
    ...(externalZone === undefined ? {} : { externalZone }),
    ...(logEvery === undefined ? {} : { logEvery }),
    ...(corefile === undefined ? {} : { hosts: corefile.hosts, rewrites: corefile.rewrites }),
    ...(corefile?.templates === undefined ? {} : { templates: corefile.templates }),
    ...(corefile?.accessRules === undefined ? {} : { accessRules: corefile.accessRules }),
    ...(corefile?.zoneFiles === undefined ? {} : { zoneFiles: corefile.zoneFiles }),
    ...(corefile?.secondaries === undefined ? {} : { secondaries: corefile.secondaries }),
    ...(corefile?.views === undefined ? {} : { views: corefile.views }),
    ...(corefile?.notify === undefined ? {} : { notify: corefile.notify }),
    ...(corefile?.ttlSeconds === undefined ? {} : { ttlSeconds: corefile.ttlSeconds }),
    ...(corefile?.podRecords === undefined ? {} : { podRecords: corefile.podRecords }),
    ...(corefile?.completesSearch === true ? { completesSearch: true } : {}),
    ...(tls === undefined
      ? {}
      : {
          secure: {
            files: tls,
            ...(readTls === undefined ? {} : { readFiles: readTls }),
            tls: [addressOf({ host: listen.host, port: tlsPort })],
            https: httpsListen === undefined ? [] : [addressOf(httpsListen)],
          },
        }),
  };
}

/** Says line by line what was taken of a Corefile. */
function printCorefileNotes({ corefileNotes }: DnsRoleSettings): void {
  for (const { line, directive, result, detail } of corefileNotes) {
    process.stderr.write(`Corefile line ${line}: ${directive}: ${result}: ${detail}\n`);
  }
}

/** The node's zone, by its label; absent: it has none, or it is not known yet. */
async function zoneOfNode(client: ApiClient, name: string): Promise<string | undefined> {
  try {
    const node = await client.get(nodes, { name });
    return node.metadata.labels?.['topology.kubernetes.io/zone'];
  } catch {
    return undefined;
  }
}

function addressIn(cidr: string, offset: number): string {
  const range = parseCidr(cidr);
  const address = range === undefined ? undefined : cidrAddress(range, offset);
  if (address === undefined) throw new FatalError(`${cidr} has no address number ${offset}`);
  return formatIp(address);
}

/** Where DNS listens, never nowhere: given, on the Pod bridge (each family), or on a loopback address of the Pod range. */
function dnsAddresses(options: AgentRoleOptions, node: NodeAgentInfo | undefined): [ListenAddress, ...ListenAddress[]] {
  if (options.dnsListen !== undefined) return [options.dnsListen];
  const [first, ...more] = (node?.gatewayIps ?? []).map((host) => ({ host, port: 53 }));
  if (first !== undefined) return [first, ...more];
  if (options.mode === 'kernel') return [{ host: '127.0.0.1', port: 53 }];
  // Below 1024 only root may listen; the service proxy offsets such ports in the same way.
  const port = process.getuid?.() === 0 ? 53 : 8053;
  return [{ host: addressIn(node?.podCidrs[0] ?? options.podCidr, 1), port }];
}

/** The cluster IPs of DNS, one per family. */
function dnsClusterIps({ serviceCidr }: AgentRoleOptions): string[] {
  return serviceCidr.split(',').map((cidr) => addressIn(cidr, dnsOffset));
}

/** Where users of this machine find DNS: the cluster's own addresses where the node serves them. */
export function publishedDns(options: AgentRoleOptions, node: NodeAgentInfo | undefined): string {
  const [listen] = dnsAddresses(options, node);
  if (node === undefined) return formatListenAddress(listen);
  const shown = dnsClusterIps(options).map((host) =>
    listen.port === 53 ? host : formatListenAddress({ host, port: listen.port }),
  );
  return shown.join(', ');
}

/** Starts the node's DNS server; on a node with Pods it also makes the cluster's DNS Service lead here. */
export async function startDnsServer(
  client: ApiClient,
  options: AgentRoleOptions,
  node: NodeAgentInfo | undefined,
  metrics: MetricRegistry,
  log: Log,
): Promise<RunningDns> {
  const listen = dnsAddresses(options, node);
  const [first] = listen;
  printCorefileNotes(options.dns);
  return startDns({
    client,
    listen: listen.map(({ host, port }) => ({ address: host, port })),
    clusterDomain: options.dns.corefile?.clusterDomain ?? options.clusterDomain,
    ...dnsOptionsFrom(options.dns, first),
    findNodeZone: () => zoneOfNode(client, options.nodeName),
    onNotice: noticeWriter(client, options.nodeName, 'dns'),
    metrics,
    zoneFolder: join(options.dataDir, 'dns-zones'),
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log,
    ...(node === undefined
      ? {}
      : {
          kubeDns: {
            nodeName: options.nodeName,
            clusterIps: dnsClusterIps(options),
            // Another listen address than that of the bridge may be one of one family: the other has no endpoint.
            addresses: listen.map(({ host }) => host),
            port: first.port,
          },
        }),
  });
}
