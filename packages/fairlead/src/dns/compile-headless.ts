import type { Endpoint, EndpointSlice } from '@fairlead/api';
import {
  addPortRecords,
  addressSets,
  type Backend,
  type DnsCompileOptions,
  type NamedPort,
  srvSet,
  withRules,
  withTtl,
} from './compile-backends.ts';
import type { DnsPolicy } from './dns-policy.ts';
import { addressFamily, dashedAddress, normalizeName } from './owner-names.ts';
import type { CompiledRecords, NameRecords, OwnerName } from './program.ts';
import { decodeBlock } from './server/decode-sets.ts';
import { EntryBlock } from './server/entry-block.ts';
import { writeEndpointNames } from './write-endpoint-names.ts';
import type { ServiceNamesWriter } from './write-service-names.ts';

/** A Service, or an import of one, whose names come from its slices. */
export interface HeadlessSource {
  readonly owner: OwnerName;
  readonly policy: DnsPolicy;
  /** Endpoints count as ready whatever they say. */
  readonly servesNotReady: boolean;
  /** Name above the endpoints of a slice: the owner, or one with a cluster's name in front. Absent: they have no names. */
  readonly parentOf: (slice: EndpointSlice) => OwnerName | undefined;
  /** Endpoints have no reverse names. */
  readonly lacksReverse?: boolean;
}

/** Work of a compilation, step by step. */
export type CompileSteps = Generator<void, CompiledRecords, undefined>;

/**
 * Addresses per family that the records of a Service's own name are made from. More do not fit into a
 * message of 65,535 bytes, so a change costs no more than this.
 */
export const maxAddresses = 4200;

/** Records at the Service's own name, its ports' names, and its names by zone. None without a ready endpoint. */
export function compileHeadlessRecords(
  source: HeadlessSource,
  slices: readonly EndpointSlice[],
  options: DnsCompileOptions,
): CompiledRecords {
  return lastOf(compileHeadlessSteps(source, slices, options));
}

/** Work of a compilation that ends in what a table takes. */
export type InstallableSteps = Generator<void, CompiledRecords | EntryBlock, undefined>;

/** The same records in what a table takes: written at once where the Service has no rules of its own. */
export function* compileHeadlessInstallable(
  source: HeadlessSource,
  slices: readonly EndpointSlice[],
  options: DnsCompileOptions,
  writer: ServiceNamesWriter,
): InstallableSteps {
  const written = yield* writer.write(source, slices, options);
  return written ?? (yield* compileHeadlessSteps(source, slices, withTtl(options, source.policy)));
}

/** What steps return in the end. */
function lastOf<T>(steps: Generator<void, T, undefined>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same in steps, of one slice or less each: a Service with thousands of endpoints takes some milliseconds. */
export function* compileHeadlessSteps(
  source: HeadlessSource,
  slices: readonly EndpointSlice[],
  options: DnsCompileOptions,
): CompileSteps {
  const { owner, policy } = source;
  const backends = yield* chooseBackends(source, slices, options);
  const records = new Map<OwnerName, NameRecords>();
  if (backends.length === 0) return records;
  const addresses = addressSets(backends, options).map((set) => withRules(set, backends, policy));
  yield;
  records.set(owner, [...addresses, ...srvSet(backends, undefined, options)]);
  yield;
  addPortRecords(records, owner, backends, options);
  yield;
  if (options.hasZonalNames === true) addZonalRecords(records, owner, backends, options);
  return records;
}

/**
 * `ZONE.pin._zone.SERVICE`: only the endpoints of a topology zone, NODATA for one without any;
 * `ZONE.prefer._zone.SERVICE`: those, or else all.
 */
function addZonalRecords(
  records: Map<OwnerName, NameRecords>,
  owner: OwnerName,
  backends: readonly Backend[],
  options: DnsCompileOptions,
): void {
  records.set(`*.pin._zone.${owner}`, []);
  records.set(`*.prefer._zone.${owner}`, addressSets(backends, options));
  for (const [zone, members] of Map.groupBy(backends, (backend) => backend.zone?.toLowerCase())) {
    if (zone === undefined || zone === '') continue;
    const sets = addressSets(members, options);
    for (const directive of ['pin', 'prefer']) records.set(`${zone}.${directive}._zone.${owner}`, sets);
  }
}

/** The endpoints that are answered: the first choice that leaves any. */
function* chooseBackends(
  source: HeadlessSource,
  slices: readonly EndpointSlice[],
  { nodeZone }: DnsCompileOptions,
): Generator<void, Backend[], undefined> {
  const { policy } = source;
  const isReady = (endpoint: Endpoint): boolean => isServed(endpoint, source);
  const choices = [isReady];
  if (policy.prefersZone && nodeZone !== undefined) choices.unshift((one) => isReady(one) && one.zone === nodeZone);
  if (policy.servesAllDown) choices.push(() => true);
  for (const isChosen of choices) {
    const backends = yield* headlessBackends(source, slices, isChosen);
    if (backends.length > 0) return backends;
  }
  return [];
}

/** An address of an endpoint. A class, because a large Service has thousands with each change of it. */
class EndpointAddress implements Backend {
  readonly address: string;
  readonly family: 'A' | 'AAAA';
  readonly ports: readonly NamedPort[];
  readonly #endpoint: Endpoint;
  readonly #parent: OwnerName;

  constructor(
    endpoint: Endpoint,
    address: string,
    family: 'A' | 'AAAA',
    parent: OwnerName,
    ports: readonly NamedPort[],
  ) {
    this.address = address;
    this.family = family;
    this.ports = ports;
    this.#endpoint = endpoint;
    this.#parent = parent;
  }

  owner(): OwnerName {
    return endpointOwner(this.#endpoint, this.address, this.#parent);
  }

  get hostname(): string | undefined {
    return this.#endpoint.hostname;
  }

  get zone(): string | undefined {
    return this.#endpoint.zone;
  }

  withPorts(ports: readonly NamedPort[]): EndpointAddress {
    return new EndpointAddress(this.#endpoint, this.address, this.family, this.#parent, ports);
  }
}

/** Addresses of chosen endpoints, each once: the first slice that names it wins, ports are united. */
function* headlessBackends(
  source: HeadlessSource,
  slices: readonly EndpointSlice[],
  isChosen: (endpoint: Endpoint) => boolean,
): Generator<void, Backend[], undefined> {
  const byAddress = new Map<string, EndpointAddress>();
  const room = { A: maxAddresses, AAAA: maxAddresses };
  const ordered = [...slices].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  for (const slice of ordered) {
    const ports = slicePorts(slice);
    const parent = source.parentOf(slice);
    if (parent === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      if (!isChosen(endpoint)) continue;
      for (const address of endpoint.addresses) {
        const family = addressFamily(address);
        if (family === undefined || room[family] === 0) continue;
        const known = byAddress.get(address);
        if (known !== undefined) {
          byAddress.set(address, known.withPorts(unitePorts(known.ports, ports)));
          continue;
        }
        room[family]--;
        byAddress.set(address, new EndpointAddress(endpoint, address, family, parent, ports));
      }
    }
    if (room.A === 0 && room.AAAA === 0) break;
    yield;
  }
  return [...byAddress.values()];
}

/**
 * Names of the endpoints of one slice, and the PTR records of those with a hostname: what {@link writeEndpointNames} has
 * written, as data.
 */
export function compileEndpointNames(
  source: HeadlessSource,
  slice: EndpointSlice,
  { ttlSeconds }: DnsCompileOptions,
): CompiledRecords {
  writeEndpointNames(source, slice, ttlSeconds, written);
  return decodeBlock(written);
}

const written = new EntryBlock();

/** Ready (absent counts as ready), or published all the same. */
function isServed(endpoint: Endpoint, { servesNotReady }: HeadlessSource): boolean {
  return endpoint.conditions?.ready !== false || servesNotReady;
}

/** Name of an endpoint: its hostname or its address with dashes. */
function endpointOwner(endpoint: Endpoint, address: string, parent: OwnerName): OwnerName {
  const label = endpoint.hostname ? normalizeName(endpoint.hostname) : dashedAddress(address);
  return `${label}.${parent}`;
}

/** Ports of a slice that have a number. */
export function slicePorts(slice: EndpointSlice): NamedPort[] {
  return (slice.ports ?? []).flatMap((port): NamedPort[] =>
    port.port === undefined ? [] : [{ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: port.port }],
  );
}

function unitePorts(known: readonly NamedPort[], more: readonly NamedPort[]): readonly NamedPort[] {
  const isKnown = (port: NamedPort): boolean =>
    known.some((one) => one.name === port.name && one.protocol === port.protocol && one.port === port.port);
  return [...known, ...more.filter((port) => !isKnown(port))];
}
