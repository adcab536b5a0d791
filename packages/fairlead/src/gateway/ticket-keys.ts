import { randomBytes } from 'node:crypto';
import type { Clock } from '../sys/clock.ts';
import { TICKET_KEY_BYTES } from '../sys/ticket-key.ts';
import type { TicketKey } from './kept-secrets.ts';

/** How long a key makes new tickets. It then reads old ones for as long again, twice. */
export const ROTATE_MS: number = 8 * 3600 * 1000;
const KEYS = 3;

/**
 * Keys of session tickets, shared by all workers, so that a client may resume at any of them. What was
 * recorded cannot be read once its key has gone: from here, and from where its owner keeps them.
 */
export class TicketKeyRing {
  readonly #clock: Clock;
  readonly #onRotate: (keys: readonly Uint8Array[]) => void;
  #keys: readonly TicketKey[];
  #cancel: () => void = () => {};

  /** @param kept of an earlier process, the youngest first; those too old are left out. */
  constructor(clock: Clock, onRotate: (keys: readonly Uint8Array[]) => void, kept: readonly TicketKey[] = []) {
    this.#clock = clock;
    this.#onRotate = onRotate;
    this.#keys = kept.filter(({ madeMs }) => clock.now() < madeMs + KEYS * ROTATE_MS).slice(0, KEYS);
    this.#refresh();
  }

  /** The present key first. */
  keys(): readonly Uint8Array[] {
    return this.#keys.map(({ bytes }) => bytes);
  }

  /** What to hand on to a later process. */
  kept(): readonly TicketKey[] {
    return this.#keys;
  }

  /** A new key if the present one has served its time; comes again when it has. */
  #refresh(): void {
    const now = this.#clock.now();
    const current = this.#keys[0];
    if (current === undefined || now >= current.madeMs + ROTATE_MS) {
      this.#keys = [{ bytes: randomBytes(TICKET_KEY_BYTES), madeMs: now }, ...this.#keys].slice(0, KEYS);
    }
    this.#cancel = this.#clock.after(this.#keys[0]!.madeMs + ROTATE_MS - now, () => {
      this.#refresh();
      this.#onRotate(this.keys());
    });
  }

  stop(): void {
    this.#cancel();
  }
}
