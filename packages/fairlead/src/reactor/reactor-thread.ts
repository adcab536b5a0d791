import { Worker } from 'node:worker_threads';
import { eventfd, signalEventfd } from '../sys/eventfd.ts';
import type { Log } from '../sys/role.ts';
import { close } from '../sys/socket.ts';
import { DescriptorLedger } from './descriptor-ledger.ts';

/** What every reactor thread is started with, beside its own data. */
export interface ReactorThreadStart<Data> {
  /** Signalled after each message. */
  readonly wakeFd: number;
  readonly ledger: SharedArrayBuffer;
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
  /** Most memory of young JavaScript objects, MB. */
  readonly youngMb?: number;
}

/** A thread with a reactor, as its owner sees it. */
export class ReactorThread<Data, To, From> {
  /** Settles when the thread has ended and its descriptors are closed: true if it was asked to. */
  readonly ended: Promise<boolean>;
  readonly #worker: Worker;
  readonly #wakeFd: number = eventfd();
  readonly #ledger: DescriptorLedger = new DescriptorLedger();
  #stopping = false;
  #gone = false;

  constructor(options: ReactorThreadOptions<Data, From>) {
    const workerData: ReactorThreadStart<Data> = {
      wakeFd: this.#wakeFd,
      ledger: this.#ledger.memory,
      data: options.data,
    };
    this.#worker = new Worker(options.module, {
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: options.youngMb ?? 8 },
    });
    this.#worker.on('message', options.onMessage);
    this.#worker.on('error', (error: Error) => {
      options.log('error', `${options.name} thread failed`, { error: error.stack ?? error.message });
    });
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#gone = true;
        // Descriptors of a thread that failed stay open in the process: close them, so that clients see the end.
        for (const fd of this.#ledger.takeAll()) close(fd);
        close(this.#wakeFd);
        resolve(this.#stopping);
      });
    });
  }

  /** A message to a thread that is gone is dropped. */
  send(message: To): void {
    if (this.#gone) return;
    this.#worker.postMessage(message);
    signalEventfd(this.#wakeFd);
  }

  /** Sends the message that ends the thread, and waits for its end. */
  async stop(message: To): Promise<void> {
    this.#stopping = true;
    this.send(message);
    await this.ended;
  }
}
