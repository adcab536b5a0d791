import type { Ingress, Service } from '@fairlead/api';
import { withRules } from './compile-backends.ts';
import { readDnsPolicy } from './dns-policy.ts';
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

/** An address that something is reachable at from outside: by IP or by name. */
export interface BalancerEntry {
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
  const { policy } = readDnsPolicy(service);
  const ttlSeconds = policy.ttlSeconds ?? options.ttlSeconds;
  const sets = addressRecords(entries, ttlSeconds).map((set) => withRules(set, backendsOf(set), policy));
  if (sets.length === 0) return new Map();
  const owner = `${name}.${namespace}.${options.zone}`;
  const records = new Map<OwnerName, NameRecords>([[owner, sets]]);
  for (const hostname of hostsIn((annotations?.[hostnameAnnotation] ?? '').split(','), options)) {
    records.set(hostname, sets);
  }
  for (const port of service.spec?.ports ?? []) {
    if (port.name === undefined || port.name === '') continue;
    const target = { priority: 0, weight: 100, port: port.port, target: owner };
    const set: RecordSet = { type: 'SRV', ttl: ttlSeconds, services: [target], glue: [] };
    records.set(`_${port.name}._${port.protocol ?? 'TCP'}.${owner}`.toLowerCase(), [set]);
  }
  return records;
}

/** The hosts of an Ingress that lie in the zone, at the addresses that its controller has reported. */
export function compileExternalIngress(ingress: Ingress, options: ExternalCompileOptions): CompiledRecords {
  const sets = addressRecords(ingress.status?.loadBalancer?.ingress ?? [], options.ttlSeconds);
  if (sets.length === 0) return new Map();
  const hosts = (ingress.spec?.rules ?? []).map((rule) => rule.host ?? '');
  return new Map(hostsIn(hosts, options).map((host) => [host, sets]));
}

/** Addresses, or else an alias to the first host name: both at one name is not allowed (RFC 1034 3.6.2). */
export function addressRecords(entries: readonly BalancerEntry[], ttlSeconds: number): RecordSet[] {
  const sets: RecordSet[] = [];
  for (const type of ['A', 'AAAA'] as const) {
    const found = entries.flatMap(({ ip }) => (ip !== undefined && addressFamily(ip) === type ? [ip] : []));
    if (found.length > 0) sets.push({ type, ttl: ttlSeconds, addresses: [...new Set(found)] });
  }
  const hostname = entries.find((entry) => entry.hostname !== undefined && entry.hostname !== '')?.hostname;
  if (sets.length > 0 || hostname === undefined) return sets;
  return [{ type: 'CNAME', ttl: ttlSeconds, target: normalizeName(hostname) }];
}

/** The addresses of a set, as the rules of a Service know them. */
function backendsOf(set: RecordSet): readonly { readonly address: string; readonly family: 'A' | 'AAAA' }[] {
  if (set.type !== 'A' && set.type !== 'AAAA') return [];
  return set.addresses.map((address) => ({ address, family: set.type }));
}

/**
 * Names in the zone, once each. `*.apps.example.org` is a wildcard for one label, as the host of an
 * Ingress or a route is; an asterisk elsewhere is none.
 */
export function hostsIn(names: readonly string[], { zone }: Pick<ExternalCompileOptions, 'zone'>): OwnerName[] {
  const hosts = names.map((name) => normalizeName(name.trim()));
  const isIn = (host: string): boolean => host.endsWith(`.${zone}`) && !host.slice(1).includes('*');
  return [...new Set(hosts.filter((host) => isIn(host) && (host[0] !== '*' || host[1] === '.')))];
}
