/** One change of a collection. `old` is absent for an addition, `new` for a removal. */
export interface Change<V> {
  readonly key: string;
  readonly old: V | undefined;
  readonly new: V | undefined;
}

/**
 * A keyed set of frozen values that tells what changes.
 *
 * Derived collections recompute only the keys whose inputs changed, and stop a
 * change that leaves the value equal, so work is proportional to the change.
 */
export interface Collection<V> {
  /** For dumps and logs. */
  readonly name: string;
  readonly size: number;
  get(key: string): V | undefined;
  entries(): IterableIterator<[string, V]>;
  values(): IterableIterator<V>;
  /** Resolves once all sources have delivered their first complete state. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /**
   * Listeners get batches, must not modify them, and see the collection already changed.
   * A late listener first receives the present content as additions. Returns the unsubscriber.
   */
  subscribe(listener: (changes: readonly Change<V>[]) => void): () => void;
}
