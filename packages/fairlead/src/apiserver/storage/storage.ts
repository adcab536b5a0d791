/** One key of the store. Values are JSON text; `resourceVersion` inside them is left empty. */
export interface StorageEntry {
  readonly key: string;
  readonly value: string;
  /** Revision at which the key came into being. */
  readonly createRevision: number;
  /** Revision of the last write; the compare-and-swap token. */
  readonly modRevision: number;
}

/**
 * One committed change. For a deletion `entry` holds the last value with the deletion's own
 * revision, so that a watcher can tell when it happened.
 */
export interface StorageEvent {
  readonly type: 'put' | 'delete';
  readonly entry: StorageEntry;
  /** What the key held before; absent for a new key. */
  readonly previous: StorageEntry | undefined;
  /** The writer's own {@link StorageWrite.decoded}; absent on events of other processes and on replay. */
  readonly decoded: unknown;
}

/** One compare-and-swap. */
export interface StorageWrite {
  readonly key: string;
  /** Mod revision the key must have now; 0 means that it must not exist. */
  readonly expect: number;
  /** Absent: delete the key. */
  readonly value: string | undefined;
  /**
   * The store may delete the key by itself when it was not written for so long, in milliseconds. An engine that
   * cannot leaves that to the caller, who has to do it anyway.
   */
  readonly lifetimeMs?: number;
  /** Handed back on this process's own watch event, which saves parsing the value again. */
  readonly decoded?: unknown;
}

/** Outcome of a write; a conflict tells what the key holds instead. */
export type CommitResult =
  | { readonly ok: true; readonly entry: StorageEntry }
  | { readonly ok: false; readonly reason: 'conflict'; readonly current: StorageEntry | undefined };

/** Outcome of a transaction: all writes took place, or none because of the one at `index`. */
export type CommitAllResult =
  | { readonly ok: true; readonly entries: readonly StorageEntry[] }
  | {
      readonly ok: false;
      readonly reason: 'conflict';
      readonly index: number;
      readonly current: StorageEntry | undefined;
    };

/** Bounds of a range read. */
export interface RangeOptions {
  /** Snapshot to read; absent: the newest. */
  readonly revision?: number;
  /** Most entries to return; absent: all. */
  readonly limit?: number;
  /** Return keys greater than this one only. */
  readonly after?: string;
}

/** Entries in key order, all from one revision. */
export type RangeResult =
  | {
      readonly ok: true;
      readonly entries: readonly StorageEntry[];
      readonly revision: number;
      /** Entries of the range beyond the limit. */
      readonly remaining: number;
    }
  | { readonly ok: false; readonly reason: 'compacted' | 'future' };

/** Events after a revision, or why they cannot be had. */
export type ReplayResult =
  | {
      readonly ok: true;
      readonly events: readonly StorageEvent[];
      /** Every change up to here is among them; may be ahead of {@link Storage.revision}. */
      readonly through: number;
    }
  | { readonly ok: false; readonly reason: 'compacted' };

/**
 * The store at the level of etcd: one revision over all keys, compare-and-swap by mod
 * revision, snapshots, a change stream and compaction. Revisions never go back, across
 * crashes too. A write that was answered is on disk.
 */
export interface Storage {
  /**
   * Revision up to which every change has been told to the subscribers; at least 1. Where several servers share
   * the store, others may have committed more: see {@link catchUp}.
   */
  readonly revision: number;
  /** Snapshots and changes at or below this revision are gone. */
  readonly compactedRevision: number;
  /**
   * Resolves when {@link revision} covers every write that was answered before this call, whoever answered it;
   * `undefined` where that is always so. Rejects with an `ApiServerError` when the store cannot be reached.
   */
  catchUp(): Promise<void> | undefined;
  /** Why the store cannot serve, for health checks; `undefined` when it can. Never rejects. */
  obstacle(): Promise<string | undefined>;
  get(key: string): Promise<StorageEntry | undefined>;
  range(prefix: string, options?: RangeOptions): Promise<RangeResult>;
  /**
   * One write. Rejects with an `ApiServerError`: `StorageFull`, `TooLarge` and `StoreUnreachable` mean that nothing
   * was written, `OutcomeUnknown` that it may have been.
   */
  commit(write: StorageWrite): Promise<CommitResult>;
  /**
   * All writes or none, of different keys. They share one revision or have consecutive ones,
   * and arrive in one batch of events, in their order. Rejects as {@link commit}.
   */
  commitAll(writes: readonly StorageWrite[]): Promise<CommitAllResult>;
  /**
   * A text that all servers of the store have in common: the proposal of whoever came first. Not an object, not in
   * ranges and events. Absent where there is only one server.
   */
  agree?(name: string, proposal: () => string): Promise<string>;
  /**
   * True: the writes of a transaction have one revision in common, so that somebody who was told of one of them may
   * not know the others yet. False: each has its own.
   */
  readonly sharesRevisions: boolean;
  /**
   * Changes under a prefix after a revision, oldest first; ahead of them those of the revision itself where there are
   * several.
   */
  replay(prefix: string, afterRevision: number): Promise<ReplayResult>;
  /**
   * Calls back with each committed batch from now on (an empty one: only the revision grew); returns the
   * unsubscriber. `onGap` says that changes up to a revision were missed; the next batch then holds the differences
   * instead, one event per key.
   */
  subscribe(onEvents: (events: readonly StorageEvent[]) => void, onGap?: (revision: number) => void): () => void;
  /** Drops history up to and including a revision; current values stay. */
  compact(revision: number): Promise<void>;
  /** Commits what is pending and closes. Idempotent. */
  close(): Promise<void>;
}

/** Smallest string greater than all strings that start with `prefix`. */
export function prefixEnd(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}
