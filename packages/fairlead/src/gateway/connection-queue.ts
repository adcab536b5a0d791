import type { BackendMemory } from '@fairlead/balance';
import type { Reactor } from '../reactor/reactor.ts';

/** How often a request that waits looks whether another worker has left a connection. */
const LOOK_MS = 10;

/** A request that waits for a connection. */
interface Waiter {
  /** Begins, or fails for another reason than before; false: it goes on waiting. */
  readonly tryAgain: () => boolean;
  leave(): void;
}

/**
 * Requests of one worker that wait for a backend whose connections are used up, the first one first. They count as
 * `pending` among its limits.
 */
export class ConnectionQueue {
  readonly #waiters = new Set<Waiter>();
  readonly #reactor: Pick<Reactor, 'after'>;
  /** Somebody will look soon. */
  #isWoken = false;
  #isLooking = false;

  constructor(reactor: Pick<Reactor, 'after'>) {
    this.#reactor = reactor;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Waits until `tryAgain` returns true; after `waitMs` gives up and calls `onLate`. Returns how to leave before that;
   * undefined if as many wait as may.
   */
  join(
    memory: BackendMemory,
    { slot, pending, waitMs }: { readonly slot: number; readonly pending: number; readonly waitMs: number },
    tryAgain: () => boolean,
    onLate: () => void,
  ): (() => void) | undefined {
    if (!memory.tryEnter(slot, 'pending', pending)) return undefined;
    const waiter: Waiter = {
      tryAgain,
      leave: () => {
        if (!this.#waiters.delete(waiter)) return;
        cancelTimer();
        memory.leave(slot, 'pending');
      },
    };
    const cancelTimer = this.#reactor.after(waitMs, () => {
      waiter.leave();
      onLate();
    });
    this.#waiters.add(waiter);
    this.#look();
    return () => waiter.leave();
  }

  /** A connection of this worker is free, or about to be: whoever gives it back is not done yet. */
  wake(): void {
    if (this.#isWoken || this.#waiters.size === 0) return;
    this.#isWoken = true;
    this.#reactor.after(0, () => {
      this.#isWoken = false;
      this.#serve();
    });
  }

  /** Other workers tell nobody. */
  #look(): void {
    if (this.#isLooking || this.#waiters.size === 0) return;
    this.#isLooking = true;
    this.#reactor.after(LOOK_MS, () => {
      this.#isLooking = false;
      this.#serve();
      this.#look();
    });
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.tryAgain()) return;
      waiter.leave();
    }
  }
}
