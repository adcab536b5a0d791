// Hot path: each read, write and watch event of etcd is encoded or decoded here.
// Field numbers: etcd's api/etcdserverpb/rpc.proto and api/mvccpb/kv.proto (version 3).
import { MessageReader, MessageWriter } from './protobuf.ts';

/** Paths of the calls in use. */
export const etcdCalls = {
  authenticate: '/etcdserverpb.Auth/Authenticate',
  range: '/etcdserverpb.KV/Range',
  put: '/etcdserverpb.KV/Put',
  deleteRange: '/etcdserverpb.KV/DeleteRange',
  txn: '/etcdserverpb.KV/Txn',
  compact: '/etcdserverpb.KV/Compact',
  leaseGrant: '/etcdserverpb.Lease/LeaseGrant',
  watch: '/etcdserverpb.Watch/Watch',
} as const;

/** `mvccpb.KeyValue`, without version and lease. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
}

/** What a Range asks; without `end` it is about one key. */
export interface RangeQuery {
  readonly key: string;
  /** First key after the range. */
  readonly end?: Uint8Array;
  readonly limit?: number;
  /** Absent: the newest. */
  readonly revision?: number;
  readonly keysOnly?: boolean;
}

/** What a Range answers. */
export interface RangeAnswer {
  /** Revision of the store when it answered, not of the snapshot. */
  readonly storeRevision: number;
  readonly entries: readonly KeyValue[];
  /** Keys in the range, beyond the limit too. */
  readonly count: number;
}

/** One step of a transaction: compare the mod revision, then put or (without a value) delete. */
export interface TxnWrite {
  readonly key: string;
  readonly expect: number;
  readonly value: string | undefined;
  /** The key goes when this lease does. */
  readonly lease?: number | undefined;
}

/** What a transaction answers: all of its writes are there, or none. */
export interface TxnAnswer {
  readonly storeRevision: number;
  readonly succeeded: boolean;
  /** Where the comparison failed: the present entry of each write, in order. */
  readonly current: readonly (KeyValue | undefined)[];
}

/** One change told by a watch; a deletion has an empty value. */
export interface WatchChange {
  readonly deleted: boolean;
  readonly entry: KeyValue;
  readonly previous: KeyValue | undefined;
}

/** One message of a watch. */
export interface WatchAnswer {
  readonly storeRevision: number;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Above 0: the start of the watch is gone; this is the oldest revision there is. */
  readonly compactRevision: number;
  readonly cancelReason: string;
  /** More of the same revision follows. */
  readonly fragment: boolean;
  readonly changes: readonly WatchChange[];
}

/** The first key that does not start with `prefix`; the prefix ends in an ASCII character. */
export function rangeEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = end.at(-1)! + 1;
  return end;
}

/** A RangeRequest. */
export function encodeRange(query: RangeQuery): Buffer {
  return rangeWriter(query).finish();
}

function rangeWriter({ key, end, limit = 0, revision = 0, keysOnly = false }: RangeQuery): MessageWriter {
  const writer = new MessageWriter().bytes(1, key);
  if (end !== undefined) writer.bytes(2, end);
  return writer.number(3, limit).number(4, revision).number(8, keysOnly);
}

/** A PutRequest without a lease. */
export function encodePut(key: string, value: string): Buffer {
  return new MessageWriter().bytes(1, key).bytes(2, value).finish();
}

/** Deletes all keys from `from` up to before `end`. */
export function encodeDeleteRange(from: string, end: Uint8Array): Buffer {
  return new MessageWriter().bytes(1, from).bytes(2, end).finish();
}

/** A TxnRequest: every write if all comparisons hold, else a Range of each key. */
export function encodeTxn(writes: readonly TxnWrite[]): Buffer {
  const request = new MessageWriter();
  for (const { key, expect } of writes) {
    // result EQUAL (0), target MOD (2).
    request.bytes(1, new MessageWriter().number(2, 2).bytes(3, key).number(6, expect, true));
  }
  for (const { key, value, lease = 0 } of writes) {
    const operation =
      value === undefined
        ? new MessageWriter().bytes(3, new MessageWriter().bytes(1, key))
        : new MessageWriter().bytes(2, new MessageWriter().bytes(1, key).bytes(2, value).number(3, lease));
    request.bytes(2, operation);
  }
  for (const { key } of writes) request.bytes(3, new MessageWriter().bytes(1, rangeWriter({ key })));
  return request.finish();
}

/** An AuthenticateRequest; {@link decodeAuthenticate} reads its answer. */
export function encodeAuthenticate(name: string, password: string): Buffer {
  return new MessageWriter().bytes(1, name).bytes(2, password).finish();
}

/** The token to send with further requests. */
export function decodeAuthenticate(bytes: Buffer): string {
  let token = '';
  const reader = new MessageReader(bytes);
  while (reader.next()) if (reader.field === 2) token = reader.text;
  return token;
}

/** A LeaseGrantRequest for a lease of so many seconds. */
export function encodeLeaseGrant(id: number, seconds: number): Buffer {
  return new MessageWriter().number(1, seconds).number(2, id).finish();
}

/** A CompactionRequest: what was before the revision is given up. */
export function encodeCompact(revision: number): Buffer {
  return new MessageWriter().number(1, revision).finish();
}

/** A watch of all keys with a prefix after a revision. */
export function encodeWatch(prefix: string, afterRevision: number, withPrevious: boolean): Buffer {
  const create = new MessageWriter()
    .bytes(1, prefix)
    .bytes(2, rangeEnd(prefix))
    .number(3, afterRevision + 1)
    .number(4, true)
    .number(6, withPrevious)
    .number(8, true);
  return new MessageWriter().bytes(1, create).finish();
}

/** Reads a RangeResponse. */
export function decodeRange(bytes: Buffer): RangeAnswer {
  const reader = new MessageReader(bytes);
  const entries: KeyValue[] = [];
  let storeRevision = 0;
  let count = 0;
  while (reader.next()) {
    if (reader.field === 1) storeRevision = decodeHeader(reader.bytes);
    else if (reader.field === 2) entries.push(decodeKeyValue(reader.bytes));
    else if (reader.field === 4) count = reader.number;
  }
  return { storeRevision, entries, count };
}

/** Revision of the store in an answer whose first field is the header: Put and Compact. */
export function decodeStoreRevision(bytes: Buffer): number {
  const reader = new MessageReader(bytes);
  while (reader.next()) if (reader.field === 1) return decodeHeader(reader.bytes);
  return 0;
}

/** Reads the answer to {@link encodeTxn}. */
export function decodeTxn(bytes: Buffer): TxnAnswer {
  const reader = new MessageReader(bytes);
  const current: (KeyValue | undefined)[] = [];
  let storeRevision = 0;
  let succeeded = false;
  while (reader.next()) {
    if (reader.field === 1) storeRevision = decodeHeader(reader.bytes);
    else if (reader.field === 2) succeeded = reader.number !== 0;
    else if (reader.field === 3) {
      const operation = new MessageReader(reader.bytes);
      while (operation.next()) if (operation.field === 1) current.push(decodeRange(operation.bytes).entries[0]);
    }
  }
  return { storeRevision, succeeded, current };
}

/** Reads a WatchResponse. */
export function decodeWatch(bytes: Buffer): WatchAnswer {
  const reader = new MessageReader(bytes);
  const changes: WatchChange[] = [];
  let storeRevision = 0;
  let created = false;
  let canceled = false;
  let compactRevision = 0;
  let cancelReason = '';
  let fragment = false;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        storeRevision = decodeHeader(reader.bytes);
        break;
      case 3:
        created = reader.number !== 0;
        break;
      case 4:
        canceled = reader.number !== 0;
        break;
      case 5:
        compactRevision = reader.number;
        break;
      case 6:
        cancelReason = reader.text;
        break;
      case 7:
        fragment = reader.number !== 0;
        break;
      case 11:
        changes.push(decodeChange(reader.bytes));
        break;
    }
  }
  return { storeRevision, created, canceled, compactRevision, cancelReason, fragment, changes };
}

function decodeHeader(bytes: Buffer): number {
  const reader = new MessageReader(bytes);
  while (reader.next()) if (reader.field === 3) return reader.number;
  return 0;
}

function decodeKeyValue(bytes: Buffer): KeyValue {
  const reader = new MessageReader(bytes);
  let key = '';
  let value = '';
  let createRevision = 0;
  let modRevision = 0;
  while (reader.next()) {
    if (reader.field === 1) key = reader.text;
    else if (reader.field === 2) createRevision = reader.number;
    else if (reader.field === 3) modRevision = reader.number;
    else if (reader.field === 5) value = reader.text;
  }
  return { key, value, createRevision, modRevision };
}

function decodeChange(bytes: Buffer): WatchChange {
  const reader = new MessageReader(bytes);
  let deleted = false;
  let entry: KeyValue | undefined;
  let previous: KeyValue | undefined;
  while (reader.next()) {
    if (reader.field === 1) deleted = reader.number === 1;
    else if (reader.field === 2) entry = decodeKeyValue(reader.bytes);
    else if (reader.field === 3) previous = decodeKeyValue(reader.bytes);
  }
  return { deleted, entry: entry ?? { key: '', value: '', createRevision: 0, modRevision: 0 }, previous };
}
