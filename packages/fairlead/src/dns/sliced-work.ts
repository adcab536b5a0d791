import type { Clock } from '../sys/clock.ts';

/** Longest stretch of work in one turn of the event loop, so that queries over TCP wait no longer. */
const sliceMs = 8;

/**
 * Work on keys that have changed: all of it in the turn of the change when it is little, and in slices, with
 * other events in between, when it is much. A key that changes again while it waits is worked on once.
 */
export class SlicedWork {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly #work: (key: string) => void;
  /** In the order in which they were marked. */
  readonly #keys: Set<string> = new Set();
  #drained: PromiseWithResolvers<void> | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>, work: (key: string) => void) {
    this.#clock = clock;
    this.#work = work;
  }

  mark(key: string): void {
    this.#keys.add(key);
  }

  /** Works on what is marked, at least a slice of it now. Resolves when nothing is left. */
  run(): Promise<void> {
    if (this.#drained !== undefined) return this.#drained.promise;
    this.#slice();
    if (this.#keys.size === 0) return Promise.resolve();
    this.#drained = Promise.withResolvers<void>();
    this.#continue();
    return this.#drained.promise;
  }

  /** Forgets what is left. */
  stop(): void {
    this.#cancel?.();
    this.#keys.clear();
  }

  #continue(): void {
    this.#cancel = this.#clock.after(0, () => {
      this.#slice();
      if (this.#keys.size > 0) return this.#continue();
      this.#drained?.resolve();
      this.#drained = undefined;
    });
  }

  #slice(): void {
    const endMs = this.#clock.monotonicMs() + sliceMs;
    for (const key of this.#keys) {
      this.#keys.delete(key);
      this.#work(key);
      if (this.#clock.monotonicMs() >= endMs) return;
    }
  }
}
