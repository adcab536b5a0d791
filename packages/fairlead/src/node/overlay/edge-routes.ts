import type { ApiClient } from '@fairlead/client';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import { ipBatch, ipBatchForce } from '../commands.ts';
import { forwardPackets } from '../sandbox/forwarding.ts';
import { createSysctls } from '../sandbox/sysctls.ts';
import { watchPeers } from './peer-watch.ts';
import { addressTowards, type PeerNode } from './peers.ts';

/** What the machine outside of its nodes needs to reach them. */
export interface EdgeRoutesOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly podCidrs: readonly string[];
  /** Remembers the machine's own kernel settings, for the successor of a killed process too. */
  readonly stateFile: string;
}

/** Route protocol number that marks our routes, so that a successor of a killed process finds them. */
const EDGE_ROUTE_PROTOCOL = 77;

/** For each Pod range of a peer that it has an address of the same family for: `RANGE via ADDRESS`. */
function routesTo(peer: PeerNode): string[] {
  return peer.podCidrs.flatMap((podCidr) => {
    const nodeIp = addressTowards(peer, podCidr);
    return nodeIp === undefined ? [] : [`${podCidr} via ${nodeIp}`];
  });
}

/**
 * Makes the Pods of every node reachable from the machine itself, by one route per node and family over its InternalIP,
 * and what is beyond the machine reachable from them: the machine is the nodes' router.
 */
export async function startEdgeRoutes(options: EdgeRoutesOptions): Promise<Running> {
  const sysctls = createSysctls(options.stateFile);
  forwardPackets(sysctls, options.podCidrs, options.log);
  const removal = (peer: PeerNode): string[] => routesTo(peer).map((route) => `route del ${route}`);
  const watch = await watchPeers({
    ...options,
    nodeName: undefined,
    add: (peer) => ipBatch(routesTo(peer).map((route) => `route replace ${route} proto ${EDGE_ROUTE_PROTOCOL}`)),
    remove: (peer) => ipBatchForce(removal(peer)),
  });
  return {
    async stop() {
      await watch.stop();
      await ipBatchForce(watch.peers().flatMap(removal));
      sysctls.restore();
    },
  };
}
