import { type ObjectKey, objectKey, type ResourceRef, type Stored } from '@fairlead/api';
import {
  type ApiClient,
  ApiError,
  type ListOptions,
  type ObjectList,
  type Selection,
  type WatchEventOf,
} from './api-client.ts';
import { createBackOff } from './back-off.ts';
import { machineClock, machineRandom, pause, type Surroundings } from './clock.ts';
import type { Informer, InformerChange } from './informer.ts';

/** Options of {@link startInformer}. */
export interface InformerOptions extends Surroundings {
  /** Objects per page of a list. Default 500. */
  readonly pageSize?: number;
  /** Keeps only what the listeners need of an object, before it is stored. Must keep `metadata`. */
  readonly strip?: <T>(object: Stored<T>) => Stored<T>;
}

/**
 * Starts a local copy of a selection: a paged list, then a watch from its version, resumed from the
 * last version seen and listed anew only when the server has forgotten that version (410).
 *
 * Contents and listeners change together, once per turn of the event loop: events of one turn on the
 * same key are one change, and what leaves the object as it was is none.
 */
export function startInformer<T>(
  client: ApiClient,
  ref: ResourceRef<T>,
  selection: Selection = {},
  options: InformerOptions = {},
): Informer<T> {
  return new ListWatch(client, ref, selection, options);
}

class ListWatch<T> implements Informer<T> {
  readonly ref: ResourceRef<T>;
  readonly synced: Promise<void>;
  readonly #client: ApiClient;
  readonly #selection: Selection;
  readonly #options: InformerOptions;
  readonly #stopping = new AbortController();
  readonly #listeners = new Set<(changes: readonly InformerChange<T>[]) => void>();
  readonly #objects = new Map<ObjectKey, Stored<T>>();
  /** What the next flush makes of each key; `undefined` removes it. */
  readonly #pending = new Map<ObjectKey, Stored<T> | undefined>();
  #markSynced: () => void = () => undefined;
  #hasSynced = false;
  #listed = false;
  #relisted = false;
  #flushScheduled = false;
  /** Version that events so far, and the cache after the last flush, have reached. */
  #seenVersion = 0;
  #appliedVersion = 0;
  #waiters: { readonly version: number; readonly resolve: () => void }[] = [];

  constructor(client: ApiClient, ref: ResourceRef<T>, selection: Selection, options: InformerOptions) {
    this.ref = ref;
    this.#client = client;
    this.#selection = selection;
    this.#options = options;
    this.synced = new Promise((resolve) => {
      this.#markSynced = resolve;
    });
    void this.#run();
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): Stored<T> | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<Stored<T>> {
    return this.#objects.values();
  }

  subscribe(listener: (changes: readonly InformerChange<T>[]) => void): () => void {
    // A wrapper of its own, so that subscribing one function twice is two subscriptions.
    const own = (changes: readonly InformerChange<T>[]): void => listener(changes);
    this.#listeners.add(own);
    if (this.#objects.size > 0) {
      own([...this.#objects].map(([key, object]) => ({ key, old: undefined, new: object })));
    }
    return () => this.#listeners.delete(own);
  }

  caughtUp(resourceVersion: string): Promise<void> {
    const version = Number(resourceVersion);
    // A server with opaque versions cannot be waited for.
    if (!(version > this.#appliedVersion) || this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ version, resolve }));
  }

  stop(): void {
    this.#stopping.abort();
    this.#listeners.clear();
    this.#release(Number.POSITIVE_INFINITY);
  }

  #release(version: number): void {
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => waiter.version > version);
    for (const waiter of waiters) if (waiter.version <= version) waiter.resolve();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const clock = this.#options.clock ?? machineClock;
    const backOff = createBackOff({ firstMs: 50, maxMs: 2_000 }, this.#options.random ?? machineRandom);
    const log = this.#options.log;
    let version: string | undefined;
    while (!signal.aborted) {
      try {
        version ??= await this.#list();
        let events = 0;
        for await (const event of this.#open(version)) {
          if (signal.aborted) return;
          if (event.type === 'ERROR') {
            const { code = 500, reason = 'Unknown', message = 'watch failed' } = event.object;
            throw new ApiError(code, reason, message, { status: event.object });
          }
          if (events++ === 0) backOff.reset();
          if (event.type !== 'BOOKMARK') this.#note(event);
          version = event.object.metadata.resourceVersion ?? version;
          this.#seenVersion = Number(version);
          this.#schedule();
        }
        // An empty watch may be a server that ends them at once: do not spin.
        if (events > 0) continue;
        log?.('debug', 'watch ended', { resource: this.ref.plural });
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && (error.code === 410 || error.reason === 'Expired')) {
          log?.('debug', 'watch expired, listing anew', { resource: this.ref.plural });
          version = undefined;
        } else {
          log?.('warn', 'cannot list or watch', { resource: this.ref.plural, error: (error as Error).message });
        }
      }
      await pause(clock, backOff.nextMs(), signal);
    }
  }

  #open(resourceVersion: string): AsyncIterable<WatchEventOf<T>> {
    const random = this.#options.random ?? machineRandom;
    return this.#client.watch(this.ref, {
      ...this.#selection,
      resourceVersion,
      allowBookmarks: true,
      // Spread, so that many clients do not come back in the same second.
      timeoutSeconds: Math.floor(300 + 300 * random()),
      signal: this.#stopping.signal,
    });
  }

  /** Lists all pages of one snapshot and notes the difference. Returns the snapshot's version. */
  async #list(): Promise<string> {
    let limit: number | undefined = this.#options.pageSize ?? 500;
    let items: Stored<T>[] = [];
    let next: string | undefined;
    for (;;) {
      const page: ListOptions = {
        ...this.#selection,
        ...(limit === undefined ? {} : { limit }),
        ...(next === undefined ? {} : { continue: next }),
      };
      if (next === undefined) items = [];
      try {
        const list = await this.#listPage(page, items);
        // Lists of custom resources end with an empty mark, others with none.
        next = list.continue === '' ? undefined : list.continue;
        if (next !== undefined) continue;
        this.#noteAll(items);
        this.#seenVersion = Number(list.resourceVersion);
        this.#listed = true;
        this.#relisted = true;
        return list.resourceVersion;
      } catch (error) {
        // The snapshot expired between pages: once more, in one piece.
        if (next === undefined || !(error instanceof ApiError) || error.code !== 410) throw error;
        next = undefined;
        limit = undefined;
      }
    }
  }

  /** Adds the stripped items of a page, as they come where the client can: what nobody needs is garbage at once. */
  async #listPage(page: ListOptions, items: Stored<T>[]): Promise<Omit<ObjectList<T>, 'items'>> {
    if (this.#client.listItems !== undefined) {
      return this.#client.listItems(this.ref, page, (item) => void items.push(this.#strip(item)));
    }
    const list = await this.#client.list(this.ref, page);
    for (const item of list.items) items.push(this.#strip(item));
    return list;
  }

  /** Takes stripped items. */
  #noteAll(items: readonly Stored<T>[]): void {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    this.#pending.clear();
    for (const key of this.#objects.keys()) this.#pending.set(key, undefined);
    for (const item of items) this.#pending.set(objectKey(item as { metadata: Stored<T>['metadata'] }), item);
    this.#schedule();
  }

  #note(event: { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored<T> }): void {
    const key = objectKey(event.object as { metadata: Stored<T>['metadata'] });
    this.#pending.set(key, event.type === 'DELETED' ? undefined : this.#strip(event.object));
    this.#schedule();
  }

  #strip(object: Stored<T>): Stored<T> {
    return this.#options.strip?.(object) ?? object;
  }

  #schedule(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.#stopping.signal.aborted) return;
    const changes: InformerChange<T>[] = [];
    for (const [key, next] of this.#pending) {
      const old = this.#objects.get(key);
      if (next === undefined) {
        if (old === undefined) continue;
        this.#objects.delete(key);
      } else {
        const { resourceVersion, uid } = next.metadata;
        if (old !== undefined && old.metadata.resourceVersion === resourceVersion && old.metadata.uid === uid) continue;
        this.#objects.set(key, next);
      }
      changes.push({ key, old, new: next });
    }
    this.#pending.clear();
    const first = this.#listed && !this.#hasSynced;
    if (first) this.#hasSynced = true;
    if (changes.length > 0) {
      for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) listener(changes);
    }
    if (first) this.#markSynced();
    this.#appliedVersion = this.#seenVersion;
    this.#release(this.#relisted ? Number.POSITIVE_INFINITY : this.#appliedVersion);
    this.#relisted = false;
  }
}
