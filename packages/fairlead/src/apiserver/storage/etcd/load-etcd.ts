import { ApiServerError } from '../../api-server-error.ts';
import type { StoreSnapshot } from '../backup/backup-format.ts';
import type { LoadOptions, LoadResult } from '../backup/load-store.ts';
import type { EtcdDatastore, StorageSurroundings } from '../open-storage.ts';
import { EtcdClient } from './etcd-client.ts';
import { compactionKey, isInternalKey, markKey, markText, readMark } from './key-space.ts';
import {
  decodeRange,
  decodeStoreRevision,
  decodeTxn,
  encodeDeleteRange,
  encodePut,
  encodeRange,
  encodeTxn,
  etcdCalls,
  rangeEnd,
} from './messages.ts';
import { readAccess } from './open-etcd-storage.ts';
import { storageError } from './storage-error.ts';

/** Objects written at the same time. */
const concurrency = 32;

/**
 * Writes a snapshot below a prefix of etcd. Each object gets a revision of its own. etcd counts on from where it is;
 * what is missing to the revisions that clients know is kept as an offset in the prefix's mark. While the mark says
 * that a load is under way no server starts on the prefix, so a load that was cut off is never served.
 */
export async function loadEtcd(
  target: EtcdDatastore,
  snapshot: StoreSnapshot,
  options: LoadOptions,
  surroundings: StorageSurroundings,
): Promise<LoadResult> {
  const { prefix, endpoints } = target;
  const client = new EtcdClient({ ...surroundings, endpoints, ...readAccess(target) });
  try {
    const mark = await readMark(client, prefix);
    const all = encodeRange({ key: `${prefix}/`, end: rangeEnd(`${prefix}/`), keysOnly: true });
    const held = decodeRange((await client.call(etcdCalls.range, all)).bytes);
    const objects = held.entries.filter(({ key }) => !isInternalKey(key.slice(prefix.length)));
    if (objects.length > 0 && !options.overwrite) {
      throw new ApiServerError('DataForeign', `etcd prefix ${prefix} is not empty; --overwrite replaces what it holds`);
    }
    if (objects.length > 0 && mark === undefined) {
      throw new ApiServerError(
        'DataForeign',
        `etcd prefix ${prefix} belongs to another program; choose another with --etcd-prefix`,
      );
    }
    const offset = Math.max(mark?.offset ?? 0, options.above - held.storeRevision);
    await client.call(etcdCalls.put, encodePut(markKey(prefix), markText({ offset, loading: true })));
    // All objects, and none of the keys that servers share: those have names of their own.
    for (const part of objectRanges(prefix))
      await client.call(etcdCalls.deleteRange, encodeDeleteRange(part.from, part.end));
    await writeAll(client, prefix, snapshot);
    const count = decodeRange((await client.call(etcdCalls.range, all)).bytes).entries.filter(
      ({ key }) => !isInternalKey(key.slice(prefix.length)),
    ).length;
    if (count !== snapshot.entries.length) {
      throw new ApiServerError('DataCorrupt', `${count} of ${snapshot.entries.length} objects arrived in etcd`);
    }
    const last = await client.call(etcdCalls.put, encodePut(markKey(prefix), markText({ offset, loading: false })));
    const revision = decodeStoreRevision(last.bytes) + offset;
    await client.call(etcdCalls.put, encodePut(compactionKey(prefix), String(revision)));
    return { objects: count, revision };
  } catch (error) {
    throw storageError(error);
  } finally {
    client.close();
  }
}

async function writeAll(client: EtcdClient, prefix: string, { entries }: StoreSnapshot): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let entry = entries[next++]; entry !== undefined; entry = entries[next++]) {
      const key = prefix + entry.key;
      const answer = await client.call(etcdCalls.txn, encodeTxn([{ key, expect: 0, value: entry.value }]));
      const { succeeded, current } = decodeTxn(answer.bytes);
      if (!succeeded && !(answer.resent && current[0]?.value === entry.value)) {
        throw new ApiServerError('DataForeign', `somebody else writes below etcd prefix ${prefix} (${entry.key})`);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, writer));
}

/** The keys before and after the internal ones. */
function objectRanges(prefix: string): { readonly from: string; readonly end: Buffer }[] {
  return [
    { from: `${prefix}/`, end: Buffer.from(`${prefix}/%`) },
    { from: `${prefix}/&`, end: rangeEnd(`${prefix}/`) },
  ];
}
