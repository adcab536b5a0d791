import type { Clock, Random } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { SqliteStorage } from './sqlite/sqlite-storage.ts';
import type { Storage } from './storage.ts';

/** An etcd cluster as `--datastore etcd://…` and the `--etcd-…` flags name it. */
export interface EtcdDatastore {
  readonly kind: 'etcd';
  /** `http://host:port` or `https://host:port`, one per member. */
  readonly endpoints: readonly string[];
  /** Ahead of every key, without a slash at the end. */
  readonly prefix: string;
  /** PEM files. */
  readonly caFile?: string;
  readonly certificateFile?: string;
  readonly keyFile?: string;
  /** A user of etcd's own, and the file with the password. */
  readonly user?: { readonly name: string; readonly passwordFile: string };
}

/** Where the objects are kept. */
export type Datastore = { readonly kind: 'sqlite'; readonly file: string } | EtcdDatastore;

/** What opening a store needs of its surroundings. */
export interface StorageSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Ends the wait for an etcd that is not there yet. */
  readonly signal?: AbortSignal;
}

/** Opens the store; rejects with an `ApiServerError`. The etcd engine is loaded where it is used. */
export async function openStorage(datastore: Datastore, surroundings: StorageSurroundings): Promise<Storage> {
  if (datastore.kind === 'sqlite') return SqliteStorage.open(datastore.file);
  const { openEtcdStorage } = await import('./etcd/open-etcd-storage.ts');
  return openEtcdStorage(datastore, surroundings);
}
