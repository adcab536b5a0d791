import type { Worker } from 'node:worker_threads';
import { ApiServerError } from '../../api-server-error.ts';
import type { LogAnswer, LogRequest, LogResults } from './log-messages.ts';
import type { LogRows } from './log-rows.ts';
import { type LogWorker, takeLogWorker } from './log-worker.ts';

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The log as the thread of its user sees it: requests are carried out one after the other on the log's own thread.
 * A mistake there ends the process: its next start reads what is on disk.
 */
export class LogClient {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #ended: Promise<void>;

  private constructor({ worker, exited }: LogWorker) {
    this.#worker = worker;
    this.#ended = exited;
    worker.on('message', (answer: LogAnswer) => this.#settle(answer));
    worker.unref();
  }

  /**
   * Opens or creates the file; `onPiece` gets the whole log in order before it resolves. Rejects with an
   * `ApiServerError` with a `Data…` code.
   */
  static open(file: string, onPiece: (rows: LogRows) => void): Promise<{ log: LogClient; compacted: number }> {
    const opened = takeLogWorker(file);
    const { worker } = opened;
    return new Promise((resolve, reject) => {
      const listen = (answer: LogAnswer): void => {
        switch (answer.kind) {
          case 'piece':
            onPiece(answer.rows);
            return;
          case 'failed':
            void opened.exited.then(() => reject(new ApiServerError(answer.error.code, answer.error.message)));
            return;
          case 'opened':
            worker.off('message', listen);
            resolve({ log: new LogClient(opened), compacted: answer.compacted });
        }
      };
      opened.take();
      worker.on('message', listen);
      for (const answer of opened.answers) listen(answer);
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
