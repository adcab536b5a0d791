import type { ApiClient } from '@fairlead/client';
import { snapshotPath } from '../../apiserver/server/snapshot-answer.ts';
import { writeBackup } from '../../apiserver/storage/backup/backup-format.ts';
import { loadStore, migrateMargin, restoreMargin } from '../../apiserver/storage/backup/load-store.ts';
import { readStore } from '../../apiserver/storage/backup/read-store.ts';
import type { Datastore, StorageSurroundings } from '../../apiserver/storage/open-storage.ts';
import { describeDatastore } from '../../main/datastore-settings.ts';
import { UsageError } from '../usage-error.ts';
import { readBackupFile, writeBackupFile } from './backup-file.ts';

type Print = (line: string) => void;

/** `fairlead datastore backup`: from a running server, at one revision. */
export async function backupFromServer(client: ApiClient, file: string, print: Print): Promise<void> {
  const { revision, entries } = await writeBackupFile(file, client.stream(snapshotPath));
  print(`${file}: ${entries.length} objects at revision ${revision}`);
}

/** `fairlead datastore backup --datastore`: from the store itself. */
export async function backupFromStore(
  source: Datastore,
  file: string,
  surroundings: StorageSurroundings,
  print: Print,
): Promise<void> {
  const { revision, entries } = await writeBackupFile(file, writeBackup(await readStore(source, surroundings)));
  print(`${file}: ${entries.length} objects of ${describeDatastore(source)} at revision ${revision}`);
}

/** `fairlead datastore restore`: fills a store that no server uses. */
export async function restoreStore(
  file: string,
  target: Datastore,
  overwrite: boolean,
  surroundings: StorageSurroundings,
  print: Print,
): Promise<void> {
  const snapshot = readBackupFile(file);
  const options = { above: snapshot.revision + restoreMargin, overwrite };
  const { objects, revision } = await loadStore(target, snapshot, options, surroundings);
  print(
    `${describeDatastore(target)}: ${objects} objects of revision ${snapshot.revision}, now at revision ${revision}`,
  );
}

/** `fairlead datastore migrate`: the objects of one store into another one. */
export async function migrateStore(
  source: Datastore,
  target: Datastore,
  overwrite: boolean,
  surroundings: StorageSurroundings,
  print: Print,
): Promise<void> {
  if (describeDatastore(source) === describeDatastore(target)) throw new UsageError('the two stores are the same');
  const snapshot = await readStore(source, surroundings);
  const options = { above: snapshot.revision + migrateMargin, overwrite };
  const { objects, revision } = await loadStore(target, snapshot, options, surroundings);
  print(
    `${objects} objects of ${describeDatastore(source)} at revision ${snapshot.revision} ` +
      `are in ${describeDatastore(target)} at revision ${revision}`,
  );
}
