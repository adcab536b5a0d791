// Hot path: every write of the API server passes through flush().
import type { DatabaseSync, StatementSync } from 'node:sqlite';
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
import { prefixEnd } from '../storage.ts';
import { openDataFile } from './data-file.ts';

interface PendingCommit {
  readonly writes: readonly StorageWrite[];
  readonly resolve: (result: CommitAllResult) => void;
  readonly reject: (error: unknown) => void;
}

interface LogRow {
  readonly revision: number;
  readonly key: string;
  readonly create_revision: number;
  readonly value: string | null;
}

/** A row that a later one replaced; a deletion replaces itself. */
interface Superseded {
  readonly revision: number;
  readonly by: number;
}

/** Rows deleted per step of a compaction, so that it never blocks for long. */
const compactionStep = 500;

/**
 * Storage in one SQLite file: a log table whose row id is the revision.
 *
 * Writes that arrive in one turn of the event loop share one transaction and one fsync (WAL,
 * synchronous = FULL) and are answered after it. Current values are also held in memory, so
 * reads of the newest state never touch the file.
 */
export class SqliteStorage implements Storage {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #entries: CurrentEntries;
  readonly #listeners = new Set<(events: readonly StorageEvent[]) => void>();
  #pending: PendingCommit[] = [];
  #flushPlanned = false;
  #revision: number;
  #compacted: number;
  /** Revisions of rows that a later row replaced, with that later revision; oldest first. */
  #superseded: Superseded[];
  #closed = false;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO log (revision, key, create_revision, value) VALUES (?, ?, ?, ?)');
    const compacted = database.prepare("SELECT value FROM meta WHERE name = 'compacted'").get() as { value: number };
    this.#compacted = compacted.value;
    const { entries, superseded, top } = readLog(database);
    this.#revision = Math.max(1, top, this.#compacted);
    this.#entries = new CurrentEntries(entries);
    this.#superseded = superseded;
  }

  /** Opens or creates the file; throws {@link ApiServerError} with a `Data…` code. */
  static open(file: string): SqliteStorage {
    const database = openDataFile(file);
    try {
      return new SqliteStorage(database);
    } catch (error) {
      database.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw new ApiServerError('DataCorrupt', `data file ${file} cannot be read (${reason})`, error);
    }
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
    return this.#closed ? 'the store is closed' : undefined;
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    const revision = options.revision ?? this.#revision;
    if (revision > this.#revision) return { ok: false, reason: 'future' };
    // A store that never compacted has its whole history.
    if (revision < this.#compacted) return { ok: false, reason: 'compacted' };
    const after = options.after;
    const all = revision === this.#revision ? this.#entries.list(prefix) : this.#snapshot(prefix, revision);
    const rest = after === undefined ? all : all.filter((entry) => entry.key > after);
    const limit = options.limit ?? rest.length;
    return { ok: true, entries: rest.slice(0, limit), revision, remaining: Math.max(0, rest.length - limit) };
  }

  #snapshot(prefix: string, revision: number): StorageEntry[] {
    const rows = this.#database
      .prepare(
        `SELECT revision, key, create_revision, value FROM log WHERE revision IN (
           SELECT max(revision) FROM log WHERE key >= ? AND key < ? AND revision <= ? GROUP BY key
         ) AND value IS NOT NULL`,
      )
      .all(prefix, prefixEnd(prefix), revision) as unknown as LogRow[];
    return rows.map(entryOf).sort((a, b) => (a.key < b.key ? -1 : 1));
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
    if (this.#closed) {
      commit.reject(new ApiServerError('Closed', 'the store is closed'));
      return;
    }
    this.#pending.push(commit);
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    setImmediate(() => this.#flush());
  }

  /** One transaction for all pending writes; answers and events only after it is on disk. */
  #flush(): void {
    this.#flushPlanned = false;
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    const events: StorageEvent[] = [];
    const results: CommitAllResult[] = [];
    const overlay = new Map<string, StorageEntry | undefined>();
    const present = (key: string): StorageEntry | undefined =>
      overlay.has(key) ? overlay.get(key) : this.#entries.get(key);
    let revision = this.#revision;
    try {
      for (const { writes } of batch) {
        const refused = writes.findIndex(({ key, expect, value }) => {
          const current = present(key);
          return (current?.modRevision ?? 0) !== expect || (value === undefined && current === undefined);
        });
        if (refused >= 0) {
          results.push({ ok: false, reason: 'conflict', index: refused, current: present(writes[refused]!.key) });
          continue;
        }
        if (!this.#database.isTransaction) this.#database.exec('BEGIN IMMEDIATE');
        const entries: StorageEntry[] = [];
        for (const write of writes) {
          revision += 1;
          const current = present(write.key);
          const event = eventOf(write, current, revision);
          this.#insert.run(revision, write.key, event.entry.createRevision, write.value ?? null);
          overlay.set(write.key, event.type === 'delete' ? undefined : event.entry);
          events.push(event);
          entries.push(event.entry);
        }
        results.push({ ok: true, entries });
      }
      if (this.#database.isTransaction) this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const told = writeError(error);
      for (const { reject } of batch) reject(told);
      return;
    }
    this.#revision = revision;
    this.#apply(events);
    if (events.length > 0) for (const listener of this.#listeners) listener(events);
    for (let index = 0; index < batch.length; index++) batch[index]!.resolve(results[index]!);
  }

  #apply(events: readonly StorageEvent[]): void {
    for (const event of events) {
      const { type, entry, previous } = event;
      if (previous !== undefined) {
        this.#superseded.push({ revision: previous.modRevision, by: entry.modRevision });
      }
      if (type === 'delete') this.#superseded.push({ revision: entry.modRevision, by: entry.modRevision });
      this.#entries.apply(event);
    }
  }

  async replay(prefix: string, afterRevision: number): Promise<ReplayResult> {
    if (afterRevision < this.#compacted) return { ok: false, reason: 'compacted' };
    const rows = this.#database
      .prepare(
        'SELECT revision, key, create_revision, value FROM log WHERE revision > ? AND key >= ? AND key < ? ORDER BY revision',
      )
      .all(afterRevision, prefix, prefixEnd(prefix)) as unknown as LogRow[];
    const before = this.#database.prepare(
      'SELECT revision, key, create_revision, value FROM log WHERE key = ? AND revision < ? ORDER BY revision DESC LIMIT 1',
    );
    const events = rows.map((row): StorageEvent => {
      const earlier = before.get(row.key, row.revision) as unknown as LogRow | undefined;
      const previous = earlier === undefined || earlier.value === null ? undefined : entryOf(earlier);
      const value = row.value ?? previous?.value ?? '{}';
      return {
        type: row.value === null ? 'delete' : 'put',
        entry: entryOf({ ...row, value }),
        previous,
        decoded: undefined,
      };
    });
    return { ok: true, events, through: this.#revision };
  }

  subscribe(onEvents: (events: readonly StorageEvent[]) => void): () => void {
    this.#listeners.add(onEvents);
    return () => this.#listeners.delete(onEvents);
  }

  async compact(revision: number): Promise<void> {
    const upTo = Math.min(revision, this.#revision);
    if (upTo <= this.#compacted || this.#closed) return;
    // Readers must see the boundary before the first row goes.
    this.#database.prepare("UPDATE meta SET value = ? WHERE name = 'compacted'").run(upTo);
    this.#compacted = upTo;
    const remove = this.#database.prepare('DELETE FROM log WHERE revision = ?');
    let done = 0;
    while (done < this.#superseded.length && this.#superseded[done]!.by <= upTo && !this.#closed) {
      const end = Math.min(done + compactionStep, this.#superseded.length);
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        for (; done < end && this.#superseded[done]!.by <= upTo; done++) remove.run(this.#superseded[done]!.revision);
        this.#database.exec('COMMIT');
      } catch (error) {
        // A full disk: what was done comes back, and the next period tries again.
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw writeError(error);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#superseded.splice(0, done);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#listeners.clear();
    this.#database.close();
  }
}

/** One pass over the log in its own order: no sort and no look-ups, a fifth of the time of asking for the newest rows. */
function readLog(database: DatabaseSync): {
  readonly entries: Iterable<StorageEntry>;
  readonly superseded: Superseded[];
  readonly top: number;
} {
  const newest = new Map<string, StorageEntry>();
  const superseded: Superseded[] = [];
  let top = 0;
  const rows = database.prepare('SELECT revision, key, create_revision, value FROM log ORDER BY revision');
  rows.setReturnArrays(true);
  for (const row of rows.iterate() as unknown as Iterable<readonly [number, string, number, string | null]>) {
    const [modRevision, key, createRevision, value] = row;
    top = modRevision;
    const previous = newest.get(key);
    if (previous !== undefined) superseded.push({ revision: previous.modRevision, by: modRevision });
    if (value === null) {
      superseded.push({ revision: modRevision, by: modRevision });
      newest.delete(key);
    } else {
      newest.set(key, { key, value, createRevision, modRevision });
    }
  }
  return { entries: newest.values(), superseded, top };
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

/** Why SQLite did not take a transaction; it was rolled back. */
function writeError(error: unknown): ApiServerError {
  const reason = error instanceof Error ? error.message : String(error);
  // Primary result codes: 13 FULL; 10 IOERR is what a full disk gives where the log is synced.
  const primary = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
  if (primary === 13) return new ApiServerError('StorageFull', 'the disk of the data file is full', error);
  return new ApiServerError('StoreUnreachable', `the data file cannot be written: ${reason}`, error);
}

function entryOf(row: LogRow): StorageEntry {
  return { key: row.key, value: row.value ?? '', createRevision: row.create_revision, modRevision: row.revision };
}
