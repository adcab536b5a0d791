import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CommitResult, Storage, StorageEvent } from './storage.ts';

/** A storage under test; `reopen` closes it and opens the same data again. */
export interface StorageUnderTest {
  readonly storage: Storage;
  reopen(): Promise<Storage>;
  dispose(): Promise<void>;
}

/** What every storage engine must do; run on each of them. */
export function describeStorage(name: string, create: () => Promise<StorageUnderTest>): void {
  const withStorage = (title: string, body: (subject: StorageUnderTest) => Promise<void>): void => {
    test(title, async () => {
      const subject = await create();
      try {
        await body(subject);
      } finally {
        await subject.dispose();
      }
    });
  };

  describe(`storage: ${name}`, () => {
    withStorage('a new store is at a revision above zero and empty', async ({ storage }) => {
      assert.ok(storage.revision >= 1);
      assert.equal(await storage.get('/a/x'), undefined);
      assert.deepEqual(await storage.range('/'), { ok: true, entries: [], revision: storage.revision, remaining: 0 });
    });

    withStorage('writes compare the mod revision', async ({ storage }) => {
      const first = await written(storage.commit({ key: '/a/x', expect: 0, value: '1' }));
      const again = await storage.commit({ key: '/a/x', expect: 0, value: '2' });
      assert.ok(!again.ok && again.current?.value === '1');
      const second = await written(storage.commit({ key: '/a/x', expect: first.modRevision, value: '2' }));
      assert.equal(second.createRevision, first.createRevision);
      assert.ok(second.modRevision > first.modRevision);
      const stale = await storage.commit({ key: '/a/x', expect: first.modRevision, value: undefined });
      assert.ok(!stale.ok);
      const absent = await storage.commit({ key: '/a/none', expect: 0, value: undefined });
      assert.ok(!absent.ok, 'an absent key cannot be deleted');
      assert.equal((await storage.get('/a/x'))?.value, '2');
    });

    withStorage('a transaction is all or nothing, in one batch and in order', async ({ storage, reopen }) => {
      const batches: (readonly StorageEvent[])[] = [];
      // Where the store has a clock of its own it may tick at any time: an empty batch, and a higher revision.
      const ticks = storage.sharesRevisions;
      storage.subscribe((events) => {
        if (!ticks || events.length > 0) batches.push(events);
      });
      const done = await storage.commitAll([
        { key: '/a/x', expect: 0, value: '1' },
        { key: '/b/y', expect: 0, value: '2' },
      ]);
      assert.ok(done.ok);
      assert.deepEqual(
        done.entries.map(({ key, value }) => [key, value]),
        [
          ['/a/x', '1'],
          ['/b/y', '2'],
        ],
      );
      const { modRevision } = done.entries[1]!;
      if (ticks) assert.ok(storage.revision >= modRevision);
      else assert.equal(storage.revision, modRevision);
      const failed = await storage.commitAll([
        { key: '/a/z', expect: 0, value: '3' },
        { key: '/b/y', expect: 0, value: '4' },
      ]);
      assert.ok(!failed.ok && failed.index === 1 && failed.current?.value === '2');
      assert.equal(await storage.get('/a/z'), undefined);
      if (!ticks) assert.equal(storage.revision, modRevision);
      const mixed = await storage.commitAll([
        { key: '/a/x', expect: done.entries[0]!.modRevision, value: undefined },
        { key: '/a/z', expect: 0, value: '5' },
      ]);
      assert.ok(mixed.ok);
      assert.deepEqual(
        batches.map((events) => events.map(({ type, entry }) => [type, entry.key])),
        [
          [
            ['put', '/a/x'],
            ['put', '/b/y'],
          ],
          [
            ['delete', '/a/x'],
            ['put', '/a/z'],
          ],
        ],
      );
      const again = await reopen();
      const all = await again.range('/');
      assert.ok(all.ok);
      assert.deepEqual(
        all.entries.map(({ key }) => key),
        ['/a/z', '/b/y'],
      );
    });

    withStorage('of concurrent transactions that share a key exactly one wins', async ({ storage }) => {
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          storage.commitAll([
            { key: `/a/${index}`, expect: 0, value: '1' },
            { key: '/claim', expect: 0, value: String(index) },
          ]),
        ),
      );
      assert.equal(results.filter((result) => result.ok).length, 1);
      const all = await storage.range('/a/');
      assert.ok(all.ok);
      assert.equal(all.entries.length, 1);
    });

    withStorage('of concurrent writes with one expectation exactly one wins', async ({ storage }) => {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => storage.commit({ key: '/a/x', expect: 0, value: String(index) })),
      );
      assert.equal(results.filter((result) => result.ok).length, 1);
    });

    withStorage('a deletion has a revision of its own and shows the last value', async ({ storage }) => {
      const events = collect(storage);
      const entry = await written(storage.commit({ key: '/a/x', expect: 0, value: '1' }));
      const gone = await written(storage.commit({ key: '/a/x', expect: entry.modRevision, value: undefined }));
      assert.ok(gone.modRevision > entry.modRevision);
      assert.equal(await storage.get('/a/x'), undefined);
      assert.deepEqual(
        events.map(({ type, entry: one, previous }) => [type, one.value, one.modRevision, previous?.value]),
        [
          ['put', '1', entry.modRevision, undefined],
          ['delete', '1', gone.modRevision, '1'],
        ],
      );
      const recreated = await written(storage.commit({ key: '/a/x', expect: 0, value: '3' }));
      assert.equal(recreated.createRevision, recreated.modRevision);
    });

    withStorage('ranges are ordered, bounded by the prefix, and chunked', async ({ storage }) => {
      for (const key of ['/b/2', '/a/2', '/a/10', '/a-b/1', '/a/1'])
        await storage.commit({ key, expect: 0, value: key });
      const all = await storage.range('/a/');
      assert.ok(all.ok);
      assert.deepEqual(
        all.entries.map((entry) => entry.key),
        ['/a/1', '/a/10', '/a/2'],
      );
      const chunk = await storage.range('/a/', { limit: 1, after: '/a/1' });
      assert.ok(chunk.ok);
      assert.deepEqual([chunk.entries.map((entry) => entry.key), chunk.remaining], [['/a/10'], 1]);
    });

    withStorage('a snapshot shows the state at its revision', async ({ storage }) => {
      const x = await written(storage.commit({ key: '/a/x', expect: 0, value: 'old' }));
      await storage.commit({ key: '/a/gone', expect: 0, value: 'still' });
      const then = storage.revision;
      await storage.commit({ key: '/a/x', expect: x.modRevision, value: 'new' });
      const gone = await storage.get('/a/gone');
      await storage.commit({ key: '/a/gone', expect: gone!.modRevision, value: undefined });
      await storage.commit({ key: '/a/later', expect: 0, value: 'later' });
      const snapshot = await storage.range('/a/', { revision: then });
      assert.ok(snapshot.ok);
      assert.deepEqual(
        snapshot.entries.map(({ key, value }) => [key, value]),
        [
          ['/a/gone', 'still'],
          ['/a/x', 'old'],
        ],
      );
      const future = await storage.range('/a/', { revision: storage.revision + 1 });
      assert.deepEqual(future, { ok: false, reason: 'future' });
    });

    withStorage('replay gives the events after a revision, as they were told live', async ({ storage }) => {
      const live = collect(storage);
      const start = storage.revision;
      const x = await written(storage.commit({ key: '/a/x', expect: 0, value: '1' }));
      await storage.commit({ key: '/b/y', expect: 0, value: '1' });
      const changed = await written(storage.commit({ key: '/a/x', expect: x.modRevision, value: '2' }));
      await storage.commit({ key: '/a/x', expect: changed.modRevision, value: undefined });
      const replay = await storage.replay('/a/', start);
      assert.ok(replay.ok);
      assert.deepEqual(replay.events.map(plain), live.filter(({ entry }) => entry.key.startsWith('/a/')).map(plain));
      const later = await storage.replay('/a/', x.modRevision);
      assert.ok(later.ok);
      assert.equal(later.events.length, 2);
    });

    withStorage('who knows one write of a transaction is told of the others', async ({ storage }) => {
      await storage.commit({ key: '/a/before', expect: 0, value: '0' });
      const pair = await storage.commitAll([
        { key: '/a/x', expect: 0, value: '1' },
        { key: '/a/y', expect: 0, value: '2' },
      ]);
      assert.ok(pair.ok);
      const alone = await written(storage.commit({ key: '/a/z', expect: 0, value: '3' }));
      const keysAfter = async (revision: number): Promise<string[]> => {
        const replay = await storage.replay('/a/', revision);
        assert.ok(replay.ok);
        return replay.events.map(({ entry }) => entry.key);
      };
      const [first, second] = pair.entries.map(({ modRevision }) => modRevision) as [number, number];
      assert.equal(first === second, storage.sharesRevisions);
      assert.deepEqual(await keysAfter(first), first === second ? ['/a/x', '/a/y', '/a/z'] : ['/a/y', '/a/z']);
      assert.deepEqual(await keysAfter(alone.modRevision), []);
      await storage.compact(second);
      assert.deepEqual(await keysAfter(second), first === second ? ['/a/x', '/a/y', '/a/z'] : ['/a/z']);
    });

    withStorage('compaction drops history and keeps current values and revisions', async (subject) => {
      const { storage } = subject;
      const x = await written(storage.commit({ key: '/a/x', expect: 0, value: '1' }));
      const newer = await written(storage.commit({ key: '/a/x', expect: x.modRevision, value: '2' }));
      await storage.commit({ key: '/a/y', expect: 0, value: 'y' });
      const y = await storage.get('/a/y');
      await storage.commit({ key: '/a/y', expect: y!.modRevision, value: undefined });
      const top = storage.revision;
      await storage.compact(top);
      assert.equal(storage.compactedRevision, top);
      assert.equal((await storage.get('/a/x'))?.modRevision, newer.modRevision);
      assert.deepEqual(await storage.range('/a/', { revision: x.modRevision }), { ok: false, reason: 'compacted' });
      assert.deepEqual(await storage.replay('/a/', x.modRevision), { ok: false, reason: 'compacted' });
      const reopened = await subject.reopen();
      assert.ok(reopened.revision >= top, 'the last revision was a deletion that compaction removed');
      assert.equal((await reopened.get('/a/x'))?.value, '2');
      const next = await written(reopened.commit({ key: '/a/z', expect: 0, value: 'z' }));
      assert.ok(next.modRevision > top);
    });

    withStorage('everything answered is there after reopening', async (subject) => {
      const answered = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          written(subject.storage.commit({ key: `/a/${index}`, expect: 0, value: `v${index}` })),
        ),
      );
      const reopened = await subject.reopen();
      for (const entry of answered) assert.deepEqual(await reopened.get(entry.key), entry);
      const newest = Math.max(...answered.map((entry) => entry.modRevision));
      // Where the store has a clock of its own it may have ticked.
      if (reopened.sharesRevisions) assert.ok(reopened.revision >= newest);
      else assert.equal(reopened.revision, newest);
    });

    withStorage('random operations agree with a model', async (subject) => {
      let { storage } = subject;
      const random = generator(42);
      const model = new Map<string, { value: string; revision: number }>();
      const history: { revision: number; state: [string, string][] }[] = [];
      for (let step = 0; step < 400; step++) {
        const key = `/m/${Math.floor(random() * 12)}`;
        const known = model.get(key);
        const right = random() < 0.8;
        const expect = right ? (known?.revision ?? 0) : Math.floor(random() * storage.revision);
        const value = random() < 0.3 ? undefined : `v${step}`;
        const before = storage.revision;
        const result = await storage.commit({ key, expect, value });
        const shouldWork = expect === (known?.revision ?? 0) && !(value === undefined && known === undefined);
        assert.equal(result.ok, shouldWork, `step ${step}`);
        if (result.ok) {
          assert.ok(result.entry.modRevision > before);
          if (value === undefined) model.delete(key);
          else model.set(key, { value, revision: result.entry.modRevision });
        }
        history.push({ revision: storage.revision, state: sorted(model) });
        if (step % 97 === 96) storage = await subject.reopen();
      }
      for (const { revision, state } of history.filter((_, index) => index % 13 === 0)) {
        const snapshot = await storage.range('/m/', { revision });
        assert.ok(snapshot.ok);
        assert.deepEqual(
          snapshot.entries.map((entry) => [entry.key, entry.value]),
          state,
        );
      }
    });
  });
}

async function written(commit: Promise<CommitResult>): Promise<Extract<CommitResult, { ok: true }>['entry']> {
  const result = await commit;
  assert.ok(result.ok, 'the write was expected to succeed');
  return result.entry;
}

function collect(storage: Storage): StorageEvent[] {
  const events: StorageEvent[] = [];
  storage.subscribe((batch) => events.push(...batch));
  return events;
}

function plain({ type, entry, previous }: StorageEvent): unknown {
  return { type, entry, previous };
}

function sorted(model: ReadonlyMap<string, { readonly value: string }>): [string, string][] {
  return [...model].map(([key, { value }]): [string, string] => [key, value]).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A small linear congruential generator: the same sequence in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
