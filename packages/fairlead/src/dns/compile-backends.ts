import type { DnsPolicy } from './dns-policy.ts';
import { addressFamily } from './owner-names.ts';
import type { GlueAddress, NameRecords, OwnerName, RecordSet, SrvTarget } from './program.ts';

/** What the records depend on besides the objects. */
export interface DnsCompileOptions {
  /** Cluster domain, e.g. `cluster.local`. */
  readonly zone: OwnerName;
  /** TTL of all records, in seconds. */
  readonly ttlSeconds: number;
  /** Zone of the node that answers, for Services that prefer it. */
  readonly nodeZone?: string;
  /** Headless Services have names by topology zone, too: `ZONE.pin._zone…` and `ZONE.prefer._zone…`. */
  readonly hasZonalNames?: boolean;
}

/** A port as SRV records know it; the name may be empty. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** An address that answers for a Service, or for one endpoint of it. */
export interface Backend {
  readonly address: string;
  readonly family: 'A' | 'AAAA';
  /** Name that the address belongs to. Made when asked for: only the first addresses get SRV records. */
  readonly owner: () => OwnerName;
  readonly ports: readonly NamedPort[];
  readonly hostname?: string | undefined;
  readonly zone?: string | undefined;
}

/** An address that is known to be one. */
export type Address = Pick<Backend, 'address' | 'family'>;

/** SRV records that the records of one name are made from: more do not fit into a message of 65,535 bytes. */
export const maxSrvPairs = 1500;

/** The options with the Service's own TTL. */
export function withTtl<T extends { readonly ttlSeconds: number }>(options: T, { ttlSeconds }: DnsPolicy): T {
  return ttlSeconds === undefined ? options : { ...options, ttlSeconds };
}

/** Limits, weights and preferences of a Service's own addresses. An address of weight 0 is left out, unless all are. */
export function withRules(
  set: RecordSet,
  backends: readonly Omit<Backend, 'owner' | 'ports'>[],
  policy: DnsPolicy,
): RecordSet {
  if (set.type !== 'A' && set.type !== 'AAAA') return set;
  const { maxEndpoints, weights, isSticky, preferredPrefix } = policy;
  const prefixBits = set.type === 'A' ? preferredPrefix?.v4 : preferredPrefix?.v6;
  const limited = {
    ...set,
    ...(maxEndpoints === undefined ? {} : { maxAnswers: maxEndpoints }),
    ...(isSticky ? { isSticky } : {}),
    ...(prefixBits === undefined ? {} : { preferredPrefixBits: prefixBits }),
  };
  if (weights === undefined) return limited;
  const byAddress = new Map(backends.map((backend) => [backend.address, backend]));
  const weightOf = (address: string): number => {
    const backend = byAddress.get(address);
    const keys = [backend?.hostname, address, `zone:${backend?.zone ?? ''}`];
    return keys.map((key) => weights.get((key ?? '').toLowerCase())).find((weight) => weight !== undefined) ?? 1;
  };
  const chosen = set.addresses.filter((address) => weightOf(address) > 0);
  if (chosen.length === 0) return limited;
  return { ...limited, addresses: chosen, weights: chosen.map(weightOf) };
}

/** Record sets of addresses, one per family, each address once. */
export function addressSets(
  addresses: readonly Address[],
  options: Pick<DnsCompileOptions, 'ttlSeconds'>,
): RecordSet[] {
  const sets: RecordSet[] = [];
  for (const type of ['A', 'AAAA'] as const) {
    const members = new Set<string>();
    for (const { address, family } of addresses) if (family === type) members.add(address);
    if (members.size > 0) sets.push({ type, ttl: options.ttlSeconds, addresses: [...members] });
  }
  return sets;
}

/** Addresses of an object's field, without what is none. */
export function checkedAddresses(addresses: readonly string[]): Address[] {
  return addresses.flatMap((address) => {
    const family = addressFamily(address);
    return family === undefined ? [] : [{ address, family }];
  });
}

/** `_port._proto` names of all named ports. */
export function addPortRecords(
  records: Map<OwnerName, NameRecords>,
  owner: OwnerName,
  endpoints: readonly Backend[],
  options: DnsCompileOptions,
): void {
  const keys = new Map<string, OwnerName>();
  // Endpoints of one slice have one list of ports.
  for (const ports of new Set(endpoints.map((endpoint) => endpoint.ports))) {
    for (const port of ports) {
      const key = keyOfPort(port);
      if (key !== undefined) keys.set(key, `_${port.name}._${port.protocol}.${owner}`.toLowerCase());
    }
  }
  for (const [key, port] of keys) {
    records.set(port, srvSet(endpoints, key, options));
  }
}

/** What tells the ports of a Service apart by name; absent: it has none. */
function keyOfPort({ name, protocol }: NamedPort): string | undefined {
  return name === '' ? undefined : `${name} ${protocol}`;
}

/**
 * One SRV per endpoint name and matching port, with all addresses as glue. Priority 0, weight
 * ⌊100/n⌋, at least 1, with n counted over addresses before equal records are united.
 */
export function srvSet(
  endpoints: readonly Backend[],
  portKey: string | undefined,
  options: DnsCompileOptions,
): RecordSet[] {
  const pairs: { readonly endpoint: Backend; readonly port: NamedPort }[] = [];
  // Endpoints of one slice have one list of ports: what is meant of it is found once.
  let ports: readonly NamedPort[] | undefined;
  let meant: readonly NamedPort[] = [];
  for (const endpoint of endpoints) {
    if (endpoint.ports !== ports) {
      ports = endpoint.ports;
      meant = portKey === undefined ? ports : ports.filter((port) => keyOfPort(port) === portKey);
    }
    for (const port of meant) if (pairs.length < maxSrvPairs) pairs.push({ endpoint, port });
    if (pairs.length === maxSrvPairs) break;
  }
  if (pairs.length === 0) return [];
  const weight = Math.max(1, Math.floor(100 / pairs.length));
  const services: SrvTarget[] = [];
  const glue: GlueAddress[] = [];
  /** Ports that a target has already: addresses with one hostname are one target. */
  const portsOf = new Map<OwnerName, number[]>();
  let last: Backend | undefined;
  let target = '';
  for (const { endpoint, port } of pairs) {
    if (endpoint !== last) {
      last = endpoint;
      target = endpoint.owner();
      glue.push({ owner: target, address: endpoint.address });
    }
    const known = portsOf.get(target);
    if (known?.includes(port.port)) continue;
    if (known === undefined) portsOf.set(target, [port.port]);
    else known.push(port.port);
    services.push({ priority: 0, weight, port: port.port, target });
  }
  return [{ type: 'SRV', ttl: options.ttlSeconds, services, glue }];
}
