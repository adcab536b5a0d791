import type { EndpointSlice, Namespace, Pod, Service } from '@fairlead/api';
import {
  addPortRecords,
  addressSets,
  type Backend,
  checkedAddresses,
  type DnsCompileOptions,
  type NamedPort,
  srvSet,
  withTtl,
} from './compile-backends.ts';
import {
  compileEndpointNames,
  compileHeadlessInstallable,
  compileHeadlessRecords,
  type HeadlessSource,
  type InstallableSteps,
} from './compile-headless.ts';

export type { DnsCompileOptions } from './compile-backends.ts';

import { readDnsPolicy } from './dns-policy.ts';
import { addressFamily, dashedAddress, normalizeName, reverseOwner } from './owner-names.ts';
import type { CompiledRecords, GlueAddress, NameRecords, OwnerName, ZoneFacts } from './program.ts';
import type { EntryBlock } from './server/entry-block.ts';
import { writeEndpointNames } from './write-endpoint-names.ts';
import type { ServiceNamesWriter } from './write-service-names.ts';

/** Version of the Kubernetes DNS specification that the records follow. */
const dnsSchemaVersion = '1.1.0';

/** Whether a Service's names come from its slices. */
export function isHeadless(service: Service): boolean {
  return service.spec?.type !== 'ExternalName' && service.spec?.clusterIP === 'None';
}

/** A headless Service as the source of names. */
function headlessSource(service: Service, zone: OwnerName): HeadlessSource {
  const { name = '', namespace = '' } = service.metadata ?? {};
  const owner = `${name}.${namespace}.svc.${zone}`;
  return {
    owner,
    policy: readDnsPolicy(service).policy,
    servesNotReady: service.spec?.publishNotReadyAddresses === true,
    parentOf: () => owner,
  };
}

/**
 * Records at the names of one Service (Kubernetes DNS specification 1.1.0); those of a headless Service's
 * single endpoints come from {@link compileSliceRecords}. Without any record the name does not exist: a headless
 * Service with no ready endpoint, or a cluster IP not yet allocated.
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
  if (isHeadless(service)) return compileHeadlessRecords(headlessSource(service, given.zone), slices, options);
  const addresses = spec?.clusterIPs ?? [spec?.clusterIP ?? ''];
  const ports = (spec?.ports ?? []).map(
    (port): NamedPort => ({ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: port.port }),
  );
  const records = compileVirtualIpRecords(owner, addresses, ports, options);
  for (const { address } of checkedAddresses(addresses)) {
    const reverse = reverseOwner(address);
    if (reverse === undefined) continue;
    records.set(reverse, [{ type: 'PTR', ttl: options.ttlSeconds, targets: [owner], rank: 'cluster-ip' }]);
  }
  return records;
}

/** {@link compileServiceRecords} in steps, in what a table takes; `written` is filled for a headless Service. */
export function* compileServiceSteps(
  service: Service,
  slices: readonly EndpointSlice[],
  given: DnsCompileOptions,
  written: ServiceNamesWriter,
): InstallableSteps {
  if (!isHeadless(service)) return compileServiceRecords(service, slices, given);
  return yield* compileHeadlessInstallable(headlessSource(service, given.zone), slices, given, written);
}

/** {@link compileSliceRecords} in what a table takes. */
export function writeSliceRecords(
  service: Service,
  slice: EndpointSlice,
  { zone, ttlSeconds }: DnsCompileOptions,
  block: EntryBlock,
): void {
  writeEndpointNames(headlessSource(service, zone), slice, ttlSeconds, block);
}

/** Names of the endpoints of one slice of a headless Service. */
export function compileSliceRecords(
  service: Service,
  slice: EndpointSlice,
  options: DnsCompileOptions,
): CompiledRecords {
  return compileEndpointNames(headlessSource(service, options.zone), slice, options);
}

/** Addresses and ports of a Service with virtual IPs, without reverse names; empty when it has none yet. */
export function compileVirtualIpRecords(
  owner: OwnerName,
  ips: readonly string[],
  ports: readonly NamedPort[],
  options: DnsCompileOptions,
): Map<OwnerName, NameRecords> {
  const records = new Map<OwnerName, NameRecords>();
  const addresses = checkedAddresses(ips);
  if (addresses.length === 0) return records;
  const backends = addresses.map((one): Backend => ({ ...one, owner: () => owner, ports }));
  records.set(owner, [...addressSets(addresses, options), ...srvSet(backends, undefined, options)]);
  addPortRecords(records, owner, backends, options);
  return records;
}

function externalRecords(owner: OwnerName, externalName: string, options: DnsCompileOptions): CompiledRecords {
  const target = normalizeName(externalName);
  if (target === '' || addressFamily(target) !== undefined) return new Map([[owner, []]]);
  return new Map([[owner, [{ type: 'CNAME', ttl: options.ttlSeconds, target }]]]);
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
    [zone.primary, addressSets(checkedAddresses(nameserverAddresses), { ttlSeconds })],
  ]);
}

/** Names of the cluster's zone itself: besides those of every zone the schema version, and the two empty branches. */
export function compileApexRecords(
  zone: ZoneFacts,
  nameserverAddresses: readonly string[],
  options: Pick<DnsCompileOptions, 'ttlSeconds'>,
): CompiledRecords {
  return new Map<OwnerName, NameRecords>([
    ...compileZoneRecords(zone, nameserverAddresses, options.ttlSeconds),
    [`dns-version.${zone.origin}`, [{ type: 'TXT', ttl: options.ttlSeconds, texts: [dnsSchemaVersion] }]],
    [`svc.${zone.origin}`, []],
    [`pod.${zone.origin}`, []],
  ]);
}
