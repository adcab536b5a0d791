// Hot path: `pick` is one array read. Building is O(size of the table).
import type { ConsistentTable } from './consistent-hash.ts';

/** Default table size: prime, and at least 100 times the endpoints up to 655 of them keeps imbalance below 1 %. */
export const MAGLEV_TABLE_SIZE = 65_537;

/**
 * MurmurHash3 (32 bit, x86 variant; Appleby, public domain) of the UTF-16 code units of `text`,
 * one unit per block: stable across processes, which a consistent table needs.
 */
export function hashText(text: string, seed: number): number {
  let hash = seed | 0;
  for (let i = 0; i < text.length; i += 1) {
    let block = Math.imul(text.charCodeAt(i), 0xcc9e2d51);
    block = Math.imul((block << 15) | (block >>> 17), 0x1b873593);
    hash ^= block;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash ^= text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Consistent hashing with a lookup table (Maglev, NSDI 2016, section 3.4): each endpoint walks its
 * own permutation of the slots and takes the next free one; endpoints of larger weight move more
 * often. The same names and weights give the same table everywhere, whatever their order.
 */
export class Maglev implements ConsistentTable {
  readonly length: number;
  readonly #table: Int32Array;

  /** `names` identify endpoints across changes (e.g. `10.0.0.1:80`), unique; `size` is a prime. */
  constructor(names: readonly string[], weights: ArrayLike<number>, size: number = MAGLEV_TABLE_SIZE) {
    this.#table = new Int32Array(size).fill(-1);
    this.length = Array.from(weights).some((weight) => weight > 0) ? size : 0;
    const largest = Math.max(0, ...Array.from(weights));
    const order = names.map((_, index) => index).filter((index) => (weights[index] ?? 0) > 0);
    order.sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
    if (order.length === 0) return;
    const position = names.map((name) => hashText(name, 0x9747b28c) % size);
    const step = names.map((name) => (hashText(name, 0x3c6ef372) % (size - 1)) + 1);
    const credit = new Float64Array(names.length);
    for (let filled = 0; ; ) {
      for (const index of order) {
        credit[index] = credit[index]! + weights[index]! / largest;
        if (credit[index]! < 1) continue;
        credit[index] = credit[index]! - 1;
        let slot = position[index]!;
        while (this.#table[slot] !== -1) slot = (slot + step[index]!) % size;
        this.#table[slot] = index;
        position[index] = (slot + step[index]!) % size;
        filled += 1;
        if (filled === size) return;
      }
    }
  }

  locate(hash: number): number {
    return hash % this.#table.length;
  }

  ownerAt(position: number): number {
    return this.#table[position]!;
  }

  /** Index of the endpoint that owns `hash` (an unsigned 32-bit number), or -1 when there is none. */
  pick(hash: number): number {
    return this.#table[hash % this.#table.length]!;
  }
}
