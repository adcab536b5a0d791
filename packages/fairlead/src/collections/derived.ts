// Hot path: one call of the function per changed key.
import type { Change, Collection } from './collection.ts';
import { DerivedCollection, type Equal } from './collection-core.ts';

/**
 * The function's results, under the source's keys; `undefined` leaves a key out.
 * The function must be pure: it runs again only for keys whose source value changed.
 * @param equal when a new result counts as the old one; default structural equality
 */
export function mapCollection<S, V>(
  name: string,
  source: Collection<S>,
  fn: (value: S, key: string) => V | undefined,
  equal?: Equal<V>,
): DerivedCollection<V> {
  return new MappedCollection(name, source, fn, equal);
}

/** The members of a collection for which the (pure) predicate holds. */
export function filterCollection<V>(
  name: string,
  source: Collection<V>,
  predicate: (value: V, key: string) => boolean,
): DerivedCollection<V> {
  // The source has already stopped equal values: identity is enough here.
  return new MappedCollection(name, source, (value, key) => (predicate(value, key) ? value : undefined), Object.is);
}

class MappedCollection<S, V> extends DerivedCollection<V> {
  readonly #fn: (value: S, key: string) => V | undefined;
  #pending = new Map<string, S | undefined>();

  constructor(name: string, source: Collection<S>, fn: (value: S, key: string) => V | undefined, equal?: Equal<V>) {
    super(name, [source], equal);
    this.#fn = fn;
    this.follow(source, (changes: readonly Change<S>[]) => {
      for (const change of changes) this.#pending.set(change.key, change.new);
    });
  }

  flush(): void {
    const pending = this.#pending;
    this.#pending = new Map();
    const updates: [string, V | undefined][] = [];
    for (const [key, value] of pending) {
      this.recomputed++;
      updates.push([key, value === undefined ? undefined : this.#fn(value, key)]);
    }
    this.apply(updates);
  }
}
