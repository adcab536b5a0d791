import { objectKey, parseIp } from '@fairlead/api';
import { compileServiceRecords, compileSliceRecords } from '../../dns/compile.ts';
import { compileImportRecords, importSource, isHeadlessImport } from '../../dns/compile-clusterset.ts';
import { compileExternalIngress, compileExternalService } from '../../dns/compile-external.ts';
import { compileExternalRoute } from '../../dns/compile-gateway.ts';
import { compileEndpointNames } from '../../dns/compile-headless.ts';
import type { CompiledRecords, NameRecords } from '../../dns/program.ts';
import type { Step } from './explanation.ts';
import type { OtherZones, World } from './world.ts';

/** What a name turned into. */
export interface ResolvedName {
  readonly addresses: readonly string[];
  readonly steps: readonly Step[];
}

/** Names with fewer dots go through the search list first (resolv.conf, `ndots:5`). */
const ndots = 5;
/** How far aliases are followed. */
const maxAliases = 8;

/** The cluster's records, as the DNS server compiles them. */
function clusterRecords(world: World): Map<string, NameRecords> {
  const options = { zone: world.clusterDomain, ttlSeconds: 5 };
  const names = new Map<string, NameRecords>();
  const take = (records: CompiledRecords): void => {
    for (const [owner, sets] of records) names.set(owner, [...(names.get(owner) ?? []), ...sets]);
  };
  for (const [key, service] of world.services) {
    const slices = world.slices.get(key) ?? [];
    take(compileServiceRecords(service, slices, options));
    if (service.spec?.clusterIP === 'None')
      for (const slice of slices) take(compileSliceRecords(service, slice, options));
  }
  if (world.zones !== undefined) for (const records of otherRecords(world, world.zones)) take(records);
  return names;
}

/** Records of the cluster set's zone, and of the one for clients outside. */
function* otherRecords(world: World, zones: OtherZones): Generator<CompiledRecords> {
  const imported = { zone: zones.clusterset, ttlSeconds: 5 };
  for (const one of zones.imports) {
    const slices = zones.importSlices.get(objectKey(one)) ?? [];
    yield compileImportRecords(one, slices, imported);
    if (!isHeadlessImport(one)) continue;
    for (const slice of slices) yield compileEndpointNames(importSource(one, imported.zone), slice, imported);
  }
  if (zones.external === undefined) return;
  const outside = { zone: zones.external, ttlSeconds: 5 };
  for (const service of world.services.values()) yield compileExternalService(service, outside);
  for (const ingress of world.ingresses) yield compileExternalIngress(ingress, outside);
  for (const route of zones.routes) yield compileExternalRoute(route, (key) => zones.gateways.get(key), outside);
}

/** The name that answers for another: itself, or a wildcard in the place of its first label. */
function ownerOf(names: ReadonlyMap<string, NameRecords>, name: string): string | undefined {
  const wildcard = `*${name.slice(Math.max(0, name.indexOf('.')))}`;
  return [name, wildcard].find((candidate) => names.has(candidate));
}

/** The names a resolver asks for, in order. Without a namespace (no Pod) there is no search list. */
export function candidateNames(host: string, namespace: string | undefined, domain: string): readonly string[] {
  if (host.endsWith('.')) return [host.slice(0, -1)];
  if (namespace === undefined) return [host];
  const searched = [`${namespace}.svc.${domain}`, `svc.${domain}`, domain].map((suffix) => `${host}.${suffix}`);
  return host.split('.').length - 1 >= ndots ? [host, ...searched] : [...searched, host];
}

/** For a name without a search list that is a Service's: what it would be from a Pod of that namespace. */
export function searchHints(world: World, host: string): readonly Step[] {
  const wanted = host.toLowerCase();
  return [...world.services.keys()].flatMap((key): Step[] => {
    const [namespace = '', name = ''] = key.split('/');
    if (name !== wanted) return [];
    const text = `from a Pod of namespace ${namespace} it is ${name}.${namespace}.svc.${world.clusterDomain}`;
    return [{ layer: 'name', text }];
  });
}

/** Follows a name through the cluster's records; `undefined` when the cluster does not have it. */
export function explainName(world: World, host: string, namespace: string | undefined): ResolvedName | undefined {
  if (parseIp(host) !== undefined) return { addresses: [host], steps: [] };
  const names = clusterRecords(world);
  const wanted = host.toLowerCase();
  const found = candidateNames(wanted, namespace, world.clusterDomain).find(
    (name) => ownerOf(names, name) !== undefined,
  );
  if (found === undefined) return undefined;
  const steps: Step[] = [];
  if (found !== wanted.replace(/\.$/, '')) {
    steps.push({ layer: 'name', text: `${host} is ${found}, by the search list of namespace ${namespace}` });
  }
  let name = found;
  for (let hop = 0; hop < maxAliases; hop++) {
    const owner = ownerOf(names, name) ?? name;
    const sets = names.get(owner) ?? [];
    if (owner !== name) steps.push({ layer: 'name', text: `${name} is matched by ${owner}` });
    const addresses = sets.flatMap((set) => (set.type === 'A' || set.type === 'AAAA' ? set.addresses : []));
    if (addresses.length > 0) {
      steps.push({
        layer: 'name',
        text: `${name} has ${addresses.length === 1 ? 'the address' : 'the addresses'} ${addresses.join(', ')}`,
      });
      return { addresses, steps };
    }
    const alias = sets.find((set) => set.type === 'CNAME');
    if (alias === undefined) {
      steps.push({ layer: 'name', text: `${name} exists, but has no address` });
      return { addresses: [], steps };
    }
    steps.push({ layer: 'name', text: `${name} is an alias of ${alias.target}` });
    if (ownerOf(names, alias.target) === undefined) {
      steps.push({ layer: 'name', text: `${alias.target} is no name of the cluster; the upstream servers decide` });
      return { addresses: [], steps };
    }
    name = alias.target;
  }
  steps.push({ layer: 'name', text: `the aliases of ${found} do not end` });
  return { addresses: [], steps };
}
