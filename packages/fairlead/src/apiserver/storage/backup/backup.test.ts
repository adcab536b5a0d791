import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { systemClock, systemRandom } from '../../../sys/clock.ts';
import { ApiServerError, type ApiServerErrorCode } from '../../api-server-error.ts';
import { EtcdClient } from '../etcd/etcd-client.ts';
import { markKey, markText } from '../etcd/key-space.ts';
import { encodePut, etcdCalls } from '../etcd/messages.ts';
import { type EtcdCluster, etcdSkip, startEtcd } from '../etcd/testing/etcd-cluster.ts';
import { type Datastore, type EtcdDatastore, openStorage } from '../open-storage.ts';
import { describeStorage } from '../storage-conformance.ts';
import { readBackup, type StoreSnapshot, writeBackup } from './backup-format.ts';
import { loadStore, restoreMargin } from './load-store.ts';
import { readStore } from './read-store.ts';

const surroundings = { clock: systemClock, random: systemRandom, log: () => undefined };

function bytesOf(snapshot: StoreSnapshot): Buffer {
  return Buffer.concat([...writeBackup(snapshot)]);
}

function entry(key: string, modRevision: number, value: unknown): StoreSnapshot['entries'][number] {
  return { key, modRevision, createRevision: modRevision, value: JSON.stringify(value) };
}

const sample: StoreSnapshot = {
  revision: 12,
  entries: [
    entry('/core/configmaps/default/a', 3, { metadata: { name: 'a' }, data: { text: 'ü\u2028\n"' } }),
    entry('/core/configmaps/default/b', 12, { metadata: { name: 'b' } }),
    entry('/ranges/nodeports/30000', 7, { spec: {} }),
  ],
};

function isCode(code: ApiServerErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof ApiServerError && error.code === code && !error.message.includes('\n');
}

test('a backup reads back as it was written', () => {
  assert.deepEqual(readBackup(bytesOf(sample)), sample);
  const keys = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 20 });
  fc.assert(
    fc.property(
      keys,
      fc.object({ withUnicodeString: true } as never),
      fc.integer({ min: 1 }),
      (names, value, revision) => {
        const entries = names
          .map((name) => `/k/${name}`)
          .sort()
          .map((key, index) => entry(key, index + 1, value));
        assert.deepEqual(readBackup(bytesOf({ revision, entries })), { revision, entries });
      },
    ),
    { numRuns: 200 },
  );
});

test('every changed byte and every missing end is found', () => {
  const bytes = bytesOf(sample);
  for (let position = 0; position < bytes.length; position++) {
    const damaged = Buffer.from(bytes);
    damaged[position] = bytes[position]! ^ 0x01;
    assert.throws(() => readBackup(damaged), ApiServerError, `byte ${position}`);
    assert.throws(() => readBackup(bytes.subarray(0, position)), ApiServerError, `${position} bytes`);
  }
});

const foreign: readonly { readonly name: string; readonly text: string; readonly code: ApiServerErrorCode }[] = [
  { name: 'an empty file', text: '', code: 'DataForeign' },
  { name: 'another JSON file', text: '{"a":1}\n', code: 'DataForeign' },
  { name: 'a newer version', text: '{"format":"fairlead backup","version":2,"revision":1}\n', code: 'DataForeign' },
  { name: 'no JSON', text: 'kind: Service\n', code: 'DataCorrupt' },
  { name: 'a head alone', text: '{"format":"fairlead backup","version":1,"revision":1}\n', code: 'DataCorrupt' },
];
for (const { name, text, code } of foreign) {
  test(`${name} is no backup`, () => assert.throws(() => readBackup(Buffer.from(text)), isCode(code)));
}

const skip = etcdSkip();
let folder = '';
let etcd: EtcdCluster | undefined;
let stores = 0;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-backup-'));
  if (skip === false) etcd = await startEtcd();
});
after(async () => {
  await etcd?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const engines: readonly { readonly name: string; readonly skip: string | false; create(): Datastore }[] = [
  { name: 'sqlite', skip: false, create: () => ({ kind: 'sqlite', file: join(folder, `${stores++}.db`) }) },
  {
    name: 'etcd',
    skip,
    create: () => ({ kind: 'etcd', endpoints: etcd!.endpoints, prefix: `/backup-${stores++}` }),
  },
];

for (const engine of engines) {
  describe(`loading into ${engine.name}`, { skip: engine.skip }, () => {
    test('all objects are there at revisions above all that were known', async () => {
      const target = engine.create();
      const above = sample.revision + restoreMargin;
      const result = await loadStore(target, sample, { above, overwrite: false }, surroundings);
      assert.equal(result.objects, sample.entries.length);
      const storage = await openStorage(target, surroundings);
      try {
        assert.ok(storage.revision >= result.revision && result.revision > above);
        const all = await storage.range('/');
        assert.ok(all.ok);
        assert.deepEqual(
          all.entries.map(({ key, value }) => [key, value]),
          sample.entries.map(({ key, value }) => [key, value]),
        );
        const revisions = all.entries.map(({ modRevision }) => modRevision);
        assert.ok(Math.min(...revisions) > above);
        assert.equal(new Set(revisions).size, revisions.length);
        // Who watched the old store has to list anew.
        for (const known of [1, sample.revision, sample.revision + 100]) {
          assert.deepEqual(await storage.replay('/core/', known), { ok: false, reason: 'compacted' });
        }
        const stale = await storage.commit({ key: sample.entries[0]!.key, expect: 3, value: '{}' });
        assert.ok(!stale.ok);
        const before = storage.revision;
        const next = await storage.commit({ key: '/core/configmaps/default/c', expect: 0, value: '{}' });
        assert.ok(next.ok && next.entry.modRevision > before);
        const replay = await storage.replay('/core/', before);
        assert.ok(replay.ok);
        assert.equal(replay.events.length, 1);
        await storage.compact(storage.revision);
      } finally {
        await storage.close();
      }
    });

    test('a store that holds something is refused, unless told', async () => {
      const target = engine.create();
      const first = await loadStore(target, sample, { above: 5_000, overwrite: false }, surroundings);
      const other = { revision: 1, entries: sample.entries.slice(0, 1) };
      await assert.rejects(
        loadStore(target, other, { above: 10, overwrite: false }, surroundings),
        isCode('DataForeign'),
      );
      assert.equal((await readStore(target, surroundings)).entries.length, sample.entries.length);
      const second = await loadStore(target, other, { above: 10, overwrite: true }, surroundings);
      assert.ok(second.revision > first.revision, 'never back, although the backup is older');
      const { entries } = await readStore(target, surroundings);
      assert.deepEqual(
        entries.map(({ key }) => key),
        other.entries.map(({ key }) => key),
      );
      if (target.kind === 'sqlite') assert.ok(existsSync(`${target.file}.replaced`));
    });

    test('a move to the other engine and back keeps every object', { skip }, async () => {
      const here = engine.create();
      const there = engines.find(({ name }) => name !== engine.name)!.create();
      await loadStore(here, sample, { above: 100, overwrite: false }, surroundings);
      const one = await readStore(here, surroundings);
      await loadStore(there, one, { above: one.revision, overwrite: false }, surroundings);
      const two = await readStore(there, surroundings);
      assert.ok(two.revision > one.revision);
      await loadStore(here, two, { above: two.revision, overwrite: true }, surroundings);
      const three = await readStore(here, surroundings);
      assert.ok(three.revision > two.revision);
      assert.deepEqual(
        three.entries.map(({ key, value }) => [key, value]),
        sample.entries.map(({ key, value }) => [key, value]),
      );
    });
  });
}

test('a data file in use is not replaced', async () => {
  const target: Datastore = { kind: 'sqlite', file: join(folder, 'used.db') };
  const storage = await openStorage(target, surroundings);
  try {
    const load = loadStore(target, sample, { above: 1, overwrite: true }, surroundings);
    await assert.rejects(load, isCode('DataLocked'));
    assert.ok((await storage.commit({ key: '/a/x', expect: 0, value: '1' })).ok);
  } finally {
    await storage.close();
  }
});

test('an etcd prefix whose load was cut off is not served, and can be loaded again', { skip }, async () => {
  const target = engines[1]!.create() as EtcdDatastore;
  const client = new EtcdClient({ ...surroundings, endpoints: target.endpoints, tls: {} });
  try {
    await client.call(etcdCalls.put, encodePut(markKey(target.prefix), markText({ offset: 7, loading: true })));
    await client.call(etcdCalls.put, encodePut(`${target.prefix}/core/configmaps/default/half`, '{}'));
  } finally {
    client.close();
  }
  await assert.rejects(openStorage(target, surroundings), isCode('DataForeign'));
  await assert.rejects(loadStore(target, sample, { above: 1, overwrite: false }, surroundings), isCode('DataForeign'));
  await loadStore(target, sample, { above: 1, overwrite: true }, surroundings);
  const { entries } = await readStore(target, surroundings);
  assert.deepEqual(
    entries.map(({ key }) => key),
    sample.entries.map(({ key }) => key),
  );
});

if (skip === false) {
  // Everything a store must do, with revisions that are not etcd's own.
  describeStorage('etcd after a restore', async () => {
    const target = engines[1]!.create();
    await loadStore(target, { revision: 1, entries: [] }, { above: restoreMargin, overwrite: false }, surroundings);
    let storage = await openStorage(target, surroundings);
    return {
      storage,
      async reopen() {
        await storage.close();
        storage = await openStorage(target, surroundings);
        return storage;
      },
      dispose: () => storage.close(),
    };
  });
}
