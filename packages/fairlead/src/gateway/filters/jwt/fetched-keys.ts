import type { Clock } from '../../../sys/clock.ts';
import { type KeySet, readKeySet } from './key-set.ts';

/** Between two requests for newer keys of one URL, milliseconds. */
const REFRESH_MS = 30_000;
/** Requests that wait for newer keys, of all URLs; more are refused at once. */
const WAITING_MAX = 1000;

/** The keys that the main thread fetches, as one worker knows them. */
export class FetchedKeys {
  readonly #sets: Map<string, KeySet> = new Map();
  readonly #askedMs: Map<string, number> = new Map();
  readonly #waiting: Map<string, Set<() => void>> = new Map();
  readonly #clock: Clock;
  readonly #ask: (url: string) => void;
  #waitingCount = 0;

  /** @param ask wants newer keys of the main thread; {@link take} follows, also when there are none. */
  constructor(clock: Clock, ask: (url: string) => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Undefined before the first were fetched. */
  get(url: string): KeySet | undefined {
    return this.#sets.get(url);
  }

  /**
   * Asks for newer keys; `done` follows when they are here, or are known not to be. Returns how to give up; undefined
   * when it was asked for a moment ago.
   */
  refresh(url: string, done: () => void): (() => void) | undefined {
    let waiting = this.#waiting.get(url);
    if (waiting === undefined) {
      const nowMs = this.#clock.monotonicMs();
      if (nowMs - (this.#askedMs.get(url) ?? -Infinity) < REFRESH_MS) return undefined;
      this.#askedMs.set(url, nowMs);
      waiting = new Set();
      this.#waiting.set(url, waiting);
      this.#ask(url);
    }
    if (this.#waitingCount >= WAITING_MAX) return undefined;
    const members = waiting;
    members.add(done);
    this.#waitingCount++;
    return () => {
      if (members.delete(done)) this.#waitingCount--;
    };
  }

  /** New keys (undefined: the URL is not used any more, or nothing could be fetched yet). */
  take(url: string, jwks: string | undefined): void {
    if (jwks === undefined) this.#sets.delete(url);
    else this.#sets.set(url, readKeySet(jwks));
    const members = this.#waiting.get(url);
    if (members === undefined) return;
    const waiting = [...members];
    this.#waiting.delete(url);
    this.#waitingCount -= waiting.length;
    // Who gives up from now on is not counted twice.
    members.clear();
    for (const done of waiting) done();
  }
}
