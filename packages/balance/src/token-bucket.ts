/** Rate of a {@link TokenBucket}. */
export interface TokenBucketOptions {
  /** Tokens per second, above 0. */
  readonly rate: number;
  /** Most tokens saved up, at least 1. */
  readonly burst: number;
}

/**
 * Token bucket as a virtual clock (GCRA): one number, the time at which the bucket would be full
 * again. It lies in a 64-bit cell that may be shared, so that one rate holds over all threads.
 */
export class TokenBucket {
  readonly #cell: BigInt64Array;
  readonly #at: number;
  readonly #tokenUs: number;
  readonly #burst: number;

  /** `cell[at]` holds 0 at first: a full bucket. */
  constructor(options: TokenBucketOptions, cell: BigInt64Array = new BigInt64Array(1), at: number = 0) {
    if (!(options.rate > 0) || !(options.burst >= 1)) throw new RangeError('token bucket: rate > 0 and burst >= 1');
    this.#cell = cell;
    this.#at = at;
    this.#tokenUs = 1_000_000 / options.rate;
    this.#burst = options.burst;
  }

  /** Takes tokens at a time (ms; one clock for all who share the cell); false, and none taken, if there are too few. */
  take(nowMs: number, tokens: number = 1): boolean {
    const nowUs = nowMs * 1000;
    for (;;) {
      const before = Atomics.load(this.#cell, this.#at);
      const full = Math.max(nowUs, Number(before)) + tokens * this.#tokenUs;
      // Half a microsecond of rounding must not cost a token.
      if (full - nowUs > this.#burst * this.#tokenUs + 0.5) return false;
      const after = BigInt(Math.round(full));
      if (Atomics.compareExchange(this.#cell, this.#at, before, after) === before) return true;
    }
  }

  /** Milliseconds until so many tokens are there (for Retry-After); 0 when they are. */
  waitMs(nowMs: number, tokens: number = 1): number {
    const full = Math.max(nowMs * 1000, Number(Atomics.load(this.#cell, this.#at))) + tokens * this.#tokenUs;
    return Math.max(0, (full - nowMs * 1000 - this.#burst * this.#tokenUs) / 1000);
  }

  /** Whole tokens left. */
  left(nowMs: number): number {
    const used = Math.max(0, Number(Atomics.load(this.#cell, this.#at)) - nowMs * 1000) / this.#tokenUs;
    return Math.max(0, Math.floor(this.#burst - used + 1e-6));
  }
}
