import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { systemClock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import { DescriptorLedger } from './descriptor-ledger.ts';
import { EpollReactor } from './epoll-reactor.ts';
import type { Reactor } from './reactor.ts';
import type { ReactorThreadStart } from './reactor-thread.ts';

/** The inside of a {@link ReactorThread}. */
export interface ThreadReactor<Data, From> {
  readonly reactor: Reactor;
  readonly data: Data;
  send(message: From): void;
  /** Runs the reactor until it is stopped, and with it the thread. */
  run(): Promise<void>;
}

/**
 * Makes the reactor of this worker thread. `receive` gets each message of the owner, between two
 * batches of events; an exception in it ends the thread.
 */
export function openThreadReactor<Data, To, From>(
  receive: (message: To) => void,
  log: (send: (message: From) => void) => Log,
): ThreadReactor<Data, From> {
  const port = parentPort!;
  const start = workerData as ReactorThreadStart<Data>;
  const send = (message: From): void => port.postMessage(message);
  const reactor = new EpollReactor({
    clock: systemClock,
    log: log(send),
    wakeFd: start.wakeFd,
    onWake() {
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
        receive(got.message as To);
      }
    },
    ledger: new DescriptorLedger(start.ledger),
  });
  return {
    reactor,
    data: start.data,
    send,
    async run() {
      await reactor.run();
      port.close();
    },
  };
}
