// Hot path: `locate` is a binary search. Building is O(entries log entries).
import type { ConsistentTable } from './consistent-hash.ts';
import { hashText } from './maglev.ts';

/** Envoy's. */
export const RING_DEFAULTS: Required<RingOptions> = { minEntries: 1024, maxEntries: 8 * 1024 * 1024 };

/** Bounds of a ring, in entries. */
export interface RingOptions {
  readonly minEntries?: number;
  readonly maxEntries?: number;
}

/**
 * Ketama ring: each endpoint stands at pseudo-random points, as many as its share of the weights;
 * a hash belongs to the next point clockwise. One endpoint more or less moves about 1/n of the
 * hashes, and no hash between two endpoints that stay.
 */
export class HashRing implements ConsistentTable {
  readonly length: number;
  readonly #points: Uint32Array;
  readonly #owners: Int32Array;

  constructor(names: readonly string[], weights: ArrayLike<number>, options: RingOptions = {}) {
    const { minEntries, maxEntries } = { ...RING_DEFAULTS, ...options };
    let sum = 0;
    let smallest = Infinity;
    for (let i = 0; i < names.length; i++) {
      const weight = weights[i] ?? 0;
      sum += weight;
      if (weight > 0) smallest = Math.min(smallest, weight);
    }
    // The smallest share gets a whole number of entries, so that shares are true in a small ring too.
    const share = smallest / sum;
    const scale = sum === 0 ? 0 : Math.min(Math.ceil(share * minEntries) / share, maxEntries);
    const entries: { readonly point: number; readonly owner: number }[] = [];
    let target = 0;
    names.forEach((name, owner) => {
      const weight = weights[owner] ?? 0;
      if (weight <= 0) return;
      // Running sums keep the rounding error of the whole ring below one entry.
      const before = Math.round(target);
      target += (weight / sum) * scale;
      const count = Math.max(1, Math.round(target) - before);
      for (let i = 0; i < count; i++) entries.push({ point: hashText(`${name}_${i}`, 0x2545f491), owner });
    });
    // Of two endpoints at one point the name decides, whatever the order of the list.
    entries.sort((a, b) => a.point - b.point || (names[a.owner]! < names[b.owner]! ? -1 : 1));
    this.length = entries.length;
    this.#points = Uint32Array.from(entries, (entry) => entry.point);
    this.#owners = Int32Array.from(entries, (entry) => entry.owner);
  }

  locate(hash: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#points[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return low === this.length ? 0 : low;
  }

  ownerAt(position: number): number {
    return this.#owners[position]!;
  }

  /** Index of the endpoint that owns `hash` (an unsigned 32-bit number), or -1 when there is none. */
  pick(hash: number): number {
    return this.length === 0 ? -1 : this.#owners[this.locate(hash)]!;
  }
}
