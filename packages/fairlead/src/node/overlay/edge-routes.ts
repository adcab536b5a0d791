import type { ApiClient } from '@fairlead/client';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import { ipBatch, ipBatchForce } from '../commands.ts';
import { watchPeers } from './peer-watch.ts';

export interface EdgeRoutesOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Route protocol number that marks our routes, so that a successor of a killed process finds them. */
export const EDGE_ROUTE_PROTOCOL = 77;

/** Makes the Pods of every node reachable from the machine itself: one route per node over its InternalIP. */
export async function startEdgeRoutes(options: EdgeRoutesOptions): Promise<Running> {
  const watch = await watchPeers({
    ...options,
    nodeName: undefined,
    add: (peer) => ipBatch([`route replace ${peer.podCidr} via ${peer.nodeIp} proto ${EDGE_ROUTE_PROTOCOL}`]),
    remove: (peer) => ipBatchForce([`route del ${peer.podCidr} via ${peer.nodeIp}`]),
  });
  return {
    async stop() {
      await watch.stop();
      await ipBatchForce(watch.peers().map((peer) => `route del ${peer.podCidr} via ${peer.nodeIp}`));
    },
  };
}
