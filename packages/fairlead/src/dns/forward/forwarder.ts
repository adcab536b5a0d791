import { randomInt } from 'node:crypto';
import type { Clock, Random } from '../../sys/clock.ts';
import { headerFlag, rcode, rrType } from '../../wire/dns/constants.ts';
import type { DnsMessage, DnsQuestion, DnsRecord } from '../../wire/dns/message.ts';
import { nameKey, type WireName } from '../../wire/dns/name.ts';
import { MessageWriter } from '../../wire/dns/writer.ts';
import { ForwardCache, type ForwardedAnswer } from './forward-cache.ts';
import { type ExchangeOptions, exchangeTcp, exchangeUdp, type Upstream } from './upstream-exchange.ts';

/** What a forwarder needs. */
export interface ForwarderOptions {
  readonly upstreams: readonly Upstream[];
  readonly clock: Clock;
  readonly random: Random;
  /** Message ID of a query, unpredictable. Default: node:crypto. */
  readonly randomId?: () => number;
  /** Time for one attempt at one upstream. */
  readonly attemptTimeoutMs?: number;
  /** Attempts in all, over all upstreams in turn. */
  readonly attempts?: number;
  /** Different questions in flight; beyond it SERVFAIL at once. */
  readonly maxInFlight?: number;
}

/** A question with the bits that change its answer. */
export interface ForwardQuestion extends DnsQuestion {
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

/** Counts since start. */
export interface ForwarderStats {
  readonly inFlight: number;
  readonly attempts: number;
  readonly failures: number;
  readonly rejected: number;
  readonly cacheEntries: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
}

const failure: ForwardedAnswer = { rcode: rcode.SERVFAIL, answers: [], authority: [], authentic: false };

/** Forwards questions outside our zones: cache, one flight per question, retries over the upstreams in turn. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #cache: ForwardCache;
  readonly #flights: Map<string, Promise<ForwardedAnswer>> = new Map();
  readonly #stop: AbortController = new AbortController();
  #attempts = 0;
  #failures = 0;
  #rejected = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#cache = new ForwardCache(options.clock);
  }

  get stats(): ForwarderStats {
    return {
      inFlight: this.#flights.size,
      attempts: this.#attempts,
      failures: this.#failures,
      rejected: this.#rejected,
      cacheEntries: this.#cache.size,
      cacheHits: this.#cache.hits,
      cacheMisses: this.#cache.misses,
    };
  }

  /** Never rejects: every failure is a SERVFAIL. */
  resolve(question: ForwardQuestion): Promise<ForwardedAnswer> {
    const flags = (question.dnssecOk ? 1 : 0) | (question.checkingDisabled ? 2 : 0);
    const key = `${question.type} ${question.class} ${flags} ${nameKey(question.name)}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined) return Promise.resolve(cached);
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying;
    if (this.#flights.size >= (this.#options.maxInFlight ?? 1000)) {
      this.#rejected++;
      return Promise.resolve(failure);
    }
    const flight = this.#ask(question).then((answer) => {
      this.#cache.set(key, answer);
      this.#flights.delete(key);
      return answer;
    });
    this.#flights.set(key, flight);
    return flight;
  }

  /** Ends all flights with SERVFAIL. */
  stop(): void {
    this.#stop.abort();
  }

  async #ask(question: ForwardQuestion): Promise<ForwardedAnswer> {
    const { upstreams, random } = this.#options;
    if (upstreams.length === 0) return failure;
    const first = Math.floor(random() * upstreams.length);
    const attempts = this.#options.attempts ?? Math.max(2, upstreams.length);
    let last: ForwardedAnswer = failure;
    for (let attempt = 0; attempt < attempts && !this.#stop.signal.aborted; attempt++) {
      const upstream = upstreams[(first + attempt) % upstreams.length]!;
      const answer = await this.#attempt(question, upstream);
      if (answer === undefined) continue;
      last = answer;
      // A server that fails or refuses may have a healthier neighbour.
      if (answer.rcode !== rcode.SERVFAIL && answer.rcode !== rcode.REFUSED) return answer;
    }
    return last;
  }

  async #attempt(question: ForwardQuestion, upstream: Upstream): Promise<ForwardedAnswer | undefined> {
    this.#attempts++;
    const id = this.#options.randomId?.() ?? randomInt(65536);
    const exchange: ExchangeOptions = {
      upstream,
      query: encodeQuery(id, question),
      id,
      question,
      timeoutMs: this.#options.attemptTimeoutMs ?? 2000,
      clock: this.#options.clock,
      signal: this.#stop.signal,
    };
    let result = await exchangeUdp(exchange);
    if (result.ok && (result.message.flags & headerFlag.TC) !== 0) result = await exchangeTcp(exchange);
    if (result.ok) return acceptAnswer(result.message, question);
    this.#failures++;
    return undefined;
  }
}

function encodeQuery(id: number, question: ForwardQuestion): Uint8Array {
  const writer = new MessageWriter(new Uint8Array(320));
  writer.header(id, headerFlag.RD | (question.checkingDisabled ? headerFlag.CD : 0));
  writer.question(question);
  writer.opt(0, question.dnssecOk);
  return writer.bytes;
}

/**
 * Takes from an answer only what belongs to the question: records at the names of the alias chain, and
 * from the authority section what ends a negative answer. All else could be poison.
 */
function acceptAnswer(message: DnsMessage, question: DnsQuestion): ForwardedAnswer {
  const chain = new Set([nameKey(question.name)]);
  const answers: DnsRecord[] = [];
  for (const record of message.answers) {
    const isAlias = record.type === rrType.DNAME && isBelow(question.name, record.name);
    if (record.class !== question.class || (!isAlias && !chain.has(nameKey(record.name)))) continue;
    answers.push(record);
    if (record.type === rrType.CNAME) chain.add(nameKey(record.data));
  }
  const last = [...chain].at(-1) ?? '';
  const authority = message.authority.filter(
    (record) => isNegativeProof(record.type) && (record.type !== rrType.SOA || isKeyBelow(last, nameKey(record.name))),
  );
  const authentic = (message.flags & headerFlag.AD) !== 0;
  return { rcode: message.flags & 0x0f, answers, authority, authentic };
}

/** SOA, RRSIG, NSEC, NSEC3. */
function isNegativeProof(type: number): boolean {
  return type === rrType.SOA || type === 46 || type === 47 || type === 50;
}

function isBelow(name: WireName, origin: WireName): boolean {
  return isKeyBelow(nameKey(name), nameKey(origin));
}

function isKeyBelow(name: string, origin: string): boolean {
  for (let label = 0; label < name.length; label += name.charCodeAt(label) + 1)
    if (name.slice(label) === origin) return true;
  return false;
}
