// Hot path: one call of the function per key that changed on either side.
import type { Collection } from './collection.ts';
import { DerivedCollection, type Equal } from './collection-core.ts';

/**
 * Joins two collections by key. The (pure) function runs for every key of either; at least one
 * side is present. `undefined` leaves the key out.
 * A batch that reaches this collection over both sides gives one batch.
 */
export function joinByKey<A, B, V>(
  name: string,
  a: Collection<A>,
  b: Collection<B>,
  fn: (a: A | undefined, b: B | undefined, key: string) => V | undefined,
  equal?: Equal<V>,
): DerivedCollection<V> {
  return new JoinedCollection(name, a, b, fn, equal);
}

class JoinedCollection<A, B, V> extends DerivedCollection<V> {
  readonly #a: Collection<A>;
  readonly #b: Collection<B>;
  readonly #fn: (a: A | undefined, b: B | undefined, key: string) => V | undefined;
  #pending = new Set<string>();

  constructor(
    name: string,
    a: Collection<A>,
    b: Collection<B>,
    fn: (a: A | undefined, b: B | undefined, key: string) => V | undefined,
    equal?: Equal<V>,
  ) {
    super(name, [a, b], equal);
    this.#a = a;
    this.#b = b;
    this.#fn = fn;
    const note = (changes: readonly { readonly key: string }[]): void => {
      for (const { key } of changes) this.#pending.add(key);
    };
    this.follow(a, note);
    this.follow(b, note);
  }

  flush(): void {
    const pending = this.#pending;
    this.#pending = new Set();
    const updates: [string, V | undefined][] = [];
    for (const key of pending) {
      this.recomputed++;
      const left = this.#a.get(key);
      const right = this.#b.get(key);
      updates.push([key, left === undefined && right === undefined ? undefined : this.#fn(left, right, key)]);
    }
    this.apply(updates);
  }
}
