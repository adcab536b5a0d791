/** A uniform random number in [0, 1). Injected, so that tests and simulations repeat. */
export type Random = () => number;

/**
 * Chooses endpoints of one backend by index. Hot path: `pick`, `start` and `done` allocate nothing.
 *
 * A balancer is built for one endpoint list; when the list changes, build a new one (cheap). Counts
 * and latencies live on when they lie in shared memory.
 */
export interface Balancer {
  /** Number of endpoints, including those of weight 0. */
  readonly size: number;
  /**
   * Index of the endpoint for the next request, or -1 when no endpoint has a weight above 0.
   * `avoid` (default -1: none) is the index of an endpoint that just failed; it is returned only
   * when nothing else is left. `hash` (unsigned 32 bit) is what consistent hashing goes by; others
   * ignore it.
   */
  pick(avoid?: number, hash?: number): number;
  /** A request to endpoint `index` begins. */
  start(index: number): void;
  /** A request that `start` counted has ended, in whatever way. */
  done(index: number): void;
  /** An answer began after `latencyMs`. Ignored by those that do not go by latency. */
  observe(index: number, latencyMs: number): void;
}

/** What every balancer is built from. */
export interface BalancerOptions {
  /** Relative shares, one per endpoint, each >= 0 and finite. 0 gets no traffic. */
  readonly weights: ArrayLike<number>;
  readonly random: Random;
  /** Requests in flight per endpoint. May lie in a SharedArrayBuffer, so that several workers balance on one truth. Default: private and zero. */
  readonly inFlight?: Int32Array;
  /** Index in `inFlight` of each endpoint. Default: its own. */
  readonly inFlightCells?: Int32Array;
  /** Latency averages, each followed by the time it was taken (ms of `now`); may be shared like `inFlight`. */
  readonly latencies?: Float64Array;
  /** Index in `latencies` of each endpoint's average. Default: twice its own. */
  readonly latencyCells?: Int32Array;
  /** Milliseconds of a clock that all who share `latencies` agree on. Needed for `peak-ewma` only. */
  readonly now?: () => number;
  /** Identities of the endpoints across changes (e.g. `10.0.0.1:80`), unique. Needed for consistent hashing only. */
  readonly names?: readonly string[];
  /** Consistent hashing: most load of an endpoint relative to the mean, above 1. Default: no bound. */
  readonly boundedLoad?: number;
}

/** Checks weights where a balancer is built, so that `pick` need not. */
function checkedWeights(weights: ArrayLike<number>): Float64Array {
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

/** Weights and in-flight counts: what all balancers share. */
export abstract class CountingBalancer implements Balancer {
  readonly size: number;
  protected readonly weights: Float64Array;
  protected readonly counts: Int32Array;
  protected readonly cells: Int32Array;

  constructor(options: BalancerOptions) {
    this.weights = checkedWeights(options.weights);
    this.size = this.weights.length;
    this.cells = options.inFlightCells ?? Int32Array.from(this.weights, (_, index) => index);
    this.counts = options.inFlight ?? new Int32Array(this.size);
    const last = this.cells.reduce((max, cell) => Math.max(max, cell), -1);
    if (this.cells.length < this.size || last >= this.counts.length)
      throw new RangeError(`inFlight: ${this.counts.length} counts for ${this.size} endpoints`);
  }

  abstract pick(avoid?: number, hash?: number): number;

  protected inFlight(index: number): number {
    return this.counts[this.cells[index]!]!;
  }

  /** Atomic, because a plain increment of memory shared by workers loses updates. */
  start(index: number): void {
    Atomics.add(this.counts, this.cells[index]!, 1);
  }

  done(index: number): void {
    Atomics.sub(this.counts, this.cells[index]!, 1);
  }

  observe(_index: number, _latencyMs: number): void {}
}
