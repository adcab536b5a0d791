// Hot path: one insertion or removal per write, two searches per list.

/** So many new keys are put in their places one by one; more are merged with all others at once. */
const fewKeys = 8;

/**
 * Keys in code-unit order, in one array with binary search. New keys wait until somebody asks: a block move per insertion
 * would cost a burst of writes as much as all else that is done to keep them in memory.
 */
export class SortedKeys {
  #keys: string[];
  /** Not in their places yet, in no order. */
  #added: string[] = [];

  /** Takes keys that are already sorted. */
  constructor(sorted: string[] = []) {
    this.#keys = sorted;
  }

  get size(): number {
    return this.#keys.length + this.#added.length;
  }

  at(index: number): string | undefined {
    this.#settle();
    return this.#keys[index];
  }

  /** Index of the first key not less than `key`. */
  lowerBound(key: string): number {
    this.#settle();
    return this.#search(key);
  }

  /** Adds a key that is not there yet. */
  add(key: string): void {
    this.#added.push(key);
  }

  remove(key: string): void {
    this.#settle();
    const index = this.#search(key);
    if (this.#keys[index] === key) this.#keys.splice(index, 1);
  }

  #search(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #settle(): void {
    const added = this.#added;
    if (added.length === 0) return;
    this.#added = [];
    if (added.length <= fewKeys) for (const key of added) this.#keys.splice(this.#search(key), 0, key);
    else this.#merge(added.sort());
  }

  #merge(added: readonly string[]): void {
    const keys = this.#keys;
    const merged: string[] = [];
    let next = 0;
    for (const key of keys) {
      while (next < added.length && added[next]! < key) merged.push(added[next++]!);
      merged.push(key);
    }
    while (next < added.length) merged.push(added[next++]!);
    this.#keys = merged;
  }
}
