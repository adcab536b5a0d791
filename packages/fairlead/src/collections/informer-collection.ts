import type { Stored } from '@fairlead/api';
import type { Informer } from '@fairlead/client';
import type { Collection } from './collection.ts';
import { CollectionCore } from './collection-core.ts';

/** The objects of an informer, keyed `namespace/name`. Stopping the informer stays with its owner. */
export function informerCollection<T>(name: string, informer: Informer<T>): Collection<Stored<T>> {
  return new InformerCollection(name, informer);
}

class InformerCollection<T> extends CollectionCore<Stored<T>> {
  readonly #informer: Informer<T>;

  constructor(name: string, informer: Informer<T>) {
    // An informer only reports new versions: identity is enough.
    super(name, 0, Object.is);
    this.#informer = informer;
    informer.subscribe((changes) => this.apply(changes.map((change) => [change.key, change.new] as const)));
  }

  override get synced(): Promise<void> {
    return this.#informer.synced;
  }

  override get hasSynced(): boolean {
    return this.#informer.hasSynced;
  }
}
