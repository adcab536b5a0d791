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

/** Each pick is independent; endpoint i has probability weight / sum. O(1). */
export class WeightedRandom implements Balancer {
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
    const index = this.#draw();
    if (index !== avoid) return index;
    // A second draw keeps the shares of the others roughly; the fallback ends the search.
    const second = this.#draw();
    return second !== avoid ? second : nextUsable(this.#weights, avoid);
  }

  start(index: number): void {
    this.#inFlight.start(index);
  }

  done(index: number): void {
    this.#inFlight.done(index);
  }

  #draw(): number {
    return this.#table === undefined ? Math.floor(this.#random() * this.size) : this.#table.draw();
  }
}
