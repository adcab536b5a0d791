import { nodes } from '@fairlead/api';
import { type ApiClient, startInformer } from '@fairlead/client';
import { nodeAddresses } from '../node-context.ts';

/** Addresses of all nodes, once somebody wants to know them. */
export interface PeerNodes {
  /** Begins to watch nodes, if it has not begun yet, and tells of changes from then on. */
  watch(onChange: () => void): void;
  addresses(): ReadonlySet<string>;
  stop(): void;
}

/** The nodes that an API knows. Watching all of them costs every node something, so it is done on demand. */
export function createPeerNodes(client: ApiClient): PeerNodes {
  let addresses: ReadonlySet<string> = new Set();
  let stop: (() => void) | undefined;
  return {
    watch: (onChange) => {
      if (stop !== undefined) return;
      const informer = startInformer(client, nodes);
      stop = () => informer.stop();
      informer.subscribe(() => {
        const next = new Set([...informer.values()].flatMap(nodeAddresses));
        // Most changes are heartbeats.
        if (next.symmetricDifference(addresses).size === 0) return;
        addresses = next;
        onChange();
      });
    },
    addresses: () => addresses,
    stop: () => stop?.(),
  };
}
