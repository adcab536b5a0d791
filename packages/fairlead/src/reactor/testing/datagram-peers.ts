import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SocketAddress } from '../../sys/socket-address.ts';

/**
 * Clients and servers of datagrams, in a thread of their own: the reactor under test may block its
 * thread. They talk over shared memory, which needs no event loop on the other side.
 *
 *     word 0: messages written by the peers    word 1: replies by the test
 */
export interface DatagramPeers {
  /** Two echo servers; the answer begins with the server's number. */
  readonly servers: readonly SocketAddress[];
  /** An address at which nobody listens. */
  readonly closed: SocketAddress;
  /** Messages since the last call: `step` asks the test to act, `done` ends, anything else is a failure. */
  take(): readonly string[];
  /** The test has acted. */
  reply(): void;
  stop(): Promise<void>;
}

const MODULE = new URL('./datagram-peers-thread.ts', import.meta.url);

/** Starts them; `script` is a name in `datagram-peers-thread.ts`, `at` the relay's address. */
export async function startDatagramPeers(script: string, at: SocketAddress): Promise<DatagramPeers> {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(MODULE, { workerData: { script, port: at.port, words } });
  let failure: Error | undefined;
  worker.on('error', (error: Error) => {
    failure = error;
  });
  const [{ ports, closed }] = (await once(worker, 'message')) as [{ ports: number[]; closed: number }];
  const ended = once(worker, 'exit');
  let seen = 0;
  const local = (port: number): SocketAddress => ({ family: 'ipv4', address: '127.0.0.1', port });
  return {
    servers: ports.map(local),
    closed: local(closed),
    take() {
      const messages: string[] = [];
      const now = Atomics.load(words, 0);
      // -1: all is done.
      if (now === -1) return ['done'];
      for (; seen < now; seen++) messages.push('step');
      return messages;
    },
    reply() {
      Atomics.add(words, 1, 1);
      Atomics.notify(words, 1);
    },
    async stop() {
      await ended;
      if (failure !== undefined) throw failure;
    },
  };
}
