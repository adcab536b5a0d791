import { Worker } from 'node:worker_threads';
import type { Log, Running } from '../../sys/role.ts';
import type { BfdCommand, BfdEvent, BfdPeer } from './bfd-messages.ts';

/** Watches neighbours by BFD (RFC 5880, 5881), in a thread that is there only when needed. */
export interface Bfd extends Running {
  /** Begins to watch a neighbour, or goes on with another configuration. */
  watch(name: string, peer: BfdPeer): void;
  unwatch(name: string): void;
}

/** Makes a {@link Bfd}; `onEvent` is told of every session. */
export type CreateBfd = (log: Log, onEvent: (event: BfdEvent) => void) => Bfd;

/** The thread with real sockets. */
export const createBfd: CreateBfd = (log, onEvent) => {
  const watched = new Map<string, BfdPeer>();
  let thread: { readonly worker: Worker; readonly ended: Promise<void> } | undefined;
  let stopped = false;

  const start = (): NonNullable<typeof thread> => {
    const worker = new Worker(new URL('./bfd-thread.ts', import.meta.url));
    worker.on('message', onEvent);
    worker.on('error', (error: Error) => log('error', 'the BFD thread failed', { error: error.message }));
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        resolve();
        if (stopped || thread?.worker !== worker) return;
        thread = watched.size === 0 ? undefined : start();
        for (const [name, peer] of watched) say({ kind: 'watch', name, peer });
      });
    });
    return { worker, ended };
  };
  const say = (command: BfdCommand): void => thread?.worker.postMessage(command);
  return {
    watch(name, peer) {
      if (stopped) return;
      watched.set(name, peer);
      thread ??= start();
      say({ kind: 'watch', name, peer });
    },
    unwatch(name) {
      if (watched.delete(name)) say({ kind: 'unwatch', name });
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      say({ kind: 'stop' });
      await thread?.ended;
    },
  };
};
