import type { Clock } from '../../sys/clock.ts';
import { rcode, rrType } from '../../wire/dns/constants.ts';
import type { DnsRecord } from '../../wire/dns/message.ts';

/** An upstream's answer without header and OPT. */
export interface ForwardedAnswer {
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  /** AD bit of the upstream. */
  readonly authentic: boolean;
}

/** Bounds of the cache; TTLs in seconds. */
export interface ForwardCacheLimits {
  readonly entries: number;
  readonly positiveMaxTtl: number;
  readonly negativeMaxTtl: number;
  /** How long a SERVFAIL is remembered (RFC 9520). */
  readonly failureTtl: number;
}

export const defaultCacheLimits: ForwardCacheLimits = {
  entries: 10_000,
  positiveMaxTtl: 3600,
  negativeMaxTtl: 1800,
  failureTtl: 1,
};

interface Entry {
  readonly answer: ForwardedAnswer;
  readonly storedMs: number;
  readonly ttlSeconds: number;
}

/** Answers of upstreams by question, least recently used out first. */
export class ForwardCache {
  readonly #clock: Clock;
  readonly #limits: ForwardCacheLimits;
  readonly #entries: Map<string, Entry> = new Map();
  hits = 0;
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
    const age = entry === undefined ? 0 : Math.floor((this.#clock.monotonicMs() - entry.storedMs) / 1000);
    if (entry === undefined || age >= entry.ttlSeconds) {
      this.misses++;
      if (entry !== undefined) this.#entries.delete(key);
      return undefined;
    }
    this.hits++;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (age === 0) return entry.answer;
    const aged = (record: DnsRecord): DnsRecord => ({ ...record, ttl: Math.max(0, record.ttl - age) });
    return { ...entry.answer, answers: entry.answer.answers.map(aged), authority: entry.answer.authority.map(aged) };
  }

  set(key: string, answer: ForwardedAnswer): void {
    const ttlSeconds = this.#ttlOf(answer);
    if (ttlSeconds <= 0) return;
    this.#entries.delete(key);
    this.#entries.set(key, { answer, storedMs: this.#clock.monotonicMs(), ttlSeconds });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.entries) break;
      this.#entries.delete(oldest);
    }
  }

  /** Seconds an answer may be kept; 0: not at all. Negative answers need a SOA (RFC 2308 5). */
  #ttlOf(answer: ForwardedAnswer): number {
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
