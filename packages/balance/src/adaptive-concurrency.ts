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

/**
 * Adaptive concurrency: limit = limit * gradient + sqrt(limit), where the gradient is the latency
 * without queue (plus a buffer) over the present one. Queues make the gradient fall below one and the
 * limit with it; the square root lets it grow while there is no queue.
 */
export class GradientLimit {
  readonly #options: Required<GradientOptions>;
  readonly #samples = new Float64Array(SAMPLES_MAX);
  #sampleCount = 0;
  #limit: number;
  /** Undefined while it is being measured. */
  #minRttMs: number | undefined = undefined;
  #limitBefore: number;
  #inFlight = 0;
  #updateAtMs = Number.NEGATIVE_INFINITY;
  #measureAtMs = Infinity;

  constructor(options: GradientOptions) {
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
    this.#limit = this.#options.minConcurrency;
    this.#limitBefore = this.#limit;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Latency without queue, ms; undefined while it is measured. */
  get minRttMs(): number | undefined {
    return this.#minRttMs;
  }

  /** Counts a request that {@link release} will end; false when there are enough. */
  tryAcquire(nowMs: number): boolean {
    if (nowMs >= this.#measureAtMs && this.#minRttMs !== undefined) this.#beginMeasuring();
    if (this.#inFlight >= this.limit) return false;
    this.#inFlight++;
    return true;
  }

  /** The end of a request; without a latency (it was cancelled or failed) nothing is learnt. */
  release(nowMs: number, latencyMs?: number): void {
    this.#inFlight--;
    if (latencyMs === undefined) return;
    if (this.#sampleCount < SAMPLES_MAX) this.#samples[this.#sampleCount++] = latencyMs;
    if (this.#minRttMs === undefined) {
      if (this.#sampleCount >= this.#options.minRttRequests) this.#endMeasuring(nowMs);
    } else if (nowMs >= this.#updateAtMs) this.#update(nowMs, this.#minRttMs);
  }

  #beginMeasuring(): void {
    this.#minRttMs = undefined;
    this.#limitBefore = this.#limit;
    this.#limit = this.#options.minConcurrency;
    this.#sampleCount = 0;
  }

  #endMeasuring(nowMs: number): void {
    const { minRttIntervalMs, minRttJitter, random, updateIntervalMs } = this.#options;
    this.#minRttMs = this.#sampleQuantile();
    this.#limit = this.#limitBefore;
    this.#measureAtMs = nowMs + minRttIntervalMs * (1 + minRttJitter * random());
    this.#updateAtMs = nowMs + updateIntervalMs;
  }

  #update(nowMs: number, minRttMs: number): void {
    const { buffer, maxLimit, minConcurrency, updateIntervalMs } = this.#options;
    this.#updateAtMs = nowMs + updateIntervalMs;
    const sample = this.#sampleQuantile();
    const raw = sample <= 0 ? GRADIENT_MAX : (minRttMs * (1 + buffer)) / sample;
    const gradient = Math.min(GRADIENT_MAX, Math.max(GRADIENT_MIN, raw));
    const next = this.#limit * gradient + Math.sqrt(this.#limit);
    this.#limit = Math.min(maxLimit, Math.max(minConcurrency, next));
  }

  /** The quantile of the samples since last time, which are forgotten. */
  #sampleQuantile(): number {
    const sorted = this.#samples.subarray(0, this.#sampleCount).sort();
    const at = Math.min(sorted.length - 1, Math.floor(sorted.length * this.#options.quantile));
    this.#sampleCount = 0;
    return sorted[at] ?? 0;
  }
}
