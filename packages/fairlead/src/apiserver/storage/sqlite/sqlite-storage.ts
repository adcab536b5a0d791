// Hot path: every write of the API server passes through here.
import { ApiServerError } from '../../api-server-error.ts';
import { CurrentEntries } from '../current-entries.ts';
import type {
  CommitAllResult,
  CommitResult,
  RangeOptions,
  RangeResult,
  ReplayResult,
  Storage,
  StorageEntry,
  StorageEvent,
  StorageWrite,
} from '../storage.ts';
import { LogClient } from './log-client.ts';
import { type LogChange, type LogRows, LogRowsBuilder } from './log-rows.ts';

interface PendingCommit {
  readonly writes: readonly StorageWrite[];
  readonly resolve: (result: CommitAllResult) => void;
  readonly reject: (error: unknown) => void;
}

/** What a group of commits comes to, before it is on disk. */
interface DecidedGroup {
  readonly rows: LogRowsBuilder;
  readonly events: StorageEvent[];
  /** One per commit of the group. */
  readonly results: CommitAllResult[];
}

/**
 * Storage in one SQLite file: a log table whose row id is the revision, kept by a thread of its own.
 *
 * Writes that arrive while the disk is busy with others form the next group: one transaction and one sync for all of
 * them. Nobody sees a write, neither answer nor event, before it is on disk. Current values are held in memory, so
 * reads of the newest state never wait for the disk.
 */
export class SqliteStorage implements Storage {
  readonly sharesRevisions = false;
  readonly #log: LogClient;
  readonly #entries: CurrentEntries;
  readonly #listeners = new Set<(events: readonly StorageEvent[]) => void>();
  #pending: PendingCommit[] = [];
  #writing: Promise<void> | undefined;
  #compacting: Promise<void> | undefined;
  #revision: number;
  #compacted: number;
  #closed: Promise<void> | undefined;

  private constructor(log: LogClient, entries: Map<string, StorageEntry>, revision: number, compacted: number) {
    this.#log = log;
    this.#entries = new CurrentEntries(entries);
    this.#revision = revision;
    this.#compacted = compacted;
  }

  /** Opens or creates the file; rejects with an {@link ApiServerError} with a `Data…` code. */
  static async open(file: string): Promise<SqliteStorage> {
    const newest = new Map<string, StorageEntry>();
    let top = 0;
    const { log, compacted } = await LogClient.open(file, (rows) => {
      addNewest(newest, rows);
      top = rows.revisions.at(-1) ?? top;
    });
    return new SqliteStorage(log, newest, Math.max(1, top, compacted), compacted);
  }

  get revision(): number {
    return this.#revision;
  }

  get compactedRevision(): number {
    return this.#compacted;
  }

  async get(key: string): Promise<StorageEntry | undefined> {
    return this.#entries.get(key);
  }

  /** Nobody else writes this file. */
  catchUp(): undefined {
    return undefined;
  }

  async obstacle(): Promise<string | undefined> {
    return this.#closed === undefined ? undefined : 'the store is closed';
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    const revision = options.revision ?? this.#revision;
    if (revision > this.#revision) return { ok: false, reason: 'future' };
    // A store that never compacted has its whole history.
    if (revision < this.#compacted) return { ok: false, reason: 'compacted' };
    const after = options.after;
    const all = revision === this.#revision ? this.#entries.list(prefix) : await this.#snapshot(prefix, revision);
    const rest = after === undefined ? all : all.filter((entry) => entry.key > after);
    const limit = options.limit ?? rest.length;
    return { ok: true, entries: rest.slice(0, limit), revision, remaining: Math.max(0, rest.length - limit) };
  }

  async #snapshot(prefix: string, revision: number): Promise<StorageEntry[]> {
    const newest = new Map<string, StorageEntry>();
    addNewest(newest, await this.#log.ask({ kind: 'snapshot', prefix, revision }));
    return [...newest.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  commit(write: StorageWrite): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      const settle = (result: CommitAllResult): void =>
        resolve(
          result.ok
            ? { ok: true, entry: result.entries[0]! }
            : { ok: false, reason: result.reason, current: result.current },
        );
      this.#enqueue({ writes: [write], resolve: settle, reject });
    });
  }

  commitAll(writes: readonly StorageWrite[]): Promise<CommitAllResult> {
    return new Promise((resolve, reject) => this.#enqueue({ writes, resolve, reject }));
  }

  #enqueue(commit: PendingCommit): void {
    if (this.#closed !== undefined) {
      commit.reject(new ApiServerError('Closed', 'the store is closed'));
      return;
    }
    this.#pending.push(commit);
    this.#writing ??= this.#write();
  }

  /** Writes group after group until nothing is pending. */
  async #write(): Promise<void> {
    // What arrives in the same turn of the event loop goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      const { rows, events, results } = this.#decide(group);
      try {
        if (rows.length > 0) await this.#log.ask({ kind: 'append', rows: rows.rows() });
      } catch (error) {
        for (const { reject } of group) reject(error);
        continue;
      }
      for (const event of events) this.#entries.apply(event);
      this.#revision = rows.revisions.at(-1) ?? this.#revision;
      if (events.length > 0) for (const listener of this.#listeners) listener(events);
      for (let index = 0; index < group.length; index++) group[index]!.resolve(results[index]!);
    }
    this.#writing = undefined;
  }

  /** Compares each commit with the newest state, and with those before it in the group. */
  #decide(group: readonly PendingCommit[]): DecidedGroup {
    const rows = new LogRowsBuilder();
    const events: StorageEvent[] = [];
    const results: CommitAllResult[] = [];
    const overlay = new Map<string, StorageEntry | undefined>();
    const present = (key: string): StorageEntry | undefined =>
      overlay.has(key) ? overlay.get(key) : this.#entries.get(key);
    let revision = this.#revision;
    for (const { writes } of group) {
      const refused = writes.findIndex(({ key, expect, value }) => {
        const current = present(key);
        return (current?.modRevision ?? 0) !== expect || (value === undefined && current === undefined);
      });
      if (refused >= 0) {
        results.push({ ok: false, reason: 'conflict', index: refused, current: present(writes[refused]!.key) });
        continue;
      }
      const entries: StorageEntry[] = [];
      for (const write of writes) {
        revision += 1;
        const event = eventOf(write, present(write.key), revision);
        rows.add(revision, write.key, event.entry.createRevision, write.value ?? null);
        overlay.set(write.key, event.type === 'delete' ? undefined : event.entry);
        events.push(event);
        entries.push(event.entry);
      }
      results.push({ ok: true, entries });
    }
    return { rows, events, results };
  }

  async replay(prefix: string, afterRevision: number): Promise<ReplayResult> {
    if (afterRevision < this.#compacted) return { ok: false, reason: 'compacted' };
    const through = this.#revision;
    const changes = await this.#log.ask({ kind: 'changes', prefix, after: afterRevision, through });
    return { ok: true, events: changes.map(replayedEvent), through };
  }

  subscribe(onEvents: (events: readonly StorageEvent[]) => void): () => void {
    this.#listeners.add(onEvents);
    return () => this.#listeners.delete(onEvents);
  }

  async compact(revision: number): Promise<void> {
    while (this.#compacting !== undefined) await this.#compacting.catch(() => {});
    this.#compacting = this.#compact(revision).finally(() => {
      this.#compacting = undefined;
    });
    await this.#compacting;
  }

  async #compact(revision: number): Promise<void> {
    const before = this.#compacted;
    const upTo = Math.min(revision, this.#revision);
    if (upTo <= before || this.#closed !== undefined) return;
    // Readers must see the boundary before the first row goes.
    this.#compacted = upTo;
    try {
      await this.#log.ask({ kind: 'begin-compaction', revision: upTo });
    } catch (error) {
      this.#compacted = before;
      throw error;
    }
    // On a full disk a step fails: the next period goes on from there. Writes come in between the steps.
    while (this.#closed === undefined && !(await this.#log.ask({ kind: 'compact-step' })));
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#writing;
      await this.#compacting?.catch(() => {});
      this.#listeners.clear();
      await this.#log.close();
    })();
    return this.#closed;
  }
}

/** Adds rows of the log, in its order, to the newest version of every key. */
function addNewest(newest: Map<string, StorageEntry>, { revisions, keys, createRevisions, values }: LogRows): void {
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!;
    const value = values[index]!;
    if (value === null) newest.delete(key);
    else newest.set(key, { key, value, createRevision: createRevisions[index]!, modRevision: revisions[index]! });
  }
}

/** What a write does to the present entry of its key. */
function eventOf(write: StorageWrite, current: StorageEntry | undefined, revision: number): StorageEvent {
  const entry: StorageEntry = {
    key: write.key,
    value: write.value ?? current?.value ?? '',
    createRevision: current?.createRevision ?? revision,
    modRevision: revision,
  };
  return { type: write.value === undefined ? 'delete' : 'put', entry, previous: current, decoded: write.decoded };
}

function replayedEvent({ key, revision, createRevision, deleted, value, previous }: LogChange): StorageEvent {
  return {
    type: deleted ? 'delete' : 'put',
    entry: { key, value, createRevision, modRevision: revision },
    previous:
      previous === undefined
        ? undefined
        : { key, value: previous.value, createRevision: previous.createRevision, modRevision: previous.revision },
    decoded: undefined,
  };
}
