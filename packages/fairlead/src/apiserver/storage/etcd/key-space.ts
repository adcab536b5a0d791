import { ApiServerError } from '../../api-server-error.ts';
import type { StorageEntry } from '../storage.ts';
import type { EtcdClient } from './etcd-client.ts';
import { EtcdError } from './grpc-connection.ts';
import { decodeRange, decodeTxn, encodeRange, encodeTxn, etcdCalls, rangeEnd } from './messages.ts';

// PREFIX/core/services/default/web   an object: the same key as in every engine
// PREFIX/%/format                    says whose the prefix is
// PREFIX/%/compacted                 the revision up to which history is dropped
// PREFIX/%/tick, PREFIX…/%tick       written to see that a watch has come this far
// PREFIX/%/pki/…                     keys that all servers share
// No name of an object contains a percent sign (path segment names), so none is ever internal.

const format = 'fairlead 1';
const pageSize = 1_000;

/** The present state of a prefix. */
export interface Snapshot {
  readonly revision: number;
  readonly compactedRevision: number;
  readonly entries: readonly StorageEntry[];
}

/** True for keys (without the prefix) that are no objects. */
export function isInternalKey(key: string): boolean {
  return key.includes('/%');
}

export function markKey(prefix: string): string {
  return `${prefix}/%/format`;
}

export function compactionKey(prefix: string): string {
  return `${prefix}/%/compacted`;
}

/** Makes sure that a prefix is ours, or empty and from now on ours; throws `DataForeign`. */
export async function claimPrefix(client: EtcdClient, prefix: string): Promise<void> {
  const key = markKey(prefix);
  const mark = decodeRange((await client.call(etcdCalls.range, encodeRange({ key }))).bytes).entries[0];
  if (mark?.value === format) return;
  if (mark !== undefined) {
    throw new ApiServerError(
      'DataForeign',
      `etcd prefix ${prefix} has format "${mark.value}", this program knows "${format}"`,
    );
  }
  const first = encodeRange({ key: `${prefix}/`, end: rangeEnd(`${prefix}/`), limit: 1, keysOnly: true });
  const foreign = decodeRange((await client.call(etcdCalls.range, first)).bytes).entries[0];
  if (foreign !== undefined && !foreign.key.includes('/%')) {
    throw new ApiServerError(
      'DataForeign',
      `etcd prefix ${prefix} belongs to another program (it holds ${foreign.key}); choose another with --etcd-prefix`,
    );
  }
  const claim = decodeTxn((await client.call(etcdCalls.txn, encodeTxn([{ key, expect: 0, value: format }]))).bytes);
  // Lost to a server that started at the same time: look again, and find its mark.
  if (!claim.succeeded) await claimPrefix(client, prefix);
}

/** Reads all objects at one revision, page by page. */
export async function readSnapshot(client: EtcdClient, prefix: string): Promise<Snapshot> {
  for (;;) {
    try {
      return await readPages(client, prefix);
    } catch (error) {
      // History was dropped between two pages: start anew.
      if (!(error instanceof EtcdError) || error.code !== 'Compacted') throw error;
    }
  }
}

async function readPages(client: EtcdClient, prefix: string): Promise<Snapshot> {
  const end = rangeEnd(`${prefix}/`);
  const entries: StorageEntry[] = [];
  let revision = 0;
  let compactedRevision = 0;
  let from = `${prefix}/`;
  for (;;) {
    const query = encodeRange({ key: from, end, limit: pageSize, revision });
    const page = decodeRange((await client.call(etcdCalls.range, query)).bytes);
    if (revision === 0) revision = page.storeRevision;
    for (const { key, value, createRevision, modRevision } of page.entries) {
      if (key === compactionKey(prefix)) compactedRevision = Number(value) || 0;
      const own = key.slice(prefix.length);
      if (!isInternalKey(own)) entries.push({ key: own, value, createRevision, modRevision });
    }
    const last = page.entries.at(-1);
    if (last === undefined || page.count <= page.entries.length) return { revision, compactedRevision, entries };
    from = `${last.key}\u0000`;
  }
}
