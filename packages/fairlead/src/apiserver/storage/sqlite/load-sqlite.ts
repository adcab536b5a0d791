import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ApiServerError } from '../../api-server-error.ts';
import type { StoreSnapshot } from '../backup/backup-format.ts';
import type { LoadOptions, LoadResult } from '../backup/load-store.ts';
import { createDataFile, openDataFile } from './data-file.ts';
import { SqliteStorage } from './sqlite-storage.ts';

/**
 * Makes a data file of a snapshot: beside the present one, which it takes the place of when it is whole and on disk.
 * A present file that holds objects is refused, or kept as `FILE.replaced` when told to overwrite it.
 */
export async function loadSqlite(file: string, snapshot: StoreSnapshot, options: LoadOptions): Promise<LoadResult> {
  let above = options.above;
  const present = existsSync(file);
  if (present) {
    // Locks the file: a running server is found out here.
    const storage = await SqliteStorage.open(file);
    try {
      const held = await storage.range('/', { limit: 1 });
      if (!options.overwrite && held.ok && held.entries.length > 0) {
        throw new ApiServerError('DataForeign', `data file ${file} is not empty; --overwrite replaces it`);
      }
      above = Math.max(above, storage.revision);
    } finally {
      await storage.close();
    }
  }
  const draft = `${file}.loading`;
  removeFile(draft);
  createDataFile(draft);
  const revision = fill(draft, snapshot, above);
  if (present) {
    renameSync(file, `${file}.replaced`);
    // Closed above, so its log is in the file; what is left of it must not meet the new file.
    removeFile(file);
  }
  renameSync(draft, file);
  const descriptor = openSync(dirname(file), 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
  return { objects: snapshot.entries.length, revision };
}

function fill(file: string, { entries }: StoreSnapshot, above: number): number {
  const database = openDataFile(file);
  try {
    let revision = above;
    const insert = database.prepare('INSERT INTO log (revision, key, create_revision, value) VALUES (?, ?, ?, ?)');
    database.exec('BEGIN IMMEDIATE');
    for (const { key, value } of entries) {
      revision += 1;
      insert.run(revision, key, revision, value);
    }
    revision += 1;
    database.prepare("UPDATE meta SET value = ? WHERE name = 'compacted'").run(revision);
    database.exec('COMMIT');
    // Into the file itself: it is about to be renamed, and its log would keep the old name.
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return revision;
  } finally {
    database.close();
  }
}

function removeFile(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}
