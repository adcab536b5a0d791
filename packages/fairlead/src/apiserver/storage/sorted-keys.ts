// Hot path: one insertion or removal per write, two searches per list.

/** Keys in code-unit order, in one array: binary search, and a block move per insertion. */
export class SortedKeys {
  #keys: string[];

  /** Takes keys that are already sorted. */
  constructor(sorted: string[] = []) {
    this.#keys = sorted;
  }

  get size(): number {
    return this.#keys.length;
  }

  at(index: number): string | undefined {
    return this.#keys[index];
  }

  /** Index of the first key not less than `key`. */
  lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(key: string): void {
    const last = this.#keys.length;
    if (last === 0 || this.#keys[last - 1]! < key) {
      this.#keys.push(key);
      return;
    }
    const index = this.lowerBound(key);
    if (this.#keys[index] !== key) this.#keys.splice(index, 0, key);
  }

  remove(key: string): void {
    const index = this.lowerBound(key);
    if (this.#keys[index] === key) this.#keys.splice(index, 1);
  }
}
