import type { Clock } from '../sys/clock.ts';

const firstPauseMs = 1000;
const longestPauseMs = 60_000;

/**
 * When to repair what others have changed: at once, but ever more seldom while they keep changing
 * it, so that two programs that fight over one table do not burn the machine.
 */
export class HealSchedule {
  readonly #clock: Clock;
  readonly #heal: () => void;
  #pauseMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, heal: () => void) {
    this.#clock = clock;
    this.#heal = heal;
  }

  /** A change was noticed; several before the repair lead to one repair. */
  changed(): void {
    if (this.#cancel !== undefined) return;
    const sinceMs = this.#clock.monotonicMs() - this.#lastMs;
    // Quiet for twice the longest pause: whoever it was has stopped.
    if (sinceMs > 2 * longestPauseMs) this.#pauseMs = 0;
    this.#cancel = this.#clock.after(Math.max(0, this.#pauseMs - sinceMs), () => {
      this.#cancel = undefined;
      this.#lastMs = this.#clock.monotonicMs();
      this.#heal();
    });
    this.#pauseMs = Math.min(longestPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2));
  }

  stop(): void {
    this.#cancel?.();
  }
}
