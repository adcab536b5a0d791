import type { Random } from './balancer.ts';

/** How many retries may be under way, relative to the requests under way. */
export interface RetryBudgetOptions {
  /** Default 0.2. */
  readonly share?: number;
  /** Allowed however few requests there are. Default 3. */
  readonly min?: number;
}

/** Most retries at a time with `active` requests under way, retries included. */
export function retryBudget(active: number, options: RetryBudgetOptions = {}): number {
  const { share = 0.2, min = 3 } = options;
  return Math.max(min, Math.floor(active * share));
}

/** Pause before retry `nth` (1 for the first): uniform in [0, min(base * 2^(n-1), max)), "full jitter". */
export function backoffMs(nth: number, baseMs: number, maxMs: number, random: Random): number {
  return random() * Math.min(maxMs, baseMs * 2 ** (nth - 1));
}
