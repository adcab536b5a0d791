import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ApiServerError } from '../../api-server-error.ts';

/** SQLite application id of our data files: the bytes "FLDS". */
const applicationId = 0x46_4c_44_53;
/** Version of the tables below; a newer file is refused. */
const layoutVersion = 1;

const layout = `
  CREATE TABLE log (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    create_revision INTEGER NOT NULL,
    value TEXT
  );
  CREATE INDEX log_key ON log (key, revision);
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('compacted', 0);
`;

/**
 * Opens the data file for this process alone, creating it when absent.
 *
 * A file that is damaged or not ours is refused before anything is opened for writing, so its
 * bytes stay as they are. The lock is SQLite's own and ends with the process, also on SIGKILL.
 */
export function openDataFile(file: string): DatabaseSync {
  let checked = true;
  if (!existsSync(file) || statSync(file).size === 0) createDataFile(file);
  else checked = checkDataFile(file);
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA wal_autocheckpoint = 4000');
    database.exec('BEGIN IMMEDIATE; COMMIT');
    if (!checked) quickCheck(file, database);
  } catch (error) {
    database.close();
    throw classify(file, error);
  }
  return database;
}

/** Builds the file under another name and renames it, so that a crash leaves no half-made file. */
export function createDataFile(file: string): void {
  const directory = dirname(file);
  const draft = `${file}.new-${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true });
    rmSync(draft, { force: true });
    const database = new DatabaseSync(draft);
    database.exec(
      `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${layoutVersion}; BEGIN; ${layout} COMMIT`,
    );
    database.close();
    renameSync(draft, file);
    const descriptor = openSync(directory, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch (error) {
    throw new ApiServerError('DataUnwritable', `cannot create data file ${file}: ${messageOf(error)}`, error);
  }
}

/**
 * Checks a file without opening it for writing. False: that cannot be done, because the disk has no room for the
 * index of the log that a reader shares with others.
 */
function checkDataFile(file: string): boolean {
  checkHeader(file);
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(file, { readOnly: true });
  } catch (error) {
    throw classify(file, error);
  }
  try {
    quickCheck(file, database);
    return true;
  } catch (error) {
    // Extended result code IOERR_SHMSIZE.
    if ((error as { errcode?: number }).errcode === 4874) return false;
    throw classify(file, error);
  } finally {
    database.close();
  }
}

function quickCheck(file: string, database: DatabaseSync): void {
  const verdict = database.prepare('PRAGMA quick_check(1)').get() as { quick_check?: string } | undefined;
  if (verdict?.quick_check === 'ok') return;
  throw new ApiServerError(
    'DataCorrupt',
    `data file ${file} is damaged (${oneLine(verdict?.quick_check ?? 'no answer')}); it was not touched`,
  );
}

/** Reads the 100-byte header (https://www.sqlite.org/fileformat.html 1.3) without SQLite. */
function checkHeader(file: string): void {
  const header = Buffer.alloc(100);
  let length: number;
  try {
    const descriptor = openSync(file, 'r');
    length = readSync(descriptor, header, 0, 100, 0);
    closeSync(descriptor);
  } catch (error) {
    throw new ApiServerError('DataUnwritable', `cannot read data file ${file}: ${messageOf(error)}`, error);
  }
  if (length < 100 || header.toString('latin1', 0, 16) !== 'SQLite format 3\0') {
    throw new ApiServerError('DataCorrupt', `data file ${file} is damaged (no SQLite header); it was not touched`);
  }
  if (header.readUInt32BE(68) !== applicationId) {
    throw new ApiServerError('DataForeign', `data file ${file} belongs to another program; it was not touched`);
  }
  const version = header.readUInt32BE(60);
  if (version !== layoutVersion) {
    throw new ApiServerError(
      'DataForeign',
      `data file ${file} has layout ${version}, this program knows ${layoutVersion}; it was not touched`,
    );
  }
}

function classify(file: string, error: unknown): ApiServerError {
  if (error instanceof ApiServerError) return error;
  const code = (error as { errcode?: number }).errcode ?? 0;
  // Primary result codes: 5 BUSY, 6 LOCKED, 11 CORRUPT, 26 NOTADB.
  const primary = code & 0xff;
  if (primary === 5 || primary === 6) {
    return new ApiServerError('DataLocked', `data file ${file} is in use by another process`, error);
  }
  if (primary === 11 || primary === 26) {
    return new ApiServerError(
      'DataCorrupt',
      `data file ${file} is damaged (${oneLine(messageOf(error))}); it was not touched`,
      error,
    );
  }
  return new ApiServerError('DataUnwritable', `cannot open data file ${file}: ${oneLine(messageOf(error))}`, error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
