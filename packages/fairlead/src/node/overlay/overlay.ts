import type { ApiClient } from '@fairlead/client';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import { bridgeBatch, ipBatch, ipBatchForce, ipJson, linkExists } from '../commands.ts';
import { enableIpv6 } from '../ipv6-link.ts';
import { familyOf } from '../machine-network.ts';
import { gatewayOf } from '../sandbox/pod-ips.ts';
import { watchPeers } from './peer-watch.ts';
import { addressTowards, addVxlanPeer, removeVxlanPeer, VXLAN_ID, VXLAN_LINK, VXLAN_PORT, vtepMac } from './peers.ts';

/** What a node needs to reach the Pods of others. */
export interface OverlayOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  /** The node's address that encapsulated packets come from; peers need one of its family. */
  readonly nodeIp: string;
  /** One per family, the preferred one first. */
  readonly podCidrs: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly mtu: number;
}

/**
 * Connects this node's Pods with those of every other node.
 *
 *     Pod → fl-pods → route 10.244.2.0/24 via 10.244.2.1 dev fl-vxlan
 *         → neighbour 10.244.2.1 = MAC of peer → FDB: MAC at the peer's address → UDP 8472
 *
 * In IPv6 the same, over the same link and MAC address. Everything is installed from Node objects; nothing is learned from packets.
 */
export async function startOverlay(options: OverlayOptions): Promise<Running & { detach(): void }> {
  const { nodeIp, podCidrs } = options;
  const mac = vtepMac(podCidrs[0] ?? '');
  const sources = podCidrs.map(gatewayOf);
  // The link of a killed predecessor is kept when it is the same: its routes carry traffic.
  const isKept = await isOurs(mac, nodeIp);
  if (!isKept) {
    await ipBatchForce([`link del ${VXLAN_LINK}`]);
    await ipBatch([
      `link add ${VXLAN_LINK} address ${mac} mtu ${options.mtu} type vxlan id ${VXLAN_ID} dstport ${VXLAN_PORT} local ${nodeIp} nolearning`,
    ]);
  }
  const hasIpv6 = podCidrs.some((cidr) => familyOf(cidr) === 6);
  if (hasIpv6) enableIpv6(VXLAN_LINK);
  await ipBatch([
    `link set ${VXLAN_LINK} mtu ${options.mtu}`,
    ...(hasIpv6 ? [`link set ${VXLAN_LINK} addrgenmode none`] : []),
    `link set ${VXLAN_LINK} up`,
  ]);
  const watch = await watchPeers({
    ...options,
    async add(peer) {
      const outer = addressTowards(peer, nodeIp);
      if (outer === undefined) {
        options.log('warn', 'a node has no address of the overlay’s family: its Pods are not reached', {
          node: peer.name,
          from: nodeIp,
        });
        return;
      }
      const commands = addVxlanPeer(peer, outer, sources);
      await bridgeBatch(commands.bridge);
      await ipBatch(commands.ip);
    },
    async remove(peer) {
      const outer = addressTowards(peer, nodeIp);
      if (outer === undefined) return;
      const commands = removeVxlanPeer(peer, outer);
      await ipBatchForce(commands.ip);
      await bridgeBatch(commands.bridge).catch(() => undefined);
    },
  });
  return {
    async stop() {
      await watch.stop();
      await ipBatchForce([`link del ${VXLAN_LINK}`]);
    },
    detach() {
      void watch.stop();
    },
  };
}

async function isOurs(mac: string, nodeIp: string): Promise<boolean> {
  if (!linkExists(VXLAN_LINK)) return false;
  const [link] = await ipJson<{
    address?: string;
    linkinfo?: { info_data?: { id?: number; local?: string; local6?: string } };
  }>(['-details', 'link', 'show', 'dev', VXLAN_LINK]);
  const data = link?.linkinfo?.info_data;
  return link?.address === mac && data?.id === VXLAN_ID && (data.local ?? data.local6) === nodeIp;
}
