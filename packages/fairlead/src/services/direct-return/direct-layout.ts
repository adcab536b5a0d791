import type { NftChain } from '../../wire/nft/table.ts';
import type { DirectReturn, EndpointTarget, ServicePortProgram } from '../program.ts';
import type { StableNumbers } from '../stable-numbers.ts';
import type { DirectTable } from './direct-table.ts';
import type { LinkPlace } from './link-addresses.ts';

/** A port whose packets go to endpoints as they are. */
export interface DirectPort {
  readonly port: ServicePortProgram;
  readonly direct: DirectReturn;
}

/** What the table depends on. */
export interface DirectLayout {
  readonly ports: readonly DirectPort[];
  /** Where endpoints are, by address: in a tunnel elsewhere than without; those without a place get nothing. */
  readonly placeOf: (by: DirectReturn['by'], ip: string) => LinkPlace | undefined;
  /** Links over which clients come. */
  readonly uplinks: readonly string[];
}

/** Only the first fragment has ports: all of a packet are left to translation, which puts them together first. */
const wholeOnly: readonly string[] = ['ip frag-off & 0x3fff != 0 accept', 'exthdr frag exists accept'];

/** The same on every node, so that a connection that moves to another node finds its endpoint again. */
const hashSeed = 0x5eed;

/** Each slot's endpoint, or the next one that can be reached; empty when none can. */
function reachableSlots(direct: DirectReturn, usable: (ip: string) => boolean): string[] {
  const ips = direct.endpoints.map(({ ip }) => ip);
  const reachable = ips.filter(usable);
  if (reachable.length === 0) return [];
  return direct.slots.places.map((place) => {
    const ip = ips[place] ?? '';
    return usable(ip) ? ip : (reachable[place % reachable.length] ?? '');
  });
}

function sourceRules(port: ServicePortProgram, ip: string): string[] {
  const rules = port.deniedSources?.length ? [`${ip} saddr { ${port.deniedSources.join(', ')} } drop`] : [];
  for (const { ip: vip, kind, sourceRanges } of port.vips) {
    if (kind === 'clusterIP' || sourceRanges === undefined) continue;
    const others = sourceRanges.length === 0 ? '' : ` ${ip} saddr != { ${sourceRanges.join(', ')} }`;
    rules.push(`${ip} daddr ${vip}${others} drop`);
  }
  return rules;
}

/** Keys of maps: number of the port's chain, and slot. */
const slotKey = 'typeof numgen inc mod 2 . numgen inc mod 2';

/** The table's changing parts. */
interface DirectParts {
  readonly chains: NftChain[];
  readonly macs: Map<string, string>;
  readonly ownMacs: Map<string, string>;
  readonly links: Map<string, string>;
}

/** The chain that hands packets of a port on, and its elements; the chain's name. */
function addPortChain(
  parts: DirectParts,
  id: number,
  { port, direct }: DirectPort,
  slots: readonly LinkPlace[],
): string {
  for (const [slot, { mac, ownMac, link }] of slots.entries()) {
    parts.macs.set(`${id} . ${slot}`, mac);
    parts.ownMacs.set(`${id} . ${slot}`, ownMac);
    parts.links.set(`${id} . ${slot}`, `"${link}"`);
  }
  const ip = port.family === 'IPv4' ? 'ip' : 'ip6';
  const hashed = direct.slots.by === 'source' ? `${ip} saddr` : `${ip} saddr . ${port.protocol.toLowerCase()} sport`;
  const slot = `numgen inc mod 1 offset ${id} . jhash ${hashed} mod ${slots.length} seed ${hashSeed}`;
  const name = `direct-${id}`;
  const rules = [
    ...sourceRules(port, ip),
    // Wrapping counts as a hop: whose last one it is gets told so by the stack.
    ...(direct.by === 'ipip' ? [`${ip === 'ip' ? 'ip ttl' : 'ip6 hoplimit'} < 2 accept`] : []),
    `ether saddr set ${slot} map @own-macs`,
    `ether daddr set ${slot} map @macs`,
    `fwd to ${slot} map @links`,
  ];
  parts.chains.push({ name, rules });
  return name;
}

function isElsewhere({ onThisNode }: EndpointTarget): boolean {
  return onThisNode === 'no';
}

/** Nodes that packets go to by link address, and links other than uplinks over which these may send some in turn. */
function neighbours({ ports, placeOf, uplinks }: DirectLayout) {
  const peers = new Set<string>();
  const transit = new Set<string>();
  for (const { direct } of ports) {
    // A tunnel ends at the endpoint itself, so no node on the way sees the packet.
    if (direct.by !== 'mac') continue;
    for (const { ip } of direct.endpoints.filter(isElsewhere)) {
      const place = placeOf(direct.by, ip);
      if (place === undefined) continue;
      peers.add(place.mac);
      if (!uplinks.includes(place.link)) transit.add(place.link);
    }
  }
  return { peers, transit };
}

/**
 * The table; `undefined` when nothing is sent directly. `numbers`: of chains, the same ones each time, so that a change of
 * one port leaves the others alone.
 *
 * ```
 * uplink ─ ingress ─ from a node's link address? ─ local ─▶ chain: link address of an endpoint of this node
 *                  └ direct ─▶ chain of the port: sources ─ link address by hash of the connection ─▶ fwd
 * ```
 *
 * A packet that another node has sent on is never sent on again: two nodes that disagree for a moment
 * must not play ball with it, since nothing here counts down its time to live.
 */
export function directTable(layout: DirectLayout, numbers: StableNumbers): DirectTable | undefined {
  const { ports, placeOf, uplinks } = layout;
  const { peers, transit } = neighbours(layout);
  const parts: DirectParts = { chains: [], macs: new Map(), ownMacs: new Map(), links: new Map() };
  const elements = (): Map<string, string> => new Map();
  const frontends = { direct: elements(), direct6: elements(), local: elements(), local6: elements() };
  const add = (set: 'direct' | 'local', entry: DirectPort, usable: (target: EndpointTarget) => boolean): void => {
    const { port, direct } = entry;
    const places = new Map(direct.endpoints.filter(usable).map(({ ip }) => [ip, placeOf(direct.by, ip)]));
    const slots = reachableSlots(direct, (ip) => places.get(ip) !== undefined).flatMap((ip) => places.get(ip) ?? []);
    if (slots.length === 0) return;
    const chain = addPortChain(parts, numbers.of(`${port.key} ${set}`), entry, slots);
    const list = frontends[port.family === 'IPv4' ? set : (`${set}6` as const)];
    for (const { kind, ip } of port.vips) {
      if (kind !== 'clusterIP') list.set(`${ip} . ${port.protocol.toLowerCase()} . ${port.port}`, `goto ${chain}`);
    }
  };
  const hasPeers = peers.size > 0;
  for (const entry of ports) {
    add('direct', entry, () => true);
    if (hasPeers) add('local', entry, (target) => !isElsewhere(target));
  }
  if (parts.chains.length === 0) return undefined;
  const dispatch = (ip: string, map: string): string => `${ip} daddr . meta l4proto . th dport vmap @${map}`;
  const ingress = (link: string, rules: readonly string[]): NftChain => {
    return { name: `ingress-${link}`, hook: `type filter hook ingress device "${link}" priority 0`, rules };
  };
  const localRules = [dispatch('ip', 'local'), dispatch('ip6', 'local6')];
  const peerRules = hasPeers ? [`ether saddr { ${[...peers].join(', ')} } jump local-only`] : [];
  const verdicts = (address: string): string => `type ${address} . inet_proto . inet_service : verdict`;
  return {
    maps: new Map([
      ['macs', { type: `${slotKey} : ether daddr`, elements: parts.macs }],
      ['own-macs', { type: `${slotKey} : ether daddr`, elements: parts.ownMacs }],
      ['links', { type: `${slotKey} : meta oif`, elements: parts.links }],
      ['direct', { type: verdicts('ipv4_addr'), elements: frontends.direct }],
      ['direct6', { type: verdicts('ipv6_addr'), elements: frontends.direct6 }],
      ['local', { type: verdicts('ipv4_addr'), elements: frontends.local }],
      ['local6', { type: verdicts('ipv6_addr'), elements: frontends.local6 }],
    ]),
    chains: [
      ...parts.chains,
      { name: 'local-only', rules: [...localRules, 'accept'] },
      ...uplinks.map((link) =>
        ingress(link, [...wholeOnly, ...peerRules, dispatch('ip', 'direct'), dispatch('ip6', 'direct6')]),
      ),
      ...[...transit].map((link) => ingress(link, [...wholeOnly, ...localRules])),
    ],
  };
}
