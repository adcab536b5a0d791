import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { systemClock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
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
 * Makes the reactor of this worker thread, of the kind that its owner runs on. `receive` gets each message of
 * the owner, between two batches of events; an exception in it ends the thread.
 */
export async function openThreadReactor<Data, To, From>(
  receive: (message: To) => void,
  log: (send: (message: From) => void) => Log,
): Promise<ThreadReactor<Data, From>> {
  const port = parentPort!;
  const { epoll, data } = workerData as ReactorThreadStart<Data>;
  const send = (message: From): void => port.postMessage(message);
  const { reactor, run } =
    epoll === undefined
      ? await nodeReactor(port, receive, log(send))
      : await epollReactor(port, receive, log(send), epoll);
  return {
    reactor,
    data,
    send,
    async run() {
      await run();
      port.close();
    },
  };
}

/** A reactor and what starts it and the messages to its thread. */
interface RunnableReactor {
  readonly reactor: Reactor;
  run(): Promise<void>;
}

async function epollReactor<To>(
  port: MessagePort,
  receive: (message: To) => void,
  log: Log,
  { wakeFd, ledger }: NonNullable<ReactorThreadStart<unknown>['epoll']>,
): Promise<RunnableReactor> {
  const [{ EpollReactor }, { DescriptorLedger }] = await Promise.all([
    import('./epoll-reactor.ts'),
    import('./descriptor-ledger.ts'),
  ]);
  const reactor = new EpollReactor({
    clock: systemClock,
    log,
    wakeFd,
    onWake() {
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
        receive(got.message as To);
      }
    },
    ledger: new DescriptorLedger(ledger),
  });
  return { reactor, run: () => reactor.run() };
}

async function nodeReactor<To>(port: MessagePort, receive: (message: To) => void, log: Log): Promise<RunnableReactor> {
  const { NodeReactor } = await import('./node-reactor.ts');
  const reactor = new NodeReactor(systemClock, log);
  return {
    reactor,
    run() {
      // Not before: what came while the thread was being set up waits in the port.
      port.on('message', (message: To) => reactor.turnOrThrow(() => receive(message)));
      return reactor.run();
    },
  };
}
