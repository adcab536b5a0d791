import { Worker } from 'node:worker_threads';
import { eventfd, signalEventfd } from '../../sys/eventfd.ts';
import type { Log } from '../../sys/role.ts';
import { close } from '../../sys/socket.ts';
import {
  type AnsweringCommand,
  type AnsweringEvent,
  type AnsweringThreadData,
  answeringCounter,
} from './answering-messages.ts';
import type { Layer2Link } from './layer2-responder.ts';

/** Answers for addresses on links, in a thread of its own that is there only when needed. */
export interface Answerer {
  announce(address: string, links: readonly Layer2Link[]): void;
  withdraw(address: string): void;
  /** All announced addresses may be answered for until then, `machineMonotonicMs`. */
  extend(deadlineMs: number): void;
  /** Frames received, answered and sent unasked so far. */
  counts(): { readonly received: number; readonly answered: number; readonly sent: number };
  stop(): Promise<void>;
}

/** Starts nothing yet: the thread starts with the first address. */
export function createAnswerer(log: Log, onEvent: (event: AnsweringEvent) => void): Answerer {
  const counters = new SharedArrayBuffer(4 * answeringCounter.size);
  const counts = new Int32Array(counters);
  let thread: { readonly worker: Worker; readonly wakeFd: number; readonly ended: Promise<void> } | undefined;
  /** What a thread that died has to be told again. */
  const announced = new Map<string, readonly Layer2Link[]>();
  let deadlineMs = 0;
  let stopped = false;

  const start = (): NonNullable<typeof thread> => {
    const wakeFd = eventfd();
    const data: AnsweringThreadData = { wakeFd, counters };
    const worker = new Worker(new URL('./answering-thread.ts', import.meta.url), { workerData: data });
    worker.on('message', (event: AnsweringEvent) => onEvent(event));
    worker.on('error', (error: Error) =>
      log('error', 'the thread that answers for addresses failed', { error: error.message }),
    );
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        close(wakeFd);
        resolve();
        if (stopped || thread?.worker !== worker) return;
        thread = undefined;
        if (announced.size === 0) return;
        thread = start();
        say({ kind: 'extend', deadlineMs });
        for (const [address, links] of announced) say({ kind: 'announce', address, links });
      });
    });
    return { worker, wakeFd, ended };
  };
  const say = (command: AnsweringCommand): void => {
    if (thread === undefined) return;
    thread.worker.postMessage(command);
    signalEventfd(thread.wakeFd);
  };
  return {
    announce(address, links) {
      if (stopped) return;
      announced.set(address, links);
      if (thread === undefined) {
        thread = start();
        say({ kind: 'extend', deadlineMs });
      }
      say({ kind: 'announce', address, links });
    },
    withdraw(address) {
      if (announced.delete(address)) say({ kind: 'withdraw', address });
    },
    extend(until) {
      deadlineMs = until;
      say({ kind: 'extend', deadlineMs });
    },
    counts: () => ({
      received: Atomics.load(counts, answeringCounter.received),
      answered: Atomics.load(counts, answeringCounter.answered),
      sent: Atomics.load(counts, answeringCounter.sent),
    }),
    async stop() {
      if (stopped) return;
      stopped = true;
      say({ kind: 'stop' });
      await thread?.ended;
    },
  };
}
