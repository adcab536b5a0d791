import { objectKey, type Stored } from '@fairlead/api';
import type { Change } from '../collections/collection.ts';
import type { RoutingSource } from './build-route-table.ts';

/** A collection that a test fills by hand; each call is one batch. */
export class FakeSource<T> implements RoutingSource<T> {
  readonly #objects = new Map<string, Stored<T>>();
  readonly #listeners = new Set<(changes: readonly Change<Stored<T>>[]) => void>();
  readonly synced: Promise<void> = Promise.resolve();

  get(key: string): Stored<T> | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<Stored<T>> {
    return this.#objects.values();
  }

  set(...objects: readonly Stored<T>[]): void {
    this.#deliver(
      objects.map((object) => {
        const key = objectKey(object);
        const old = this.#objects.get(key);
        this.#objects.set(key, object);
        return { key, old, new: object };
      }),
    );
  }

  delete(key: string): void {
    const old = this.#objects.get(key);
    if (this.#objects.delete(key)) this.#deliver([{ key, old, new: undefined }]);
  }

  subscribe(listener: (changes: readonly Change<Stored<T>>[]) => void): () => void {
    this.#listeners.add(listener);
    listener([...this.#objects].map(([key, object]) => ({ key, old: undefined, new: object })));
    return () => this.#listeners.delete(listener);
  }

  #deliver(changes: readonly Change<Stored<T>>[]): void {
    for (const listener of this.#listeners) listener(changes);
  }
}
