import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock, systemRandom } from '../../../sys/clock.ts';
import { ApiServerError } from '../../api-server-error.ts';
import type { StorageEvent } from '../storage.ts';
import { describeStorage } from '../storage-conformance.ts';
import { EtcdClient } from './etcd-client.ts';
import { EtcdStorage } from './etcd-storage.ts';
import { decodeRange, encodePut, encodeRange, etcdCalls, rangeEnd } from './messages.ts';
import { startCuttableProxy } from './testing/cuttable-proxy.ts';
import { type EtcdCluster, etcdSkip, startEtcd } from './testing/etcd-cluster.ts';

const skip = etcdSkip();
let shared: Promise<EtcdCluster> | undefined;
let prefixes = 0;

/** One etcd for all tests that do not harm it; each has a prefix of its own. */
function cluster(): Promise<EtcdCluster> {
  shared ??= startEtcd();
  return shared;
}
after(async () => (await shared)?.dispose());

function open(endpoints: readonly string[], prefix: string): Promise<EtcdStorage> {
  return EtcdStorage.open({
    endpoints,
    prefix,
    tls: {},
    clock: systemClock,
    random: systemRandom,
    log: () => undefined,
  });
}

if (skip === false) {
  describeStorage('etcd', async () => {
    const { endpoints } = await cluster();
    const prefix = `/test-${prefixes++}`;
    let storage = await open(endpoints, prefix);
    return {
      storage,
      async reopen() {
        await storage.close();
        storage = await open(endpoints, prefix);
        return storage;
      },
      dispose: () => storage.close(),
    };
  });
} else {
  test('storage: etcd', { skip }, () => undefined);
}

const x = (value: string): { key: string; expect: number; value: string } => ({
  key: '/core/things/x',
  expect: 0,
  value,
});

/** Waits until the storage has told an event for which the condition holds. */
function eventually(storage: EtcdStorage, condition: (events: readonly StorageEvent[]) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = storage.subscribe((events) => {
      if (!condition(events)) return;
      stop();
      cancel();
      resolve();
    });
    const cancel = systemClock.after(60_000, () => {
      stop();
      reject(new Error('the event did not come within a minute'));
    });
  });
}

test('two servers see each other at once, and what one answered the other reads', { skip }, async () => {
  const { endpoints } = await cluster();
  const prefix = `/test-${prefixes++}`;
  const [a, b] = await Promise.all([open(endpoints, prefix), open(endpoints, prefix)]);
  try {
    for (let round = 0; round < 50; round++) {
      const key = `/core/things/${round}`;
      const [writer, reader] = round % 2 === 0 ? [a, b] : [b, a];
      const result = await writer.commit({ key, expect: 0, value: `v${round}` });
      assert.ok(result.ok);
      await reader.catchUp();
      assert.ok(reader.revision >= result.entry.modRevision);
      assert.deepEqual(await reader.get(key), result.entry);
    }
    const keys = await Promise.all([a.agree('keys', () => 'from a'), b.agree('keys', () => 'from b')]);
    assert.equal(keys[0], keys[1]);
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
});

test('of many servers that want one key exactly one gets it, and all agree which', { skip }, async () => {
  const { endpoints } = await cluster();
  const prefix = `/test-${prefixes++}`;
  const servers = await Promise.all(Array.from({ length: 4 }, () => open(endpoints, prefix)));
  try {
    const results = await Promise.all(servers.map((server, index) => server.commit(x(`${index}`))));
    assert.equal(results.filter(({ ok }) => ok).length, 1);
    const seen = await Promise.all(servers.map(async (server) => (await server.get('/core/things/x'))?.value));
    assert.equal(new Set(seen).size, 1);
    for (const result of results) if (!result.ok) assert.equal(result.current?.value, seen[0]);
  } finally {
    await Promise.all(servers.map((server) => server.close()));
  }
});

test('changes of other tenants of the etcd hold nothing up', { skip }, async () => {
  const { endpoints } = await cluster();
  const mine = await open(endpoints, `/test-${prefixes++}`);
  const theirs = await open(endpoints, `/test-${prefixes++}`);
  try {
    await mine.commit(x('1'));
    for (let index = 0; index < 20; index++) await theirs.commit({ ...x('1'), key: `/core/things/${index}` });
    await mine.catchUp();
    assert.ok(mine.revision >= theirs.revision);
    assert.equal((await mine.get('/core/things/x'))?.value, '1');
    assert.equal(await mine.get('/core/things/1'), undefined);
  } finally {
    await Promise.all([mine.close(), theirs.close()]);
  }
});

test('a prefix of another program is refused and not touched', { skip }, async () => {
  const { endpoints } = await cluster();
  const client = new EtcdClient({ endpoints, tls: {}, clock: systemClock, random: systemRandom });
  try {
    await client.call(etcdCalls.put, encodePut('/foreign/namespaces/default', 'k8s'));
    await assert.rejects(open(endpoints, '/foreign'), (error: unknown) => {
      return error instanceof ApiServerError && error.code === 'DataForeign' && /another program/.test(error.message);
    });
    const all = encodeRange({ key: '/foreign/', end: rangeEnd('/foreign/') });
    assert.equal(decodeRange((await client.call(etcdCalls.range, all)).bytes).count, 1);
  } finally {
    client.close();
  }
});

test('an entry that etcd finds too large is refused as such', { skip }, async () => {
  const { endpoints } = await cluster();
  const storage = await open(endpoints, `/test-${prefixes++}`);
  try {
    await assert.rejects(storage.commit(x('v'.repeat(2_000_000))), (error: unknown) => {
      return error instanceof ApiServerError && error.code === 'TooLarge';
    });
    assert.ok((await storage.commit(x('v'.repeat(1_000_000)))).ok);
  } finally {
    await storage.close();
  }
});

test('a server outlives the death of its member, and of all of them', { skip }, async () => {
  const etcd = await startEtcd({ members: 3 });
  const storage = await open(etcd.endpoints, '/registry');
  const answered = new Map<string, number>();
  const events: StorageEvent[] = [];
  storage.subscribe((batch) => events.push(...batch));
  let writing = true;
  const write = async (writer: number): Promise<void> => {
    for (let index = 0; writing; index++) {
      const key = `/core/things/${writer}-${index}`;
      try {
        const result = await storage.commit({ key, expect: 0, value: JSON.stringify({ uid: key }) });
        assert.ok(result.ok, 'nobody else writes these keys');
        answered.set(key, result.entry.modRevision);
      } catch (error) {
        assert.ok(error instanceof ApiServerError, String(error));
        await systemClock.sleep(20);
      }
    }
  };
  const writers = [0, 1, 2, 3].map(write);
  try {
    for (const victim of [0, 1, 2]) {
      const seen = eventually(storage, () => true);
      await etcd.kill(victim);
      await seen;
      await eventually(storage, (batch) => batch.length > 0);
      await etcd.restart(victim);
      await eventually(storage, (batch) => batch.length > 0);
    }
    await Promise.all([0, 1, 2].map((member) => etcd.kill(member)));
    assert.notEqual(await storage.obstacle(), undefined);
    await assert.rejects(storage.catchUp(), ApiServerError);
    const back = eventually(storage, (batch) => batch.length > 0);
    await Promise.all([0, 1, 2].map((member) => etcd.restart(member)));
    await back;
    while (answered.size <= 50) await eventually(storage, (batch) => batch.length > 0);
  } finally {
    writing = false;
    await Promise.all(writers);
    await storage.catchUp();
    const told = new Map(events.map(({ entry }) => [entry.key, entry.modRevision]));
    const again = await open(etcd.endpoints, '/registry');
    for (const [key, revision] of answered) {
      assert.equal((await again.get(key))?.modRevision, revision, key);
      assert.equal(told.get(key), revision, `${key} was told`);
    }
    // In order, and each once.
    const revisions = events.map(({ entry }) => entry.modRevision);
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].sort((one, other) => one - other),
    );
    await Promise.all([storage.close(), again.close()]);
    await etcd.dispose();
  }
});

test('a server that comes back after its history is gone tells the difference, and says that it missed some', {
  skip,
}, async () => {
  const etcd = await startEtcd();
  const first = await open(etcd.endpoints, '/registry');
  const proxy = await startCuttableProxy(new URL(etcd.endpoints[0]!).port);
  const second = await open([`http://127.0.0.1:${proxy.port}`], '/registry');
  try {
    const changed = await first.commit({ key: '/core/things/changed', expect: 0, value: '1' });
    const deleted = await first.commit({ key: '/core/things/deleted', expect: 0, value: '1' });
    await first.commit({ key: '/core/things/same', expect: 0, value: '1' });
    assert.ok(changed.ok && deleted.ok);
    await second.catchUp();
    const events: StorageEvent[] = [];
    let gap = 0;
    const told = new Promise<void>((resolve) => {
      second.subscribe(
        (batch) => {
          events.push(...batch);
          if (gap > 0) resolve();
        },
        (revision) => {
          gap = revision;
        },
      );
    });
    proxy.cut();
    await first.commit({ key: '/core/things/deleted', expect: deleted.entry.modRevision, value: undefined });
    await first.commit({ key: '/core/things/changed', expect: changed.entry.modRevision, value: '2' });
    const between = await first.commit({ key: '/core/things/between', expect: 0, value: '1' });
    assert.ok(between.ok);
    await first.commit({ key: '/core/things/between', expect: between.entry.modRevision, value: undefined });
    await first.compact(first.revision);
    proxy.heal();
    await told;
    assert.ok(gap >= between.entry.modRevision);
    assert.deepEqual(events.map(({ type, entry }) => [type, entry.key, entry.value]).sort(), [
      ['delete', '/core/things/deleted', '1'],
      ['put', '/core/things/changed', '2'],
    ]);
    assert.deepEqual(await second.replay('/core/things/', changed.entry.modRevision), {
      ok: false,
      reason: 'compacted',
    });
    assert.equal(second.compactedRevision, first.compactedRevision);
  } finally {
    await Promise.all([first.close(), second.close()]);
    await proxy.close();
    await etcd.dispose();
  }
});

test('an etcd that is not there yet is waited for, and the wait can be ended', { skip }, async () => {
  const proxy = await startCuttableProxy(new URL((await cluster()).endpoints[0]!).port);
  proxy.cut();
  const endpoints = [`http://127.0.0.1:${proxy.port}`];
  const { promise: waiting, resolve: told } = Promise.withResolvers<void>();
  const options = { endpoints, tls: {}, clock: systemClock, random: systemRandom, log: () => told() };
  const stop = new AbortController();
  const stopped = EtcdStorage.open({ ...options, prefix: `/test-${prefixes++}`, signal: stop.signal });
  const opening = EtcdStorage.open({ ...options, prefix: `/test-${prefixes++}` });
  await waiting;
  stop.abort();
  await assert.rejects(stopped, (error: unknown) => error instanceof ApiServerError && error.code === 'Closed');
  proxy.heal();
  const storage = await opening;
  try {
    assert.ok((await storage.commit(x('1'))).ok);
  } finally {
    await storage.close();
    await proxy.close();
  }
});

test('a key with a lifetime goes by itself, and a write of it begins a new one', { skip }, async () => {
  const { endpoints } = await cluster();
  const storage = await open(endpoints, `/test-${prefixes++}`);
  try {
    const gone = (key: string): Promise<void> =>
      eventually(storage, (events) => events.some(({ type, entry }) => type === 'delete' && entry.key === key));
    const short = gone('/core/things/x');
    const first = await storage.commit({ ...x('1'), lifetimeMs: 1_000 });
    const kept = await storage.commit({ ...x('2'), key: '/core/things/kept', lifetimeMs: 1_000 });
    assert.ok(first.ok && kept.ok);
    const again = { key: '/core/things/kept', expect: kept.entry.modRevision, value: '3', lifetimeMs: 3_600_000 };
    assert.ok((await storage.commit(again)).ok);
    await short;
    assert.equal(await storage.get('/core/things/x'), undefined);
    assert.equal((await storage.get('/core/things/kept'))?.value, '3');
  } finally {
    await storage.close();
  }
});
