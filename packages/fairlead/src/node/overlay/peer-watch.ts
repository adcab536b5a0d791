import { nodes } from '@fairlead/api';
import { type ApiClient, startInformer } from '@fairlead/client';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { type PeerNode, peerOf } from './peers.ts';

/** Whose coming and going is watched, and who does something about it. */
export interface PeerWatchOptions {
  readonly client: ApiClient;
  /** This node, which is no peer of itself; undefined for the machine outside. */
  readonly nodeName: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly add: (peer: PeerNode) => Promise<void>;
  readonly remove: (peer: PeerNode) => Promise<void>;
}

const RETRY_MS = 1000;

/** Follows Node objects and applies the differences, one at a time and in order. A failed change is retried. */
export async function watchPeers(options: PeerWatchOptions): Promise<{ stop(): Promise<void>; peers(): PeerNode[] }> {
  const { client, clock, random, log } = options;
  const informer = startInformer(client, nodes, {}, { clock, random, log });
  const installed = new Map<string, PeerNode>();
  let stopped = false;
  let tail: Promise<void> = Promise.resolve();

  const reconcile = async (): Promise<void> => {
    const wanted = new Map<string, PeerNode>();
    for (const node of informer.values()) {
      const peer = peerOf(node);
      if (peer !== undefined && peer.name !== options.nodeName) wanted.set(peer.name, peer);
    }
    try {
      for (const [name, peer] of installed) {
        const next = wanted.get(name);
        if (next?.nodeIps.join() === peer.nodeIps.join() && next.podCidrs.join() === peer.podCidrs.join()) continue;
        await options.remove(peer);
        installed.delete(name);
      }
      for (const [name, peer] of wanted) {
        if (installed.has(name)) continue;
        await options.add(peer);
        installed.set(name, peer);
      }
    } catch (error) {
      log('warn', 'cannot bring a peer node up to date; trying again', { error: (error as Error).message });
      if (!stopped) clock.after(RETRY_MS, queue);
    }
  };
  const queue = (): void => {
    if (!stopped) tail = tail.then(reconcile);
  };
  informer.subscribe(queue);
  await informer.synced;
  queue();
  await tail;
  return {
    peers: () => [...installed.values()],
    async stop() {
      stopped = true;
      informer.stop();
      await tail;
    },
  };
}
