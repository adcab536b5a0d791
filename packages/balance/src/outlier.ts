// Hot path: isEjected and record run once per request.
import type { Random } from './balancer.ts';
import {
  EJECTED_UNTIL,
  EJECTIONS,
  type EndpointMemory,
  FAILURES_5XX,
  FAILURES_GATEWAY,
  FAILURES_LOCAL,
  WINDOW_GOOD,
  WINDOW_TOTAL,
} from './endpoint-memory.ts';

/** When an endpoint is taken out for failing, and for how long. `off` disables a rule. Times in milliseconds. */
export interface OutlierOptions {
  /** Responses 500 to 599 and local failures in a row. Default 5. */
  readonly consecutive5xx?: number | 'off';
  /** Responses 502, 503, 504 and local failures in a row. Default `off`. */
  readonly consecutiveGateway?: number | 'off';
  /** Failures in a row without any response. Default `off`. */
  readonly consecutiveLocal?: number | 'off';
  /** Success rates below mean - factor * deviation. Default 1.9. */
  readonly successRateFactor?: number | 'off';
  readonly successRateMinEndpoints?: number;
  readonly successRateMinRequests?: number;
  /** Percent of failures in an interval. Default `off` (85 is usual). */
  readonly failurePercentage?: number | 'off';
  readonly failurePercentageMinEndpoints?: number;
  readonly failurePercentageMinRequests?: number;
  /** First ejection; the n-th in a row lasts n times as long. Default 30 s. */
  readonly baseEjectionMs?: number;
  /** Longest ejection, and how long an endpoint must behave before the count starts anew. Default 300 s. */
  readonly maxEjectionMs?: number;
  /** Most added to an ejection at random. Default 0. */
  readonly jitterMs?: number;
  /** Most of a backend's endpoints that may be out at a time, 0 to 1; one always may. Default 0.1. */
  readonly maxEjectedShare?: number;
}

/** Envoy's defaults. */
export const OUTLIER_DEFAULTS: Required<OutlierOptions> = {
  consecutive5xx: 5,
  consecutiveGateway: 'off',
  consecutiveLocal: 'off',
  successRateFactor: 1.9,
  successRateMinEndpoints: 5,
  successRateMinRequests: 100,
  failurePercentage: 'off',
  failurePercentageMinEndpoints: 5,
  failurePercentageMinRequests: 50,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  jitterMs: 0,
  maxEjectedShare: 0.1,
};

/** How a request to an endpoint ended; `local`: without a response. */
export type Outcome = 'success' | '5xx' | 'gateway' | 'local';

/**
 * Passive health of the endpoints of one backend, by rules of its own, over memory that all threads
 * share: the endpoint that fails in one is out in all. Times are Unix milliseconds; should that clock
 * jump back, no ejection lasts longer than the maximum.
 */
export class OutlierDetector {
  readonly #memory: EndpointMemory;
  readonly #options: Required<OutlierOptions>;
  readonly #random: Random;

  constructor(memory: EndpointMemory, options: OutlierOptions, random: Random) {
    this.#memory = memory;
    this.#options = { ...OUTLIER_DEFAULTS, ...options };
    this.#random = random;
  }

  /**
   * Counts the end of a request. `ejected` says how many of how many endpoints are out, and is asked
   * only when this one is due. True when it has been ejected by this very outcome.
   */
  record(slot: number, outcome: Outcome, nowMs: number, counts: () => EjectionCounts): boolean {
    const memory = this.#memory;
    if (slot === memory.spare) return false;
    const { words } = memory;
    const record = memory.at(slot, 0);
    words[record + WINDOW_TOTAL] = words[record + WINDOW_TOTAL]! + 1;
    if (outcome === 'success') {
      words[record + WINDOW_GOOD] = words[record + WINDOW_GOOD]! + 1;
      if (words[record + FAILURES_5XX] !== 0) words[record + FAILURES_5XX] = 0;
      if (words[record + FAILURES_GATEWAY] !== 0) words[record + FAILURES_GATEWAY] = 0;
      if (words[record + FAILURES_LOCAL] !== 0) words[record + FAILURES_LOCAL] = 0;
      return false;
    }
    const { consecutive5xx, consecutiveGateway, consecutiveLocal } = this.#options;
    const isGateway = outcome !== '5xx';
    const isLocal = outcome === 'local';
    const due = [
      Atomics.add(words, record + FAILURES_5XX, 1) + 1 >= limitOf(consecutive5xx),
      isGateway && Atomics.add(words, record + FAILURES_GATEWAY, 1) + 1 >= limitOf(consecutiveGateway),
      isLocal && Atomics.add(words, record + FAILURES_LOCAL, 1) + 1 >= limitOf(consecutiveLocal),
    ].includes(true);
    if (!isGateway) words[record + FAILURES_GATEWAY] = 0;
    if (!isLocal) words[record + FAILURES_LOCAL] = 0;
    return due && this.#eject(slot, nowMs, counts);
  }

  #eject(slot: number, nowMs: number, counts: () => EjectionCounts): boolean {
    if (this.isEjected(slot, nowMs) || !this.#mayEject(counts())) return false;
    const memory = this.#memory;
    const { baseEjectionMs, jitterMs, maxEjectionMs } = this.#options;
    const record = memory.at(slot, 0);
    const until = memory.doubleAt(slot, EJECTED_UNTIL);
    const since = nowMs - memory.doubles[until]!;
    const before = since > maxEjectionMs || since < 0 ? 0 : memory.words[record + EJECTIONS]!;
    memory.words[record + EJECTIONS] = before + 1;
    for (const word of [FAILURES_5XX, FAILURES_GATEWAY, FAILURES_LOCAL]) memory.words[record + word] = 0;
    const length = Math.min(baseEjectionMs * (before + 1), maxEjectionMs) + this.#random() * jitterMs;
    memory.doubles[until] = nowMs + length;
    memory.touch();
    return true;
  }

  /** Whether one more may be taken out. The last one never is. */
  #mayEject({ size, ejected }: EjectionCounts): boolean {
    return (
      size > 1 && ejected + 1 < size && ejected < Math.max(1, Math.floor(size * this.#options.maxEjectedShare + 1e-9))
    );
  }

  isEjected(slot: number, nowMs: number): boolean {
    const until = this.ejectedUntil(slot);
    return until > nowMs && until - nowMs <= this.#options.maxEjectionMs + this.#options.jitterMs;
  }

  /** Unix ms at which the last ejection ends or ended; 0 without one. */
  ejectedUntil(slot: number): number {
    return slot === this.#memory.spare ? 0 : this.#memory.doubles[this.#memory.doubleAt(slot, EJECTED_UNTIL)]!;
  }

  /** Ends an ejection, e.g. because an active check has passed. */
  uneject(slot: number): void {
    const at = this.#memory.doubleAt(slot, EJECTED_UNTIL);
    if (slot === this.#memory.spare || this.#memory.doubles[at] === 0) return;
    this.#memory.doubles[at] = 0;
    this.#memory.touch();
  }

  /**
   * The rules that compare endpoints with each other; to be called by one thread at the end of each
   * interval, with all endpoints of the backend. Starts the next interval. Returns how many were ejected.
   */
  endInterval(slots: readonly number[], nowMs: number): number {
    const memory = this.#memory;
    const seen = slots
      .filter((slot) => slot !== memory.spare)
      .map((slot) => {
        const record = memory.at(slot, 0);
        const total = Atomics.exchange(memory.words, record + WINDOW_TOTAL, 0);
        const good = Atomics.exchange(memory.words, record + WINDOW_GOOD, 0);
        return { slot, total, rate: total === 0 ? 1 : Math.min(1, good / total) };
      });
    const counts = (): EjectionCounts => ({
      size: slots.length,
      ejected: slots.filter((slot) => this.isEjected(slot, nowMs)).length,
    });
    const before = counts().ejected;
    const options = this.#options;
    const rated = seen.filter(({ total }) => total >= options.successRateMinRequests);
    if (options.successRateFactor !== 'off' && rated.length >= options.successRateMinEndpoints) {
      const mean = rated.reduce((sum, { rate }) => sum + rate, 0) / rated.length;
      const variance = rated.reduce((sum, { rate }) => sum + (rate - mean) ** 2, 0) / rated.length;
      const least = mean - options.successRateFactor * Math.sqrt(variance);
      for (const { slot, rate } of rated) if (rate < least) this.#eject(slot, nowMs, counts);
    }
    const counted = seen.filter(({ total }) => total >= options.failurePercentageMinRequests);
    if (options.failurePercentage !== 'off' && counted.length >= options.failurePercentageMinEndpoints) {
      for (const { slot, rate } of counted) {
        if ((1 - rate) * 100 >= options.failurePercentage) this.#eject(slot, nowMs, counts);
      }
    }
    return counts().ejected - before;
  }
}

/** Endpoints of a backend, and how many of them are out. */
export interface EjectionCounts {
  readonly size: number;
  readonly ejected: number;
}

function limitOf(limit: number | 'off'): number {
  return limit === 'off' ? Infinity : limit;
}
