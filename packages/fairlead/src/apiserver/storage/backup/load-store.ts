import type { Datastore, StorageSurroundings } from '../open-storage.ts';
import { loadSqlite } from '../sqlite/load-sqlite.ts';
import type { StoreSnapshot } from './backup-format.ts';

/** How to fill a store. */
export interface LoadOptions {
  /** Every object gets a revision above this one, and above all that the target ever had. */
  readonly above: number;
  /** Replaces what the target holds; otherwise a target that is not empty is refused. */
  readonly overwrite: boolean;
}

/** What a load did. */
export interface LoadResult {
  readonly objects: number;
  /** The revision of the store now: the oldest one that watches may start from. */
  readonly revision: number;
}

/** How far a restored store is ahead of its backup: more than was ever written after it. As etcd's own tool. */
export const restoreMargin = 1_000_000_000;
/** A move has no lost writes to leave room for, only the last moments of a source that was still in use. */
export const migrateMargin = 1_000_000;

/**
 * Fills a store with the objects of a snapshot. Nobody may use the target meanwhile. Clients that know older
 * revisions get 410 and list anew.
 * @throws ApiServerError `DataForeign` for a target that is not empty, unless told to overwrite it
 */
export async function loadStore(
  target: Datastore,
  snapshot: StoreSnapshot,
  options: LoadOptions,
  surroundings: StorageSurroundings,
): Promise<LoadResult> {
  if (target.kind === 'sqlite') return loadSqlite(target.file, snapshot, options);
  const { loadEtcd } = await import('../etcd/load-etcd.ts');
  return loadEtcd(target, snapshot, options, surroundings);
}
