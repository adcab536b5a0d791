import { createHash } from 'node:crypto';
import type { Node } from '@fairlead/api';
import { familyOf } from '../machine-network.ts';
import { gatewayOf } from '../sandbox/pod-ips.ts';

/** Another node, as routes see it. */
export interface PeerNode {
  readonly name: string;
  /** Its InternalIPs, at most one per family, in the order of the Node. */
  readonly nodeIps: readonly string[];
  /** Its Pod ranges, one per family, the preferred one first. */
  readonly podCidrs: readonly string[];
}

/** Link name, network identifier and UDP port of the overlay. */
export const VXLAN_LINK = 'fl-vxlan';
export const VXLAN_ID = 77;
export const VXLAN_PORT = 8472;

/** Room for the VXLAN, UDP, inner Ethernet and outer IP headers, by the family of the outer packets. */
export const VXLAN_OVERHEAD = { 4: 50, 6: 70 } as const;

/** The Pod ranges of a Node; none until the controller gave it some. */
export function podCidrsOf({ spec }: Node): readonly string[] {
  const one = spec?.podCIDR ?? '';
  return spec?.podCIDRs ?? (one === '' ? [] : [one]);
}

/** The node as a peer; undefined until it has an address and a Pod range. */
export function peerOf(node: Node): PeerNode | undefined {
  const internal = (node.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  const nodeIps = internal
    .map(({ address }) => address)
    .filter((address, index, all) => all.findIndex((other) => familyOf(other) === familyOf(address)) === index);
  const podCidrs = podCidrsOf(node);
  if (nodeIps.length === 0 || podCidrs.length === 0) return undefined;
  return { name: node.metadata?.name ?? '', nodeIps, podCidrs };
}

/** The address of a peer in the family of another address; `undefined` when it has none. */
export function addressTowards({ nodeIps }: PeerNode, other: string): string | undefined {
  return nodeIps.find((address) => familyOf(address) === familyOf(other));
}

/**
 * The MAC address of a node's VXLAN link: locally administered, from its first Pod range, so that every peer knows
 * it. IPv4: the gateway's four bytes; IPv6 has too many, so a hash.
 */
export function vtepMac(podCidr: string): string {
  const gateway = gatewayOf(podCidr);
  const bytes =
    familyOf(podCidr) === 4
      ? gateway.split('.').map(Number)
      : [...createHash('sha256').update(gateway).digest().subarray(0, 4)];
  return ['0a', '58', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** Commands for `ip -batch` and `bridge -batch`. */
export interface PeerCommands {
  readonly ip: readonly string[];
  readonly bridge: readonly string[];
}

/**
 * Makes a peer's Pods reachable: one forwarding entry, and for each family a neighbour and a route. Repeatable.
 * @param outer the peer's address that encapsulated packets go to
 * @param sources this node's addresses towards its Pods, which its own packets to the peer's Pods come from
 */
export function addVxlanPeer(peer: PeerNode, outer: string, sources: readonly string[]): PeerCommands {
  const mac = vtepMac(peer.podCidrs[0] ?? '');
  return {
    bridge: [`fdb replace ${mac} dev ${VXLAN_LINK} dst ${outer} self permanent`],
    ip: peer.podCidrs.flatMap((podCidr) => {
      const gateway = gatewayOf(podCidr);
      const source = sources.find((address) => familyOf(address) === familyOf(podCidr));
      const from = source === undefined ? '' : ` src ${source}`;
      return [
        `neigh replace ${gateway} lladdr ${mac} dev ${VXLAN_LINK} nud permanent`,
        `route replace ${podCidr} via ${gateway} dev ${VXLAN_LINK} onlink${from}`,
      ];
    }),
  };
}

/** Takes back {@link addVxlanPeer}. */
export function removeVxlanPeer(peer: PeerNode, outer: string): PeerCommands {
  return {
    ip: peer.podCidrs.flatMap((podCidr) => [
      `route del ${podCidr} dev ${VXLAN_LINK}`,
      `neigh del ${gatewayOf(podCidr)} dev ${VXLAN_LINK}`,
    ]),
    bridge: [`fdb del ${vtepMac(peer.podCidrs[0] ?? '')} dev ${VXLAN_LINK} dst ${outer} self`],
  };
}
