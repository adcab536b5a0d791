import type { ObjectKey, ResourceRef, Stored } from '@fairlead/api';

/** One change of an informer's cache. `old` is absent for an addition, `new` for a removal. */
export interface InformerChange<T> {
  readonly key: ObjectKey;
  readonly old: Stored<T> | undefined;
  readonly new: Stored<T> | undefined;
}

/**
 * A local copy of a selection of objects, kept by list and watch (or WatchList).
 *
 * Losing the server keeps the last state; reconnecting delivers the difference.
 * Listeners get changes in batches: all events that arrived in one turn.
 */
export interface Informer<T> {
  readonly ref: ResourceRef<T>;
  /** Resolves after the first complete list. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  get(key: ObjectKey): Stored<T> | undefined;
  values(): IterableIterator<Stored<T>>;
  readonly size: number;
  /** A late listener first receives the present content as additions. Returns the unsubscriber. */
  subscribe(listener: (changes: readonly InformerChange<T>[]) => void): () => void;
  /**
   * Resolves when the cache holds a write that was answered with this version ("read your writes"),
   * when a new list replaced it, or when the informer stops.
   */
  caughtUp(resourceVersion: string): Promise<void>;
  stop(): void;
}
