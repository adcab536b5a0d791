// Hot path: typed arrays, nothing allocated per pick.
import type { BalancerOptions } from './balancer.ts';
import { DrawingBalancer } from './weighted-draw.ts';

/** Envoy's. */
export const LEAST_REQUEST_DEFAULTS = { choices: 2, bias: 1 } as const;

/** Options of {@link LeastRequest} beside the common ones. */
export interface LeastRequestOptions extends BalancerOptions {
  /** Endpoints drawn per pick, 2 or more (Envoy's choice count). Default 2. */
  readonly choices?: number;
  /** How much requests in flight count against the weight: the load is inFlight^bias / weight. Default 1, 0 for not at all. */
  readonly bias?: number;
}

/**
 * Power of two choices: of two endpoints drawn by weight, the one with fewer requests in flight
 * per weight (Mitzenmacher 1996: the fullest of n then holds ln ln n / ln 2 + O(1), not
 * ln n / ln ln n). A tie goes to the first drawn, so an idle backend still follows the weights. O(choices).
 */
export class LeastRequest extends DrawingBalancer {
  readonly #choices: number;
  readonly #bias: number;

  constructor(options: LeastRequestOptions) {
    super(options);
    this.#choices = options.choices ?? LEAST_REQUEST_DEFAULTS.choices;
    this.#bias = options.bias ?? LEAST_REQUEST_DEFAULTS.bias;
  }

  pick(avoid = -1): number {
    let best = this.pickOfTwo(avoid);
    for (let more = this.#choices - 2; more > 0 && best >= 0; more -= 1) {
      const other = this.draw();
      if (other !== avoid && other !== best && this.isBetter(other, best)) best = other;
    }
    return best;
  }

  protected override isBetter(candidate: number, other: number): boolean {
    const { weights } = this;
    const mine = this.inFlight(candidate);
    const theirs = this.inFlight(other);
    // mine / weight < theirs / weight, without dividing.
    if (this.#bias === 1) return mine * weights[other]! < theirs * weights[candidate]!;
    return mine ** this.#bias * weights[other]! < theirs ** this.#bias * weights[candidate]!;
  }
}
