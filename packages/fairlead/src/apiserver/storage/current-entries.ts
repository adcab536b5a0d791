// Hot path: every committed change is applied here.
import { SortedKeys } from './sorted-keys.ts';
import type { StorageEntry, StorageEvent } from './storage.ts';

/** The newest value of every key, in memory and in key order. */
export class CurrentEntries {
  readonly #entries: Map<string, StorageEntry>;
  readonly #keys: SortedKeys;

  static of(entries: Iterable<StorageEntry>): CurrentEntries {
    const byKey = new Map<string, StorageEntry>();
    for (const entry of entries) byKey.set(entry.key, entry);
    return new CurrentEntries(byKey);
  }

  /** Takes the map over. */
  constructor(entries: Map<string, StorageEntry>) {
    this.#entries = entries;
    // Stores order by UTF-8 bytes, SortedKeys by UTF-16 code units.
    this.#keys = new SortedKeys([...this.#entries.keys()].sort());
  }

  get(key: string): StorageEntry | undefined {
    return this.#entries.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** Entries under a prefix, in key order. */
  list(prefix: string): StorageEntry[] {
    const found: StorageEntry[] = [];
    for (let index = this.#keys.lowerBound(prefix); index < this.#keys.size; index++) {
      const key = this.#keys.at(index)!;
      if (!key.startsWith(prefix)) break;
      found.push(this.#entries.get(key)!);
    }
    return found;
  }

  apply({ type, entry }: StorageEvent): void {
    if (type === 'delete') {
      this.#entries.delete(entry.key);
      this.#keys.remove(entry.key);
      return;
    }
    if (!this.#entries.has(entry.key)) this.#keys.add(entry.key);
    this.#entries.set(entry.key, entry);
  }
}
