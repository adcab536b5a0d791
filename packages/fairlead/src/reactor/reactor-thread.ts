import { Worker } from 'node:worker_threads';
import { engine } from '../sys/engine-kind.ts';
import type { Log } from '../sys/role.ts';
import type { ThreadWaker } from './thread-waker.ts';

/** What every reactor thread is started with, beside its own data. */
export interface ReactorThreadStart<Data> {
  /** Of a thread that blocks in epoll_wait; the others run on Node's own loop. */
  readonly epoll: { readonly wakeFd: number; readonly ledger: SharedArrayBuffer } | undefined;
  readonly data: Data;
}

/** Options of a {@link ReactorThread}. */
export interface ReactorThreadOptions<Data, From> {
  /** Module that runs in the thread; it calls {@link openThreadReactor}. */
  readonly module: URL;
  /** For log lines, e.g. `userspace proxy`. */
  readonly name: string;
  readonly data: Data;
  readonly log: Log;
  readonly onMessage: (message: From) => void;
  /** Of a thread that gets descriptors, and so needs epoll whatever this process runs on. */
  readonly waker?: ThreadWaker;
  /** Most memory of young JavaScript objects, MB. Default: what V8 takes. */
  readonly youngMb?: number;
}

/** Nothing native is loaded where it cannot be had. */
const wakers = engine.kind === 'epoll' ? await import('./thread-waker.ts') : undefined;

/** A thread with a reactor, as its owner sees it. */
export class ReactorThread<Data, To, From> {
  /** Settles when the thread has ended and its descriptors are closed: true if it was asked to. */
  readonly ended: Promise<boolean>;
  readonly #worker: Worker;
  readonly #waker: ThreadWaker | undefined;
  #stopping = false;
  #gone = false;

  constructor(options: ReactorThreadOptions<Data, From>) {
    const waker = options.waker ?? (wakers === undefined ? undefined : new wakers.ThreadWaker());
    this.#waker = waker;
    const workerData: ReactorThreadStart<Data> = {
      epoll: waker === undefined ? undefined : { wakeFd: waker.wakeFd, ledger: waker.ledger },
      data: options.data,
    };
    const { youngMb } = options;
    this.#worker = new Worker(options.module, {
      workerData,
      ...(youngMb === undefined ? {} : { resourceLimits: { maxYoungGenerationSizeMb: youngMb } }),
    });
    this.#worker.on('message', options.onMessage);
    this.#worker.on('error', (error: Error) => {
      options.log('error', `${options.name} failed`, { error: error.stack ?? error.message });
    });
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#gone = true;
        waker?.cleanUp();
        resolve(this.#stopping);
      });
    });
  }

  /** A message to a thread that is gone is dropped. */
  send(message: To): void {
    if (this.#gone) return;
    this.#worker.postMessage(message);
    this.#waker?.wake();
  }

  /** Sends the message that ends the thread, and waits for its end. */
  async stop(message: To): Promise<void> {
    this.#stopping = true;
    this.send(message);
    await this.ended;
  }
}
