// Hot path: every write of the API server is appended here, on the log's own thread.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ApiServerError } from '../../api-server-error.ts';
import { prefixEnd } from '../storage.ts';
import { openDataFile } from './data-file.ts';
import { type LogChange, type LogRows, LogRowsBuilder, type LogVersion } from './log-rows.ts';

/** Rows looked at per step of a compaction, so that writes do not wait for long. */
const compactionStep = 500;

type Row = readonly [revision: number, key: string, createRevision: number, value: string | null];

/**
 * The log in its SQLite file: every version of every key, by revision. All calls block until the disk has answered;
 * SQLite is told to sync each transaction (WAL, synchronous = FULL).
 */
export class LogFile {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO log (revision, key, create_revision, value) VALUES (?, ?, ?, ?)');
  }

  /** Opens or creates the file and locks it; throws {@link ApiServerError} with a `Data…` code. */
  static open(file: string): LogFile {
    const database = openDataFile(file);
    try {
      return new LogFile(database);
    } catch (error) {
      database.close();
      throw unreadable(file, error);
    }
  }

  /** Revision up to which history has been dropped. */
  get compacted(): number {
    return this.#mark('compacted');
  }

  /** The whole log in its own order, in pieces: no sort and no look-ups. */
  *pieces(rowsPerPiece: number): Generator<LogRows, void, undefined> {
    const rows = this.#rows('SELECT revision, key, create_revision, value FROM log ORDER BY revision').iterate();
    let piece = new LogRowsBuilder();
    for (const row of rows as unknown as Iterable<Row>) {
      piece.add(...row);
      if (piece.length < rowsPerPiece) continue;
      yield piece.rows();
      piece = new LogRowsBuilder();
    }
    if (piece.length > 0) yield piece.rows();
  }

  /** Adds rows in one transaction, all or none; they are on disk when it returns. */
  append({ revisions, keys, createRevisions, values }: LogRows): void {
    this.#inTransaction(() => {
      for (let index = 0; index < keys.length; index++) {
        this.#insert.run(revisions[index]!, keys[index]!, createRevisions[index]!, values[index]!);
      }
    });
  }

  /** What was there under a prefix at a revision, in no certain order. */
  snapshot(prefix: string, revision: number): LogRows {
    const found = new LogRowsBuilder();
    const rows = this.#rows(
      `SELECT revision, key, create_revision, value FROM log WHERE revision IN (
         SELECT max(revision) FROM log WHERE key >= ? AND key < ? AND revision <= ? GROUP BY key
       ) AND value IS NOT NULL`,
    );
    for (const row of rows.iterate(prefix, prefixEnd(prefix), revision) as unknown as Iterable<Row>) found.add(...row);
    return found.rows();
  }

  /** Changes under a prefix after one revision and up to another, oldest first. */
  changes(prefix: string, after: number, through: number): LogChange[] {
    const rows = this.#rows(
      `SELECT revision, key, create_revision, value FROM log
       WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY revision`,
    ).all(after, through, prefix, prefixEnd(prefix)) as unknown as Row[];
    const before = this.#rows(
      `SELECT revision, key, create_revision, value FROM log
       WHERE key = ? AND revision < ? ORDER BY revision DESC LIMIT 1`,
    );
    return rows.map(([revision, key, createRevision, value]): LogChange => {
      const previous = versionOf(before.get(key, revision) as unknown as Row | undefined);
      const shown = value ?? previous?.value ?? '{}';
      return { revision, key, createRevision, deleted: value === null, value: shown, previous };
    });
  }

  /** Marks history up to a revision as gone; {@link compactStep} then removes it. */
  beginCompaction(revision: number): void {
    this.#inTransaction(() => this.#setMark('compacted', revision));
  }

  /**
   * Removes some of the versions that nobody may ask for any more; true when none are left. Only rows that came since
   * the last compaction are looked at: each of them replaces the versions of its key before it.
   */
  compactStep(): boolean {
    const compacted = this.compacted;
    const rows = this.#rows(
      'SELECT revision, key, value IS NULL FROM log WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?',
    ).all(this.#mark('swept'), compacted, compactionStep) as unknown as [number, string, number][];
    const done = rows.length < compactionStep;
    this.#inTransaction(() => {
      const removeBefore = this.#database.prepare('DELETE FROM log WHERE key = ? AND revision < ?');
      const remove = this.#database.prepare('DELETE FROM log WHERE revision = ?');
      for (const [revision, key, deleted] of rows) {
        removeBefore.run(key, revision);
        if (deleted === 1) remove.run(revision);
      }
      this.#setMark('swept', done ? compacted : rows.at(-1)![0]);
    });
    return done;
  }

  close(): void {
    this.#database.close();
  }

  #mark(name: 'compacted' | 'swept'): number {
    const row = this.#database.prepare('SELECT value FROM meta WHERE name = ?').get(name);
    return (row as { readonly value: number } | undefined)?.value ?? 0;
  }

  #setMark(name: 'compacted' | 'swept', value: number): void {
    this.#database.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)').run(name, value);
  }

  #rows(sql: string): StatementSync {
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }

  #inTransaction(work: () => void): void {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw writeError(error);
    }
  }
}

function versionOf(row: Row | undefined): LogVersion | undefined {
  if (row === undefined) return undefined;
  const [revision, , createRevision, value] = row;
  return value === null ? undefined : { revision, createRevision, value };
}

/** The error for a file that opened, but whose tables cannot be read. */
export function unreadable(file: string, error: unknown): ApiServerError {
  if (error instanceof ApiServerError) return error;
  return new ApiServerError('DataCorrupt', `data file ${file} cannot be read (${messageOf(error)})`, error);
}

/** Why SQLite did not take a transaction; it was rolled back. */
function writeError(error: unknown): ApiServerError {
  // Primary result codes: 13 FULL; 10 IOERR is what a full disk gives where the log is synced.
  const primary = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
  if (primary === 13) return new ApiServerError('StorageFull', 'the disk of the data file is full', error);
  return new ApiServerError('StoreUnreachable', `the data file cannot be written: ${messageOf(error)}`, error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
