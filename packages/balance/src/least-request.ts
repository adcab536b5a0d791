// Hot path: typed arrays, nothing allocated per pick.
import { AliasTable } from './alias-table.ts';
import {
  type Balancer,
  type BalancerOptions,
  checkedWeights,
  InFlight,
  nextUsable,
  type Random,
  weightsAreEqual,
} from './balancer.ts';

/**
 * Power of two choices: of two endpoints drawn by weight, the one with fewer requests in flight
 * per weight (Mitzenmacher 1996: the fullest of n then holds ln ln n / ln 2 + O(1), not
 * ln n / ln ln n). A tie goes to the first drawn, so an idle backend still follows the weights. O(1).
 */
export class LeastRequest implements Balancer {
  readonly size: number;
  readonly #weights: Float64Array;
  readonly #inFlight: InFlight;
  readonly #random: Random;
  readonly #table: AliasTable | undefined;
  readonly #empty: boolean;

  constructor(options: BalancerOptions) {
    this.#weights = checkedWeights(options.weights);
    this.size = this.#weights.length;
    this.#inFlight = new InFlight(this.size, options.inFlight);
    this.#random = options.random;
    this.#empty = !this.#weights.some((weight) => weight > 0);
    const simple = this.#empty || weightsAreEqual(this.#weights);
    this.#table = simple ? undefined : new AliasTable(this.#weights, options.random);
  }

  pick(avoid = -1): number {
    if (this.#empty) return -1;
    let first: number;
    let second: number;
    if (this.#table === undefined) {
      first = Math.floor(this.#random() * this.size);
      if (this.size === 1) return first;
      second = Math.floor(this.#random() * (this.size - 1));
      if (second >= first) second += 1;
    } else {
      first = this.#table.draw();
      second = this.#table.draw();
    }
    if (first === avoid) return second === avoid ? nextUsable(this.#weights, avoid) : second;
    if (second === avoid) return first;
    const counts = this.#inFlight.counts;
    // counts[first] / weight[first] <= counts[second] / weight[second], without dividing.
    return counts[first]! * this.#weights[second]! <= counts[second]! * this.#weights[first]! ? first : second;
  }

  start(index: number): void {
    this.#inFlight.start(index);
  }

  done(index: number): void {
    this.#inFlight.done(index);
  }
}
