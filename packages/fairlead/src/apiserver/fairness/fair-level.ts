// Hot path: every request of users who are not administrators enters and leaves here.
import type { Clock } from '../../sys/clock.ts';
import type { PriorityLevel } from './flow-config.ts';
import { dealHand } from './shuffle-shard.ts';

/** Service time that a request is charged with until it is over, in milliseconds. */
const estimateMs = 3;
/** Hands are remembered for this many flows. */
const handsMax = 4096;

/** Why a request got no place. */
export type Refusal = 'concurrency-limit' | 'queue-full' | 'time-out' | 'gone';

/** A place, or none. Call `leave` once when the request is over. */
export type Admission =
  | { readonly ok: true; readonly leave: () => void }
  | { readonly ok: false; readonly reason: Refusal };

/** A request in a queue. */
interface Waiting {
  readonly seats: number;
  readonly queue: Queue;
  decide(admission: Admission): void;
  cancel: () => void;
}

interface Queue {
  readonly waiting: Waiting[];
  /** Places its requests have now. */
  seats: number;
  /** Virtual time at which its next request begins. */
  start: number;
}

/**
 * One priority level: places, and queues in front of them.
 *
 * Start-time fair queuing over shuffle-sharded queues: of the waiting queues the one with the least virtual start goes
 * next, and each request moves its queue's start on by what it took (places times time). A flow that sends ten times
 * as much waits in its own queues; others pass.
 */
export class FairLevel {
  #level: PriorityLevel;
  #nominal: number;
  readonly #clock: Clock;
  readonly #queueTimeoutMs: number;
  readonly #mayBorrow: (level: FairLevel, seats: number) => boolean;
  #queues: readonly Queue[];
  /** Queues of an earlier configuration in which requests still wait. */
  #leftQueues: readonly Queue[] = [];
  readonly #hands = new Map<string, readonly number[]>();
  #virtualTime = 0;
  #seats = 0;
  #waiting = 0;
  #dispatched = 0;
  readonly #ended: Record<Refusal, number> = { 'concurrency-limit': 0, 'queue-full': 0, 'time-out': 0, gone: 0 };

  constructor(
    level: PriorityLevel,
    nominal: number,
    clock: Clock,
    queueTimeoutMs: number,
    mayBorrow: (level: FairLevel, seats: number) => boolean,
  ) {
    this.#level = level;
    this.#nominal = nominal;
    this.#clock = clock;
    this.#queueTimeoutMs = queueTimeoutMs;
    this.#mayBorrow = mayBorrow;
    this.#queues = newQueues(level);
  }

  /** Goes on with another configuration; requests that wait stay where they are, and are served all the same. */
  reconfigure(level: PriorityLevel, nominal: number): void {
    const before = this.#level.queuing;
    this.#level = level;
    this.#nominal = nominal;
    if (before?.queues === level.queuing?.queues && before?.handSize === level.queuing?.handSize) return;
    this.#leftQueues = [...this.#leftQueues, ...this.#queues].filter(({ waiting }) => waiting.length > 0);
    this.#queues = newQueues(level);
    this.#hands.clear();
  }

  get level(): PriorityLevel {
    return this.#level;
  }

  /** Places of its own. */
  get nominal(): number {
    return this.#nominal;
  }

  /** What it has done, for diagnostics: queues in use, requests given a place, and those that got none by reason. */
  get counts(): {
    readonly activeQueues: number;
    readonly dispatched: number;
    readonly ended: Readonly<Record<Refusal, number>>;
  } {
    const activeQueues = [...this.#queues, ...this.#leftQueues].filter(({ waiting }) => waiting.length > 0).length;
    return { activeQueues, dispatched: this.#dispatched, ended: this.#ended };
  }

  /** Places taken. */
  get seats(): number {
    return this.#seats;
  }

  /** Requests in queues. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Places that other levels may use right now. */
  get lendable(): number {
    if (this.#waiting > 0) return 0;
    return Math.min(
      Math.floor((this.#nominal * this.#level.lendablePercent) / 100),
      Math.max(0, this.#nominal - this.#seats),
    );
  }

  /** Whether its own rules let it borrow so many places in all. */
  mayHaveBorrowed(places: number): boolean {
    const { borrowingLimitPercent } = this.#level;
    return borrowingLimitPercent === undefined || places <= (this.#nominal * borrowingLimitPercent) / 100;
  }

  /** Places taken beyond its own. */
  get borrowed(): number {
    return Math.max(0, this.#seats - this.#nominal);
  }

  /** A place at once, a place later, or none. `flow` tells flows apart; `signal` ends the wait. */
  enter(flow: string, seats: number, signal: AbortSignal): Admission | Promise<Admission> {
    const width = Math.min(seats, Math.max(1, this.#nominal));
    const { queuing } = this.#level;
    if (queuing === undefined) {
      return this.#hasRoom(width) ? this.#take(undefined, width) : this.#end('concurrency-limit');
    }
    const queue = this.#shortestOf(flow, queuing.handSize);
    if (this.#waiting === 0 && this.#hasRoom(width)) return this.#take(queue, width);
    if (queue.waiting.length >= queuing.queueLength) return this.#end('queue-full');
    return this.#wait(queue, width, signal);
  }

  /** Gives places that have become free to those who wait. */
  dispatch(): void {
    while (this.#waiting > 0) {
      let next: Queue | undefined;
      for (const queue of this.#leftQueues.length === 0 ? this.#queues : [...this.#leftQueues, ...this.#queues]) {
        if (queue.waiting.length > 0 && (next === undefined || queue.start < next.start)) next = queue;
      }
      const request = next?.waiting[0];
      if (next === undefined || request === undefined || !this.#hasRoom(request.seats)) return;
      next.waiting.shift();
      this.#waiting--;
      request.cancel();
      request.decide(this.#take(next, request.seats));
    }
  }

  #hasRoom(seats: number): boolean {
    return this.#seats + seats <= this.#nominal || this.#mayBorrow(this, seats);
  }

  #shortestOf(flow: string, handSize: number): Queue {
    let hand = this.#hands.get(flow);
    if (hand === undefined) {
      hand = dealHand(flow, this.#queues.length, handSize);
      if (this.#hands.size >= handsMax) this.#hands.clear();
      this.#hands.set(flow, hand);
    }
    let best = this.#queues[hand[0]!]!;
    for (const index of hand) {
      const queue = this.#queues[index]!;
      if (queue.waiting.length + queue.seats < best.waiting.length + best.seats) best = queue;
    }
    return best;
  }

  #end(reason: Refusal): Admission {
    this.#ended[reason]++;
    return { ok: false, reason };
  }

  #take(queue: Queue | undefined, seats: number): Admission {
    this.#dispatched++;
    this.#seats += seats;
    const startedMs = this.#clock.monotonicMs();
    const charged = seats * estimateMs;
    if (queue !== undefined) {
      queue.seats += seats;
      // A queue that was idle begins now: it has no credit from the time it asked for nothing.
      queue.start = Math.max(queue.start, this.#virtualTime);
      this.#virtualTime = queue.start;
      queue.start += charged;
    }
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      this.#seats -= seats;
      if (queue !== undefined) {
        queue.seats -= seats;
        queue.start += seats * (this.#clock.monotonicMs() - startedMs) - charged;
      }
    };
    return { ok: true, leave };
  }

  #wait(queue: Queue, seats: number, signal: AbortSignal): Promise<Admission> {
    return new Promise((resolve) => {
      const waiting: Waiting = { seats, queue, decide: resolve, cancel: () => {} };
      const giveUp = (reason: Refusal): void => {
        const index = queue.waiting.indexOf(waiting);
        if (index < 0) return;
        queue.waiting.splice(index, 1);
        this.#waiting--;
        waiting.cancel();
        resolve(this.#end(reason));
      };
      const onAbort = (): void => giveUp('gone');
      const stopTimer = this.#clock.after(this.#queueTimeoutMs, () => giveUp('time-out'));
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.cancel = () => {
        stopTimer();
        signal.removeEventListener('abort', onAbort);
      };
      queue.waiting.push(waiting);
      this.#waiting++;
    });
  }
}

function newQueues({ queuing }: PriorityLevel): Queue[] {
  return Array.from({ length: queuing?.queues ?? 0 }, () => ({ waiting: [], seats: 0, start: 0 }));
}
