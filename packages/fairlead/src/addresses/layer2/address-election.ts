import { type Lease, leases, type Stored } from '@fairlead/api';
import { announcerNamespace } from '@fairlead/api/fairlead-dev/types';
import { type ApiClient, ApiError, isAlreadyExists, isConflict, isNotFound } from '@fairlead/client';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import {
  addressAnnotation,
  addressLeaseKind,
  addressLeaseName,
  leaseLabel,
  nodeLeaseKind,
  nodeLeaseName,
  rankOf,
} from './lease-names.ts';
import { LeaseWatch, type WatchLimits } from './lease-watch.ts';

/** Times of the election, milliseconds. */
export interface ElectionTimes {
  /** A holder whose node Lease was not renewed for so long has lost its addresses. */
  readonly leaseMs: number;
  readonly renewMs: number;
  /** A holder stops so much earlier than others may take over. */
  readonly marginMs: number;
  /** A free address is taken so much later for each address that a node has. */
  readonly perHeldMs: number;
  /** Nodes with equally many addresses reach for one within this time. */
  readonly spreadMs: number;
}

/** Defaults of {@link ElectionTimes}. */
export const electionTimes: ElectionTimes = {
  leaseMs: 5000,
  renewMs: 2500,
  marginMs: 1000,
  perHeldMs: 150,
  spreadMs: 200,
};

/** What an election needs, and whom it tells. */
export interface ElectionOptions {
  readonly client: ApiClient;
  readonly node: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly times?: ElectionTimes;
  /** Default: `watchLimits`. */
  readonly limits?: WatchLimits;
  /** Monotonic milliseconds of the deadlines. */
  readonly nowMs: () => number;
  /** This node has the address: its announcement may begin. `tookOver`: from a node or from nobody, not from itself. */
  onTake(address: string, tookOver: boolean): void;
  /** It has not, or must not have it any more; told before the Lease is given back. */
  onLose(address: string): void;
  /** Everything held may be announced until then. */
  onExtend(deadlineMs: number): void;
  /** The server denies this node the right to a Lease: it can neither take addresses nor keep them. */
  onRefused(message: string): void;
}

/** How often the state is looked at without an event. */
const turnMs = 250;
const mostHeldCounted = 20;
/** No new attempts for so long after a failed one. */
const failedPauseMs = 300;
const refusedPauseMs = 10_000;

/**
 * Holds one Lease per address, and one that says that this node lives while it holds any.
 *
 * An address Lease changes hands by compare-and-swap only. A node takes one from another only when it has seen the
 * other's node Lease unchanged for `leaseMs` and a fresh read shows it unchanged still; the other has stopped
 * `marginMs` before that, because its deadline counts from before the request that renewed its node Lease.
 */
export class AddressElection implements Running {
  readonly #options: ElectionOptions;
  readonly #times: ElectionTimes;
  readonly #watch: LeaseWatch;
  #candidates: ReadonlySet<string> = new Set();
  readonly #held = new Set<string>();
  /** Since when an address has been free for us to take, by the version of its Lease. */
  readonly #freeSince = new Map<string, { readonly version: string; readonly atMs: number }>();
  readonly #busy = new Set<string>();
  #renewing = false;
  #renewedMs = Number.NEGATIVE_INFINITY;
  #deadlineMs = Number.NEGATIVE_INFINITY;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #cancel: () => void = () => {};
  #work: Set<Promise<void>> = new Set();

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#times = options.times ?? electionTimes;
    this.#watch = new LeaseWatch({ ...options, onChange: () => this.#turn() });
    this.#schedule(turnMs);
  }

  /** Addresses this node may announce; it gives back at once what it has beyond them. */
  setCandidates(addresses: ReadonlySet<string>): void {
    this.#candidates = addresses;
    for (const address of this.#freeSince.keys()) if (!addresses.has(address)) this.#freeSince.delete(address);
    this.#turn();
  }

  /** Addresses held now. */
  held(): ReadonlySet<string> {
    return this.#held;
  }

  /** Gives everything back. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel();
    const held = [...this.#held];
    for (const address of held) this.#lose(address);
    await Promise.all(this.#work);
    await Promise.all(held.map((address) => this.#giveBack(address).catch(() => {})));
    const { client, node } = this.#options;
    const name = nodeLeaseName(node);
    if (this.#renewedMs > 0) await client.delete(leases, { namespace: announcerNamespace, name }).catch(() => {});
    this.#watch.stop();
  }

  #schedule(delayMs: number): void {
    this.#cancel();
    if (!this.#stopped) this.#cancel = this.#options.clock.after(delayMs, () => this.#turn());
  }

  #lease(name: string): Stored<Lease> | undefined {
    return this.#watch.lease(name);
  }

  /** Runs asynchronous work that nobody waits for but `stop`. */
  #run(work: Promise<void>): void {
    const own = work
      .catch((error: unknown) => {
        // An absent server is nothing new to say; a refusal is for somebody to mend.
        const refused = error instanceof ApiError && error.code === 403;
        this.#options.log(refused ? 'warn' : 'debug', 'a Lease could not be written', { error: String(error) });
        if (refused) this.#options.onRefused(error.message);
        this.#pausedUntilMs = this.#options.nowMs() + (refused ? refusedPauseMs : failedPauseMs);
      })
      .finally(() => this.#work.delete(own));
    this.#work.add(own);
  }

  #turn(): void {
    if (this.#stopped) return;
    if (!this.#watch.hasSynced) {
      this.#schedule(turnMs);
      return;
    }
    this.#watch.arrange();
    const { node, nowMs } = this.#options;
    let nextMs = turnMs;
    for (const address of [...this.#held]) {
      const holder = this.#lease(addressLeaseName(address))?.spec?.holderIdentity;
      // Before our own write shows in the cache, the Lease there is an older one.
      const lost = holder !== node && !this.#busy.has(address);
      if (lost) this.#lose(address);
      else if (!this.#candidates.has(address)) {
        this.#lose(address);
        this.#run(this.#giveBack(address));
      }
    }
    const mayTry = nowMs() >= this.#pausedUntilMs;
    for (const address of mayTry ? this.#candidates : []) {
      if (!this.#held.has(address)) nextMs = Math.min(nextMs, this.#consider(address));
    }
    if (mayTry && this.#watch.isSparse) this.#freeTheDead();
    const due = nowMs() - this.#renewedMs >= this.#times.renewMs;
    if (this.#held.size > 0 && due && mayTry && !this.#renewing) this.#run(this.#renew());
    this.#schedule(nextMs);
  }

  #lose(address: string): void {
    if (!this.#held.delete(address)) return;
    this.#options.onLose(address);
  }

  /** Looks at an address that this node may have and has not; returns when to look again. */
  #consider(address: string): number {
    if (this.#busy.has(address)) return turnMs;
    const { node, nowMs } = this.#options;
    const lease = this.#lease(addressLeaseName(address));
    const holder = lease?.spec?.holderIdentity ?? '';
    if (holder === node) {
      // Ours from before a restart or a pause.
      this.#run(this.#take(address, lease, undefined));
      return turnMs;
    }
    const now = nowMs();
    const dead = holder === '' ? undefined : this.#watch.stoodStill(holder, this.#times.leaseMs);
    if (holder !== '' && dead === undefined) {
      this.#freeSince.delete(address);
      return turnMs;
    }
    const version = lease?.metadata.resourceVersion ?? '';
    let free = this.#freeSince.get(address);
    if (free?.version !== version) {
      free = { version, atMs: now };
      this.#freeSince.set(address, free);
    }
    const waiting = Math.min(this.#busy.size + this.#held.size, mostHeldCounted);
    const delayMs = waiting * this.#times.perHeldMs + rankOf(address, node) * this.#times.spreadMs;
    const leftMs = free.atMs + delayMs - now;
    if (leftMs > 0) return Math.ceil(leftMs);
    this.#run(this.#take(address, lease, dead));
    return turnMs;
  }

  /**
   * Frees the addresses of holders that are gone, where only few watch each holder: candidates that do not watch it see
   * a free Lease and share them. Writes are by compare-and-swap, as if the holder had given them back.
   */
  #freeTheDead(): void {
    const living = new Map<string, { readonly node: string; readonly version: string } | undefined>();
    for (const lease of this.#watch.addresses()) {
      const holder = lease.spec?.holderIdentity ?? '';
      const address = lease.metadata.annotations?.[addressAnnotation] ?? '';
      if (holder === '' || holder === this.#options.node || address === '' || this.#busy.has(address)) continue;
      if (!living.has(holder)) living.set(holder, this.#watch.stoodStill(holder, this.#times.leaseMs));
      const dead = living.get(holder);
      if (dead !== undefined) this.#run(this.#free(address, lease, dead));
    }
  }

  async #free(
    address: string,
    lease: Stored<Lease>,
    dead: { readonly node: string; readonly version: string },
  ): Promise<void> {
    const { client } = this.#options;
    this.#busy.add(address);
    try {
      if (!(await this.#isStillDead(dead))) return;
      this.#watch.widen();
      const written = await client.update(leases, { ...lease, spec: { ...lease.spec, holderIdentity: '' } });
      await this.#watch.caughtUp(written.metadata.resourceVersion);
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    } finally {
      this.#busy.delete(address);
    }
  }

  /** Whether a node Lease still has the version that stood still: the watch may be behind. */
  async #isStillDead(dead: { readonly node: string; readonly version: string }): Promise<boolean> {
    try {
      const lease = await this.#options.client.get(leases, { namespace: announcerNamespace, name: dead.node });
      this.#watch.noteVersion(dead.node, lease.metadata.resourceVersion);
      return lease.metadata.resourceVersion === dead.version;
    } catch (error) {
      if (isNotFound(error)) return dead.version === '';
      throw error;
    }
  }

  async #take(
    address: string,
    lease: Stored<Lease> | undefined,
    dead: { readonly node: string; readonly version: string } | undefined,
  ): Promise<void> {
    const { client, node, clock } = this.#options;
    this.#busy.add(address);
    try {
      if (dead !== undefined && !(await this.#isStillDead(dead))) return;
      // Whoever holds an address must be seen to live.
      if (!this.#isFresh()) await this.#renew();
      const mine = lease?.spec?.holderIdentity === node;
      if (mine) {
        // The cache may have been behind before the renewal: somebody may have taken it while our time was over.
        if (this.#lease(addressLeaseName(address))?.spec?.holderIdentity !== node) return;
      } else {
        const now = new Date(clock.now()).toISOString().replace('Z', '000Z');
        const spec = {
          holderIdentity: node,
          acquireTime: now,
          renewTime: now,
          leaseTransitions: (lease?.spec?.leaseTransitions ?? -1) + 1,
        };
        const written =
          lease === undefined
            ? await client.create(leases, this.#leaseObject(addressLeaseName(address), addressLeaseKind, spec, address))
            : await client.update(leases, { ...lease, spec: { ...lease.spec, ...spec } });
        await this.#watch.caughtUp(written.metadata.resourceVersion);
      }
      if (this.#stopped || !this.#candidates.has(address)) {
        if (!mine) await this.#giveBack(address);
        return;
      }
      this.#freeSince.delete(address);
      this.#held.add(address);
      this.#options.onTake(address, !mine);
    } catch (error) {
      // Somebody else was faster.
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
    } finally {
      this.#busy.delete(address);
    }
  }

  #leaseObject(name: string, kind: string, spec: Lease['spec'], address?: string): Lease {
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name,
        namespace: announcerNamespace,
        labels: { [leaseLabel]: kind },
        ...(address === undefined ? {} : { annotations: { [addressAnnotation]: address } }),
      },
      spec,
    };
  }

  #isFresh(): boolean {
    return this.#options.nowMs() < this.#deadlineMs;
  }

  /** Renews the node Lease; the deadline moves only when the cache shows that nobody took anything meanwhile. */
  async #renew(): Promise<void> {
    const { client, node, clock, nowMs, onExtend } = this.#options;
    this.#renewing = true;
    const startedMs = nowMs();
    try {
      const name = nodeLeaseName(node);
      const spec = {
        holderIdentity: node,
        leaseDurationSeconds: Math.ceil(this.#times.leaseMs / 1000),
        renewTime: new Date(clock.now()).toISOString().replace('Z', '000Z'),
      };
      const object = this.#leaseObject(name, nodeLeaseKind(node), spec);
      let written: Stored<Lease>;
      try {
        written = await client.patch(leases, { namespace: announcerNamespace, name }, 'merge', {
          metadata: { labels: object.metadata?.labels },
          spec,
        });
      } catch (error) {
        if (!isNotFound(error)) throw error;
        written = await client.create(leases, object);
      }
      this.#renewedMs = startedMs;
      await this.#watch.caughtUp(written.metadata.resourceVersion);
      if (this.#stopped) return;
      // What somebody took while our time was over is lost before the deadline moves.
      for (const address of [...this.#held]) {
        const holder = this.#lease(addressLeaseName(address))?.spec?.holderIdentity;
        if (holder !== node && !this.#busy.has(address)) this.#lose(address);
      }
      this.#deadlineMs = startedMs + this.#times.leaseMs - this.#times.marginMs;
      onExtend(this.#deadlineMs);
    } finally {
      this.#renewing = false;
    }
  }

  async #giveBack(address: string): Promise<void> {
    const { client, node } = this.#options;
    const lease = this.#lease(addressLeaseName(address));
    if (lease?.spec?.holderIdentity !== node) return;
    this.#busy.add(address);
    try {
      const written = await client.update(leases, { ...lease, spec: { ...lease.spec, holderIdentity: '' } });
      if (!this.#stopped) await this.#watch.caughtUp(written.metadata.resourceVersion);
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    } finally {
      this.#busy.delete(address);
    }
  }
}
