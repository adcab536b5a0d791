// Hot path: typed arrays, nothing allocated per draw.
import { AliasTable } from './alias-table.ts';
import { type BalancerOptions, CountingBalancer, nextUsable, type Random, weightsAreEqual } from './balancer.ts';

/** Balancers that draw endpoints at random, endpoint i with probability weight / sum. O(1). */
export abstract class DrawingBalancer extends CountingBalancer {
  protected readonly random: Random;
  /** No endpoint has a weight above 0. */
  protected readonly isEmpty: boolean;
  readonly #table: AliasTable | undefined;

  constructor(options: BalancerOptions) {
    super(options);
    this.random = options.random;
    this.isEmpty = !this.weights.some((weight) => weight > 0);
    const simple = this.isEmpty || weightsAreEqual(this.weights);
    this.#table = simple ? undefined : new AliasTable(this.weights, options.random);
  }

  /** Whether endpoints are drawn alike. */
  protected get isUniform(): boolean {
    return this.#table === undefined;
  }

  protected draw(): number {
    return this.#table === undefined ? Math.floor(this.random() * this.size) : this.#table.draw();
  }

  /** A second draw, different from `first` where weights are equal. */
  protected drawAfter(first: number): number {
    if (this.#table !== undefined) return this.#table.draw();
    if (this.size === 1) return first;
    const second = Math.floor(this.random() * (this.size - 1));
    return second >= first ? second + 1 : second;
  }

  /** Of two drawn, the one that `isBetter` prefers, and never `avoid` while there is another. */
  protected pickOfTwo(avoid: number): number {
    if (this.isEmpty) return -1;
    const first = this.draw();
    const second = this.drawAfter(first);
    if (first === avoid) return second === avoid ? nextUsable(this.weights, avoid) : second;
    if (second === avoid || second === first) return first;
    return this.isBetter(second, first) ? second : first;
  }

  /** Whether `candidate` is strictly better than `other`. */
  protected isBetter(_candidate: number, _other: number): boolean {
    return false;
  }
}
