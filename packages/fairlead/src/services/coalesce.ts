import type { Clock } from '../sys/clock.ts';

/** Quiet time that ends a burst of changes. */
const quietMs = 1;
/** A burst is never held back longer than this. */
const longestMs = 10;

/** Runs work once per burst of requests, never twice at the same time. */
export interface Coalescer {
  /** Asks for a run. */
  request(): void;
  /** No further runs; resolves when the current one has ended. */
  stop(): Promise<void>;
}

/**
 * Waits one quiet millisecond after a request, at most ten in all, then runs `work`.
 * Requests during a run start another right after it. `work` must not reject.
 */
export function createCoalescer(clock: Clock, work: () => Promise<void>): Coalescer {
  let firstAtMs = 0;
  let cancel: (() => void) | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  const run = (): void => {
    cancel = undefined;
    again = false;
    running = work().finally(() => {
      running = undefined;
      if (again && !stopped) run();
    });
  };
  return {
    request: () => {
      if (stopped) return;
      if (running !== undefined) {
        again = true;
        return;
      }
      const now = clock.monotonicMs();
      if (cancel === undefined) firstAtMs = now;
      else if (now - firstAtMs >= longestMs - quietMs) return;
      cancel?.();
      cancel = clock.after(quietMs, run);
    },
    stop: async () => {
      stopped = true;
      cancel?.();
      cancel = undefined;
      await running;
    },
  };
}
