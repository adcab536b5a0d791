import { type Lease, leases, parseCidr, parseIp, type Stored } from '@fairlead/api';
import {
  type AddressPool,
  addressPools,
  announcerNamespace,
  type BgpAdvertisement,
  type BgpPeer,
  bgpAdvertisements,
  bgpPeers,
  type L2Announcement,
  l2Announcements,
} from '@fairlead/api/fairlead-dev/types';
import { type ApiClient, ApiError } from '@fairlead/client';
import { compileAddresses } from '../../addresses/compile.ts';
import { addressLeaseName } from '../../addresses/layer2/lease-names.ts';
import { serviceReach } from '../../addresses/service-reach.ts';
import type { Step } from './explanation.ts';
import type { World } from './world.ts';

/** What the announcement of load balancer addresses follows from. */
export interface AnnouncementWorld {
  /** Leases of the announcers, by name. */
  readonly leases: ReadonlyMap<string, Stored<Lease>>;
  readonly pools: readonly Stored<AddressPool>[];
  readonly l2Announcements: readonly Stored<L2Announcement>[];
  readonly bgpAdvertisements: readonly Stored<BgpAdvertisement>[];
  readonly bgpPeers: readonly Stored<BgpPeer>[];
}

/** Reads them; `undefined` where the server does not serve or show them. */
export async function readAnnouncements(client: ApiClient): Promise<AnnouncementWorld | undefined> {
  try {
    const [leaseList, pools, l2, advertisements, peers] = await Promise.all([
      client.list(leases, { namespace: announcerNamespace }),
      client.list(addressPools),
      client.list(l2Announcements),
      client.list(bgpAdvertisements),
      client.list(bgpPeers),
    ]);
    return {
      leases: new Map(leaseList.items.map((lease) => [lease.metadata.name, lease])),
      pools: pools.items,
      l2Announcements: l2.items,
      bgpAdvertisements: advertisements.items,
      bgpPeers: peers.items,
    };
  } catch (error) {
    if (error instanceof ApiError && (error.code === 403 || error.code === 404)) return undefined;
    throw error;
  }
}

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

function holds(prefix: string, address: string): boolean {
  const cidr = parseCidr(prefix);
  const ip = parseIp(address);
  if (cidr === undefined || ip === undefined || cidr.family !== ip.family) return false;
  const hostBits = BigInt((ip.family === 4 ? 32 : 128) - cidr.prefix);
  return ip.value >> hostBits === cidr.network >> hostBits;
}

/** Which nodes lead the outside to a load balancer address, and how; for a packet that comes from there. */
export function explainAnnouncement(world: World, service: string, address: string): Step[] {
  const around = world.announcements;
  const object = world.services.get(service);
  if (around === undefined || object === undefined) return [];
  const candidates: string[] = [];
  const byPeer = new Map<string, string[]>();
  const isExcluded = (labels: object | undefined): boolean => Object.hasOwn(labels ?? {}, excludeLabel);
  const everyNodeExcluded = [...world.nodes.values()].every(({ metadata }) => isExcluded(metadata.labels));
  for (const [name, node] of world.nodes) {
    const labels = node.metadata.labels ?? {};
    const reach = serviceReach(object, world.slices.get(service) ?? [], name);
    const program = compileAddresses({
      ...around,
      node: { labels, isExcluded: isExcluded(labels) && !everyNodeExcluded },
      services: reach === undefined ? [] : [reach],
    });
    if (program.layer2.has(address)) candidates.push(name);
    for (const [peer, routes] of program.bgp) {
      if (![...routes.keys()].some((prefix) => holds(prefix, address))) continue;
      const sessions = around.bgpPeers.find(({ metadata }) => metadata.name === peer)?.status?.sessions ?? [];
      const state = sessions.find((session) => session.node === name)?.state ?? 'no session';
      byPeer.set(peer, [...(byPeer.get(peer) ?? []), `${name} (${state})`]);
    }
  }
  const steps: Step[] = [];
  const add = (text: string): void => void steps.push({ layer: 'announced', text: `${address} ${text}` });
  const holder = around.leases.get(addressLeaseName(address))?.spec?.holderIdentity ?? '';
  if (holder !== '') add(`is answered for on layer 2 by node ${holder}`);
  else if (candidates.length > 0) add(`is answered for on layer 2 by none of the nodes ${candidates.join(', ')} yet`);
  for (const [peer, nodes] of byPeer) add(`is announced to BGP peer ${peer} by ${nodes.join(', ')}`);
  if (steps.length === 0) add('is announced by no node');
  return steps;
}
