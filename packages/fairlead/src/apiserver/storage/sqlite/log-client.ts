import { Worker } from 'node:worker_threads';
import { ApiServerError } from '../../api-server-error.ts';
import type { LogAnswer, LogRequest, LogResults } from './log-messages.ts';
import type { LogRows } from './log-rows.ts';

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Young generation of the log's thread, in MB: it makes garbage only, so that little of it is enough. */
const youngGenerationMb = 2;

/**
 * The log as the thread of its user sees it: requests are carried out one after the other on the log's own thread.
 * A mistake there ends the process: its next start reads what is on disk.
 */
export class LogClient {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #ended: Promise<void>;

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.#ended = new Promise((resolve) => worker.once('exit', () => resolve()));
    worker.on('message', (answer: LogAnswer) => this.#settle(answer));
    worker.unref();
  }

  /**
   * Opens or creates the file; `onPiece` gets the whole log in order before it resolves. Rejects with an
   * `ApiServerError` with a `Data…` code.
   */
  static open(file: string, onPiece: (rows: LogRows) => void): Promise<{ log: LogClient; compacted: number }> {
    const worker = new Worker(new URL('./log-thread.ts', import.meta.url), {
      name: 'log',
      workerData: { file },
      // What was said to this process about its own main module is not meant for the thread.
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    });
    return new Promise((resolve, reject) => {
      const listen = (answer: LogAnswer): void => {
        switch (answer.kind) {
          case 'piece':
            onPiece(answer.rows);
            return;
          case 'failed':
            worker.once('exit', () => reject(new ApiServerError(answer.error.code, answer.error.message)));
            return;
          case 'opened':
            worker.off('message', listen);
            resolve({ log: new LogClient(worker), compacted: answer.compacted });
        }
      };
      worker.on('message', listen);
    });
  }

  /** Sends a request; rejects with an `ApiServerError` when it was not carried out. */
  ask<Request extends LogRequest>(request: Request): Promise<LogResults[Request['kind']]> {
    this.#worker.ref();
    this.#worker.postMessage(request);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Closes the file and ends the thread. */
  async close(): Promise<void> {
    await this.ask({ kind: 'close' });
    this.#worker.ref();
    await this.#ended;
  }

  #settle(answer: LogAnswer): void {
    const waiting = this.#waiting.shift()!;
    if (this.#waiting.length === 0) this.#worker.unref();
    if (answer.kind === 'done') waiting.resolve(answer.result as never);
    else if (answer.kind === 'failed') waiting.reject(new ApiServerError(answer.error.code, answer.error.message));
  }
}
