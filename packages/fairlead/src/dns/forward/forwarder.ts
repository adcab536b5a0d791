import { randomInt } from 'node:crypto';
import type { Clock, Random } from '../../sys/clock.ts';
import { extendedError, headerFlag, rcode, rrClass, rrType } from '../../wire/dns/constants.ts';
import type { DnsMessage, DnsQuestion, DnsRecord } from '../../wire/dns/message.ts';
import { nameFromText, nameKey, type WireName } from '../../wire/dns/name.ts';
import { MessageWriter } from '../../wire/dns/writer.ts';
import { ForwardCache, type ForwardedAnswer } from './forward-cache.ts';
import { UpstreamConnections } from './upstream-connections.ts';
import { type ExchangeOptions, type ExchangeResult, exchangeUdp, type Upstream } from './upstream-exchange.ts';
import { UpstreamGroup } from './upstream-group.ts';
import { HttpsUpstreams } from './upstream-https.ts';

/** What a forwarder needs. */
export interface ForwarderOptions {
  /** For names that no rule is about. */
  readonly upstreams: readonly Upstream[];
  /** The rule with the longest domain that a name lies in decides. */
  readonly rules?: readonly ForwardRule[];
  readonly clock: Clock;
  readonly random: Random;
  /** Authorities that certificates of upstreams must come from, PEM. Default: those that Node knows. */
  readonly tlsAuthorities?: string | undefined;
  /** Message ID of a query, unpredictable. Default: node:crypto. */
  readonly randomId?: () => number;
  /** Time for one attempt at one upstream. */
  readonly attemptTimeoutMs?: number;
  /** Attempts in all, over all upstreams in turn. */
  readonly attempts?: number;
  /** Different questions in flight; beyond it SERVFAIL at once. */
  readonly maxInFlight?: number;
  /** Told of every exchange with an upstream: its answer's code, absent when there was none. */
  readonly onExchanged?: ((upstream: Upstream, code: number | undefined, durationMs: number) => void) | undefined;
  /** Told of every answer that may be kept, with its life in seconds. */
  readonly onAnswer?: (question: ForwardQuestion, answer: ForwardedAnswer, ttlSeconds: number) => void;
}

/** Where names of a domain go. */
export interface ForwardRule {
  /** In text, e.g. `example.org`. */
  readonly domain: string;
  readonly upstreams: readonly Upstream[];
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
  /** Queries to upstreams that found a connection open. */
  readonly reusedConnections: number;
  /** Datagrams of upstreams that did not answer the question asked. */
  readonly mismatches: number;
  /** Queries for which all upstreams were down. */
  readonly allDown: number;
  readonly cacheEntries: number;
  readonly deniedEntries: number;
  readonly evictions: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly servedStale: number;
  readonly refreshes: number;
  /** Upstreams that are asked last, because they did not answer. */
  readonly upstreamsDown: number;
  /** Our own query came back to us: nothing is forwarded. */
  readonly isLooping: boolean;
}

/** Counts of several forwarders together. */
export function sumForwarders([first, ...others]: readonly ForwarderStats[]): ForwarderStats {
  if (first === undefined) throw new TypeError('no forwarder');
  return others.reduce((sum, stats) => {
    const added = Object.entries(stats).map(([key, value]): [string, number | boolean] => {
      const before = sum[key as keyof ForwarderStats];
      return [key, typeof value === 'number' ? value + Number(before) : value || before];
    });
    return Object.fromEntries(added) as unknown as ForwarderStats;
  }, first);
}

function failure(info: number): ForwardedAnswer {
  return { rcode: rcode.SERVFAIL, answers: [], authority: [], authentic: false, extendedError: info };
}

/** A client waits so long before it gets an expired answer (RFC 8767 5). */
const staleAfterMs = 1800;

/** Forwards questions outside our zones: cache, one flight per question, retries over the upstreams in turn. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #cache: ForwardCache;
  readonly #flights: Map<string, Promise<ForwardedAnswer>> = new Map();
  readonly #stop: AbortController = new AbortController();
  readonly #default: UpstreamGroup;
  /** By the wire key of the domain. */
  readonly #rules: Map<string, UpstreamGroup> = new Map();
  readonly #connections: UpstreamConnections;
  readonly #https: HttpsUpstreams;
  #probe: string | undefined;
  #isLooping = false;
  #attempts = 0;
  #failures = 0;
  #rejected = 0;
  #allDown = 0;
  #mismatches = 0;
  #servedStale = 0;
  #refreshes = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    const { clock, random } = options;
    this.#cache = new ForwardCache(clock);
    this.#connections = new UpstreamConnections(options.tlsAuthorities);
    this.#https = new HttpsUpstreams(options.tlsAuthorities);
    this.#default = new UpstreamGroup(options.upstreams, clock, random);
    for (const { domain, upstreams } of options.rules ?? []) {
      const name = nameFromText(domain);
      if (name !== undefined) this.#rules.set(nameKey(name), new UpstreamGroup(upstreams, clock, random));
    }
  }

  get stats(): ForwarderStats {
    const groups = [this.#default, ...this.#rules.values()];
    return {
      inFlight: this.#flights.size,
      attempts: this.#attempts,
      failures: this.#failures,
      rejected: this.#rejected,
      reusedConnections: this.#connections.reused + this.#https.reused,
      mismatches: this.#mismatches,
      allDown: this.#allDown,
      cacheEntries: this.#cache.size,
      deniedEntries: this.#cache.denials,
      evictions: this.#cache.evictions,
      cacheHits: this.#cache.hits,
      cacheMisses: this.#cache.misses,
      servedStale: this.#servedStale,
      refreshes: this.#refreshes,
      upstreamsDown: groups.reduce((sum, group) => sum + group.down, 0),
      isLooping: this.#isLooping,
    };
  }

  /** Never rejects: every failure is a SERVFAIL. */
  resolve(question: ForwardQuestion): Promise<ForwardedAnswer> {
    const key = keyOf(question);
    if (key === this.#probe) this.#isLooping = true;
    if (this.#isLooping) return Promise.resolve(failure(extendedError.networkError));
    const cached = this.#cache.get(key);
    if (cached !== undefined) return Promise.resolve(cached);
    const flight = this.#fly(key, question);
    const stale = this.#cache.stale(key);
    return stale === undefined ? flight : this.#orStale(flight, stale);
  }

  /** The flight's answer, or an expired one before the client gives up. */
  #orStale(flight: Promise<ForwardedAnswer>, stale: ForwardedAnswer): Promise<ForwardedAnswer> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(staleAfterMs, () => {
        this.#servedStale++;
        resolve(stale);
      });
      void flight.then((answer) => {
        cancel();
        resolve(answer);
      });
    });
  }

  /** Asks anew although the cache has an answer; what comes replaces it. */
  async refresh(question: ForwardQuestion): Promise<void> {
    this.#refreshes++;
    await this.#fly(keyOf(question), question);
  }

  /**
   * Asks the upstreams for a name nobody else asks for. If that query arrives here, forwarding goes
   * round in circles, and is given up: `isLooping` in {@link stats}. Resolves to whether it does.
   */
  async probeLoop(): Promise<boolean> {
    if (this.#default.upstreams.length === 0) return false;
    const label = Array.from({ length: 4 }, () => randomInt(2 ** 32).toString(36)).join('');
    const name = nameFromText(`${label}.fairlead-loop-probe.invalid`);
    if (name === undefined) return false;
    const question = { name, type: rrType.HINFO, class: rrClass.IN, dnssecOk: false, checkingDisabled: false };
    this.#probe = keyOf(question);
    await this.#attempt(question, this.#default.order()[0]!, this.#default);
    this.#probe = undefined;
    return this.#isLooping;
  }

  /** Resolves when nothing that is in flight now is any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#flights.values());
  }

  /** Ends all flights with SERVFAIL. */
  stop(): void {
    this.#stop.abort();
    this.#connections.close();
    this.#https.close();
  }

  #fly(key: string, question: ForwardQuestion): Promise<ForwardedAnswer> {
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying;
    if (this.#flights.size >= (this.#options.maxInFlight ?? 1000)) {
      this.#rejected++;
      return Promise.resolve(failure(extendedError.notReady));
    }
    const flight = this.#ask(question).then((answer) => {
      this.#flights.delete(key);
      const stale = answer.rcode === rcode.SERVFAIL ? this.#cache.stale(key) : undefined;
      if (stale === undefined) this.#cache.set(key, answer);
      else {
        this.#servedStale++;
        this.#cache.hold(key);
      }
      const given = stale ?? answer;
      const ttl = given.rcode === rcode.SERVFAIL ? 0 : this.#cache.ttlOf(given);
      if (ttl > 0) this.#options.onAnswer?.(question, given, ttl);
      return given;
    });
    this.#flights.set(key, flight);
    return flight;
  }

  async #exchange(exchange: ExchangeOptions): Promise<ExchangeResult> {
    const { tlsName, httpsPath } = exchange.upstream;
    if (httpsPath !== undefined) return this.#https.exchange(exchange);
    if (tlsName !== undefined) return this.#connections.exchange(exchange);
    const result = await exchangeUdp(exchange);
    const isCut = result.ok && (result.message.flags & headerFlag.TC) !== 0;
    return isCut ? this.#connections.exchange(exchange) : result;
  }

  #groupFor(name: WireName): UpstreamGroup {
    if (this.#rules.size > 0) {
      for (let at = 0; ; at += name[at]! + 1) {
        const group = this.#rules.get(nameKey(name, at));
        if (group !== undefined) return group;
        if (name[at] === 0 || at >= name.length) break;
      }
    }
    return this.#default;
  }

  async #ask(question: ForwardQuestion): Promise<ForwardedAnswer> {
    const group = this.#groupFor(question.name);
    const upstreams = group.order();
    if (upstreams.length === 0) return failure(extendedError.noReachableAuthority);
    if (group.down === upstreams.length) this.#allDown++;
    const attempts = this.#options.attempts ?? Math.max(2, upstreams.length);
    let last = failure(extendedError.noReachableAuthority);
    for (let attempt = 0; attempt < attempts && !this.#stop.signal.aborted; attempt++) {
      const answer = await this.#attempt(question, upstreams[attempt % upstreams.length]!, group);
      if (answer === undefined) continue;
      last = answer;
      // A server that fails or refuses may have a healthier neighbour.
      if (answer.rcode !== rcode.SERVFAIL && answer.rcode !== rcode.REFUSED) return answer;
    }
    return last;
  }

  async #attempt(
    question: ForwardQuestion,
    upstream: Upstream,
    group: UpstreamGroup,
  ): Promise<ForwardedAnswer | undefined> {
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
      onMismatch: () => this.#mismatches++,
    };
    const startMs = this.#options.clock.monotonicMs();
    const result = await this.#exchange(exchange);
    const code = result.ok ? result.message.flags & 0x0f : undefined;
    this.#options.onExchanged?.(upstream, code, this.#options.clock.monotonicMs() - startMs);
    group.note(upstream, result.ok);
    if (result.ok) return acceptAnswer(result.message, question);
    this.#failures++;
    return undefined;
  }
}

/** Questions with one key have one answer. */
function keyOf(question: ForwardQuestion): string {
  const flags = (question.dnssecOk ? 1 : 0) | (question.checkingDisabled ? 2 : 0);
  return `${question.type} ${question.class} ${flags} ${nameKey(question.name)}`;
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
