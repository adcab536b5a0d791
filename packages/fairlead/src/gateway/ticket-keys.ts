import { randomBytes } from 'node:crypto';
import type { Clock } from '../sys/clock.ts';
import { TICKET_KEY_BYTES } from '../sys/ticket-key.ts';
import type { TicketKey } from './kept-secrets.ts';

/** How long a key makes new tickets. It then reads old ones for as long again, twice. */
export const ROTATE_MS: number = 8 * 3600 * 1000;
/** How long a key reads tickets, in times of its own making them. */
const LIVES = 3;
/** Keys at a time: the present one, one that is announced, old ones, and what this gateway had before it was told of others. */
const KEYS = 6;

/**
 * Keys of session tickets, shared by all workers, so that a client may resume at any of them. What was
 * recorded cannot be read once its key has gone: from here, and from where its owner keeps them.
 */
export class TicketKeyRing {
  readonly #clock: Clock;
  readonly #onChange: (keys: readonly Uint8Array[]) => void;
  /** Of those that have begun, the first is the present one. */
  #keys: readonly TicketKey[];
  #cancel: () => void = () => {};

  /** @param kept of an earlier process, the youngest first; those too old are left out. */
  constructor(clock: Clock, onChange: (keys: readonly Uint8Array[]) => void, kept: readonly TicketKey[] = []) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#keys = kept;
    this.#refresh();
  }

  /** The present key first. */
  keys(): readonly Uint8Array[] {
    const present = this.#present(this.#clock.now());
    const others = this.#keys.filter((key) => key !== present);
    return [...(present === undefined ? [] : [present]), ...others].map(({ bytes }) => bytes);
  }

  /** What to hand on to a later process. */
  kept(): readonly TicketKey[] {
    return this.#keys;
  }

  /** Goes on with the keys that several gateways share; those of its own only read from now on. */
  adopt(shared: readonly TicketKey[]): void {
    const before = this.#keys;
    const theirs = shared.toSorted((a, b) => b.madeMs - a.madeMs);
    const own = this.#keys.filter(({ bytes }) => !theirs.some((key) => Buffer.compare(key.bytes, bytes) === 0));
    this.#keys = [...theirs, ...own];
    this.#refresh();
    const isSame = this.#keys.length === before.length && this.#keys.every((key, i) => isEqual(key, before[i]!));
    if (!isSame) this.#onChange(this.keys());
  }

  #present(now: number): TicketKey | undefined {
    return this.#keys.find(({ madeMs }) => madeMs <= now && now < madeMs + ROTATE_MS);
  }

  /** A new key if there is no present one; comes again when there is another, or none. */
  #refresh(): void {
    const now = this.#clock.now();
    this.#keys = this.#keys.filter(({ madeMs }) => now < madeMs + LIVES * ROTATE_MS);
    if (this.#present(now) === undefined)
      this.#keys = [{ bytes: randomBytes(TICKET_KEY_BYTES), madeMs: now }, ...this.#keys];
    this.#keys = this.#keys.slice(0, KEYS);
    const turns = this.#keys.flatMap(({ madeMs }) => [madeMs, madeMs + ROTATE_MS, madeMs + LIVES * ROTATE_MS]);
    this.#cancel();
    this.#cancel = this.#clock.after(Math.min(...turns.filter((turn) => turn > now)) - now, () => {
      this.#refresh();
      this.#onChange(this.keys());
    });
  }

  stop(): void {
    this.#cancel();
  }
}

function isEqual(a: TicketKey, b: TicketKey): boolean {
  return a.madeMs === b.madeMs && Buffer.compare(a.bytes, b.bytes) === 0;
}
