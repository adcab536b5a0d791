// Hot path: tryAcquire and release once per request.
import type { Random } from './balancer.ts';

/** Settings of {@link GradientLimit}; defaults are Envoy's. Times in milliseconds. */
export interface GradientOptions {
  readonly random: Random;
  /** How often the limit is computed. Default 100. */
  readonly updateIntervalMs?: number;
  /** How often the minimum round trip is measured anew. Default 60 s. */
  readonly minRttIntervalMs?: number;
  /** Part of that interval added at random, so that clients do not measure together. Default 0.1. */
  readonly minRttJitter?: number;
  /** Requests looked at for a minimum. Default 50. */
  readonly minRttRequests?: number;
  /** Concurrency while the minimum is measured, and the lowest limit. Default 3. */
  readonly minConcurrency?: number;
  readonly maxLimit?: number;
  /** Latency above the minimum that is taken for noise: a share of it. Default 0.25. */
  readonly buffer?: number;
  /** Quantile of a sample that stands for it. Default 0.5. */
  readonly quantile?: number;
}

const SAMPLES_MAX = 512;
const GRADIENT_MIN = 0.5;
const GRADIENT_MAX = 2;

/** Where the state of a {@link GradientLimit} lies: in memory that threads share (`LimitMemory`), or in one of them. */
export interface GradientState {
  /** Below one: not set yet. */
  limit: number;
  /** Latency without queue. */
  minRttMs: number;
  /** What the limit was before the minimum is measured. */
  limitBefore: number;
  /** When the limit is computed next. Changes with every round: samples of the one before count no more. */
  updateAtMs: number;
  /** When the minimum is measured next. */
  measureAtMs: number;
  /** The minimum is being measured: so at first. */
  readonly isMeasuring: boolean;
  readonly inFlight: number;
  /** Adds to {@link inFlight}; returns the sum. */
  addInFlight(amount: number): number;
  /** Begins or ends to measure; false where another thread has done so already. */
  setMeasuring(isMeasuring: boolean): boolean;
}

/** State that nobody shares. */
class OwnGradientState implements GradientState {
  limit: number = 0;
  minRttMs: number = 0;
  limitBefore: number = 0;
  updateAtMs: number = 0;
  measureAtMs: number = 0;
  isMeasuring: boolean = true;
  inFlight: number = 0;

  addInFlight(amount: number): number {
    this.inFlight += amount;
    return this.inFlight;
  }

  setMeasuring(isMeasuring: boolean): boolean {
    this.isMeasuring = isMeasuring;
    return true;
  }
}

/**
 * Adaptive concurrency: limit = limit * gradient + sqrt(limit), where the gradient is the latency
 * without queue (plus a buffer) over the present one. Queues make the gradient fall below one and the
 * limit with it; the square root lets it grow while there is no queue.
 *
 * Threads that share a state have one limit and one count of requests in flight. In each round the thread that
 * comes first computes the limit, of the samples that it took itself: all see the same servers.
 */
export class GradientLimit {
  readonly #options: Required<GradientOptions>;
  readonly #state: GradientState;
  readonly #samples = new Float64Array(SAMPLES_MAX);
  #sampleCount = 0;
  /** Round that the samples are of. */
  #roundMs = 0;

  /** @param state of its own unless given. Times of all that share one are of one clock. */
  constructor(options: GradientOptions, state: GradientState = new OwnGradientState()) {
    this.#options = {
      updateIntervalMs: 100,
      minRttIntervalMs: 60_000,
      minRttJitter: 0.1,
      minRttRequests: 50,
      minConcurrency: 3,
      maxLimit: 1000,
      buffer: 0.25,
      quantile: 0.5,
      ...options,
    };
    this.#state = state;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  get #limit(): number {
    const { limit } = this.#state;
    const { minConcurrency, maxLimit } = this.#options;
    return Math.min(limit < 1 ? minConcurrency : limit, maxLimit);
  }

  /** Latency without queue, ms; undefined while it is measured. */
  get minRttMs(): number | undefined {
    return this.#state.isMeasuring ? undefined : this.#state.minRttMs;
  }

  /** Counts a request that {@link release} will end; false when there are enough. */
  tryAcquire(nowMs: number): boolean {
    const state = this.#state;
    if (!state.isMeasuring && nowMs >= state.measureAtMs && state.setMeasuring(true)) this.#beginMeasuring(nowMs);
    if (state.addInFlight(1) <= this.limit) return true;
    state.addInFlight(-1);
    return false;
  }

  /** The end of a request; without a latency (it was cancelled or failed) nothing is learnt. */
  release(nowMs: number, latencyMs?: number): void {
    const state = this.#state;
    state.addInFlight(-1);
    if (latencyMs === undefined) return;
    if (state.updateAtMs !== this.#roundMs) {
      this.#roundMs = state.updateAtMs;
      this.#sampleCount = 0;
    }
    if (this.#sampleCount < SAMPLES_MAX) this.#samples[this.#sampleCount++] = latencyMs;
    if (state.isMeasuring) {
      if (this.#sampleCount >= this.#options.minRttRequests) this.#endMeasuring(nowMs);
    } else if (nowMs >= state.updateAtMs) this.#update(nowMs);
  }

  #beginMeasuring(nowMs: number): void {
    const state = this.#state;
    state.limitBefore = this.#limit;
    state.limit = this.#options.minConcurrency;
    state.updateAtMs = nowMs;
  }

  #endMeasuring(nowMs: number): void {
    const { minRttIntervalMs, minRttJitter, random, updateIntervalMs } = this.#options;
    const state = this.#state;
    const measuredMs = this.#sampleQuantile();
    state.minRttMs = measuredMs;
    state.measureAtMs = nowMs + minRttIntervalMs * (1 + minRttJitter * random());
    if (!state.setMeasuring(false)) return;
    state.limit = state.limitBefore;
    state.updateAtMs = nowMs + updateIntervalMs;
  }

  #update(nowMs: number): void {
    const { buffer, maxLimit, minConcurrency, updateIntervalMs } = this.#options;
    const state = this.#state;
    state.updateAtMs = nowMs + updateIntervalMs;
    const sample = this.#sampleQuantile();
    const raw = sample <= 0 ? GRADIENT_MAX : (state.minRttMs * (1 + buffer)) / sample;
    const gradient = Math.min(GRADIENT_MAX, Math.max(GRADIENT_MIN, raw));
    const limit = this.#limit;
    const next = limit * gradient + Math.sqrt(limit);
    state.limit = Math.min(maxLimit, Math.max(minConcurrency, next));
  }

  /** The quantile of the samples since last time, which are forgotten. */
  #sampleQuantile(): number {
    const sorted = this.#samples.subarray(0, this.#sampleCount).sort();
    const at = Math.min(sorted.length - 1, Math.floor(sorted.length * this.#options.quantile));
    this.#sampleCount = 0;
    return sorted[at] ?? 0;
  }
}
