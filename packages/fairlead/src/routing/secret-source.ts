import { type ObjectKey, type ResourceRef, type Secret, type Stored, splitObjectKey } from '@fairlead/api';
import { type ApiClient, type Informer, startInformer } from '@fairlead/client';
import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';

/** Objects of one kind by name, each watched only while somebody needs it. */
export interface NamedObjects<T> {
  /** Counts one more need. */
  watch(key: ObjectKey): void;
  /** Counts one need less. */
  unwatch(key: ObjectKey): void;
  /** `pending` until the API has answered. */
  get(key: ObjectKey): Stored<T> | undefined | 'pending';
  /** Calls back for each object that changed or became known. */
  subscribe(listener: (key: ObjectKey) => void): () => void;
  /** Resolves when nothing is pending. */
  settled(): Promise<void>;
}

/** Secrets by name. */
export type SecretSource = NamedObjects<Secret>;

/** Knows no object and never will. */
export const noObjects: NamedObjects<never> = {
  watch() {},
  unwatch() {},
  get: () => 'pending',
  subscribe: () => () => {},
  settled: () => Promise.resolve(),
};

interface Watched<T> {
  readonly informer: Informer<T>;
  needs: number;
}

/**
 * One watch per object that is referenced, by its name: the gateway neither reads nor may read any
 * other (RBAC `resourceNames`).
 */
export class ReferencedObjects<T> implements NamedObjects<T> {
  readonly #kind: ResourceRef<T>;
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #watched = new Map<ObjectKey, Watched<T>>();
  readonly #listeners = new Set<(key: ObjectKey) => void>();

  constructor(kind: ResourceRef<T>, client: ApiClient, clock: Clock, log: Log) {
    this.#kind = kind;
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
  }

  watch(key: ObjectKey): void {
    const known = this.#watched.get(key);
    if (known !== undefined) {
      known.needs++;
      return;
    }
    const { namespace = '', name } = splitObjectKey(key);
    const informer = startInformer(
      this.#client,
      this.#kind,
      { namespace, fieldSelector: `metadata.name=${name}` },
      { clock: this.#clock, log: this.#log },
    );
    this.#watched.set(key, { informer, needs: 1 });
    informer.subscribe(() => this.#tell(key));
    void informer.synced.then(() => this.#tell(key));
  }

  unwatch(key: ObjectKey): void {
    const known = this.#watched.get(key);
    if (known === undefined || --known.needs > 0) return;
    known.informer.stop();
    this.#watched.delete(key);
  }

  get(key: ObjectKey): Stored<T> | undefined | 'pending' {
    const informer = this.#watched.get(key)?.informer;
    return informer?.hasSynced === true ? informer.get(key) : 'pending';
  }

  subscribe(listener: (key: ObjectKey) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#watched.values()].map(({ informer }) => informer.synced));
  }

  #tell(key: ObjectKey): void {
    for (const listener of this.#listeners) listener(key);
  }

  stop(): void {
    for (const { informer } of this.#watched.values()) informer.stop();
    this.#watched.clear();
  }
}
