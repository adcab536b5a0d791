import type { Node } from '@fairlead/api';
import { ipv4Range, numberToIpv4 } from '../sandbox/pod-ips.ts';

/** Another node, as routes see it. */
export interface PeerNode {
  readonly name: string;
  readonly nodeIp: string;
  readonly podCidr: string;
}

/** Link name, network identifier and UDP port of the overlay. */
export const VXLAN_LINK = 'fl-vxlan';
export const VXLAN_ID = 77;
export const VXLAN_PORT = 8472;

/** The node as a peer; undefined until it has an address and a Pod range. */
export function peerOf(node: Node): PeerNode | undefined {
  const nodeIp = node.status?.addresses?.find((address) => address.type === 'InternalIP')?.address;
  const podCidr = node.spec?.podCIDR;
  const name = node.metadata?.name ?? '';
  if (nodeIp === undefined || podCidr === undefined || podCidr === '') return undefined;
  return { name, nodeIp, podCidr };
}

/** The first address of a Pod range: the peer's bridge, and the next hop towards its Pods. */
export function gatewayOf(podCidr: string): string {
  return numberToIpv4(ipv4Range(podCidr).network + 1);
}

/** The MAC address of a node's VXLAN link: locally administered, from its gateway address. */
export function vtepMac(podCidr: string): string {
  const bytes = gatewayOf(podCidr).split('.').map(Number);
  return ['0a', '58', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** Commands for `ip -batch` and `bridge -batch`. */
export interface PeerCommands {
  readonly ip: readonly string[];
  readonly bridge: readonly string[];
}

/** Makes a peer's Pods reachable: forwarding entry, neighbour, route. Repeatable. */
export function addVxlanPeer(peer: PeerNode, sourceIp: string): PeerCommands {
  const gateway = gatewayOf(peer.podCidr);
  const mac = vtepMac(peer.podCidr);
  return {
    bridge: [`fdb replace ${mac} dev ${VXLAN_LINK} dst ${peer.nodeIp} self permanent`],
    ip: [
      `neigh replace ${gateway} lladdr ${mac} dev ${VXLAN_LINK} nud permanent`,
      `route replace ${peer.podCidr} via ${gateway} dev ${VXLAN_LINK} onlink src ${sourceIp}`,
    ],
  };
}

/** Takes back {@link addVxlanPeer}. */
export function removeVxlanPeer(peer: PeerNode): PeerCommands {
  const gateway = gatewayOf(peer.podCidr);
  return {
    ip: [`route del ${peer.podCidr} dev ${VXLAN_LINK}`, `neigh del ${gateway} dev ${VXLAN_LINK}`],
    bridge: [`fdb del ${vtepMac(peer.podCidr)} dev ${VXLAN_LINK} dst ${peer.nodeIp} self`],
  };
}
