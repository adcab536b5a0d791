import type { Probe } from '@fairlead/api';

/** Thresholds of a probe, complete; times in milliseconds. */
export interface ProbeTiming {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** Running counts of one probe. `result` stays until a threshold is crossed. */
export interface ProbeTally {
  readonly result: 'unknown' | 'success' | 'failure';
  readonly successes: number;
  readonly failures: number;
}

/** Before the first attempt. */
export const NEW_TALLY: ProbeTally = { result: 'unknown', successes: 0, failures: 0 };

/** Fills in the Kubernetes defaults. */
export function probeTiming(probe: Probe): ProbeTiming {
  const positive = (value: number | undefined, fallback: number): number =>
    value === undefined || value <= 0 ? fallback : value;
  return {
    initialDelayMs: Math.max(0, probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: positive(probe.periodSeconds, 10) * 1000,
    timeoutMs: positive(probe.timeoutSeconds, 1) * 1000,
    successThreshold: positive(probe.successThreshold, 1),
    failureThreshold: positive(probe.failureThreshold, 3),
  };
}

/** Counts one outcome. */
export function tally(before: ProbeTally, ok: boolean, timing: ProbeTiming): ProbeTally {
  const successes = ok ? before.successes + 1 : 0;
  const failures = ok ? 0 : before.failures + 1;
  if (successes >= timing.successThreshold) return { result: 'success', successes, failures };
  if (failures >= timing.failureThreshold) return { result: 'failure', successes, failures };
  return { result: before.result, successes, failures };
}

/** Delays of the quick attempts before the first success: a fresh program is up long before one period. */
const QUICK_DELAYS_MS = [10, 20, 20, 30, 40, 60, 80, 120, 160, 250, 400, 600];

/**
 * Delay before quick attempt number `attempt` of a probe that has never passed, or undefined when only the
 * regular schedule is left. Quick attempts can pass a probe; their failures count for nothing.
 */
export function quickDelay(attempt: number, periodMs: number): number | undefined {
  const delay = QUICK_DELAYS_MS[attempt] ?? 1000;
  return delay < periodMs ? delay : undefined;
}
