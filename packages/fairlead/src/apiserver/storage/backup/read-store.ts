import { existsSync } from 'node:fs';
import { ApiServerError } from '../../api-server-error.ts';
import { type Datastore, openStorage, type StorageSurroundings } from '../open-storage.ts';
import type { Storage } from '../storage.ts';
import type { StoreSnapshot } from './backup-format.ts';

/** All objects of an open store at its newest revision. */
export async function snapshotOf(storage: Storage): Promise<StoreSnapshot> {
  const all = await storage.range('/');
  if (!all.ok) throw new ApiServerError('StoreUnreachable', `the store cannot be read: ${all.reason}`);
  return { revision: all.revision, entries: all.entries };
}

/** Reads a whole store that no server has locked. A data file must exist: reading makes none. */
export async function readStore(source: Datastore, surroundings: StorageSurroundings): Promise<StoreSnapshot> {
  if (source.kind === 'sqlite' && !existsSync(source.file)) {
    throw new ApiServerError('DataUnwritable', `there is no data file ${source.file}`);
  }
  const storage = await openStorage(source, surroundings);
  try {
    return await snapshotOf(storage);
  } finally {
    await storage.close();
  }
}
