// Hot path: isEjected and recordSuccess run once per request.

/** When an endpoint is taken out for failing, and for how long. Times in milliseconds. */
export interface OutlierOptions {
  /** Failures in a row that eject. Default 5. */
  readonly consecutiveFailures?: number;
  /** First ejection; the n-th in a row lasts n times as long. Default 30 s. */
  readonly baseEjectionMs?: number;
  /** Longest ejection, and how long an endpoint must behave before the count starts anew. Default 300 s. */
  readonly maxEjectionMs?: number;
}

/** Most of a backend's endpoints that may be out at a time, but always one (as Envoy). */
const MAX_EJECTED_SHARE = 0.1;

// Words of a slot: uses | hash:2 | failures in a row | ejections in a row | reserved | until:f64.
const WORDS = 8;
const USES = 0;
const HASH = 1;
const FAILURES = 3;
const EJECTIONS = 4;
const UNTIL_DOUBLE = 3;
const CLAIMED = -1;
/** Slots looked at for a name before giving up. */
const PROBES = 64;

/** Memory for this many endpoints, to be shared by all threads that call them. */
export function createOutlierMemory(endpoints: number = 8192): SharedArrayBuffer {
  return new SharedArrayBuffer(endpoints * WORDS * 4);
}

/**
 * Passive health of endpoints, one truth for all threads: the endpoint that fails in one is out in
 * all. Slots are found by name in a lock-free table, so that no thread hands out numbers. Times are
 * of a clock that the threads share (Unix milliseconds); should it jump back, no ejection lasts
 * longer than the maximum.
 */
export class OutlierDetector {
  readonly #words: Int32Array;
  readonly #until: Float64Array;
  readonly #slots: number;
  readonly #consecutive: number;
  readonly #baseMs: number;
  readonly #maxMs: number;

  constructor(memory: SharedArrayBuffer, options: OutlierOptions = {}) {
    this.#words = new Int32Array(memory);
    this.#until = new Float64Array(memory);
    this.#slots = this.#words.length / WORDS;
    this.#consecutive = options.consecutiveFailures ?? 5;
    this.#baseMs = options.baseEjectionMs ?? 30_000;
    this.#maxMs = options.maxEjectionMs ?? 300_000;
  }

  /** The slot of an endpoint, until {@link release}; -1 when the table is full there: no detection then. */
  acquire(name: string): number {
    const [low, high] = hash(name);
    const words = this.#words;
    // First an existing one anywhere on the path, then a free one. A race may give a name two slots: harmless.
    for (let probe = 0; probe < PROBES; probe++) {
      const slot = this.#probe(low, probe);
      const at = slot * WORDS;
      for (;;) {
        const uses = Atomics.load(words, at + USES);
        if (uses <= 0 || words[at + HASH] !== low || words[at + HASH + 1] !== high) break;
        if (Atomics.compareExchange(words, at + USES, uses, uses + 1) === uses) return slot;
      }
    }
    for (let probe = 0; probe < PROBES; probe++) {
      const slot = this.#probe(low, probe);
      const at = slot * WORDS;
      if (Atomics.compareExchange(words, at + USES, 0, CLAIMED) !== 0) continue;
      words[at + HASH] = low;
      words[at + HASH + 1] = high;
      words[at + FAILURES] = 0;
      words[at + EJECTIONS] = 0;
      this.#until[slot * (WORDS / 2) + UNTIL_DOUBLE] = 0;
      Atomics.store(words, at + USES, 1);
      return slot;
    }
    return -1;
  }

  #probe(low: number, probe: number): number {
    return ((low >>> 0) + probe) % this.#slots;
  }

  release(slot: number): void {
    if (slot >= 0) Atomics.sub(this.#words, slot * WORDS + USES, 1);
  }

  recordSuccess(slot: number): void {
    if (slot >= 0 && this.#words[slot * WORDS + FAILURES] !== 0) this.#words[slot * WORDS + FAILURES] = 0;
  }

  /**
   * Counts a failure. `mayEject` is asked only when the endpoint is due: see {@link mayEject}. True
   * when the endpoint has been ejected by this very failure.
   */
  recordFailure(slot: number, nowMs: number, mayEject: () => boolean): boolean {
    if (slot < 0) return false;
    const at = slot * WORDS;
    if (Atomics.add(this.#words, at + FAILURES, 1) + 1 < this.#consecutive) return false;
    if (this.isEjected(slot, nowMs) || !mayEject()) return false;
    const index = slot * (WORDS / 2) + UNTIL_DOUBLE;
    const since = nowMs - this.#until[index]!;
    const before = since > this.#maxMs || since < 0 ? 0 : this.#words[at + EJECTIONS]!;
    this.#words[at + EJECTIONS] = before + 1;
    this.#words[at + FAILURES] = 0;
    this.#until[index] = nowMs + Math.min(this.#baseMs * (before + 1), this.#maxMs);
    return true;
  }

  isEjected(slot: number, nowMs: number): boolean {
    if (slot < 0) return false;
    const until = this.#until[slot * (WORDS / 2) + UNTIL_DOUBLE]!;
    return until > nowMs && until - nowMs <= this.#maxMs;
  }
}

/** Whether one more of `size` endpoints may be taken out when `ejected` are. The last one never is. */
export function mayEject(size: number, ejected: number): boolean {
  return size > 1 && ejected + 1 < size && ejected < Math.max(1, Math.floor(size * MAX_EJECTED_SHARE));
}

/** Two independent 32-bit FNV-1a hashes: names that agree in both share their health, which is no harm. */
function hash(name: string): [number, number] {
  let low = 0x811c9dc5;
  let high = 0x01234567;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ (code * 31 + i), 0x01000193);
  }
  return [low, high];
}
