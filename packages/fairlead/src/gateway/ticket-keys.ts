import { randomBytes } from 'node:crypto';
import type { Clock } from '../sys/clock.ts';
import { TICKET_KEY_BYTES } from '../sys/ticket-key.ts';

/** How long a key makes new tickets. It then reads old ones for as long again, twice. */
const ROTATE_MS = 8 * 3600 * 1000;
const KEYS = 3;

/**
 * Keys of session tickets, shared by all workers, so that a client may resume at any of them. They
 * live in memory only: what was recorded cannot be read once its key has gone.
 */
export class TicketKeyRing {
  readonly #clock: Clock;
  readonly #onRotate: (keys: readonly Uint8Array[]) => void;
  #keys: readonly Uint8Array[] = [];
  #cancel: () => void = () => {};

  constructor(clock: Clock, onRotate: (keys: readonly Uint8Array[]) => void) {
    this.#clock = clock;
    this.#onRotate = onRotate;
    this.#rotate();
  }

  /** The present key first. */
  keys(): readonly Uint8Array[] {
    return this.#keys;
  }

  #rotate(): void {
    this.#keys = [randomBytes(TICKET_KEY_BYTES), ...this.#keys].slice(0, KEYS);
    this.#cancel = this.#clock.after(ROTATE_MS, () => {
      this.#rotate();
      this.#onRotate(this.#keys);
    });
  }

  stop(): void {
    this.#cancel();
  }
}
