// Hot path: every write passes through here on its way out and back.
import type { StorageEntry, StorageWrite } from '../storage.ts';

/** The writes of this process that are under way, by key: their decoded objects go with the events that show them. */
export class WritesUnderWay {
  readonly #byKey = new Map<string, StorageWrite[]>();

  announce(write: StorageWrite): void {
    if (write.decoded === undefined) return;
    const others = this.#byKey.get(write.key);
    if (others === undefined) this.#byKey.set(write.key, [write]);
    else others.push(write);
  }

  forget(write: StorageWrite): void {
    const left = this.#byKey.get(write.key)?.filter((other) => other !== write);
    if (left === undefined || left.length === 0) this.#byKey.delete(write.key);
    else this.#byKey.set(write.key, left);
  }

  /** The object that one of them was made from, when the entry is what it wrote. Handed out once. */
  decoded(entry: StorageEntry): unknown {
    const write = this.#byKey.get(entry.key)?.find(({ value }) => value === entry.value);
    if (write === undefined) return undefined;
    this.forget(write);
    return write.decoded;
  }
}

/**
 * The revision of our own first attempt, when a second one conflicts with just what we wanted to write. Values hold
 * a UID, so that nobody else writes the same. A transaction of deletions alone leaves nothing to tell by.
 */
export function revisionOfOwnWrite(
  writes: readonly StorageWrite[],
  current: readonly (StorageEntry | undefined)[],
): number | undefined {
  let revision: number | undefined;
  for (const [at, { value, expect }] of writes.entries()) {
    const entry = current[at];
    if (value === undefined) {
      if (entry !== undefined) return undefined;
      continue;
    }
    if (entry === undefined || entry.value !== value || entry.modRevision <= expect) return undefined;
    if (revision !== undefined && revision !== entry.modRevision) return undefined;
    revision = entry.modRevision;
  }
  return revision;
}
