// Hot path: every write and every consistent read waits here for the watch.
import type { Clock } from '../../../sys/clock.ts';
import { ApiServerError } from '../../api-server-error.ts';

interface Waiter {
  readonly revision: number;
  readonly done: () => void;
}

/** A change of another tenant of the etcd is made visible by a write of our own after this time, in milliseconds. */
const tickAfterMs = 50;
/** How long anybody waits for the change stream to catch up, in milliseconds. */
const reachWithinMs = 5_000;

/** How far the change stream has come, and who waits for it to come further. */
export class RevisionGate {
  readonly #clock: Clock;
  /** Makes a change that the stream shows. */
  readonly #tick: () => void;
  #revision: number;
  #waiters: Waiter[] = [];

  constructor(revision: number, clock: Clock, tick: () => void) {
    this.#revision = revision;
    this.#clock = clock;
    this.#tick = tick;
  }

  get revision(): number {
    return this.#revision;
  }

  /** The stream has come to a revision; {@link release} lets those go who waited for it. */
  advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  release(): void {
    const waiting = this.#waiters;
    if (waiting.length === 0) return;
    this.#waiters = waiting.filter((waiter) => waiter.revision > this.#revision);
    for (const waiter of waiting) if (waiter.revision <= this.#revision) waiter.done();
  }

  /**
   * Resolves when the stream has come to a revision; rejects with `StoreUnreachable` after five seconds. Changes of
   * other tenants of the etcd do not show in our stream: when nothing comes, a tick of our own does.
   */
  reach(revision: number): Promise<void> {
    if (this.#revision >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const cancelTick = this.#clock.after(tickAfterMs, this.#tick);
      const cancelEnd = this.#clock.after(reachWithinMs, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        cancelTick();
        reject(new ApiServerError('StoreUnreachable', 'etcd sends no changes'));
      });
      const done = (): void => {
        cancelTick();
        cancelEnd();
        resolve();
      };
      const waiter: Waiter = { revision, done };
      this.#waiters.push(waiter);
    });
  }

  /** Lets everybody go: the store is closing. */
  open(): void {
    for (const { done } of this.#waiters.splice(0)) done();
  }
}
