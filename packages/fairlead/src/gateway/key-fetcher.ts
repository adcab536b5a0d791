import { deepEqual } from '@fairlead/client';
import { jwksProblem } from '../routing/read-credentials.ts';
import type { RouteTableDiff, VirtualHost } from '../routing/route-table.ts';
import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';

/** Times of fetching, milliseconds. */
export interface KeyTimes {
  /** Between two fetches that went well. */
  readonly refreshMs: number;
  /** After a failure; doubled with each further one, up to {@link refreshMs}. */
  readonly retryMs: number;
  /** Between a fetch and the next one that a token with an unknown key asks for. */
  readonly unknownMs: number;
}

/** What holds unless settings say otherwise. */
export const DEFAULT_KEY_TIMES: KeyTimes = { refreshMs: 300_000, retryMs: 1_000, unknownMs: 30_000 };

interface Source {
  jwks: string | undefined;
  startedMs: number;
  failures: number;
  isFetching: boolean;
  cancelTimer: () => void;
}

/**
 * Fetches the keys that JWT filters name by URL, for all workers: at once, then regularly, and when a token names a
 * key that nobody has. Keys stay while their server fails; an answer that is no set of keys is a failure too.
 */
export class KeyFetcher {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #download: (url: string) => Promise<string>;
  readonly #publish: (url: string, jwks: string | undefined) => void;
  readonly #times: KeyTimes;
  readonly #sources = new Map<string, Source>();
  readonly #urlsOfHost = new Map<string, ReadonlySet<string>>();
  readonly #uses = new Map<string, number>();

  /** @param options.publish tells the workers; undefined: there are none. */
  constructor(options: {
    readonly clock: Clock;
    readonly log: Log;
    readonly download: (url: string) => Promise<string>;
    readonly publish: (url: string, jwks: string | undefined) => void;
    readonly times?: KeyTimes;
  }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#download = options.download;
    this.#publish = options.publish;
    this.#times = options.times ?? DEFAULT_KEY_TIMES;
  }

  /** What is known, for a new worker. */
  *known(): Iterable<readonly [url: string, jwks: string]> {
    for (const [url, { jwks }] of this.#sources) if (jwks !== undefined) yield [url, jwks];
  }

  /** Follows the hosts of the route table. */
  update(hosts: RouteTableDiff['hosts']): void {
    for (const [key, host] of hosts) {
      const before = this.#urlsOfHost.get(key) ?? NONE;
      const after = urlsOf(host);
      if (deepEqual(before, after)) continue;
      if (after.size === 0) this.#urlsOfHost.delete(key);
      else this.#urlsOfHost.set(key, after);
      for (const url of after) this.#use(url, 1);
      for (const url of before) this.#use(url, -1);
    }
  }

  #use(url: string, by: number): void {
    const uses = (this.#uses.get(url) ?? 0) + by;
    if (uses > 0) this.#uses.set(url, uses);
    else this.#uses.delete(url);
    const source = this.#sources.get(url);
    if (uses > 0 && source === undefined) {
      const fresh = { jwks: undefined, startedMs: 0, failures: 0, isFetching: false, cancelTimer: () => {} };
      this.#sources.set(url, fresh);
      void this.#fetch(url, fresh);
    } else if (uses === 0 && source !== undefined) {
      source.cancelTimer();
      this.#sources.delete(url);
      this.#publish(url, undefined);
    }
  }

  /** A worker has a token whose key it does not know. It is told in any case, if only what it knows already. */
  request(url: string): void {
    const source = this.#sources.get(url);
    if (source === undefined) this.#publish(url, undefined);
    else if (source.isFetching) return;
    else if (this.#clock.monotonicMs() - source.startedMs < this.#times.unknownMs) this.#publish(url, source.jwks);
    else {
      source.cancelTimer();
      void this.#fetch(url, source);
    }
  }

  async #fetch(url: string, source: Source): Promise<void> {
    source.isFetching = true;
    source.startedMs = this.#clock.monotonicMs();
    let problem: string | undefined;
    try {
      const text = await this.#download(url);
      const wrong = jwksProblem(text);
      problem = wrong === undefined ? undefined : `${url}: ${wrong}`;
      if (wrong === undefined) source.jwks = text;
    } catch (error) {
      problem = (error as Error).message;
    }
    source.isFetching = false;
    if (this.#sources.get(url) !== source) return;
    const { refreshMs, retryMs } = this.#times;
    if (problem === undefined) source.failures = 0;
    else {
      source.failures++;
      const fields = { problem, kept: source.jwks !== undefined };
      this.#log('warn', 'the keys of tokens could not be fetched', fields);
    }
    const pauseMs = problem === undefined ? refreshMs : Math.min(refreshMs, retryMs * 2 ** (source.failures - 1));
    source.cancelTimer = this.#clock.after(pauseMs, () => void this.#fetch(url, source));
    this.#publish(url, source.jwks);
  }

  stop(): void {
    for (const { cancelTimer } of this.#sources.values()) cancelTimer();
    this.#sources.clear();
  }
}

const NONE: ReadonlySet<string> = new Set();

function urlsOf(host: VirtualHost | undefined): ReadonlySet<string> {
  const urls = new Set<string>();
  for (const { filters = [] } of host?.routes ?? []) {
    for (const filter of filters) {
      if ((filter.type === 'jwt' || filter.type === 'oidc') && filter.keys.type === 'url') urls.add(filter.keys.url);
    }
  }
  return urls;
}
