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
const PARTS = 30;

/**
 * Rejects requests before they are sent, in proportion to how far their success rate is below a
 * threshold: max(0, (requests - accepted / threshold) / (requests + 1)), to the power 1/aggression
 * (client throttling, Site Reliability Engineering, chapter 21). Rejected ones count as requests,
 * not as accepted.
 */
export class AdmissionControl {
  readonly #options: Required<AdmissionOptions>;
  readonly #requests = new Float64Array(PARTS);
  readonly #accepted = new Float64Array(PARTS);
  #allRequests = 0;
  #allAccepted = 0;
  #part = 0;

  constructor(options: AdmissionOptions) {
    this.#options = { threshold: 0.95, windowMs: 30_000, maxReject: 0.8, aggression: 1, ...options };
  }

  /** Probability that the next request is rejected. */
  rejectProbability(nowMs: number): number {
    this.#advance(nowMs);
    const { threshold, maxReject, aggression } = this.#options;
    const excess = (this.#allRequests - this.#allAccepted / threshold) / (this.#allRequests + 1);
    return excess <= 0 ? 0 : Math.min(maxReject, excess ** (1 / aggression));
  }

  /** Whether a request may be sent; a refusal is counted at once. */
  tryAdmit(nowMs: number): boolean {
    const probability = this.rejectProbability(nowMs);
    if (probability === 0 || this.#options.random() >= probability) return true;
    this.#count(0);
    return false;
  }

  /** The end of a request that was admitted. */
  record(isSuccess: boolean, nowMs: number): void {
    this.#advance(nowMs);
    this.#count(isSuccess ? 1 : 0);
  }

  #count(accepted: number): void {
    const at = this.#part % PARTS;
    this.#requests[at] = this.#requests[at]! + 1;
    this.#accepted[at] = this.#accepted[at]! + accepted;
    this.#allRequests += 1;
    this.#allAccepted += accepted;
  }

  #advance(nowMs: number): void {
    const part = Math.floor((nowMs * PARTS) / this.#options.windowMs);
    if (part <= this.#part) return;
    for (let passed = Math.min(PARTS, part - this.#part), i = 1; i <= passed; i++) {
      const at = (part - passed + i) % PARTS;
      this.#allRequests -= this.#requests[at]!;
      this.#allAccepted -= this.#accepted[at]!;
      this.#requests[at] = 0;
      this.#accepted[at] = 0;
    }
    this.#part = part;
  }
}
