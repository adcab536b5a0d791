import { hashText } from '@fairlead/balance';

/**
 * 32-bit numbers for names: the same name gets the same number in every process (short of a rare
 * collision), so that what the kernel remembers by number outlives an agent.
 *
 * Names are kept: their number is bounded by the addresses that endpoints of Services with affinity have had.
 */
export class StableNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #taken = new Set<number>();
  readonly #first: number;

  /** All numbers are `first` or above; `first` is a single bit. */
  constructor(first: number = 0) {
    this.#first = first;
  }

  /** Names that have a number. */
  get size(): number {
    return this.#numbers.size;
  }

  /** Never 0. */
  of(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    let number = (hashText(name, 0) | this.#first) >>> 0;
    while (number === 0 || this.#taken.has(number)) number = ((number + 1) | this.#first) >>> 0;
    this.#numbers.set(name, number);
    this.#taken.add(number);
    return number;
  }
}
