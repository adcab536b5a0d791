import type { Clock } from '../../sys/clock.ts';
import { extendedError, rcode, rrType } from '../../wire/dns/constants.ts';
import type { DnsRecord } from '../../wire/dns/message.ts';

/** An upstream's answer without header and OPT. */
export interface ForwardedAnswer {
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  /** AD bit of the upstream. */
  readonly authentic: boolean;
  /** Why it is as it is (RFC 8914), for the client. */
  readonly extendedError?: number;
}

/** Bounds of the cache; TTLs in seconds. */
export interface ForwardCacheLimits {
  readonly entries: number;
  readonly positiveMaxTtl: number;
  readonly negativeMaxTtl: number;
  /** How long a SERVFAIL is remembered (RFC 9520). */
  readonly failureTtl: number;
  /** How long an expired answer may still be given when no upstream answers (RFC 8767). */
  readonly staleMaxSeconds: number;
}

const defaultCacheLimits: ForwardCacheLimits = {
  entries: 10_000,
  positiveMaxTtl: 3600,
  negativeMaxTtl: 1800,
  failureTtl: 1,
  staleMaxSeconds: 3600,
};

interface Entry {
  readonly answer: ForwardedAnswer;
  readonly storedMs: number;
  readonly ttlSeconds: number;
  /** Until then the expired answer is given without asking again, because nobody answered (RFC 8767 5). */
  heldUntilMs: number;
}

/** Answers of upstreams by question, least recently used out first. */
export class ForwardCache {
  readonly #clock: Clock;
  readonly #limits: ForwardCacheLimits;
  readonly #entries: Map<string, Entry> = new Map();
  hits = 0;
  /** Entries that were pushed out by newer ones. */
  evictions = 0;
  /** Entries that say that there is nothing. */
  denials = 0;
  misses = 0;

  constructor(clock: Clock, limits: ForwardCacheLimits = defaultCacheLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The answer with its TTLs counted down, or undefined. */
  get(key: string): ForwardedAnswer | undefined {
    const entry = this.#entries.get(key);
    const age = entry === undefined ? 0 : this.#age(entry);
    if (entry !== undefined && entry.heldUntilMs > this.#clock.monotonicMs()) return this.stale(key);
    if (entry === undefined || age >= entry.ttlSeconds) {
      this.misses++;
      if (entry !== undefined && age >= entry.ttlSeconds + this.#limits.staleMaxSeconds) this.#drop(key);
      return undefined;
    }
    this.hits++;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (age === 0) return entry.answer;
    return withTtls(entry.answer, (ttl) => Math.max(0, ttl - age));
  }

  /** An expired answer that is better than none, with TTLs of 30 seconds (RFC 8767 5). */
  stale(key: string): ForwardedAnswer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.answer.rcode === rcode.SERVFAIL) return undefined;
    if (this.#age(entry) >= entry.ttlSeconds + this.#limits.staleMaxSeconds) return undefined;
    return { ...withTtls(entry.answer, () => staleTtl), extendedError: extendedError.staleAnswer };
  }

  /** Gives the expired answer for the next 30 seconds without asking again. */
  hold(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.heldUntilMs = this.#clock.monotonicMs() + staleTtl * 1000;
  }

  #age(entry: Entry): number {
    return Math.floor((this.#clock.monotonicMs() - entry.storedMs) / 1000);
  }

  /** Keeps an answer. A failure never takes the place of something to fall back to. */
  set(key: string, answer: ForwardedAnswer): void {
    const ttlSeconds = this.ttlOf(answer);
    if (ttlSeconds <= 0 || (answer.rcode === rcode.SERVFAIL && this.stale(key) !== undefined)) return;
    this.#drop(key);
    if (isDenial(answer)) this.denials++;
    this.#entries.set(key, { answer, storedMs: this.#clock.monotonicMs(), ttlSeconds, heldUntilMs: 0 });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.entries) break;
      this.#drop(oldest);
      this.evictions++;
    }
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (isDenial(entry.answer)) this.denials--;
    this.#entries.delete(key);
  }

  /** Seconds an answer may be kept; 0: not at all. Negative answers need a SOA (RFC 2308 5). */
  ttlOf(answer: ForwardedAnswer): number {
    if (answer.rcode === rcode.SERVFAIL) return this.#limits.failureTtl;
    if (answer.rcode !== rcode.NOERROR && answer.rcode !== rcode.NXDOMAIN) return 0;
    const soa = answer.authority.find((record) => record.type === rrType.SOA);
    const smallest = Math.min(...answer.answers.map((record) => record.ttl));
    if (answer.rcode === rcode.NOERROR && soa === undefined) {
      return answer.answers.length === 0 ? 0 : Math.min(smallest, this.#limits.positiveMaxTtl);
    }
    if (soa === undefined) return 0;
    const minimum = new DataView(soa.data.buffer, soa.data.byteOffset).getUint32(soa.data.length - 4);
    return Math.min(smallest, soa.ttl, minimum, this.#limits.negativeMaxTtl);
  }
}

const staleTtl = 30;

function isDenial(answer: ForwardedAnswer): boolean {
  return answer.answers.length === 0;
}

function withTtls(answer: ForwardedAnswer, ttlOf: (ttl: number) => number): ForwardedAnswer {
  const changed = (record: DnsRecord): DnsRecord => ({ ...record, ttl: ttlOf(record.ttl) });
  return { ...answer, answers: answer.answers.map(changed), authority: answer.authority.map(changed) };
}
