import { Worker } from 'node:worker_threads';
import type { LogAnswer } from './log-messages.ts';

/** Young generation of the log's thread, in MB: it makes garbage only, so that little of it is enough. */
const youngGenerationMb = 2;

/** A log's thread that opens its file, with the answers that nobody has taken yet. */
export interface LogWorker {
  readonly worker: Worker;
  readonly answers: LogAnswer[];
  readonly exited: Promise<void>;
  /** From now on answers go to their listeners. */
  take(): void;
}

const early = new Map<string, LogWorker>();

function startLogWorker(file: string): LogWorker {
  const worker = new Worker(new URL('./log-thread.ts', import.meta.url), {
    name: 'log',
    workerData: { file },
    // What was said to this process about its own main module is not meant for the thread.
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const answers: LogAnswer[] = [];
  const keep = (answer: LogAnswer): number => answers.push(answer);
  worker.on('message', keep);
  return { worker, answers, exited, take: () => worker.off('message', keep) };
}

/**
 * Begins to open a log while the modules of its user still load: {@link takeLogWorker} gives what came of it.
 * The folder must be there.
 */
export function openLogEarly(file: string): void {
  const opened = startLogWorker(file);
  // Should nobody take it, it does not keep the process.
  opened.worker.unref();
  early.set(file, opened);
}

/** The thread of a log that was opened early, or a new one. */
export function takeLogWorker(file: string): LogWorker {
  const opened = early.get(file) ?? startLogWorker(file);
  early.delete(file);
  opened.worker.ref();
  return opened;
}
