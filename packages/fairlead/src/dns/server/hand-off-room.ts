// Hot path: once per query that a worker cannot answer. No allocation.

import { control } from './table-layout.ts';

/** Counters that clients share by a hash of their address. */
const shares = 1 << 12;
/** A client may have this part of the room: 1 of 2^3. */
const sharePower = 3;

/**
 * Room for queries that are being looked up by the main thread, of all workers together. One client gets an eighth of it: a flood of
 * names that nobody knows must not make the lookups of others fail. Of IPv6 a client is a /64.
 */
export class HandOffRoom {
  /** Size of the memory that the threads share. */
  static readonly bytes: number = shares * 4;
  readonly #control: Int32Array;
  readonly #inFlight: Int32Array;
  readonly #seed: number;

  /** `secret`: nobody outside can tell which clients share a counter. */
  constructor(controlWords: Int32Array, inFlight: Int32Array, secret: Uint8Array) {
    this.#control = controlWords;
    this.#inFlight = inFlight;
    this.#seed = secret.reduce((seed, byte) => Math.imul(seed ^ byte, 0x01000193), 0x811c9dc5 | 0);
  }

  /** Takes a place for the raw sockaddr at `at`; returns what {@link giveBack} wants, or -1 when there is none. */
  take(peer: Uint8Array, at: number): number {
    const share = this.#shareOf(peer, at);
    const limit = Atomics.load(this.#control, control.handOffLimit);
    if (Atomics.add(this.#inFlight, share, 1) < Math.max(1, limit >> sharePower)) {
      if (Atomics.add(this.#control, control.handedOff, 1) < limit) return share;
      Atomics.sub(this.#control, control.handedOff, 1);
    }
    Atomics.sub(this.#inFlight, share, 1);
    return -1;
  }

  giveBack(share: number): void {
    Atomics.sub(this.#control, control.handedOff, 1);
    Atomics.sub(this.#inFlight, share, 1);
  }

  #shareOf(peer: Uint8Array, at: number): number {
    const isV4 = peer[at] === 2;
    const from = at + (isV4 ? 4 : 8);
    let hash = this.#seed;
    for (let index = from; index < from + (isV4 ? 4 : 8); index++) hash = Math.imul(hash ^ peer[index]!, 0x9e3779b1);
    hash ^= hash >>> 15;
    return hash & (shares - 1);
  }
}
