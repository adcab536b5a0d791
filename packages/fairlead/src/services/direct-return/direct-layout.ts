import type { DirectReturn, ServicePortProgram } from '../program.ts';
import type { LinkPlace } from './link-addresses.ts';

/** nft table of direct server return, in the family netdev. */
export const directTableName = 'fairlead';

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

interface Frontends {
  readonly elements: string[];
  readonly elements6: string[];
}

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

function mapText(name: string, type: string, elements: readonly string[]): string {
  const values = elements.length === 0 ? '' : `\n    elements = { ${elements.join(', ')} }`;
  return `  map ${name} {\n    ${type};${values}\n  }\n`;
}

/**
 * The table's text; empty when nothing is sent directly.
 *
 * ```
 * uplink ─ ingress ─ from a node's link address? ─ local ─▶ chain: link address of an endpoint of this node
 *                  └ direct ─▶ chain of the port: sources ─ link address by hash of the connection ─▶ fwd
 * ```
 *
 * A packet that another node has sent on is never sent on again: two nodes that disagree for a moment
 * must not play ball with it, since nothing here counts down its time to live.
 */
export function directTableText({ ports, placeOf, uplinks }: DirectLayout): string {
  const all: Frontends = { elements: [], elements6: [] };
  const local: Frontends = { elements: [], elements6: [] };
  const chains: string[] = [];
  const macs: string[] = [];
  const ownMacs: string[] = [];
  const links: string[] = [];
  const peers = new Set<string>();
  const transit = new Set<string>();
  let lastId = 0;
  const add = (to: Frontends, { port, direct }: DirectPort, usable: (ip: string) => boolean): void => {
    const slots = reachableSlots(direct, usable);
    if (slots.length === 0) return;
    const id = ++lastId;
    for (const [slot, ip] of slots.entries()) {
      const place = placeOf(direct.by, ip);
      if (place === undefined) continue;
      macs.push(`${id} . ${slot} : ${place.mac}`);
      ownMacs.push(`${id} . ${slot} : ${place.ownMac}`);
      links.push(`${id} . ${slot} : "${place.link}"`);
    }
    const ip = port.family === 'IPv4' ? 'ip' : 'ip6';
    const protocol = port.protocol.toLowerCase();
    const hashed = direct.slots.by === 'source' ? `${ip} saddr` : `${ip} saddr . ${protocol} sport`;
    const slot = `numgen inc mod 1 offset ${id} . jhash ${hashed} mod ${slots.length} seed ${hashSeed}`;
    const rules = [
      ...sourceRules(port, ip),
      // Wrapping counts as a hop: whose last one it is gets told so by the stack.
      ...(direct.by === 'ipip' ? [`${ip === 'ip' ? 'ip ttl' : 'ip6 hoplimit'} < 2 accept`] : []),
      `ether saddr set ${slot} map @own-macs`,
      `ether daddr set ${slot} map @macs`,
      `fwd to ${slot} map @links`,
    ];
    chains.push(`  chain direct-${id} {\n    ${rules.join('\n    ')}\n  }\n`);
    const list = port.family === 'IPv4' ? to.elements : to.elements6;
    for (const vip of port.vips) {
      if (vip.kind !== 'clusterIP') list.push(`${vip.ip} . ${protocol} . ${port.port} : goto direct-${id}`);
    }
  };
  for (const entry of ports) {
    const onThisNode = new Set(
      entry.direct.endpoints.filter(({ onThisNode: where }) => where !== 'no').map(({ ip }) => ip),
    );
    const { by } = entry.direct;
    const isReachable = (ip: string): boolean => placeOf(by, ip) !== undefined;
    add(all, entry, isReachable);
    add(local, entry, (ip) => isReachable(ip) && onThisNode.has(ip));
    // A tunnel ends at the endpoint itself, so no node on the way sees the packet.
    if (by !== 'mac') continue;
    for (const { ip } of entry.direct.endpoints) {
      const place = placeOf(by, ip);
      if (place === undefined || onThisNode.has(ip)) continue;
      peers.add(place.mac);
      if (!uplinks.includes(place.link)) transit.add(place.link);
    }
  }
  if (chains.length === 0) return '';
  const key = 'typeof numgen inc mod 2 . numgen inc mod 2';
  const dispatch = (ip: string, map: string): string => `${ip} daddr . meta l4proto . th dport vmap @${map}`;
  const ingress = (link: string, rules: readonly string[]): string =>
    `  chain ingress-${link} {\n    type filter hook ingress device "${link}" priority 0;\n    ${rules.join('\n    ')}\n  }\n`;
  const localRules = [dispatch('ip', 'local'), dispatch('ip6', 'local6')];
  const peerRules = peers.size === 0 ? [] : [`ether saddr { ${[...peers].join(', ')} } jump local-only`];
  return [
    `table netdev ${directTableName} {\n`,
    mapText('macs', `${key} : ether daddr`, macs),
    mapText('own-macs', `${key} : ether daddr`, ownMacs),
    mapText('links', `${key} : meta oif`, links),
    ...chains,
    mapText('direct', 'type ipv4_addr . inet_proto . inet_service : verdict', all.elements),
    mapText('direct6', 'type ipv6_addr . inet_proto . inet_service : verdict', all.elements6),
    mapText('local', 'type ipv4_addr . inet_proto . inet_service : verdict', local.elements),
    mapText('local6', 'type ipv6_addr . inet_proto . inet_service : verdict', local.elements6),
    `  chain local-only {\n    ${[...localRules, 'accept'].join('\n    ')}\n  }\n`,
    ...uplinks.map((link) =>
      ingress(link, [...wholeOnly, ...peerRules, dispatch('ip', 'direct'), dispatch('ip6', 'direct6')]),
    ),
    ...[...transit].map((link) => ingress(link, [...wholeOnly, ...localRules])),
    '}\n',
  ].join('');
}
