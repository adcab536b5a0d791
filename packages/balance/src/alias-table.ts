// Hot path: `draw` is two array reads.
import type { Random } from './balancer.ts';

/**
 * Draws an index with probability proportional to its weight in O(1) (Walker 1977, built in O(n)
 * after Vose 1991): slot i keeps `i` with probability `threshold[i]`, else gives `alias[i]`.
 */
export class AliasTable {
  readonly #threshold: Float64Array;
  readonly #alias: Int32Array;
  readonly #random: Random;

  /** `weights` are finite and >= 0 with a sum above 0. */
  constructor(weights: Float64Array, random: Random) {
    const size = weights.length;
    // Divide by the largest first: the sum of huge weights must not overflow.
    const largest = weights.reduce((max, weight) => Math.max(max, weight), 0);
    const total = weights.reduce((sum, weight) => sum + weight / largest, 0);
    this.#threshold = weights.map((weight) => (weight / largest / total) * size);
    this.#alias = Int32Array.from(weights, (_, index) => index);
    this.#random = random;

    const poor: number[] = [];
    const rich: number[] = [];
    let heaviest = 0;
    this.#threshold.forEach((share, index) => {
      (share < 1 ? poor : rich).push(index);
      if (weights[index]! > weights[heaviest]!) heaviest = index;
    });
    while (poor.length > 0 && rich.length > 0) {
      const giver = rich[rich.length - 1]!;
      const taker = poor.pop()!;
      this.#alias[taker] = giver;
      this.#threshold[giver] = this.#threshold[giver]! + this.#threshold[taker]! - 1;
      if (this.#threshold[giver]! < 1) poor.push(rich.pop()!);
    }
    // Left over by rounding: full slots. A weight of 0 must not become one.
    for (const index of rich) this.#threshold[index] = 1;
    for (const index of poor) {
      if (weights[index]! > 0) this.#threshold[index] = 1;
      else this.#alias[index] = heaviest;
    }
  }

  draw(): number {
    const at = this.#random() * this.#threshold.length;
    const slot = Math.floor(at);
    return at - slot < this.#threshold[slot]! ? slot : this.#alias[slot]!;
  }
}
