import type { Endpoint, EndpointSlice, Namespace, Pod, Service } from '@fairlead/api';
import { type DnsPolicy, readDnsPolicy } from './dns-policy.ts';
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
  /** Zone of the node that answers, for Services that prefer it. */
  readonly nodeZone?: string;
}

interface NamedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** An address that answers for a Service, or for one endpoint of it. */
interface Backend {
  readonly address: string;
  readonly family: 'A' | 'AAAA';
  /** Name that the address belongs to. Made when asked for: only the first addresses get SRV records. */
  readonly owner: () => OwnerName;
  readonly ports: readonly NamedPort[];
  readonly hostname?: string | undefined;
  readonly zone?: string | undefined;
}

/**
 * Addresses per family, and SRV records, that the records of a headless Service's own name are made
 * from. More do not fit into a message of 65,535 bytes, so a change costs no more than this.
 */
const maxAddresses = 4200;
const maxSrvPairs = 1500;

/** Version of the Kubernetes DNS specification that the records follow. */
export const dnsSchemaVersion = '1.1.0';

/** Whether a Service's names come from its slices. */
export function isHeadless(service: Service): boolean {
  return service.spec?.type !== 'ExternalName' && service.spec?.clusterIP === 'None';
}

/**
 * Records at the names of one Service (Kubernetes DNS specification 1.1.0); those of a headless
 * Service's single endpoints come from {@link compileSliceRecords}. Without any record the name does
 * not exist: a headless Service with no ready endpoint, or a cluster IP not yet allocated.
 */
export function compileServiceRecords(
  service: Service,
  slices: readonly EndpointSlice[],
  given: DnsCompileOptions,
): CompiledRecords {
  const { name = '', namespace = '' } = service.metadata ?? {};
  const owner = `${name}.${namespace}.svc.${given.zone}`;
  const spec = service.spec;
  const { policy } = readDnsPolicy(service);
  const options = withTtl(given, policy);
  if (spec?.type === 'ExternalName') return externalRecords(owner, spec.externalName ?? '', options);
  if (isHeadless(service)) return headlessRecords(owner, service, slices, options, policy);
  const addresses = checkedAddresses(spec?.clusterIPs ?? [spec?.clusterIP ?? '']);
  if (addresses.length === 0) return new Map();

  const records = new Map<OwnerName, NameRecords>();
  const ports = (spec?.ports ?? []).map(
    (port): NamedPort => ({ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: port.port }),
  );
  const backends = addresses.map((one): Backend => ({ ...one, owner: () => owner, ports }));
  records.set(owner, [...addressSets(addresses, options), ...srvSet(backends, undefined, options)]);
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

function withTtl(options: DnsCompileOptions, { ttlSeconds }: DnsPolicy): DnsCompileOptions {
  return ttlSeconds === undefined ? options : { ...options, ttlSeconds };
}

function headlessRecords(
  owner: OwnerName,
  service: Service,
  slices: readonly EndpointSlice[],
  options: DnsCompileOptions,
  policy: DnsPolicy,
): CompiledRecords {
  const backends = chooseBackends(owner, service, slices, options, policy);
  const records = new Map<OwnerName, NameRecords>();
  if (backends.length === 0) return records;
  const addresses = addressSets(backends, options).map((set) => withRules(set, backends, policy));
  records.set(owner, [...addresses, ...srvSet(backends, undefined, options)]);
  addPortRecords(records, owner, backends, options);
  return records;
}

/** The endpoints that are answered: the first choice that leaves any. */
function chooseBackends(
  owner: OwnerName,
  service: Service,
  slices: readonly EndpointSlice[],
  options: DnsCompileOptions,
  policy: DnsPolicy,
): Backend[] {
  const isReady = (endpoint: Endpoint): boolean => isServed(endpoint, service);
  const { nodeZone } = options;
  const choices = [isReady];
  if (policy.prefersZone && nodeZone !== undefined) choices.unshift((one) => isReady(one) && one.zone === nodeZone);
  if (policy.servesAllDown) choices.push(() => true);
  for (const isChosen of choices) {
    const backends = headlessBackends(owner, slices, isChosen);
    if (backends.length > 0) return backends;
  }
  return [];
}

/** Limits and weights of the Service's own addresses. An address of weight 0 is left out, unless all are. */
function withRules(set: RecordSet, backends: readonly Backend[], { maxEndpoints, weights }: DnsPolicy): RecordSet {
  if (set.type !== 'A' && set.type !== 'AAAA') return set;
  const limited = maxEndpoints === undefined ? set : { ...set, maxAnswers: maxEndpoints };
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

/** Addresses of chosen endpoints, each once: the first slice that names it wins, ports are united. */
function headlessBackends(
  owner: OwnerName,
  slices: readonly EndpointSlice[],
  isChosen: (endpoint: Endpoint) => boolean,
): Backend[] {
  const byAddress = new Map<string, Backend>();
  const room = { A: maxAddresses, AAAA: maxAddresses };
  const ordered = [...slices].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  for (const slice of ordered) {
    const ports = slicePorts(slice);
    for (const endpoint of slice.endpoints ?? []) {
      if (!isChosen(endpoint)) continue;
      for (const address of endpoint.addresses) {
        const family = addressFamily(address);
        if (family === undefined || room[family] === 0) continue;
        const known = byAddress.get(address);
        if (known !== undefined) {
          byAddress.set(address, { ...known, ports: unitePorts(known.ports, ports) });
          continue;
        }
        room[family]--;
        const { hostname, zone } = endpoint;
        const nameOf = (): OwnerName => endpointOwner(endpoint, address, owner);
        byAddress.set(address, { address, family, owner: nameOf, ports, hostname, zone });
      }
    }
    if (room.A === 0 && room.AAAA === 0) break;
  }
  return [...byAddress.values()];
}

/**
 * Names of the endpoints of one slice of a headless Service, and the PTR records of those with a
 * hostname. Slices of one Service contribute apart, so that a change costs one slice.
 */
export function compileSliceRecords(service: Service, slice: EndpointSlice, given: DnsCompileOptions): CompiledRecords {
  const { name = '', namespace = '' } = service.metadata ?? {};
  const owner = `${name}.${namespace}.svc.${given.zone}`;
  const { policy } = readDnsPolicy(service);
  const options = withTtl(given, policy);
  const records = new Map<OwnerName, NameRecords>();
  const shared = new Map<OwnerName, Address[]>();
  for (const endpoint of slice.endpoints ?? []) {
    if (!policy.servesAllDown && !isServed(endpoint, service)) continue;
    for (const address of endpoint.addresses) {
      const family = addressFamily(address);
      if (family === undefined) continue;
      const endpointName = endpointOwner(endpoint, address, owner);
      if (records.has(endpointName)) {
        const members = shared.get(endpointName) ?? addressesOf(records.get(endpointName) ?? []);
        members.push({ address, family });
        shared.set(endpointName, members);
      } else records.set(endpointName, [{ type: family, ttl: options.ttlSeconds, addresses: [address] }]);
      const reverse = endpoint.hostname ? reverseOwner(address) : undefined;
      if (reverse === undefined) continue;
      const [known] = records.get(reverse) ?? [];
      const others = known?.type === 'PTR' ? known.targets.filter((target) => target !== endpointName) : [];
      const targets = [...others, endpointName];
      records.set(reverse, [{ type: 'PTR', ttl: options.ttlSeconds, targets, rank: 'endpoint' }]);
    }
  }
  for (const [name, members] of shared) records.set(name, addressSets(members, options));
  return records;
}

/** Ready (absent counts as ready), or published all the same. */
function isServed(endpoint: Endpoint, service: Service): boolean {
  return endpoint.conditions?.ready !== false || service.spec?.publishNotReadyAddresses === true;
}

/** Name of an endpoint below its Service: its hostname or its address with dashes. */
function endpointOwner(endpoint: Endpoint, address: string, service: OwnerName): OwnerName {
  const label = endpoint.hostname ? normalizeName(endpoint.hostname) : dashedAddress(address);
  return `${label}.${service}`;
}

function slicePorts(slice: EndpointSlice): NamedPort[] {
  return (slice.ports ?? []).flatMap((port): NamedPort[] =>
    port.port === undefined ? [] : [{ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: port.port }],
  );
}

function addressesOf(records: NameRecords): Address[] {
  return records.flatMap((set) =>
    set.type === 'A' || set.type === 'AAAA' ? set.addresses.map((address) => ({ address, family: set.type })) : [],
  );
}

function unitePorts(known: readonly NamedPort[], more: readonly NamedPort[]): readonly NamedPort[] {
  const isKnown = (port: NamedPort): boolean =>
    known.some((one) => one.name === port.name && one.protocol === port.protocol && one.port === port.port);
  return [...known, ...more.filter((port) => !isKnown(port))];
}

/** An address that is known to be one. */
type Address = Pick<Backend, 'address' | 'family'>;

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
  endpoints: readonly Backend[],
  options: DnsCompileOptions,
): void {
  const keys = new Map<string, OwnerName>();
  // Endpoints of one slice have one list of ports.
  for (const ports of new Set(endpoints.map((endpoint) => endpoint.ports))) {
    for (const { name, protocol } of ports) {
      if (name !== '') keys.set(`${name} ${protocol}`, `_${name}._${protocol}.${owner}`.toLowerCase());
    }
  }
  for (const [key, port] of keys) {
    records.set(port, srvSet(endpoints, key, options));
  }
}

/**
 * One SRV per endpoint name and matching port, with all addresses as glue. Priority 0, weight
 * ⌊100/n⌋, at least 1, with n counted over addresses before equal records are united.
 */
function srvSet(endpoints: readonly Backend[], portKey: string | undefined, options: DnsCompileOptions): RecordSet[] {
  const pairs: { readonly endpoint: Backend; readonly port: NamedPort }[] = [];
  for (const endpoint of endpoints) {
    for (const port of endpoint.ports) {
      const isMeant = portKey === undefined || (port.name !== '' && `${port.name} ${port.protocol}` === portKey);
      if (isMeant && pairs.length < maxSrvPairs) pairs.push({ endpoint, port });
    }
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

/** Names that every zone has: SOA, NS, and the address of its name server. */
export function compileZoneRecords(
  zone: ZoneFacts,
  nameserverAddresses: readonly string[],
  ttlSeconds: number,
): CompiledRecords {
  const glue = nameserverAddresses.map((address): GlueAddress => ({ owner: zone.primary, address }));
  return new Map<OwnerName, NameRecords>([
    [
      zone.origin,
      [
        { type: 'SOA', ttl: zone.negativeTtl },
        { type: 'NS', ttl: ttlSeconds, targets: [zone.primary], glue },
      ],
    ],
    [zone.primary, addressSets(checkedAddresses(nameserverAddresses), { zone: zone.origin, ttlSeconds })],
  ]);
}

/** Names of the cluster's zone itself: besides those of every zone the schema version, and the two empty branches. */
export function compileApexRecords(
  zone: ZoneFacts,
  nameserverAddresses: readonly string[],
  options: DnsCompileOptions,
): CompiledRecords {
  return new Map<OwnerName, NameRecords>([
    ...compileZoneRecords(zone, nameserverAddresses, options.ttlSeconds),
    [`dns-version.${zone.origin}`, [{ type: 'TXT', ttl: options.ttlSeconds, texts: [dnsSchemaVersion] }]],
    [`svc.${zone.origin}`, []],
    [`pod.${zone.origin}`, []],
  ]);
}
