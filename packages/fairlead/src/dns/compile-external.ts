import type { Ingress, Service } from '@fairlead/api';
import { addressFamily, normalizeName } from './owner-names.ts';
import type { CompiledRecords, NameRecords, OwnerName, RecordSet } from './program.ts';

/** What external records depend on besides the objects. */
export interface ExternalCompileOptions {
  /** Zone for clients outside the cluster, e.g. `apps.example.org`. */
  readonly zone: OwnerName;
  /** TTL of all records, in seconds. */
  readonly ttlSeconds: number;
}

const hostnameAnnotation = 'external-dns.alpha.kubernetes.io/hostname';

/** An entry of a load balancer's status. */
interface BalancerEntry {
  readonly ip?: string | undefined;
  readonly hostname?: string | undefined;
}

/**
 * `svc.ns.<zone>`, its `_port._proto` names, and the names of the annotation
 * `external-dns.alpha.kubernetes.io/hostname` that lie in the zone, for a Service that is reachable from
 * outside: by its load balancer or its `externalIPs`.
 */
export function compileExternalService(service: Service, options: ExternalCompileOptions): CompiledRecords {
  const { name = '', namespace = '', annotations } = service.metadata ?? {};
  const isBalanced = service.spec?.type === 'LoadBalancer';
  const entries: BalancerEntry[] = [
    ...(isBalanced ? (service.status?.loadBalancer?.ingress ?? []) : []),
    ...(service.spec?.externalIPs ?? []).map((ip) => ({ ip })),
  ];
  const sets = addressRecords(entries, options);
  if (sets.length === 0) return new Map();
  const owner = `${name}.${namespace}.${options.zone}`;
  const records = new Map<OwnerName, NameRecords>([[owner, sets]]);
  for (const hostname of hostsIn((annotations?.[hostnameAnnotation] ?? '').split(','), options)) {
    records.set(hostname, sets);
  }
  for (const port of service.spec?.ports ?? []) {
    if (port.name === undefined || port.name === '') continue;
    const target = { priority: 0, weight: 100, port: port.port, target: owner };
    const set: RecordSet = { type: 'SRV', ttl: options.ttlSeconds, services: [target], glue: [] };
    records.set(`_${port.name}._${port.protocol ?? 'TCP'}.${owner}`.toLowerCase(), [set]);
  }
  return records;
}

/** The hosts of an Ingress that lie in the zone, at the addresses that its controller has reported. */
export function compileExternalIngress(ingress: Ingress, options: ExternalCompileOptions): CompiledRecords {
  const sets = addressRecords(ingress.status?.loadBalancer?.ingress ?? [], options);
  if (sets.length === 0) return new Map();
  const hosts = (ingress.spec?.rules ?? []).map((rule) => rule.host ?? '');
  return new Map(hostsIn(hosts, options).map((host) => [host, sets]));
}

/** Addresses, or else an alias to the first host name: both at one name is not allowed (RFC 1034 3.6.2). */
function addressRecords(entries: readonly BalancerEntry[], { ttlSeconds }: ExternalCompileOptions): RecordSet[] {
  const sets: RecordSet[] = [];
  for (const type of ['A', 'AAAA'] as const) {
    const found = entries.flatMap(({ ip }) => (ip !== undefined && addressFamily(ip) === type ? [ip] : []));
    if (found.length > 0) sets.push({ type, ttl: ttlSeconds, addresses: [...new Set(found)] });
  }
  const hostname = entries.find((entry) => entry.hostname !== undefined && entry.hostname !== '')?.hostname;
  if (sets.length > 0 || hostname === undefined) return sets;
  return [{ type: 'CNAME', ttl: ttlSeconds, target: normalizeName(hostname) }];
}

/** Names below the zone, once each, without wildcards. */
function hostsIn(names: readonly string[], { zone }: ExternalCompileOptions): OwnerName[] {
  const hosts = names.map((name) => normalizeName(name.trim()));
  return [...new Set(hosts.filter((host) => host.endsWith(`.${zone}`) && !host.includes('*')))];
}
