import { deepEqual } from '@fairlead/client';
import type { Change, Collection } from './collection.ts';
import { inBatch, markDirty, notifyLater, type PropagationNode } from './propagation.ts';

/** When a new value counts as the old one. The default is structural equality. */
export type Equal<V> = (a: V, b: V) => boolean;

/** Storage, listeners and batching that every kind of collection shares. */
export class CollectionCore<V> implements Collection<V> {
  readonly name: string;
  readonly height: number;
  readonly #equal: Equal<V>;
  readonly #content = new Map<string, V>();
  readonly #listeners = new Set<(changes: readonly Change<V>[]) => void>();
  readonly #dependents = new Set<(changes: readonly Change<V>[]) => void>();

  constructor(name: string, height: number, equal: Equal<V> = deepEqual) {
    this.name = name;
    this.height = height;
    this.#equal = equal;
  }

  get size(): number {
    return this.#content.size;
  }

  get synced(): Promise<void> {
    return Promise.resolve();
  }

  get hasSynced(): boolean {
    return true;
  }

  get(key: string): V | undefined {
    return this.#content.get(key);
  }

  entries(): IterableIterator<[string, V]> {
    return this.#content.entries();
  }

  values(): IterableIterator<V> {
    return this.#content.values();
  }

  subscribe(listener: (changes: readonly Change<V>[]) => void): () => void {
    const own = (changes: readonly Change<V>[]): void => listener(changes);
    this.#listeners.add(own);
    if (this.#content.size > 0) own(this.#additions());
    return () => this.#listeners.delete(own);
  }

  /** Listens as a derived collection: at once, before ordinary listeners. */
  attach(dependent: (changes: readonly Change<V>[]) => void): () => void {
    this.#dependents.add(dependent);
    if (this.#content.size > 0) dependent(this.#additions());
    return () => this.#dependents.delete(dependent);
  }

  /** Sets (or, with `undefined`, removes) keys and emits what really changed as one batch. */
  protected apply(updates: Iterable<readonly [string, V | undefined]>): void {
    const changes: Change<V>[] = [];
    for (const [key, next] of updates) {
      const old = this.#content.get(key);
      if (next === undefined) {
        if (old === undefined) continue;
        this.#content.delete(key);
      } else {
        if (old !== undefined && this.#equal(old, next)) continue;
        this.#content.set(key, next);
      }
      changes.push({ key, old, new: next });
    }
    if (changes.length === 0) return;
    inBatch(() => {
      for (const dependent of [...this.#dependents]) dependent(changes);
      for (const listener of [...this.#listeners]) {
        notifyLater(() => {
          if (this.#listeners.has(listener)) listener(changes);
        });
      }
    });
  }

  #additions(): Change<V>[] {
    return [...this.#content].map(([key, value]) => ({ key, old: undefined, new: value }));
  }
}

/** A collection computed from others. Sub-classes turn pending input changes into updates. */
export abstract class DerivedCollection<V> extends CollectionCore<V> implements PropagationNode {
  readonly #sources: readonly Collection<unknown>[];
  /** Keys recomputed so far: proportional to the changes of the sources. */
  recomputed: number = 0;

  constructor(name: string, sources: readonly Collection<unknown>[], equal?: Equal<V>) {
    super(name, 1 + Math.max(...sources.map(heightOf)), equal);
    this.#sources = sources;
  }

  get sources(): readonly Collection<unknown>[] {
    return this.#sources;
  }

  override get synced(): Promise<void> {
    return Promise.all(this.#sources.map((source) => source.synced)).then(() => undefined);
  }

  override get hasSynced(): boolean {
    return this.#sources.every((source) => source.hasSynced);
  }

  abstract flush(): void;

  /** Routes a source's changes to `note`, then puts this collection in line. */
  protected follow<S>(source: Collection<S>, note: (changes: readonly Change<S>[]) => void): void {
    const receive = (changes: readonly Change<S>[]): void => {
      note(changes);
      markDirty(this);
    };
    if (source instanceof CollectionCore) (source as CollectionCore<S>).attach(receive);
    else source.subscribe(receive);
  }
}

function heightOf(source: Collection<unknown>): number {
  return source instanceof CollectionCore ? source.height : 0;
}
