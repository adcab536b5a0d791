// Hot path: `observe` and `pick` once per request.
import type { BalancerOptions } from './balancer.ts';
import { DrawingBalancer } from './weighted-draw.ts';

/** Time in which a latency is forgotten to 1/e, milliseconds. */
export const PEAK_EWMA_DECAY_MS = 10_000;

/** Options of {@link PeakEwma} beside the common ones; `now` is needed. */
export interface PeakEwmaOptions extends BalancerOptions {
  /** Time constant of forgetting, milliseconds. Default {@link PEAK_EWMA_DECAY_MS}. */
  readonly decayMs?: number;
}

/** Assumed of an endpoint that has requests in flight but never answered, ms: worse than any real latency. */
const PENALTY_MS = 65_535_000;

/**
 * Best of two by expected waiting: an average of latency that jumps up to any higher value at once
 * and sinks exponentially, times the requests in flight plus one, per weight (Finagle's Peak EWMA).
 * Sensitive to a slow endpoint before it has many requests queued. O(1).
 */
export class PeakEwma extends DrawingBalancer {
  readonly #latencies: Float64Array;
  readonly #cells: Int32Array;
  readonly #now: () => number;
  readonly #decayMs: number;

  constructor(options: PeakEwmaOptions) {
    super(options);
    if (options.now === undefined) throw new RangeError('now: peak-ewma needs a clock');
    this.#now = options.now;
    this.#latencies = options.latencies ?? new Float64Array(2 * this.size);
    this.#cells = options.latencyCells ?? Int32Array.from(this.weights, (_, index) => 2 * index);
    this.#decayMs = options.decayMs ?? PEAK_EWMA_DECAY_MS;
  }

  pick(avoid = -1): number {
    return this.pickOfTwo(avoid);
  }

  override observe(index: number, latencyMs: number): void {
    const at = this.#cells[index]!;
    const now = this.#now();
    const average = this.#decayed(at, now);
    const elapsed = Math.max(0, now - this.#latencies[at + 1]!);
    const keep = Math.exp(-elapsed / this.#decayMs);
    const before = this.#latencies[at]!;
    // Between two threads the last one wins: an average survives that.
    this.#latencies[at] = latencyMs >= average ? latencyMs : before * keep + latencyMs * (1 - keep);
    this.#latencies[at + 1] = now;
  }

  /** The average of an endpoint; one that has requests in flight and never answered is worse than any. */
  protected latencyMs(index: number): number {
    const average = this.#decayed(this.#cells[index]!, this.#now());
    return average === 0 && this.inFlight(index) > 0 ? PENALTY_MS : average;
  }

  /** An endpoint that is left alone is forgiven: its average sinks towards 0. */
  #decayed(at: number, now: number): number {
    const average = this.#latencies[at]!;
    const elapsed = now - this.#latencies[at + 1]!;
    return elapsed > 0 ? average * Math.exp(-elapsed / this.#decayMs) : average;
  }

  protected override isBetter(candidate: number, other: number): boolean {
    const now = this.#now();
    return this.#cost(candidate, now) * this.weights[other]! < this.#cost(other, now) * this.weights[candidate]!;
  }

  #cost(index: number, now: number): number {
    const pending = this.inFlight(index);
    const average = this.#decayed(this.#cells[index]!, now);
    if (average === 0) return pending === 0 ? 0 : PENALTY_MS + pending;
    return average * (pending + 1);
  }
}
