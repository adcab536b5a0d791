import { nodes } from '@fairlead/api';
import type { ApiClient } from '@fairlead/client';
import { DnsError } from '../../dns/dns-error.ts';
import type { DnsOptions } from '../../dns/start.ts';
import type { DnsRoleSettings } from '../dns-settings.ts';
import type { ListenAddress } from '../settings.ts';

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
export function dnsOptionsFrom(settings: DnsRoleSettings, listen: ListenAddress): FromSettings {
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
export function printCorefileNotes({ corefileNotes }: DnsRoleSettings): void {
  for (const { line, directive, result, detail } of corefileNotes) {
    process.stderr.write(`Corefile line ${line}: ${directive}: ${result}: ${detail}\n`);
  }
}

/** The node's zone, by its label; absent: it has none, or it is not known yet. */
export async function zoneOfNode(client: ApiClient, name: string): Promise<string | undefined> {
  try {
    const node = await client.get(nodes, { name });
    return node.metadata.labels?.['topology.kubernetes.io/zone'];
  } catch {
    return undefined;
  }
}
