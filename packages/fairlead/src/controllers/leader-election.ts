import { type Lease, leases, type Stored } from '@fairlead/api';
import { type ApiClient, isAlreadyExists, isConflict, isNotFound } from '@fairlead/client';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import { microTimestamp } from './workload/pod-state.ts';

/** Options of {@link startWhenLeader}; times in milliseconds. */
export interface LeaderElectionOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The Lease that the candidates share. */
  readonly namespace: string;
  readonly name: string;
  /** A process that comes back under the identity of the holder leads at once. */
  readonly identity: string;
  /** Others wait so long after the holder's last renewal. Default 15,000. */
  readonly leaseDurationMs?: number;
  /** Default 2,000. */
  readonly retryMs?: number;
  /** A leader that could not renew for so long steps down. Default 10,000. */
  readonly renewDeadlineMs?: number;
}

/**
 * Runs `start` while this process holds a Lease: at once when the Lease is free, expired or its own,
 * otherwise when it becomes so. Resolves after the first attempt, whether or not it leads.
 */
export async function startWhenLeader(options: LeaderElectionOptions, start: () => Promise<Running>): Promise<Running> {
  const election = new LeaderElection(options, start);
  await election.turn();
  return election;
}

class LeaderElection implements Running {
  readonly #options: LeaderElectionOptions;
  readonly #start: () => Promise<Running>;
  /** When the version of somebody else's Lease was first seen here: clocks of others are not trusted. */
  #observed: { readonly version: string; readonly atMs: number } | undefined;
  #lease: Stored<Lease> | undefined;
  #running: Running | undefined;
  #renewedMs = 0;
  #stopped = false;
  #cancelTimer: () => void = () => undefined;
  /** Ends the attempt that is under way. */
  #giveUp: () => void = () => undefined;
  #turning: Promise<void> = Promise.resolve();

  constructor(options: LeaderElectionOptions, start: () => Promise<Running>) {
    this.#options = options;
    this.#start = start;
  }

  async turn(): Promise<void> {
    this.#turning = this.#turn();
    await this.#turning;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    this.#giveUp();
    await this.#turning;
    const leading = this.#running !== undefined;
    await this.#running?.stop();
    this.#running = undefined;
    if (!leading || this.#lease === undefined) return;
    // Give it back, so that the next one need not wait.
    const released: Lease = {
      ...this.#lease,
      spec: { ...this.#lease.spec, holderIdentity: '', leaseDurationSeconds: 1 },
    };
    await this.#options.client.update(leases, released).catch(() => undefined);
  }

  async #turn(): Promise<void> {
    const { clock, log, identity, retryMs = 2_000, renewDeadlineMs = 10_000 } = this.#options;
    const beganMs = clock.monotonicMs();
    try {
      const leads = await this.#within(this.#timeLeftMs(), this.#acquire());
      // Counted from before the request: others count from when they see the renewal, which is later.
      if (leads) this.#renewedMs = beganMs;
      if (leads && this.#running === undefined && !this.#stopped) {
        log('debug', 'leading', { identity });
        this.#running = await this.#start();
      } else if (!leads && this.#running !== undefined) {
        await this.#stepDown('the Lease has another holder');
      }
    } catch (error) {
      log('debug', 'cannot renew the Lease', { error: (error as Error).message });
      const late = clock.monotonicMs() - this.#renewedMs >= renewDeadlineMs;
      if (this.#running !== undefined && late) await this.#stepDown('the Lease could not be renewed');
    }
    if (this.#stopped) return;
    const jitterMs = retryMs * (0.8 + 0.4 * this.#options.random());
    this.#cancelTimer = clock.after(jitterMs, () => void this.turn());
  }

  /** How long an attempt may take: a leader must have stepped down before its Lease can be taken. */
  #timeLeftMs(): number {
    const { clock, renewDeadlineMs = 10_000 } = this.#options;
    if (this.#running === undefined) return renewDeadlineMs;
    return Math.max(0, this.#renewedMs + renewDeadlineMs - clock.monotonicMs());
  }

  /** Rejects when an attempt takes too long: an API that does not answer must not keep anybody in the lead. */
  #within(delayMs: number, attempt: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(delayMs, () => reject(new Error('the API did not answer in time')));
      this.#giveUp = () => {
        cancel();
        reject(new Error('stopped'));
      };
      attempt.then(resolve, reject).finally(cancel);
    });
  }

  async #stepDown(reason: string): Promise<void> {
    this.#options.log('warn', 'no longer leading', { reason });
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
  }

  /** Takes or renews the Lease by compare-and-swap. */
  async #acquire(): Promise<boolean> {
    const { client, clock, namespace, name, identity, leaseDurationMs = 15_000 } = this.#options;
    const now = microTimestamp(clock.now());
    const lease = this.#running !== undefined ? this.#lease : await this.#read();
    const mine = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000), renewTime: now };
    try {
      if (lease === undefined) {
        const spec = { ...mine, acquireTime: now, leaseTransitions: 0 };
        const metadata = { name, namespace };
        const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
        this.#lease = await client.create(leases, object);
        return true;
      }
      const holder = lease.spec?.holderIdentity ?? '';
      if (holder !== '' && holder !== identity && !this.#expired(lease)) return false;
      const taken =
        holder === identity ? {} : { acquireTime: now, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 };
      this.#lease = await client.update(leases, { ...lease, spec: { ...lease.spec, ...mine, ...taken } });
      return true;
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
      // Somebody else wrote it, or it (or its namespace) is not there: look again, and try at the next turn.
      const present = await this.#read();
      this.#lease = present;
      return this.#running !== undefined && present?.spec?.holderIdentity === identity;
    }
  }

  async #read(): Promise<Stored<Lease> | undefined> {
    const { client, namespace, name } = this.#options;
    try {
      return await client.get(leases, { namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #expired(lease: Stored<Lease>): boolean {
    const version = lease.metadata.resourceVersion;
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#observed?.version !== version) this.#observed = { version, atMs: nowMs };
    const durationMs = (lease.spec?.leaseDurationSeconds ?? 15) * 1000;
    return nowMs - this.#observed.atMs > durationMs;
  }
}
