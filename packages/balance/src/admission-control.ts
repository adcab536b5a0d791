import type { Random } from './balancer.ts';

/** Settings of {@link AdmissionControl}. */
export interface AdmissionOptions {
  readonly random: Random;
  /** Success rate below which requests are rejected, 0 to 1. Default 0.95. Client throttling with factor K is 1 / K. */
  readonly threshold?: number;
  /** Time looked back, ms. Default 30 s. */
  readonly windowMs?: number;
  /** Most requests rejected, 0 to 1. Default 0.8. */
  readonly maxReject?: number;
  /** Above 1: rejects more at a small shortfall. Default 1. */
  readonly aggression?: number;
}

/** Parts of the window; one is forgotten at a time. */
export const ADMISSION_PARTS = 30;

/** Where an {@link AdmissionControl} counts: views of memory that threads share (`LimitMemory`), or of one's own. */
export interface AdmissionState {
  /** One element: the present part, as a 32-bit number that wraps around. */
  readonly part: Int32Array;
  /** {@link ADMISSION_PARTS} counts. */
  readonly requests: Int32Array;
  readonly accepted: Int32Array;
}

function ownAdmissionState(): AdmissionState {
  return {
    part: new Int32Array(1),
    requests: new Int32Array(ADMISSION_PARTS),
    accepted: new Int32Array(ADMISSION_PARTS),
  };
}

/**
 * Rejects requests before they are sent, in proportion to how far their success rate is below a
 * threshold: max(0, (requests - accepted / threshold) / (requests + 1)), to the power 1/aggression
 * (client throttling, Site Reliability Engineering, chapter 21). Rejected ones count as requests,
 * not as accepted.
 *
 * Threads that share a state reject by what all of them see. What one counts while another ends a part may be lost.
 */
export class AdmissionControl {
  readonly #options: Required<AdmissionOptions>;
  readonly #state: AdmissionState;

  /** @param state of its own unless given. Times of all that share one are of one clock. */
  constructor(options: AdmissionOptions, state: AdmissionState = ownAdmissionState()) {
    this.#options = { threshold: 0.95, windowMs: 30_000, maxReject: 0.8, aggression: 1, ...options };
    this.#state = state;
  }

  /** Probability that the next request is rejected. */
  rejectProbability(nowMs: number): number {
    this.#advance(nowMs);
    const { threshold, maxReject, aggression } = this.#options;
    const { requests, accepted } = this.#state;
    let all = 0;
    let good = 0;
    for (let part = 0; part < ADMISSION_PARTS; part++) {
      all += requests[part]!;
      good += accepted[part]!;
    }
    const excess = (all - good / threshold) / (all + 1);
    return excess <= 0 ? 0 : Math.min(maxReject, excess ** (1 / aggression));
  }

  /** Whether a request may be sent; a refusal is counted at once. */
  tryAdmit(nowMs: number): boolean {
    const probability = this.rejectProbability(nowMs);
    if (probability === 0 || this.#options.random() >= probability) return true;
    this.#count(false);
    return false;
  }

  /** The end of a request that was admitted. */
  record(isSuccess: boolean, nowMs: number): void {
    this.#advance(nowMs);
    this.#count(isSuccess);
  }

  #count(isAccepted: boolean): void {
    const { part, requests, accepted } = this.#state;
    const at = (part[0]! >>> 0) % ADMISSION_PARTS;
    Atomics.add(requests, at, 1);
    if (isAccepted) Atomics.add(accepted, at, 1);
  }

  /** Who enters a part first forgets those that it takes the place of. */
  #advance(nowMs: number): void {
    const { part, requests, accepted } = this.#state;
    const before = Atomics.load(part, 0);
    const now = Math.floor((nowMs * ADMISSION_PARTS) / this.#options.windowMs) | 0;
    const passed = (now - before) | 0;
    if (passed <= 0 || Atomics.compareExchange(part, 0, before, now) !== before) return;
    for (let back = Math.min(ADMISSION_PARTS, passed) - 1; back >= 0; back--) {
      const at = ((now - back) >>> 0) % ADMISSION_PARTS;
      requests[at] = 0;
      accepted[at] = 0;
    }
  }
}
