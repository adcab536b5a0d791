import type { Clock } from '../sys/clock.ts';

/** When a batch of changes is applied, milliseconds. */
export interface BatchTimes {
  /** The quiet time to wait for after a change; 0 waits for the next timer turn. */
  readonly minMs: number;
  /** A change never waits longer than this for quiet. */
  readonly maxMs: number;
  readonly clock: Clock;
}

/** Collects triggers into runs of one asynchronous function, never two at a time. */
export interface Batcher {
  /** Something changed: run, or run again after the present run. */
  trigger(): void;
  /** Resolves when nothing is waiting or running. */
  idle(): Promise<void>;
  /** No new runs; resolves when the present one has ended. */
  stop(): Promise<void>;
}

/**
 * Coalesces triggers for an applier: after the first, waits for `minMs` without another, at most
 * `maxMs`, then runs `fn`. Triggers during a run lead to exactly one more. `fn` handles its own errors.
 */
export function onBatch(times: BatchTimes, fn: () => Promise<void>): Batcher {
  const { clock, minMs, maxMs } = times;
  let firstAt: number | undefined;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> | undefined;
  let stopped = false;
  let waiters: (() => void)[] = [];

  const settle = (): void => {
    if (running !== undefined || (firstAt !== undefined && !stopped)) return;
    const settled = waiters;
    waiters = [];
    for (const resolve of settled) resolve();
  };
  const schedule = (): void => {
    if (stopped || running !== undefined || firstAt === undefined) return;
    cancelTimer?.();
    const waitedMs = clock.monotonicMs() - firstAt;
    cancelTimer = clock.after(Math.max(0, Math.min(minMs, maxMs - waitedMs)), run);
  };
  const run = (): void => {
    cancelTimer = undefined;
    firstAt = undefined;
    running = fn().finally(() => {
      running = undefined;
      schedule();
      settle();
    });
  };
  return {
    trigger() {
      if (stopped) return;
      firstAt ??= clock.monotonicMs();
      schedule();
    },
    idle() {
      return new Promise((resolve) => {
        waiters.push(resolve);
        settle();
      });
    },
    async stop() {
      stopped = true;
      cancelTimer?.();
      firstAt = undefined;
      await running;
      settle();
    },
  };
}
