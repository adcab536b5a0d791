import { CollectionCore } from './collection-core.ts';

/** A collection that its owner edits: for fixed inputs, and for tests. */
export class StaticCollection<V> extends CollectionCore<V> {
  constructor(name: string, content: Iterable<readonly [string, V]> = []) {
    super(name, 0);
    this.apply(content);
  }

  /** Sets keys, or removes those given as `undefined`: one batch. */
  update(updates: Iterable<readonly [string, V | undefined]>): void {
    this.apply(updates);
  }

  set(key: string, value: V): void {
    this.apply([[key, value]]);
  }

  delete(key: string): void {
    this.apply([[key, undefined]]);
  }
}

/** Starts a {@link StaticCollection}. */
export function staticCollection<V>(name: string, content: Iterable<readonly [string, V]> = []): StaticCollection<V> {
  return new StaticCollection(name, content);
}
