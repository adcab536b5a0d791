import type { ApiClient } from '@fairlead/client';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import { bridgeBatch, ipBatch, ipBatchForce, ipJson, linkExists } from '../commands.ts';
import { watchPeers } from './peer-watch.ts';
import { addVxlanPeer, gatewayOf, removeVxlanPeer, VXLAN_ID, VXLAN_LINK, VXLAN_PORT, vtepMac } from './peers.ts';

export interface OverlayOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly podCidr: string;
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
 * Everything is installed from Node objects; nothing is learned from packets.
 */
export async function startOverlay(options: OverlayOptions): Promise<Running & { detach(): void }> {
  const { nodeIp, podCidr } = options;
  const source = gatewayOf(podCidr);
  // The link of a killed predecessor is kept when it is the same: its routes carry traffic.
  if (!(await isOurs(podCidr, nodeIp))) {
    await ipBatchForce([`link del ${VXLAN_LINK}`]);
    await ipBatch([
      `link add ${VXLAN_LINK} address ${vtepMac(podCidr)} mtu ${options.mtu} type vxlan id ${VXLAN_ID} dstport ${VXLAN_PORT} local ${nodeIp} nolearning`,
      `link set ${VXLAN_LINK} up`,
    ]);
  } else await ipBatch([`link set ${VXLAN_LINK} mtu ${options.mtu}`]);
  const watch = await watchPeers({
    ...options,
    async add(peer) {
      const commands = addVxlanPeer(peer, source);
      await bridgeBatch(commands.bridge);
      await ipBatch(commands.ip);
    },
    async remove(peer) {
      const commands = removeVxlanPeer(peer);
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

async function isOurs(podCidr: string, nodeIp: string): Promise<boolean> {
  if (!linkExists(VXLAN_LINK)) return false;
  const [link] = await ipJson<{ address?: string; linkinfo?: { info_data?: { id?: number; local?: string } } }>([
    '-details',
    'link',
    'show',
    'dev',
    VXLAN_LINK,
  ]);
  const data = link?.linkinfo?.info_data;
  return link?.address === vtepMac(podCidr) && data?.id === VXLAN_ID && data.local === nodeIp;
}
