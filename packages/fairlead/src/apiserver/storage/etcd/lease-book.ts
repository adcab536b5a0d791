import type { Clock, Random } from '../../../sys/clock.ts';
import type { EtcdClient } from './etcd-client.ts';
import { encodeLeaseGrant, etcdCalls } from './messages.ts';

interface Booked {
  readonly id: Promise<number>;
  readonly untilMs: number;
}

/** Keys that are written within this time share a lease, and so live up to this much longer. Milliseconds. */
const shareMostMs = 60_000;
/** Part of a lifetime that sharing may add. */
const shareFraction = 0.05;

/** etcd leases for keys with a lifetime; many keys share one, as each lease costs etcd memory and renewals of none. */
export class LeaseBook {
  readonly #client: EtcdClient;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #byLifetime = new Map<number, Booked>();

  constructor(client: EtcdClient, clock: Clock, random: Random) {
    this.#client = client;
    this.#clock = clock;
    this.#random = random;
  }

  /** A lease that lasts at least a lifetime from now. */
  leaseFor(lifetimeMs: number): Promise<number> {
    const nowMs = this.#clock.monotonicMs();
    const booked = this.#byLifetime.get(lifetimeMs);
    if (booked !== undefined && booked.untilMs > nowMs) return booked.id;
    const shareMs = Math.min(shareMostMs, lifetimeMs * shareFraction);
    const id = this.#grant(Math.ceil((lifetimeMs + shareMs) / 1000));
    this.#byLifetime.set(lifetimeMs, { id, untilMs: nowMs + shareMs });
    id.catch(() => this.#byLifetime.delete(lifetimeMs));
    return id;
  }

  /** Forgets all leases: etcd does not know one of them, as after a restore of its own. */
  forget(): void {
    this.#byLifetime.clear();
  }

  /** The id is ours, not etcd's: those need 63 bits. A grant that is sent twice finds it taken, by us. */
  async #grant(seconds: number): Promise<number> {
    const id = 1 + Math.floor(this.#random() * (Number.MAX_SAFE_INTEGER - 1));
    try {
      await this.#client.call(etcdCalls.leaseGrant, encodeLeaseGrant(id, seconds));
    } catch (error) {
      if (!(error as Error).message.includes('lease already exists')) throw error;
    }
    return id;
  }
}
