// Hot path: every write and every consistent read of a server on etcd passes through here.
import type { Clock, Random } from '../../../sys/clock.ts';
import type { Log } from '../../../sys/role.ts';
import { ApiServerError } from '../../api-server-error.ts';
import { CurrentEntries } from '../current-entries.ts';
import type {
  CommitAllResult,
  CommitResult,
  RangeOptions,
  RangeResult,
  ReplayResult,
  Storage,
  StorageEntry,
  StorageEvent,
  StorageWrite,
} from '../storage.ts';
import { EtcdClient, type EtcdCredentials } from './etcd-client.ts';
import { type Following, followChanges } from './follow-changes.ts';
import { EtcdError, type EtcdTls } from './grpc-connection.ts';
import { claimPrefix, compactionKey, isInternalKey, markKey, readSnapshot } from './key-space.ts';
import { LeaseBook } from './lease-book.ts';
import {
  decodeRange,
  decodeTxn,
  encodeCompact,
  encodePut,
  encodeRange,
  encodeTxn,
  etcdCalls,
  type KeyValue,
  rangeEnd,
  type WatchChange,
} from './messages.ts';
import { revisionOfOwnWrite, WritesUnderWay } from './own-writes.ts';
import { readHistory } from './read-history.ts';
import { RevisionGate } from './revision-gate.ts';
import { SharedRounds } from './shared-rounds.ts';
import { storageError } from './storage-error.ts';

/** How to use an etcd cluster as the store. */
export interface EtcdStorageOptions {
  /** `http://host:port` or `https://host:port`, one per member. */
  readonly endpoints: readonly string[];
  /** Ahead of every key, without a slash at the end: `/registry`. */
  readonly prefix: string;
  readonly tls: EtcdTls;
  readonly credentials?: EtcdCredentials;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Ends the wait for an etcd that is not there yet. */
  readonly signal?: AbortSignal;
}

const healthDeadlineMs = 2_000;

/**
 * Storage in etcd v3, shared by any number of servers.
 *
 * The newest state is held in memory and kept by one watch over all keys; {@link revision} is how far that watch
 * has come. A write is answered when etcd has answered it *and* the watch has shown it, so that a server always
 * reads its own writes. Reads that must be current ask etcd for its revision first, many in one round
 * ({@link catchUp}).
 */
export class EtcdStorage implements Storage {
  readonly sharesRevisions = true;
  readonly #options: EtcdStorageOptions;
  readonly #client: EtcdClient;
  readonly #listeners = new Set<{ onEvents(events: readonly StorageEvent[]): void; onGap?(revision: number): void }>();
  #entries: CurrentEntries;
  #compacted: number;
  readonly #gate: RevisionGate;
  readonly #underWay = new WritesUnderWay();
  readonly #leases: LeaseBook;
  readonly #rounds = new SharedRounds(() => this.#ask());
  readonly #following: Following;
  /** Added to every revision of etcd: see {@link PrefixMark}. */
  readonly #offset: number;
  #closed = false;

  private constructor(options: EtcdStorageOptions, client: EtcdClient, snapshot: Snapshot, offset: number) {
    this.#options = options;
    this.#offset = offset;
    this.#leases = new LeaseBook(client, options.clock, options.random);
    this.#client = client;
    this.#entries = CurrentEntries.of(snapshot.entries);
    const tick = encodePut(`${options.prefix}/%/tick`, '');
    this.#gate = new RevisionGate(snapshot.revision, options.clock, () => {
      client.call(etcdCalls.put, tick).catch(() => undefined);
    });
    this.#compacted = snapshot.compactedRevision;
    this.#following = followChanges({
      client,
      prefix: options.prefix,
      clock: options.clock,
      random: options.random,
      log: options.log,
      position: () => this.revision - offset,
      onChanges: (changes, revision) => this.#apply(changes, revision + offset),
      onGap: (oldest) => this.#resync(oldest + offset),
    });
  }

  /** Connects and reads the present state; waits for an etcd that is not there yet, until `signal` aborts. */
  static async open(options: EtcdStorageOptions): Promise<EtcdStorage> {
    const client = new EtcdClient(options);
    const { clock, log, signal } = options;
    let told = false;
    for (;;) {
      try {
        const { offset } = await claimPrefix(client, options.prefix);
        return new EtcdStorage(options, client, await readSnapshot(client, options.prefix, offset), offset);
      } catch (error) {
        const transient = error instanceof EtcdError && error.code !== 'Refused';
        if (!transient) {
          client.close();
          throw storageError(error);
        }
        if (!told) log('warn', 'waiting for etcd', { error: error.message });
        told = true;
        await clock.sleep(500, signal).catch(() => undefined);
        if (signal?.aborted === true) {
          client.close();
          throw new ApiServerError('Closed', 'stopped while waiting for etcd');
        }
      }
    }
  }

  get revision(): number {
    return this.#gate.revision;
  }

  get compactedRevision(): number {
    return this.#compacted;
  }

  catchUp(): Promise<void> {
    return this.#rounds.join();
  }

  /** One linearizable read of etcd's revision, then the wait for the watch to get there. */
  async #ask(): Promise<void> {
    const before = this.revision;
    let storeRevision: number;
    try {
      const query = encodeRange({ key: markKey(this.#options.prefix), keysOnly: true });
      storeRevision = decodeRange((await this.#client.call(etcdCalls.range, query)).bytes).storeRevision + this.#offset;
    } catch (error) {
      throw storageError(error);
    }
    if (storeRevision < before) {
      this.#options.log('error', 'the revision of etcd went back', { before, now: storeRevision });
      throw new ApiServerError('StoreUnreachable', `the revision of etcd went back from ${before} to ${storeRevision}`);
    }
    await this.#gate.reach(storeRevision);
  }

  async obstacle(): Promise<string | undefined> {
    try {
      const query = encodeRange({ key: markKey(this.#options.prefix), keysOnly: true });
      await this.#client.call(etcdCalls.range, query, healthDeadlineMs);
      return this.#following.connected ? undefined : 'etcd sends no changes';
    } catch (error) {
      return (error as Error).message;
    }
  }

  async get(key: string): Promise<StorageEntry | undefined> {
    await this.catchUp();
    return this.#entries.get(key);
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    const { after, limit } = options;
    if (options.revision === undefined) {
      await this.catchUp();
      const all = this.#entries.list(prefix);
      const rest = after === undefined ? all : all.filter((entry) => entry.key > after);
      const entries = limit === undefined ? rest : rest.slice(0, limit);
      return { ok: true, entries, revision: this.revision, remaining: rest.length - entries.length };
    }
    if (options.revision > this.revision) return { ok: false, reason: 'future' };
    if (options.revision < this.#compacted) return { ok: false, reason: 'compacted' };
    const root = this.#options.prefix;
    const query = encodeRange({
      key: after === undefined ? root + prefix : `${root}${after}\u0000`,
      end: rangeEnd(root + prefix),
      revision: Math.max(1, options.revision - this.#offset),
      limit: limit ?? 0,
    });
    try {
      const answer = decodeRange((await this.#client.call(etcdCalls.range, query)).bytes);
      const entries = answer.entries.map((kv) => this.#entryOf(kv)).filter(({ key }) => !isInternalKey(key));
      entries.sort((a, b) => (a.key < b.key ? -1 : 1));
      return {
        ok: true,
        entries,
        revision: options.revision,
        remaining: answer.count - answer.entries.length,
      };
    } catch (error) {
      if (error instanceof EtcdError && error.code === 'Compacted') return { ok: false, reason: 'compacted' };
      throw storageError(error);
    }
  }

  async commit(write: StorageWrite): Promise<CommitResult> {
    const result = await this.commitAll([write]);
    if (result.ok) return { ok: true, entry: result.entries[0]! };
    return { ok: false, reason: result.reason, current: result.current };
  }

  async commitAll(writes: readonly StorageWrite[]): Promise<CommitAllResult> {
    if (this.#closed) throw new ApiServerError('Closed', 'the store is closed');
    const absent = writes.findIndex(({ expect, value }) => expect === 0 && value === undefined);
    if (absent >= 0) {
      const current = await this.get(writes[absent]!.key);
      return { ok: false, reason: 'conflict', index: absent, current };
    }
    const root = this.#options.prefix;
    const before = writes.map(({ key }) => this.#entries.get(key));
    for (const write of writes) this.#underWay.announce(write);
    try {
      const leases = await Promise.all(
        writes.map(({ lifetimeMs }) => (lifetimeMs === undefined ? undefined : this.#leases.leaseFor(lifetimeMs))),
      );
      const request = encodeTxn(
        writes.map(({ key, expect, value }, at) => {
          return { key: root + key, expect: this.#expected(expect), value, lease: leases[at] };
        }),
      );
      const { bytes, resent } = await this.#client.call(etcdCalls.txn, request);
      const answer = decodeTxn(bytes);
      const storeRevision = answer.storeRevision + this.#offset;
      const current = answer.current.map((kv) => (kv === undefined ? undefined : this.#entryOf(kv)));
      const revision = answer.succeeded ? storeRevision : resent ? revisionOfOwnWrite(writes, current) : undefined;
      await this.#gate.reach(revision ?? storeRevision).catch(() => {
        // The write is durable whether or not this server has seen it come back.
      });
      if (revision === undefined) {
        const index = writes.findIndex(({ expect }, at) => (current[at]?.modRevision ?? 0) !== expect);
        return { ok: false, reason: 'conflict', index: Math.max(0, index), current: current[Math.max(0, index)] };
      }
      const entries = writes.map(({ key, expect, value }, at): StorageEntry => {
        const previous = before[at];
        const createRevision = expect === 0 ? revision : (previous?.createRevision ?? expect);
        return { key, value: value ?? previous?.value ?? '{}', createRevision, modRevision: revision };
      });
      return { ok: true, entries };
    } catch (error) {
      if (error instanceof EtcdError && error.message.includes('lease not found')) this.#leases.forget();
      throw storageError(error);
    } finally {
      for (const write of writes) this.#underWay.forget(write);
    }
  }

  async agree(name: string, proposal: () => string): Promise<string> {
    const key = `${this.#options.prefix}/%/${name}`;
    try {
      for (;;) {
        const present = decodeRange((await this.#client.call(etcdCalls.range, encodeRange({ key }))).bytes).entries[0];
        if (present !== undefined) return present.value;
        await this.#client.call(etcdCalls.txn, encodeTxn([{ key, expect: 0, value: proposal() }]));
      }
    } catch (error) {
      throw storageError(error);
    }
  }

  async replay(prefix: string, afterRevision: number): Promise<ReplayResult> {
    if (afterRevision < this.#compacted) return { ok: false, reason: 'compacted' };
    try {
      const { changes, through } = await readHistory(
        this.#client,
        this.#options.prefix + prefix,
        // From the revision itself on.
        Math.max(0, afterRevision - this.#offset - 1),
      );
      const events: StorageEvent[] = [];
      for (const change of changes) {
        const entry = this.#entryOf(change.entry);
        if (isInternalKey(entry.key)) continue;
        const previous = change.previous === undefined ? undefined : this.#entryOf(change.previous);
        events.push(eventOf(change, entry, previous, undefined));
      }
      const known = events.filter(({ entry }) => entry.modRevision === afterRevision).length;
      return { ok: true, events: known === 1 ? events.slice(1) : events, through: through + this.#offset };
    } catch (error) {
      if (error instanceof EtcdError && error.code === 'Compacted') return { ok: false, reason: 'compacted' };
      throw storageError(error);
    }
  }

  subscribe(onEvents: (events: readonly StorageEvent[]) => void, onGap?: (revision: number) => void): () => void {
    const listener = { onEvents, ...(onGap === undefined ? {} : { onGap }) };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async compact(revision: number): Promise<void> {
    const upTo = Math.min(revision, this.revision);
    if (upTo <= this.#compacted || this.#closed) return;
    const key = compactionKey(this.#options.prefix);
    try {
      // The mark comes first, and all servers see it: none hands out history that is about to go.
      const present = decodeRange((await this.#client.call(etcdCalls.range, encodeRange({ key }))).bytes).entries[0];
      if (Number(present?.value ?? 0) < upTo) {
        const mark = encodeTxn([{ key, expect: present?.modRevision ?? 0, value: String(upTo) }]);
        const answer = decodeTxn((await this.#client.call(etcdCalls.txn, mark)).bytes);
        // Another server is compacting at this moment; the next period is early enough.
        if (!answer.succeeded) return;
        await this.#gate.reach(answer.storeRevision + this.#offset);
        await this.#client.call(etcdCalls.compact, encodeCompact(upTo - this.#offset));
      }
      this.#compacted = Math.max(this.#compacted, upTo);
    } catch (error) {
      const done = error instanceof EtcdError && error.code === 'Compacted';
      if (!done && !this.#closed) throw storageError(error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#following.stop();
    this.#listeners.clear();
    this.#client.close();
    this.#gate.open();
  }

  /** Applies the changes of whole revisions; without changes it is a notice that there were none up to `revision`. */
  #apply(changes: readonly WatchChange[], revision: number): void {
    const events: StorageEvent[] = [];
    for (const change of changes) {
      const entry = this.#entryOf(change.entry);
      if (isInternalKey(entry.key)) {
        if (change.entry.key === compactionKey(this.#options.prefix)) {
          this.#compacted = Math.max(this.#compacted, Number(entry.value) || 0);
        }
        continue;
      }
      const event = eventOf(change, entry, this.#entries.get(entry.key), this.#underWay.decoded(entry));
      this.#entries.apply(event);
      events.push(event);
    }
    this.#tell(events, revision);
  }

  #tell(events: readonly StorageEvent[], revision: number): void {
    this.#gate.advance(revision);
    for (const listener of this.#listeners) listener.onEvents(events);
    this.#gate.release();
  }

  /** The change stream broke where history is gone: tell the differences to the present state instead. */
  async #resync(oldest: number): Promise<void> {
    const snapshot = await readSnapshot(this.#client, this.#options.prefix, this.#offset);
    const events: StorageEvent[] = [];
    const next = CurrentEntries.of(snapshot.entries);
    for (const key of this.#entries.keys()) {
      const previous = this.#entries.get(key)!;
      if (next.get(key) !== undefined) continue;
      const entry = { ...previous, modRevision: snapshot.revision };
      events.push({ type: 'delete', entry, previous, decoded: undefined });
    }
    for (const entry of snapshot.entries) {
      const previous = this.#entries.get(entry.key);
      if (previous?.modRevision === entry.modRevision) continue;
      events.push({ type: 'put', entry, previous, decoded: undefined });
    }
    events.sort((a, b) => a.entry.modRevision - b.entry.modRevision);
    this.#entries = next;
    this.#compacted = Math.max(this.#compacted, oldest, snapshot.compactedRevision);
    this.#options.log('warn', 'missed changes of etcd', { after: this.revision, until: snapshot.revision });
    for (const listener of this.#listeners) listener.onGap?.(snapshot.revision);
    this.#tell(events, snapshot.revision);
  }

  /** What etcd must compare with. A revision from before the offset is of no entry that is there. */
  #expected(revision: number): number {
    if (revision === 0) return 0;
    return revision > this.#offset ? revision - this.#offset : Number.MAX_SAFE_INTEGER;
  }

  #entryOf({ key, value, createRevision, modRevision }: KeyValue): StorageEntry {
    return {
      key: key.slice(this.#options.prefix.length),
      value,
      createRevision: createRevision + this.#offset,
      modRevision: modRevision + this.#offset,
    };
  }
}

type Snapshot = Awaited<ReturnType<typeof readSnapshot>>;

/** A deletion shows the last value at its own revision. */
function eventOf(
  change: WatchChange,
  entry: StorageEntry,
  previous: StorageEntry | undefined,
  decoded: unknown,
): StorageEvent {
  if (!change.deleted) return { type: 'put', entry, previous, decoded };
  const last = { ...(previous ?? { ...entry, value: '{}' }), modRevision: entry.modRevision };
  return { type: 'delete', entry: last, previous, decoded: undefined };
}
