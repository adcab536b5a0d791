// Hot path: one lookup per limited request.

/** Slots of the table; two words each. */
const SLOTS = 1 << 16;
/** Slots that a key may lie in, from its own on. */
const PROBES = 8;
/** Steps of the clock of one limiter that one request costs. */
const STEPS = 1000;

/** Memory for the buckets of all rate limits of a gateway, shared by its workers. 512 KiB, however many clients. */
export function createRateMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(SLOTS * 2 * 4);
}

/** How fast, and how much at once. */
export interface Rate {
  readonly requests: number;
  readonly windowMs: number;
  /** At least 1, at most 1,000,000. */
  readonly burst: number;
}

/** What a bucket says about a request. */
export interface RateDecision {
  readonly allowed: boolean;
  /** Requests that could follow at once. */
  readonly remaining: number;
  /** Until another request is let in (0: at once). */
  readonly retryMs: number;
  /** Until the bucket is full. */
  readonly resetMs: number;
}

/**
 * Token buckets in shared memory, each one number: when the bucket will be full again (the "theoretical arrival
 * time" of the generic cell rate algorithm, ITU-T I.371). A key's slot holds 32 bits of its hash beside that
 * number, so a bucket is taken, filled and emptied by single compare-and-swaps, without a lock. Where all slots
 * of a key are taken, the fullest bucket gives way: a full one is worth as much as none.
 *
 * Times are 32-bit counts of a limiter's own step, 1/{@link STEPS} of the time that one request refills in.
 * They wrap around. A bucket cannot lie further ahead than its burst, so what seems to is out of date, and
 * counts as full; a clock that is set back therefore does no more than fill buckets.
 */
export class RateTable {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Takes one token. `nowMs` must be one clock for all workers: the wall clock. */
  take(key: string, rate: Rate, nowMs: number): RateDecision {
    const stepMs = rate.windowMs / rate.requests / STEPS;
    const now = wrap(nowMs / stepMs);
    const room = rate.burst * STEPS;
    const at = this.#find(key, now, room);
    for (;;) {
      const full = Atomics.load(this.#words, at);
      const ahead = aheadOf(full, now, room);
      if (ahead + STEPS > room) {
        return { allowed: false, remaining: 0, retryMs: (ahead + STEPS - room) * stepMs, resetMs: ahead * stepMs };
      }
      const next = ahead + STEPS;
      if (Atomics.compareExchange(this.#words, at, full, (now + next) | 0) !== full) continue;
      return { allowed: true, remaining: Math.floor((room - next) / STEPS), retryMs: 0, resetMs: next * stepMs };
    }
  }

  /** Index of the word that holds the key's time. */
  #find(key: string, now: number, room: number): number {
    const words = this.#words;
    const tag = hash(key, 0x811c9dc5) | 1;
    const home = hash(key, 0x1b873593);
    for (;;) {
      let fullest = -1;
      let fullestAhead = Infinity;
      for (let probe = 0; probe < PROBES; probe++) {
        const at = ((home + probe) & (SLOTS - 1)) * 2;
        const present = Atomics.load(words, at);
        if (present === tag) return at + 1;
        if (present === 0) {
          if (Atomics.compareExchange(words, at, 0, tag) !== 0) break;
          Atomics.store(words, at + 1, now);
          return at + 1;
        }
        const ahead = aheadOf(Atomics.load(words, at + 1), now, room);
        if (ahead < fullestAhead) {
          fullest = at;
          fullestAhead = ahead;
        }
      }
      if (fullest < 0) continue;
      const present = Atomics.load(words, fullest);
      if (Atomics.compareExchange(words, fullest, present, tag) !== present) continue;
      Atomics.store(words, fullest + 1, now);
      return fullest + 1;
    }
  }
}

/** A whole number of steps, modulo 2^32, as a signed word. */
function wrap(steps: number): number {
  return Math.floor(steps % 4294967296) | 0;
}

/** Steps until a bucket is full. */
function aheadOf(full: number, now: number, room: number): number {
  const ahead = (full - now) | 0;
  return ahead < 0 || ahead > room ? 0 : ahead;
}

/** FNV-1a over UTF-16 units, mixed at the end. */
function hash(text: string, seed: number): number {
  let value = seed;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return (value ^ (value >>> 13)) | 0;
}
