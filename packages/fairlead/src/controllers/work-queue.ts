import { ApiError, type BackOff, createBackOff } from '@fairlead/client';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';

/** When to look at a key again although nothing changed, milliseconds; nothing: not. */
export type SyncResult = { readonly againAfterMs: number } | undefined;

/** Options of {@link startWorkQueue}. */
export interface WorkQueueOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Keys in work at the same time. Default 8. */
  readonly concurrency?: number;
  /** Brings one key to its desired state. A rejection is retried with a back-off of 5 ms to 30 s. */
  sync(key: string): Promise<SyncResult> | Promise<void>;
}

/** Keys that need work. A key added while in work is worked on once more afterwards. */
export interface WorkQueue extends Running {
  add(key: string): void;
  addAfter(key: string, delayMs: number): void;
  /** Keys waiting or in work; delayed ones do not count. */
  readonly busy: number;
}

/** Starts a queue: a key is never worked on twice at a time, and no wake-up is lost. */
export function startWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock, log, name } = options;
  const limit = options.concurrency ?? 8;
  const waiting = new Set<string>();
  const working = new Set<string>();
  const again = new Set<string>();
  const backOffs = new Map<string, BackOff>();
  const timers = new Map<string, { readonly at: number; readonly cancel: () => void }>();
  let stopped = false;
  let onIdle: () => void = () => undefined;

  const run = async (key: string): Promise<void> => {
    try {
      const result = await options.sync(key);
      backOffs.delete(key);
      if (typeof result === 'object') queue.addAfter(key, result.againAfterMs);
    } catch (error) {
      if (stopped) return;
      let backOff = backOffs.get(key);
      if (backOff === undefined) {
        backOff = createBackOff({ firstMs: 5, maxMs: 30_000 }, options.random);
        backOffs.set(key, backOff);
      }
      const delayMs = backOff.nextMs();
      // A conflict means that the cache was behind: expected, and settled by the retry.
      const expected = error instanceof ApiError && isExpected(error);
      const text = error instanceof ApiError ? error.message : ((error as Error).stack ?? String(error));
      log(expected ? 'debug' : 'warn', 'sync failed', { controller: name, key, error: text });
      queue.addAfter(key, delayMs);
    } finally {
      working.delete(key);
      if (again.delete(key) && !stopped) waiting.add(key);
      pump();
      if (working.size === 0) onIdle();
    }
  };
  const pump = (): void => {
    for (const key of waiting) {
      if (stopped || working.size >= limit) return;
      waiting.delete(key);
      working.add(key);
      void run(key);
    }
  };
  const queue: WorkQueue = {
    get busy() {
      return waiting.size + working.size;
    },
    add(key) {
      if (stopped) return;
      if (working.has(key)) again.add(key);
      else waiting.add(key);
      pump();
    },
    addAfter(key, delayMs) {
      if (stopped) return;
      const at = clock.monotonicMs() + delayMs;
      const present = timers.get(key);
      if (present !== undefined && present.at <= at) return;
      present?.cancel();
      const cancel = clock.after(delayMs, () => {
        timers.delete(key);
        queue.add(key);
      });
      timers.set(key, { at, cancel });
    },
    async stop() {
      stopped = true;
      for (const { cancel } of timers.values()) cancel();
      timers.clear();
      waiting.clear();
      if (working.size > 0) {
        await new Promise<void>((resolve) => {
          onIdle = resolve;
        });
      }
    },
  };
  return queue;
}

/** A stale cache, an absent server, a namespace on its way out. */
function isExpected({ code, status }: ApiError): boolean {
  if (code === 409 || code === 404 || code === 0) return true;
  return status?.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true;
}
