/** A uniform random number in [0, 1). Injected, so that tests and simulations repeat. */
export type Random = () => number;

/**
 * Chooses endpoints of one backend by index. Hot path: `pick`, `start` and `done` allocate nothing.
 *
 * A balancer is built for one endpoint list; when the list changes, build a new one (cheap) and
 * hand the in-flight counts over if they should survive.
 */
export interface Balancer {
  /** Number of endpoints, including those of weight 0. */
  readonly size: number;
  /**
   * Index of the endpoint for the next request, or -1 when no endpoint has a weight above 0.
   * `avoid` (default -1: none) is the index of an endpoint that just failed; it is returned only
   * when nothing else is left.
   */
  pick(avoid?: number): number;
  /** A request to endpoint `index` begins. */
  start(index: number): void;
  /** A request that `start` counted has ended, in whatever way. */
  done(index: number): void;
}

/** What every balancer is built from. */
export interface BalancerOptions {
  /** Relative shares, one per endpoint, each >= 0 and finite. 0 gets no traffic. */
  readonly weights: ArrayLike<number>;
  readonly random: Random;
  /**
   * Requests in flight per endpoint, at least as long as `weights`. May lie in a
   * SharedArrayBuffer, so that several workers balance on one truth. Default: private and zero.
   */
  readonly inFlight?: Int32Array;
}

/** Checks weights where a balancer is built, so that `pick` need not. */
export function checkedWeights(weights: ArrayLike<number>): Float64Array {
  const checked = Float64Array.from(weights);
  for (let i = 0; i < checked.length; i += 1) {
    const weight = checked[i]!;
    if (!(weight >= 0) || weight === Infinity)
      throw new RangeError(`weights[${i}]: ${weight} is not a finite number >= 0`);
  }
  return checked;
}

/** Whether all weights above zero are equal and none is zero: the cheap case of every balancer. */
export function weightsAreEqual(weights: Float64Array): boolean {
  const first = weights[0];
  if (first === undefined || first === 0) return false;
  for (let i = 1; i < weights.length; i += 1) if (weights[i] !== first) return false;
  return true;
}

/** The first index after `avoid` (cyclic) with a weight above 0; `avoid` itself when there is no other; -1 when none. */
export function nextUsable(weights: Float64Array, avoid: number): number {
  const size = weights.length;
  for (let step = 1; step <= size; step += 1) {
    let index = avoid + step;
    if (index >= size) index -= size;
    if (weights[index]! > 0) return index;
  }
  return -1;
}

/** Counts in-flight requests; shared by balancers that do not decide on them. */
export class InFlight {
  readonly counts: Int32Array;

  constructor(size: number, counts: Int32Array = new Int32Array(size)) {
    if (counts.length < size) throw new RangeError(`inFlight: ${counts.length} counts for ${size} endpoints`);
    this.counts = counts;
  }

  /** Atomic, because a plain increment of memory shared by workers loses updates. */
  start(index: number): void {
    Atomics.add(this.counts, index, 1);
  }

  done(index: number): void {
    Atomics.sub(this.counts, index, 1);
  }
}
