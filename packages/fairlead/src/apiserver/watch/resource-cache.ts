// Hot path: every write is applied here, every list and watch is served from here.
import { SortedKeys } from '../storage/sorted-keys.ts';
import type { StorageEntry, StorageEvent } from '../storage/storage.ts';
import type { KubeObject } from './kube-object.ts';
import { StoredObject } from './stored-object.ts';
import { WatchEvent } from './watch-event.ts';

/** Gets every event of its scope, in order. */
export interface EventReceiver {
  /** Empty: all namespaces. */
  readonly namespace: string;
  /** Set when only one object name can match. */
  readonly name: string | undefined;
  receive(event: WatchEvent): void;
  /** Changes were missed; what follows are only the differences, one per object. */
  lose?(): void;
}

/** Most events kept for watches that start in the past, in number and in characters; older ones come from the store. */
const ringCapacity = 8192;
const ringSizeMax = 4_000_000;
/** So many events keep their encoded lines for watches that begin just now. */
const encodedEvents = 64;

/**
 * The newest state of one resource in memory, the recent events, and its watchers by scope.
 *
 * A watcher of one namespace or one name is not visited for other objects' events.
 */
export class ResourceCache {
  /** Key prefix in the store, ending in a slash. */
  readonly prefix: string;
  readonly #objects = new Map<string, StoredObject>();
  readonly #keys: SortedKeys;
  readonly #receivers = new Map<string, Set<EventReceiver>>();
  #ring: WatchEvent[] = [];
  /** Characters of text that only the ring holds. */
  #ringSize = 0;
  /** Every event after this revision is in the ring. */
  #ringAfter: number;
  #lastChange: number;

  constructor(prefix: string, entries: readonly StorageEntry[], revision: number) {
    this.prefix = prefix;
    this.#ringAfter = revision;
    this.#lastChange = revision;
    for (const entry of entries) this.#objects.set(entry.key, new StoredObject(entry));
    this.#keys = new SortedKeys(entries.map((entry) => entry.key));
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Revision of the last change of this resource since the start of the process. */
  get lastChange(): number {
    return this.#lastChange;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** Objects of a namespace (empty: all) in key order. */
  list(namespace: string): StoredObject[] {
    const prefix = namespace === '' ? this.prefix : `${this.prefix}${namespace}/`;
    const found: StoredObject[] = [];
    for (let index = this.#keys.lowerBound(prefix); index < this.#keys.size; index++) {
      const key = this.#keys.at(index)!;
      if (!key.startsWith(prefix)) break;
      found.push(this.#objects.get(key)!);
    }
    return found;
  }

  /** Recent events after a revision, or `undefined` when the ring does not reach that far back. */
  eventsAfter(revision: number): readonly WatchEvent[] | undefined {
    if (revision < this.#ringAfter) return undefined;
    let low = 0;
    let high = this.#ring.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ring[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#ring.slice(low);
  }

  subscribe(receiver: EventReceiver): () => void {
    const scope = receiverScope(receiver.namespace, receiver.name);
    let receivers = this.#receivers.get(scope);
    if (receivers === undefined) {
      receivers = new Set();
      this.#receivers.set(scope, receivers);
    }
    receivers.add(receiver);
    return () => {
      receivers.delete(receiver);
      if (receivers.size === 0 && this.#receivers.get(scope) === receivers) this.#receivers.delete(scope);
    };
  }

  /** Number of watchers. */
  get watchers(): number {
    let count = 0;
    for (const receivers of this.#receivers.values()) count += receivers.size;
    return count;
  }

  /** Applies one committed change. */
  apply(change: StorageEvent): void {
    const previous = this.#objects.get(change.entry.key);
    const deleted = change.type === 'delete';
    const current = deleted
      ? new StoredObject(change.entry)
      : new StoredObject(change.entry, change.decoded as KubeObject | undefined);
    if (deleted) {
      this.#objects.delete(current.key);
      this.#keys.remove(current.key);
    } else {
      this.#objects.set(current.key, current);
      if (previous === undefined) this.#keys.add(current.key);
    }
    const event = new WatchEvent(current, previous, deleted);
    // What makes up for lost events is no history.
    if (event.revision > this.#ringAfter) {
      this.#lastChange = event.revision;
      this.#remember(event);
    }
    if (this.#receivers.size > 0) this.#deliver(event);
  }

  #remember(event: WatchEvent): void {
    this.#ring.push(event);
    this.#ringSize += event.heldSize;
    this.#ring.at(-encodedEvents)?.forgetLines();
    // The older half goes at once, so that an event costs the same however many there are.
    if (this.#ring.length < ringCapacity * 2 && this.#ringSize < ringSizeMax * 2) return;
    const half = this.#ring.length >>> 1;
    // A transaction that is cut in two is found in the store, which is asked about revisions up to here.
    this.#setRing(this.#ring.slice(half), this.#ring[half - 1]?.revision ?? this.#ringAfter);
  }

  #setRing(events: readonly WatchEvent[], after: number): void {
    this.#ring = [...events];
    this.#ringSize = this.#ring.reduce((sum, event) => sum + event.heldSize, 0);
    this.#ringAfter = after;
  }

  /** Forgets events up to a revision: the same horizon as the store's. */
  compact(revision: number): void {
    if (revision <= this.#ringAfter) return;
    this.#setRing(this.eventsAfter(revision) ?? [], revision);
  }

  /** Forgets all events up to a revision, and tells the watchers that some were missed. */
  lose(revision: number): void {
    this.#setRing([], revision);
    this.#lastChange = revision;
    for (const receivers of this.#receivers.values()) for (const receiver of [...receivers]) receiver.lose?.();
  }

  #deliver(event: WatchEvent): void {
    const rest = event.current.key.slice(this.prefix.length);
    const slash = rest.indexOf('/');
    const namespace = slash < 0 ? '' : rest.slice(0, slash);
    const name = rest.slice(slash + 1);
    // The scopes an object belongs to: everything, its namespace, its name in either.
    const scopes = [receiverScope('', undefined), receiverScope('', name)];
    if (namespace !== '') scopes.push(receiverScope(namespace, undefined), receiverScope(namespace, name));
    for (const scope of scopes) {
      const receivers = this.#receivers.get(scope);
      if (receivers !== undefined) for (const receiver of [...receivers]) receiver.receive(event);
    }
  }
}

function receiverScope(namespace: string, name: string | undefined): string {
  return name === undefined ? namespace : `${namespace}/${name}`;
}
