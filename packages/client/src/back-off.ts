import type { Random } from './clock.ts';

/** Bounds of an exponential back-off, in milliseconds. */
export interface BackOffBounds {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Delays that double up to a limit, each between half and the whole of its step ("equal jitter"). */
export interface BackOff {
  /** The delay before the next attempt; counts the failure. */
  nextMs(): number;
  /** A success: the next failure starts from the first delay again. */
  reset(): void;
}

/** Starts a back-off in its reset state. */
export function createBackOff(bounds: BackOffBounds, random: Random): BackOff {
  let stepMs = bounds.firstMs;
  return {
    nextMs() {
      const delayMs = stepMs * (0.5 + random() / 2);
      stepMs = Math.min(stepMs * 2, bounds.maxMs);
      return delayMs;
    },
    reset() {
      stepMs = bounds.firstMs;
    },
  };
}
