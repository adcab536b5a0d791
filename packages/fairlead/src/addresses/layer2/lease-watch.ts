import { type Lease, leases, type Stored } from '@fairlead/api';
import { announcerNamespace } from '@fairlead/api/fairlead-dev/types';
import { type ApiClient, type Informer, startInformer } from '@fairlead/client';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { addressLeaseKind, leaseLabel, nodeLeaseKind, nodeLeaseName, rankOf } from './lease-names.ts';

/** How many holders' node Leases an announcer watches: each renewal is an event for everybody who watches it. */
export interface WatchLimits {
  /** Up to so many holders, everybody watches all of them. */
  readonly all: number;
  /** Above, so many of the other holders watch each holder, and free what it had when it is gone. */
  readonly each: number;
}

/** Defaults: at most some three events a second for each announcer, however many holders there are. */
export const watchLimits: WatchLimits = { all: 8, each: 4 };

/** After a holder is gone, its watchers watch all: others, and their watchers, may have gone with it. */
const wideMs = 30_000;

/**
 * Whose node Leases `me` watches, of these holders; all others when there are few. Each holder has the same watchers
 * whoever computes it, as far as they see the same holders. Pure.
 */
export function watchedHolders(
  me: string,
  holders: ReadonlySet<string>,
  limits: WatchLimits,
): ReadonlySet<string> | 'all' {
  if (holders.size <= limits.all) return 'all';
  const watched = new Set<string>();
  for (const holder of holders) {
    if (holder === me) continue;
    const mine = rankOf(holder, me);
    let before = 0;
    for (const other of holders) {
      if (other === me || other === holder || rankOf(holder, other) >= mine) continue;
      if (++before === limits.each) break;
    }
    if (before < limits.each) watched.add(holder);
  }
  return watched;
}

/** What a {@link LeaseWatch} needs. */
export interface LeaseWatchOptions {
  readonly client: ApiClient;
  readonly node: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly limits?: WatchLimits;
  readonly nowMs: () => number;
  onChange(): void;
}

/**
 * The Leases that an announcer follows: those of all addresses, its own, and those of the holders that it watches.
 *
 * All come by one watch, so that what is seen after a write is what was there when it was written. Another selection is
 * another watch, which takes the place of the old one once it is complete.
 */
export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  #informer: Informer<Lease>;
  #watched: ReadonlySet<string> | 'all' = 'all';
  #next: { readonly informer: Informer<Lease>; readonly selector: string } | undefined;
  #selector: string = leaseLabel;
  /** When a node Lease was last seen to change: clocks of others are not trusted. */
  readonly #seen = new Map<string, { readonly version: string; readonly atMs: number }>();
  #wideUntilMs = Number.NEGATIVE_INFINITY;
  /** The holders that were arranged for last, and the answer. */
  #arranged: { readonly holders: ReadonlySet<string>; readonly watched: ReadonlySet<string> | 'all' } | undefined;
  #stopped = false;

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
    this.#informer = this.#start(this.#selector);
    this.#follow(this.#informer);
  }

  get hasSynced(): boolean {
    return this.#informer.hasSynced;
  }

  /** Not everybody watches everybody: who sees that a holder is gone has to tell the others. */
  get isSparse(): boolean {
    return this.#watched !== 'all' || this.#options.nowMs() < this.#wideUntilMs;
  }

  lease(name: string): Stored<Lease> | undefined {
    return this.#informer.get(`${announcerNamespace}/${name}`);
  }

  /** Leases of addresses. */
  *addresses(): Iterable<Stored<Lease>> {
    for (const lease of this.#informer.values()) {
      if (lease.metadata.labels?.[leaseLabel] === addressLeaseKind) yield lease;
    }
  }

  /** Whether anything is known of this holder's life. */
  isWatched(holder: string): boolean {
    return this.#watched === 'all' || this.#watched.has(holder);
  }

  /** Resolves when everything up to this version has been seen, whichever watch it comes by. */
  async caughtUp(resourceVersion: string): Promise<void> {
    for (let informer: Informer<Lease> | undefined; informer !== this.#informer && !this.#stopped; ) {
      informer = this.#informer;
      await informer.caughtUp(resourceVersion);
    }
  }

  noteVersion(name: string, version: string): void {
    if (this.#seen.get(name)?.version !== version) this.#seen.set(name, { version, atMs: this.#options.nowMs() });
  }

  /** The version of a holder's node Lease that has stood still, or been absent, for longer than this; else it lives. */
  stoodStill(holder: string, longerThanMs: number): { readonly node: string; readonly version: string } | undefined {
    if (!this.isWatched(holder)) return undefined;
    const name = nodeLeaseName(holder);
    const version = this.lease(name)?.metadata.resourceVersion ?? '';
    this.noteVersion(name, version);
    const seen = this.#seen.get(name);
    const stood = seen === undefined ? 0 : this.#options.nowMs() - seen.atMs;
    return stood > longerThanMs ? { node: name, version } : undefined;
  }

  /** A holder is gone. */
  widen(): void {
    this.#wideUntilMs = this.#options.nowMs() + wideMs;
  }

  /** Follows the holders that there are now; cheap when they are those of before. */
  arrange(): void {
    if (!this.hasSynced || this.#stopped) return;
    const { node, nowMs } = this.#options;
    const watched = nowMs() < this.#wideUntilMs ? 'all' : this.#watchedNow();
    const selector = watched === 'all' ? leaseLabel : selectorOf([node, ...watched]);
    if (selector === (this.#next?.selector ?? this.#selector)) return;
    this.#next?.informer.stop();
    this.#next = undefined;
    if (selector === this.#selector) return;
    const informer = this.#start(selector);
    this.#next = { informer, selector };
    void informer.synced.then(() => {
      if (this.#next?.informer !== informer || this.#stopped) return;
      const old = this.#informer;
      this.#informer = informer;
      this.#selector = selector;
      this.#watched = watched;
      this.#next = undefined;
      const names = watched === 'all' ? undefined : new Set([...watched].map(nodeLeaseName));
      for (const name of this.#seen.keys()) if (names?.has(name) === false) this.#seen.delete(name);
      this.#follow(informer);
      old.stop();
    });
  }

  #watchedNow(): ReadonlySet<string> | 'all' {
    const { node, limits = watchLimits } = this.#options;
    const holders = new Set<string>();
    for (const { spec } of this.addresses()) if (spec?.holderIdentity) holders.add(spec.holderIdentity);
    if (this.#arranged === undefined || holders.symmetricDifference(this.#arranged.holders).size > 0) {
      this.#arranged = { holders, watched: watchedHolders(node, holders, limits) };
    }
    return this.#arranged.watched;
  }

  stop(): void {
    this.#stopped = true;
    this.#informer.stop();
    this.#next?.informer.stop();
  }

  #start(labelSelector: string): Informer<Lease> {
    const { client, clock, random, log } = this.#options;
    return startInformer(client, leases, { namespace: announcerNamespace, labelSelector }, { clock, random, log });
  }

  #follow(informer: Informer<Lease>): void {
    informer.subscribe((changes) => {
      for (const { key, new: lease } of changes) {
        const name = key.slice(key.indexOf('/') + 1);
        if (lease === undefined) this.#seen.delete(name);
        else this.noteVersion(name, lease.metadata.resourceVersion);
      }
      this.#options.onChange();
    });
  }
}

function selectorOf(nodes: readonly string[]): string {
  const kinds = [...new Set(nodes.map(nodeLeaseKind))].sort();
  return `${leaseLabel} in (${[addressLeaseKind, ...kinds].join(', ')})`;
}
