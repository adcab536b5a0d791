import { ApiServerError } from '../../api-server-error.ts';
import type { StorageEntry } from '../storage.ts';
import type { EtcdClient } from './etcd-client.ts';
import { EtcdError } from './grpc-connection.ts';
import { decodeRange, encodeRange, encodeTxn, etcdCalls, rangeEnd } from './messages.ts';

// PREFIX/core/services/default/web   an object: the same key as in every engine
// PREFIX/%/format                    says whose the prefix is, and what to add to etcd's revisions
// PREFIX/%/compacted                 the revision up to which history is dropped
// PREFIX/%/tick, PREFIX…/%tick       written to see that a watch has come this far
// PREFIX/%/pki/…                     keys that all servers share
// No name of an object contains a percent sign (path segment names), so none is ever internal.

const format = 'fairlead 1';
const pageSize = 1_000;

/** What the mark of a prefix says beside whose it is. */
export interface PrefixMark {
  /** Added to etcd's revisions: after a restore or move they go on where clients remember them. */
  readonly offset: number;
  /** A load is under way, or was cut off. */
  readonly loading: boolean;
}

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

/** The key that says what keeps its data under a prefix; see {@link markText}. */
export function markKey(prefix: string): string {
  return `${prefix}/%/format`;
}

/** The key that holds the revision up to which a prefix was compacted. */
export function compactionKey(prefix: string): string {
  return `${prefix}/%/compacted`;
}

/** The text of a mark: `fairlead 1`, then what is not as usual. */
export function markText({ offset, loading }: PrefixMark): string {
  return `${format}${offset === 0 ? '' : ` offset=${offset}`}${loading ? ' loading' : ''}`;
}

/** Reads the mark of a prefix; `undefined` when there is none. Throws `DataForeign` for one of another format. */
export async function readMark(client: EtcdClient, prefix: string): Promise<PrefixMark | undefined> {
  const query = encodeRange({ key: markKey(prefix) });
  const text = decodeRange((await client.call(etcdCalls.range, query)).bytes).entries[0]?.value;
  if (text === undefined) return undefined;
  const match = /^fairlead 1(?: offset=([0-9]+))?( loading)?$/.exec(text);
  if (match === null) {
    throw new ApiServerError(
      'DataForeign',
      `etcd prefix ${prefix} has format "${text}", this program knows "${format}"`,
    );
  }
  return { offset: Number(match[1] ?? 0), loading: match[2] !== undefined };
}

/** Makes sure that a prefix is ours, or empty and from now on ours; throws `DataForeign`. */
export async function claimPrefix(client: EtcdClient, prefix: string): Promise<PrefixMark> {
  const mark = await readMark(client, prefix);
  if (mark?.loading === true) {
    throw new ApiServerError(
      'DataForeign',
      `etcd prefix ${prefix} is being filled, or that was cut off; run the restore again with --overwrite`,
    );
  }
  if (mark !== undefined) return mark;
  const first = encodeRange({ key: `${prefix}/`, end: rangeEnd(`${prefix}/`), limit: 1, keysOnly: true });
  const foreign = decodeRange((await client.call(etcdCalls.range, first)).bytes).entries[0];
  if (foreign !== undefined && !isInternalKey(foreign.key.slice(prefix.length))) {
    throw new ApiServerError(
      'DataForeign',
      `etcd prefix ${prefix} belongs to another program (it holds ${foreign.key}); choose another with --etcd-prefix`,
    );
  }
  // Lost to a server that started at the same time: then its mark is there.
  await client.call(etcdCalls.txn, encodeTxn([{ key: markKey(prefix), expect: 0, value: format }]));
  return claimPrefix(client, prefix);
}

/** Reads all objects at one revision, page by page. */
export async function readSnapshot(client: EtcdClient, prefix: string, offset: number): Promise<Snapshot> {
  for (;;) {
    try {
      return await readPages(client, prefix, offset);
    } catch (error) {
      // History was dropped between two pages: start anew.
      if (!(error instanceof EtcdError) || error.code !== 'Compacted') throw error;
    }
  }
}

async function readPages(client: EtcdClient, prefix: string, offset: number): Promise<Snapshot> {
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
      if (!isInternalKey(own))
        entries.push({ key: own, value, createRevision: createRevision + offset, modRevision: modRevision + offset });
    }
    const last = page.entries.at(-1);
    if (last === undefined || page.count <= page.entries.length)
      return { revision: revision + offset, compactedRevision, entries };
    from = `${last.key}\u0000`;
  }
}
