import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../sys/clock.ts';

/** What is known of a name: addresses, or why there are none. */
export type ResolvedName =
  | { readonly state: 'pending' }
  | { readonly state: 'resolved'; readonly addresses: readonly string[] }
  | { readonly state: 'failed'; readonly problem: string };

/** Addresses of names outside the cluster, each resolved only while somebody needs it. */
export interface NameSource {
  /** Counts one more need. */
  watch(name: string): void;
  /** Counts one need less. */
  unwatch(name: string): void;
  get(name: string): ResolvedName;
  /** Calls back for each name whose addresses changed. */
  subscribe(listener: (name: string) => void): () => void;
}

/** Resolves nothing, for who only asks about routes. */
export const noNames: NameSource = {
  watch() {},
  unwatch() {},
  get: () => ({ state: 'pending' }),
  subscribe: () => () => {},
};

/** An answer of DNS: addresses and how long they hold, seconds. */
export interface NameAnswer {
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

/** Asks DNS once. Rejects with an error whose `code` is `ENOTFOUND` or `ENODATA` for a name without addresses. */
export type AskName = (name: string) => Promise<NameAnswer>;

/** Bounds of the time between two questions: a TTL of 0 must not flood DNS, a long one not hide a change. */
const TTL_MIN_MS = 5_000;
const TTL_MAX_MS = 300_000;
/** After a failure. */
const RETRY_MS = 5_000;

interface Watched {
  needs: number;
  resolved: ResolvedName;
  cancel: () => void;
}

/**
 * Keeps the addresses of watched names fresh, by their TTL. A server that fails leaves the last
 * addresses in use; a name that is said not to exist loses them.
 */
export class ExternalNames implements NameSource {
  readonly #ask: AskName;
  readonly #clock: Clock;
  readonly #watched: Map<string, Watched> = new Map();
  readonly #listeners: Set<(name: string) => void> = new Set();

  /** `ask` defaults to the DNS servers of this machine. */
  constructor(clock: Clock, ask: AskName = askDns) {
    this.#clock = clock;
    this.#ask = ask;
  }

  watch(name: string): void {
    const known = this.#watched.get(name);
    if (known !== undefined) {
      known.needs++;
      return;
    }
    const watched: Watched = { needs: 1, resolved: { state: 'pending' }, cancel: () => {} };
    this.#watched.set(name, watched);
    void this.#resolve(name, watched);
  }

  unwatch(name: string): void {
    const watched = this.#watched.get(name);
    if (watched === undefined || --watched.needs > 0) return;
    watched.cancel();
    this.#watched.delete(name);
  }

  get(name: string): ResolvedName {
    return this.#watched.get(name)?.resolved ?? { state: 'pending' };
  }

  subscribe(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #resolve(name: string, watched: Watched): Promise<void> {
    const before = JSON.stringify(watched.resolved);
    let delayMs = RETRY_MS;
    try {
      const { addresses, ttlSeconds } = await this.#ask(name);
      watched.resolved = checkedAddresses(name, addresses);
      delayMs = Math.min(TTL_MAX_MS, Math.max(TTL_MIN_MS, ttlSeconds * 1000));
    } catch (error) {
      const code = (error as { readonly code?: string }).code ?? '';
      const isGone = code === 'ENOTFOUND' || code === 'ENODATA';
      if (isGone || watched.resolved.state !== 'resolved') {
        const problem = isGone ? `${name} has no address` : `${name} cannot be resolved (${code || 'no answer'})`;
        watched.resolved = { state: 'failed', problem };
      }
    }
    // Nobody needs it any more, or it was asked for anew meanwhile.
    if (this.#watched.get(name) !== watched) return;
    watched.cancel = this.#clock.after(delayMs, () => void this.#resolve(name, watched));
    if (JSON.stringify(watched.resolved) === before) return;
    for (const listener of this.#listeners) listener(name);
  }

  stop(): void {
    for (const { cancel } of this.#watched.values()) cancel();
    this.#watched.clear();
  }
}

/**
 * Leaves out what leads back into the gateway's machine (loopback, link-local with its metadata
 * servers, unspecified): who may write a Service must not reach those through it.
 */
function checkedAddresses(name: string, addresses: readonly string[]): ResolvedName {
  const allowed = [...new Set(addresses)].filter((address) => isIP(address) !== 0 && !isInward(address)).sort();
  if (allowed.length > 0) return { state: 'resolved', addresses: allowed };
  const problem =
    addresses.length === 0
      ? `${name} has no address`
      : `${name} has only loopback or link-local addresses (${addresses.join(', ')})`;
  return { state: 'failed', problem };
}

function isInward(address: string): boolean {
  if (!address.includes(':')) return /^(127|0)\.|^169\.254\./.test(address);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped !== undefined ? isInward(mapped) : address === '::' || address === '::1' || /^fe[89ab]/i.test(address);
}

/** IPv4 addresses, or IPv6 ones where there is no other; an address literal is itself. */
async function askDns(name: string): Promise<NameAnswer> {
  if (isIP(name) !== 0) return { addresses: [name], ttlSeconds: Infinity };
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  const records = await resolver.resolve4(name, { ttl: true }).catch(async (error: unknown) => {
    if ((error as { readonly code?: string }).code !== 'ENODATA') throw error;
    return resolver.resolve6(name, { ttl: true });
  });
  return {
    addresses: records.map(({ address }) => address),
    ttlSeconds: Math.min(...records.map(({ ttl }) => ttl)),
  };
}
