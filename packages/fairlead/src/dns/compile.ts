import type { Endpoint, EndpointSlice, Namespace, Pod, Service } from '@fairlead/api';
import { addressFamily, dashedAddress, normalizeName, reverseOwner } from './owner-names.ts';
import type {
  CompiledRecords,
  GlueAddress,
  NameRecords,
  OwnerName,
  RecordSet,
  SrvTarget,
  ZoneFacts,
} from './program.ts';

/** What the records depend on besides the objects. */
export interface DnsCompileOptions {
  /** Cluster domain, e.g. `cluster.local`. */
  readonly zone: OwnerName;
  /** TTL of all records, in seconds. */
  readonly ttlSeconds: number;
}

interface NamedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

interface HeadlessEndpoint {
  readonly address: string;
  readonly family: 'A' | 'AAAA';
  /** Name of the endpoint below its Service. */
  readonly owner: OwnerName;
  readonly hasHostname: boolean;
  readonly ports: readonly NamedPort[];
}

/** Version of the Kubernetes DNS specification that the records follow. */
export const dnsSchemaVersion = '1.1.0';

/**
 * Records of one Service (Kubernetes DNS specification 1.1.0). Without any record the name does
 * not exist: a headless Service with no ready endpoint, or a cluster IP not yet allocated.
 */
export function compileServiceRecords(
  service: Service,
  slices: readonly EndpointSlice[],
  options: DnsCompileOptions,
): CompiledRecords {
  const { name = '', namespace = '' } = service.metadata ?? {};
  const owner = `${name}.${namespace}.svc.${options.zone}`;
  const spec = service.spec;
  if (spec?.type === 'ExternalName') return externalRecords(owner, spec.externalName ?? '', options);
  if (spec?.clusterIP === 'None') return headlessRecords(owner, service, slices, options);
  const addresses = checkedAddresses(spec?.clusterIPs ?? [spec?.clusterIP ?? '']);
  if (addresses.length === 0) return new Map();

  const records = new Map<OwnerName, NameRecords>();
  const ports = (spec?.ports ?? []).map(
    (port): NamedPort => ({ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: port.port }),
  );
  const backends = addresses.map((one): HeadlessEndpoint => ({ ...one, owner, hasHostname: true, ports }));
  records.set(owner, [...addressSets(addresses, options), ...srvSet(backends, () => true, options)]);
  addPortRecords(records, owner, backends, options);
  for (const { address } of addresses) {
    const reverse = reverseOwner(address);
    if (reverse === undefined) continue;
    records.set(reverse, [{ type: 'PTR', ttl: options.ttlSeconds, targets: [owner], rank: 'cluster-ip' }]);
  }
  return records;
}

function externalRecords(owner: OwnerName, externalName: string, options: DnsCompileOptions): CompiledRecords {
  const target = normalizeName(externalName);
  if (target === '' || addressFamily(target) !== undefined) return new Map([[owner, []]]);
  return new Map([[owner, [{ type: 'CNAME', ttl: options.ttlSeconds, target }]]]);
}

function headlessRecords(
  owner: OwnerName,
  service: Service,
  slices: readonly EndpointSlice[],
  options: DnsCompileOptions,
): CompiledRecords {
  const endpoints = headlessEndpoints(owner, service, slices);
  const records = new Map<OwnerName, NameRecords>();
  if (endpoints.length === 0) return records;
  records.set(owner, [...addressSets(endpoints, options), ...srvSet(endpoints, () => true, options)]);
  addPortRecords(records, owner, endpoints, options);
  for (const [name, members] of Map.groupBy(endpoints, (endpoint) => endpoint.owner)) {
    records.set(name, addressSets(members, options));
  }
  for (const endpoint of endpoints) {
    const reverse = endpoint.hasHostname ? reverseOwner(endpoint.address) : undefined;
    if (reverse === undefined) continue;
    records.set(reverse, [{ type: 'PTR', ttl: options.ttlSeconds, targets: [endpoint.owner], rank: 'endpoint' }]);
  }
  return records;
}

/** Ready endpoints (absent counts as ready), one per address: the first slice that names it wins, ports are united. */
function headlessEndpoints(owner: OwnerName, service: Service, slices: readonly EndpointSlice[]): HeadlessEndpoint[] {
  const byAddress = new Map<string, HeadlessEndpoint>();
  const isServed = (endpoint: Endpoint): boolean =>
    endpoint.conditions?.ready !== false || service.spec?.publishNotReadyAddresses === true;
  const ordered = [...slices].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  for (const slice of ordered) {
    const ports = (slice.ports ?? []).flatMap((port): NamedPort[] =>
      port.port === undefined ? [] : [{ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: port.port }],
    );
    for (const endpoint of (slice.endpoints ?? []).filter(isServed)) {
      for (const address of endpoint.addresses) {
        const family = addressFamily(address);
        if (family === undefined) continue;
        const known = byAddress.get(address);
        const hostname = endpoint.hostname === '' ? undefined : endpoint.hostname;
        byAddress.set(address, {
          address,
          family,
          owner: known?.owner ?? `${normalizeName(hostname ?? dashedAddress(address))}.${owner}`,
          hasHostname: known?.hasHostname ?? hostname !== undefined,
          ports: known === undefined ? ports : unitePorts(known.ports, ports),
        });
      }
    }
  }
  return [...byAddress.values()];
}

function unitePorts(known: readonly NamedPort[], more: readonly NamedPort[]): readonly NamedPort[] {
  const isKnown = (port: NamedPort): boolean =>
    known.some((one) => one.name === port.name && one.protocol === port.protocol && one.port === port.port);
  return [...known, ...more.filter((port) => !isKnown(port))];
}

/** An address that is known to be one. */
type Address = Pick<HeadlessEndpoint, 'address' | 'family'>;

function addressSets(addresses: readonly Address[], options: DnsCompileOptions): RecordSet[] {
  const sets: RecordSet[] = [];
  for (const type of ['A', 'AAAA'] as const) {
    const members = new Set<string>();
    for (const { address, family } of addresses) if (family === type) members.add(address);
    if (members.size > 0) sets.push({ type, ttl: options.ttlSeconds, addresses: [...members] });
  }
  return sets;
}

/** Addresses of an object's field, without what is none. */
function checkedAddresses(addresses: readonly string[]): Address[] {
  return addresses.flatMap((address) => {
    const family = addressFamily(address);
    return family === undefined ? [] : [{ address, family }];
  });
}

/** `_port._proto` names of all named ports. */
function addPortRecords(
  records: Map<OwnerName, NameRecords>,
  owner: OwnerName,
  endpoints: readonly HeadlessEndpoint[],
  options: DnsCompileOptions,
): void {
  const keys = new Map<string, OwnerName>();
  for (const { ports } of endpoints) {
    for (const { name, protocol } of ports) {
      if (name !== '') keys.set(`${name} ${protocol}`, `_${name}._${protocol}.${owner}`.toLowerCase());
    }
  }
  for (const [key, port] of keys) {
    records.set(
      port,
      srvSet(endpoints, ({ name, protocol }) => name !== '' && `${name} ${protocol}` === key, options),
    );
  }
}

/**
 * One SRV per endpoint name and matching port, with all addresses as glue. Priority 0, weight
 * ⌊100/n⌋, at least 1, with n counted over addresses before equal records are united.
 */
function srvSet(
  endpoints: readonly HeadlessEndpoint[],
  matches: (port: NamedPort) => boolean,
  options: DnsCompileOptions,
): RecordSet[] {
  const pairs = endpoints.flatMap((endpoint) => endpoint.ports.filter(matches).map((port) => ({ endpoint, port })));
  if (pairs.length === 0) return [];
  const weight = Math.max(1, Math.floor(100 / pairs.length));
  const services = new Map<string, SrvTarget>();
  const glue = new Map<string, GlueAddress>();
  for (const { endpoint, port } of pairs) {
    const target = endpoint.owner;
    services.set(`${target} ${port.port}`, { priority: 0, weight, port: port.port, target });
    glue.set(`${target} ${endpoint.address}`, { owner: target, address: endpoint.address });
  }
  return [{ type: 'SRV', ttl: options.ttlSeconds, services: [...services.values()], glue: [...glue.values()] }];
}

/** A namespace makes `ns.svc.<zone>` exist even without Services. */
export function compileNamespaceRecords(namespace: Namespace, options: DnsCompileOptions): CompiledRecords {
  const name = namespace.metadata?.name ?? '';
  return new Map([
    [`${name}.svc.${options.zone}`, []],
    [`${name}.pod.${options.zone}`, []],
  ]);
}

/** `a-b-c-d.ns.pod.<zone>` of a Pod that runs: the "verified" mode of Pod records. */
export function compilePodRecords(pod: Pod, options: DnsCompileOptions): CompiledRecords {
  const { namespace = '' } = pod.metadata ?? {};
  const phase = pod.status?.phase;
  if (pod.spec?.hostNetwork === true || phase === 'Succeeded' || phase === 'Failed') return new Map();
  const addresses = (pod.status?.podIPs ?? []).flatMap((entry) => (entry.ip === undefined ? [] : [entry.ip]));
  if (addresses.length === 0 && pod.status?.podIP !== undefined) addresses.push(pod.status.podIP);
  return new Map(
    addresses.map((address) => [
      `${dashedAddress(address)}.${namespace}.pod.${options.zone}`,
      addressSets(checkedAddresses([address]), options),
    ]),
  );
}

/** Names of the zone itself: SOA, NS with its address, the schema version, and the two empty branches. */
export function compileApexRecords(
  zone: ZoneFacts,
  nameserverAddresses: readonly string[],
  options: DnsCompileOptions,
): CompiledRecords {
  const ttl = options.ttlSeconds;
  const glue = nameserverAddresses.map((address): GlueAddress => ({ owner: zone.primary, address }));
  return new Map<OwnerName, NameRecords>([
    [
      zone.origin,
      [
        { type: 'SOA', ttl: zone.negativeTtl },
        { type: 'NS', ttl, targets: [zone.primary], glue },
      ],
    ],
    [zone.primary, addressSets(checkedAddresses(nameserverAddresses), options)],
    [`dns-version.${zone.origin}`, [{ type: 'TXT', ttl, texts: [dnsSchemaVersion] }]],
    [`svc.${zone.origin}`, []],
    [`pod.${zone.origin}`, []],
  ]);
}
