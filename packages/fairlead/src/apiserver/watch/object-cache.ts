import type { Storage, StorageEntry, StorageEvent } from '../storage/storage.ts';
import { ResourceCache } from './resource-cache.ts';
import { StoredObject } from './stored-object.ts';
import { WatchEvent } from './watch-event.ts';

/** The changes of one resource after a revision. */
export interface ResourceHistory {
  readonly events: readonly WatchEvent[];
  /** Every change of the resource up to this revision is among them. */
  readonly through: number;
}

/** Store key of an object; the namespace is empty for cluster-scoped ones. */
export function storeKey(prefix: string, namespace: string, name: string): string {
  return namespace === '' ? prefix + name : `${prefix}${namespace}/${name}`;
}

/** The newest state of the whole store by resource, kept by the store's change stream. */
export class ObjectCache {
  readonly #storage: Storage;
  readonly #resources = new Map<string, ResourceCache>();
  readonly #unsubscribe: () => void;

  private constructor(storage: Storage, entries: readonly StorageEntry[]) {
    this.#storage = storage;
    const byPrefix = new Map<string, StorageEntry[]>();
    for (const entry of entries) {
      const prefix = prefixOf(entry.key);
      const group = byPrefix.get(prefix);
      if (group === undefined) byPrefix.set(prefix, [entry]);
      else group.push(entry);
    }
    for (const [prefix, group] of byPrefix) {
      this.#resources.set(prefix, new ResourceCache(prefix, group, storage.revision));
    }
    this.#unsubscribe = storage.subscribe(
      (events) => this.#apply(events),
      (revision) => this.#lose(revision),
    );
  }

  /** Reads the store and follows it from then on. */
  static async load(storage: Storage): Promise<ObjectCache> {
    const all = await storage.range('/');
    return new ObjectCache(storage, all.ok ? all.entries : []);
  }

  get revision(): number {
    return this.#storage.revision;
  }

  /** The cache of one resource; an empty one for a resource that has no objects yet. */
  resource(prefix: string): ResourceCache {
    let resource = this.#resources.get(prefix);
    if (resource === undefined) {
      resource = new ResourceCache(prefix, [], this.#storage.revision);
      this.#resources.set(prefix, resource);
    }
    return resource;
  }

  /**
   * Events of a resource after a revision, from memory or else from the store. Where the revision has several events of
   * the resource they come, too: who asks may have been told of the first only. To learn of one twice does no harm.
   */
  async eventsAfter(resource: ResourceCache, revision: number): Promise<ResourceHistory | 'compacted'> {
    if (revision < this.#storage.compactedRevision) return 'compacted';
    const recent = this.#recentAfter(resource, revision);
    if (recent !== undefined) return { events: recent, through: Math.max(revision, this.revision) };
    const replay = await this.#storage.replay(resource.prefix, revision);
    if (!replay.ok) return 'compacted';
    const events = replay.events.map(
      ({ type, entry, previous }) =>
        new WatchEvent(
          new StoredObject(entry),
          previous === undefined ? undefined : new StoredObject(previous),
          type === 'delete',
        ),
    );
    return { events, through: replay.through };
  }

  #recentAfter(resource: ResourceCache, revision: number): readonly WatchEvent[] | undefined {
    if (!this.#storage.sharesRevisions) return resource.eventsAfter(revision);
    const recent = resource.eventsAfter(revision - 1);
    if (recent === undefined) return undefined;
    return recent[1]?.revision === revision ? recent : recent.slice(recent[0]?.revision === revision ? 1 : 0);
  }

  /** Number of objects per resource prefix, for metrics. */
  *sizes(): IterableIterator<readonly [prefix: string, objects: number, watchers: number]> {
    for (const resource of this.#resources.values()) yield [resource.prefix, resource.size, resource.watchers];
  }

  compact(revision: number): void {
    for (const resource of this.#resources.values()) resource.compact(revision);
  }

  close(): void {
    this.#unsubscribe();
  }

  /** The store missed changes: no watch can go on without a gap. */
  #lose(revision: number): void {
    for (const resource of this.#resources.values()) resource.lose(revision);
  }

  #apply(events: readonly StorageEvent[]): void {
    for (const event of events) this.resource(prefixOf(event.entry.key)).apply(event);
  }
}

/** `/core/services/` of `/core/services/default/web`. */
function prefixOf(key: string): string {
  const second = key.indexOf('/', 1);
  return key.slice(0, key.indexOf('/', second + 1) + 1);
}
