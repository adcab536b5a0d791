import {
  formatCidr,
  type IpAddress,
  type LabelRequirements,
  type LabelSelector,
  matchesLabels,
  parseIp,
  requirementsOfSelector,
  type Stored,
} from '@fairlead/api';
import { type AddressRange, poolExtent, rangesHold } from '@fairlead/api/fairlead-dev/address-range';
import type { AddressPool, BgpAdvertisement, BgpPeer, L2Announcement } from '@fairlead/api/fairlead-dev/types';
import type { AddressProgram, BgpRoute, Layer2Target, RouteAttributes } from './program.ts';
import type { ServiceReach } from './service-reach.ts';

/** What of the own node decides. */
export interface AnnouncerNode {
  readonly labels: Readonly<Record<string, string>>;
  /** Leaving, or excluded from load balancing while other nodes are not: announces nothing. */
  readonly isExcluded: boolean;
}

/** Everything that {@link compileAddresses} reads. */
export interface AnnouncementSnapshot {
  readonly node: AnnouncerNode;
  readonly services: Iterable<ServiceReach>;
  readonly pools: Iterable<Stored<AddressPool>>;
  readonly l2Announcements: Iterable<Stored<L2Announcement>>;
  readonly bgpAdvertisements: Iterable<Stored<BgpAdvertisement>>;
  readonly bgpPeers: Iterable<Stored<BgpPeer>>;
}

interface Policy<T> {
  readonly name: string;
  readonly ranges: readonly AddressRange[];
  readonly services: LabelRequirements;
  readonly object: Stored<T>;
}

interface PolicySpec {
  readonly pools?: readonly string[];
  readonly serviceSelector?: LabelSelector;
  readonly nodeSelector?: LabelSelector;
}

function byName<T>(a: Stored<T>, b: Stored<T>): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** A selector that cannot be read selects nothing: the schema refuses the ones that people write. */
function selects(selector: LabelSelector | undefined): LabelRequirements | undefined {
  const parsed = requirementsOfSelector(selector ?? {});
  return parsed.ok ? parsed.requirements : undefined;
}

function matchesNode(selector: LabelSelector | undefined, node: AnnouncerNode): boolean {
  const requirements = selects(selector);
  return requirements !== undefined && matchesLabels(requirements, node.labels);
}

/** The policies that concern this node, by name. */
function policiesOf<T extends { readonly spec?: PolicySpec }>(
  objects: Iterable<Stored<T>>,
  pools: ReadonlyMap<string, readonly AddressRange[]>,
  node: AnnouncerNode,
): Policy<T>[] {
  const policies: Policy<T>[] = [];
  for (const object of [...objects].sort(byName)) {
    const spec: PolicySpec = object.spec ?? {};
    const services = selects(spec.serviceSelector);
    if (services === undefined || !matchesNode(spec.nodeSelector, node)) continue;
    // No pools named: all pools there are, and not every address that somebody has written into a status.
    const names = spec.pools === undefined || spec.pools.length === 0 ? [...pools.keys()] : spec.pools;
    const ranges = names.flatMap((name) => pools.get(name) ?? []);
    policies.push({ name: object.metadata.name, ranges, services, object });
  }
  return policies;
}

/** Whether a policy is about an address of a Service. */
function covers<T>(policy: Policy<T>, ip: IpAddress, service: ServiceReach): boolean {
  return rangesHold(policy.ranges, ip) && matchesLabels(policy.services, service.labels);
}

/**
 * Whether traffic for a Service may come to this node. With `externalTrafficPolicy: Local` it must have ready
 * endpoints; when no node has, those that still serve while they terminate (KEP-1669).
 */
function mayTake(service: ServiceReach): boolean {
  return !service.isLocal || (service.here !== 'none' && service.here === service.anywhere);
}

const knownCommunities: Readonly<Record<string, readonly [number, number]>> = {
  'no-export': [0xffff, 0xff01],
  'no-advertise': [0xffff, 0xff02],
  'no-export-subconfed': [0xffff, 0xff03],
};

function attributesOf({ spec = {} }: BgpAdvertisement): RouteAttributes {
  const communities: (readonly [number, number])[] = [];
  const largeCommunities: (readonly [number, number, number])[] = [];
  for (const text of spec.communities ?? []) {
    const known = knownCommunities[text];
    const [a = -1, b = -1, c] = text.split(':').map(Number);
    if (known !== undefined) communities.push(known);
    else if (c !== undefined) largeCommunities.push([a, b, c]);
    else communities.push([a, b]);
  }
  return {
    ...(spec.localPreference === undefined ? {} : { localPreference: spec.localPreference }),
    communities,
    largeCommunities,
  };
}

function prefixOf(ip: IpAddress, { spec = {} }: BgpAdvertisement): string {
  const length = ip.family === 4 ? (spec.aggregationLength ?? 32) : (spec.aggregationLengthV6 ?? 128);
  const host = BigInt((ip.family === 4 ? 32 : 128) - length);
  return formatCidr({ family: ip.family, network: (ip.value >> host) << host, prefix: length });
}

/** A Service on an address, with what is known of the address. */
interface Placement {
  readonly ip: IpAddress;
  readonly address: string;
  readonly services: ServiceReach[];
}

function placementsOf(services: Iterable<ServiceReach>): Placement[] {
  const byAddress = new Map<string, Placement>();
  for (const service of services) {
    for (const address of service.addresses) {
      const present = byAddress.get(address);
      const ip = parseIp(address);
      if (present !== undefined) present.services.push(service);
      else if (ip !== undefined) byAddress.set(address, { ip, address, services: [service] });
    }
  }
  return [...byAddress.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

function keysOf(services: readonly ServiceReach[]): string[] {
  return services.map(({ key }) => key).sort();
}

function compileLayer2(
  placements: readonly Placement[],
  policies: readonly Policy<L2Announcement>[],
): Map<string, Layer2Target> {
  const targets = new Map<string, Layer2Target>();
  for (const { ip, address, services } of placements) {
    // Traffic for all Services on the address comes to one node: it must serve them all.
    if (!services.every(mayTake)) continue;
    const policy = policies.find((one) => services.some((service) => covers(one, ip, service)));
    if (policy === undefined) continue;
    targets.set(address, { address, interfaces: policy.object.spec?.interfaces ?? [], services: keysOf(services) });
  }
  return targets;
}

function compileBgp(
  placements: readonly Placement[],
  policies: readonly Policy<BgpAdvertisement>[],
  peers: readonly string[],
): Map<string, Map<string, BgpRoute>> {
  const routes = new Map<string, Map<string, BgpRoute>>(peers.map((peer) => [peer, new Map()]));
  for (const { ip, services } of placements) {
    // Without any endpoint the routers know better what to do: another cluster may announce the address too.
    if (!services.every(mayTake) || services.every(({ anywhere }) => anywhere === 'none')) continue;
    for (const policy of policies) {
      if (!services.some((service) => covers(policy, ip, service))) continue;
      const prefix = prefixOf(ip, policy.object);
      const named = policy.object.spec?.peers ?? [];
      for (const peer of named.length === 0 ? peers : named) {
        const own = routes.get(peer);
        const present = own?.get(prefix);
        // The first policy by name decides the attributes; a prefix of several addresses serves all of them.
        const merged = [...new Set([...(present?.services ?? []), ...keysOf(services)])].sort();
        own?.set(prefix, { prefix, ...(present ?? attributesOf(policy.object)), services: merged });
      }
    }
  }
  return routes;
}

/** Objects → what this node announces. Pure. */
export function compileAddresses(snapshot: AnnouncementSnapshot): AddressProgram {
  const { node } = snapshot;
  const peers = [...snapshot.bgpPeers].filter((peer) => matchesNode(peer.spec.nodeSelector, node)).sort(byName);
  const peerNames = peers.map((peer) => peer.metadata.name);
  if (node.isExcluded) return { layer2: new Map(), bgp: new Map(peerNames.map((name) => [name, new Map()])) };
  const pools = new Map([...snapshot.pools].map((pool) => [pool.metadata.name, poolExtent(pool)]));
  const placements = placementsOf(snapshot.services);
  return {
    layer2: compileLayer2(placements, policiesOf(snapshot.l2Announcements, pools, node)),
    bgp: compileBgp(placements, policiesOf(snapshot.bgpAdvertisements, pools, node), peerNames),
  };
}
