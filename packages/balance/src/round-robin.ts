// Hot path: typed arrays, nothing allocated per pick.
import { type BalancerOptions, CountingBalancer, nextUsable, weightsAreEqual } from './balancer.ts';

/** Virtual times above this are shifted back to zero, long before a double loses precision. */
const VIRTUAL_TIME_LIMIT = 2 ** 20;

/**
 * Round robin: equal weights take turns from a random start (so that many clients do not march in
 * step), other weights run earliest-deadline-first (EDF): endpoint i is due every 1/weight units of
 * virtual time from a random phase. At any moment the picks per weight of two endpoints differ by at
 * most one turn of each, and turns are spread evenly (weights 3:1 give a a b a, not a a a b). O(1) equal, O(log n) weighted.
 */
export class RoundRobin extends CountingBalancer {
  readonly #equal: boolean;
  #next: number;
  /** Binary heap of endpoint indices with weight > 0, earliest deadline first, ties by index. */
  readonly #heap: Int32Array;
  readonly #deadline: Float64Array;

  constructor(options: BalancerOptions) {
    super(options);
    this.#equal = weightsAreEqual(this.weights);
    this.#next = this.#equal ? Math.floor(options.random() * this.size) : 0;
    const usable: number[] = [];
    this.#deadline = new Float64Array(this.size);
    if (!this.#equal) {
      this.weights.forEach((weight, index) => {
        if (weight === 0) return;
        this.#deadline[index] = options.random() / weight;
        usable.push(index);
      });
    }
    this.#heap = Int32Array.from(usable);
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at -= 1) this.#sink(at);
  }

  pick(avoid = -1): number {
    const index = this.#equal ? this.#turn() : this.#due();
    if (index !== avoid || index < 0) return index;
    // One more turn; with distinct endpoints left it differs, except when the avoided one is due twice in a row.
    const second = this.#equal ? this.#turn() : this.#due();
    return second !== avoid ? second : nextUsable(this.weights, avoid);
  }

  #turn(): number {
    const index = this.#next;
    this.#next = index + 1 === this.size ? 0 : index + 1;
    return index;
  }

  #due(): number {
    if (this.#heap.length === 0) return -1;
    const index = this.#heap[0]!;
    const due = this.#deadline[index]!;
    if (due > VIRTUAL_TIME_LIMIT) this.#rebase(due);
    this.#deadline[index] = this.#deadline[index]! + 1 / this.weights[index]!;
    this.#sink(0);
    return index;
  }

  /** Subtracts the same time from all: the order stays. Deadlines of tiny weights may be far ahead, which is right. */
  #rebase(origin: number): void {
    for (let i = 0; i < this.size; i += 1) this.#deadline[i] = this.#deadline[i]! - origin;
  }

  #before(a: number, b: number): boolean {
    const left = this.#deadline[a]!;
    const right = this.#deadline[b]!;
    return left < right || (left === right && a < b);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const moved = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!this.#before(heap[child]!, moved)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  }
}
