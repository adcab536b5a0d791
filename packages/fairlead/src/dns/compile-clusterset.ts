import type { EndpointSlice } from '@fairlead/api';
import { compileApexRecords, compileVirtualIpRecords } from './compile.ts';
import type { DnsCompileOptions } from './compile-backends.ts';
import {
  compileHeadlessInstallable,
  compileHeadlessRecords,
  type HeadlessSource,
  type InstallableSteps,
} from './compile-headless.ts';
import { readDnsPolicy } from './dns-policy.ts';
import { type ServiceImport, sourceClusterLabel } from './multicluster-kinds.ts';
import { normalizeName } from './owner-names.ts';
import type { CompiledRecords, OwnerName, ZoneFacts } from './program.ts';
import type { ServiceNamesWriter } from './write-service-names.ts';

/** Version of the multi-cluster DNS specification (KEP-1645) that the records follow. */
const clustersetSchemaVersion = '1.0.0';

/** Whether an import's names come from its slices. */
export function isHeadlessImport(imported: ServiceImport): boolean {
  return imported.spec?.type === 'Headless';
}

/**
 * A headless import as the source of names. Endpoints are named below their cluster,
 * `HOST.CLUSTER.SERVICE.NAMESPACE.svc.<zone>`, and have no reverse names: those belong to the cluster they are in.
 */
export function importSource(imported: ServiceImport, zone: OwnerName): HeadlessSource {
  const { name = '', namespace = '' } = imported.metadata ?? {};
  const owner = `${name}.${namespace}.svc.${zone}`;
  return {
    owner,
    policy: readDnsPolicy(imported).policy,
    servesNotReady: false,
    lacksReverse: true,
    parentOf: (slice: EndpointSlice) => {
      const cluster = slice.metadata?.labels?.[sourceClusterLabel];
      return cluster === undefined || cluster === '' ? undefined : `${normalizeName(cluster)}.${owner}`;
    },
  };
}

/**
 * Records at the names of one ServiceImport: its ClusterSetIPs and ports, or those of all its clusters'
 * endpoints. The single clusters have no name (specification 2.3.4, 2.4.4).
 */
export function compileImportRecords(
  imported: ServiceImport,
  slices: readonly EndpointSlice[],
  given: DnsCompileOptions,
): CompiledRecords {
  const { policy } = readDnsPolicy(imported);
  const options = { ...given, ttlSeconds: policy.ttlSeconds ?? given.ttlSeconds };
  const source = importSource(imported, given.zone);
  if (isHeadlessImport(imported)) return compileHeadlessRecords(source, slices, options);
  const ports = (imported.spec?.ports ?? []).map(({ name = '', protocol = 'TCP', port }) => ({ name, protocol, port }));
  return compileVirtualIpRecords(source.owner, imported.spec?.ips ?? [], ports, options);
}

/** {@link compileImportRecords} in steps, in what a table takes; `written` is filled for a headless import. */
export function* compileImportSteps(
  imported: ServiceImport,
  slices: readonly EndpointSlice[],
  given: DnsCompileOptions,
  written: ServiceNamesWriter,
): InstallableSteps {
  if (!isHeadlessImport(imported)) return compileImportRecords(imported, slices, given);
  return yield* compileHeadlessInstallable(importSource(imported, given.zone), slices, given, written);
}

/** Names of the cluster set's zone itself. There are no Pod names in it. */
export function compileClustersetApex(
  zone: ZoneFacts,
  nameserverAddresses: readonly string[],
  ttlSeconds: number,
): CompiledRecords {
  const records = new Map(compileApexRecords(zone, nameserverAddresses, { ttlSeconds }));
  records.delete(`pod.${zone.origin}`);
  records.set(`dns-version.${zone.origin}`, [{ type: 'TXT', ttl: ttlSeconds, texts: [clustersetSchemaVersion] }]);
  return records;
}
