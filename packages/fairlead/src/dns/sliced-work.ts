import type { Clock } from '../sys/clock.ts';

/** Longest stretch of work in one turn of the event loop, so that queries over TCP wait no longer. */
const sliceMs = 4;

/** Runs a function after other events have had their turn; the function returned cancels it. */
type Defer = (callback: () => void) => () => void;

/** Without a pause, as a timer would have: the load of a large cluster takes some hundred slices. */
const toNextTurn: Defer = (callback) => {
  const handle = setImmediate(callback);
  return () => clearImmediate(handle);
};

/** Work on a key: all of it at once, or in steps. */
type Work = (key: string) => Generator<void, void, undefined> | void;

/**
 * Work on keys that have changed: all of it in the turn of the change when it is little, and in slices, with
 * other events in between, when it is much. A key that changes again while it waits is worked on once.
 */
export class SlicedWork {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #defer: Defer;
  readonly #work: Work;
  /** What is left of a key's work. */
  #steps: Generator<void, void, undefined> | undefined;
  /** In the order in which they were marked. */
  readonly #keys: Set<string> = new Set();
  /** Goes on where it was: a new one would walk over all keys that were deleted before. */
  #waiting: SetIterator<string> = this.#keys.values();
  #drained: PromiseWithResolvers<void> | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs'>, work: Work, defer: Defer = toNextTurn) {
    this.#clock = clock;
    this.#defer = defer;
    this.#work = work;
  }

  mark(key: string): void {
    this.#keys.add(key);
  }

  /** Works on what is marked, at least a slice of it now. Resolves when nothing is left. */
  run(): Promise<void> {
    if (this.#drained !== undefined) return this.#drained.promise;
    this.#slice();
    if (!this.#hasMore) return Promise.resolve();
    this.#drained = Promise.withResolvers<void>();
    this.#continue();
    return this.#drained.promise;
  }

  /** Forgets what is left. */
  stop(): void {
    this.#cancel?.();
    this.#keys.clear();
    this.#steps = undefined;
  }

  get #hasMore(): boolean {
    return this.#steps !== undefined || this.#keys.size > 0;
  }

  #continue(): void {
    this.#cancel = this.#defer(() => {
      this.#slice();
      if (this.#hasMore) return this.#continue();
      this.#drained?.resolve();
      this.#drained = undefined;
    });
  }

  #slice(): void {
    const endMs = this.#clock.monotonicMs() + sliceMs;
    while (this.#hasMore) {
      if (this.#steps === undefined) this.#begin();
      else if (this.#steps.next().done === true) this.#steps = undefined;
      if (this.#clock.monotonicMs() >= endMs) return;
    }
  }

  /** Takes the key that has waited longest. */
  #begin(): void {
    let { value: key } = this.#waiting.next();
    if (key === undefined) {
      // An iterator that has met the end does not see what is added later.
      this.#waiting = this.#keys.values();
      key = this.#waiting.next().value;
    }
    if (key === undefined) return;
    this.#keys.delete(key);
    this.#steps = this.#work(key) ?? undefined;
  }
}
