import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ConfigMap, configMaps, type Stored } from '@fairlead/api';
import { FakeApi } from './fake-api.ts';
import type { Informer, InformerChange } from './informer.ts';
import { startInformer } from './list-watch.ts';
import { TestClock } from './test-clock.ts';

const named = (name: string, x = '0'): ConfigMap => ({ metadata: { name, namespace: 'n' }, data: { x } });

/** Waits, turn by turn, until `condition` holds. */
async function until(what: string, condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail(`never: ${what}`);
}

function summary(changes: readonly InformerChange<ConfigMap>[]): string[] {
  return changes.map(
    ({ key, old, new: next }) => `${old === undefined ? '+' : next === undefined ? '-' : '~'}${key.slice(2)}`,
  );
}

/** A listener's own copy, checked against each change, and the batches seen. */
function follow(informer: Informer<ConfigMap>): { copy: Map<string, Stored<ConfigMap>>; batches: string[][] } {
  const copy = new Map<string, Stored<ConfigMap>>();
  const batches: string[][] = [];
  informer.subscribe((changes) => {
    batches.push(summary(changes));
    for (const change of changes) {
      assert.equal(copy.get(change.key), change.old, `old of ${change.key}`);
      assert.notEqual(change.old, change.new);
      if (change.new === undefined) copy.delete(change.key);
      else copy.set(change.key, change.new);
      assert.equal(informer.get(change.key), change.new);
    }
  });
  return { copy, batches };
}

describe('informer', { timeout: 120_000 }, () => {
  test('first list is one batch, events of one turn are another', async () => {
    const api = new FakeApi();
    for (const name of ['a', 'b', 'c']) api.seed(configMaps, named(name));
    const informer = startInformer(api, configMaps, {}, { pageSize: 2 });
    const { batches } = follow(informer);
    await informer.synced;
    assert.deepEqual(batches, [['+a', '+b', '+c']]);
    await until('watching', () => api.calls.some((call) => call.verb === 'watch'));
    await new Promise((resolve) => setImmediate(resolve));
    for (const name of ['d', 'e']) api.seed(configMaps, named(name));
    await until('both', () => informer.size === 5);
    assert.deepEqual(batches[1], ['+d', '+e']);
    informer.stop();
  });

  test('an empty mark ends a list, as a server of custom resources sends it', async () => {
    const api = new FakeApi();
    api.seed(configMaps, named('a'));
    const list = api.list.bind(api);
    api.list = async (ref, options) => ({ ...(await list(ref, options)), continue: '' });
    const informer = startInformer(api, configMaps);
    await until('watching', () => api.calls.some((call) => call.verb === 'watch'));
    assert.equal(informer.size, 1);
    assert.equal(api.calls.filter((call) => call.verb === 'list').length, 1);
    informer.stop();
  });

  test('a late listener gets the content as additions, and nothing twice', async () => {
    const api = new FakeApi();
    api.seed(configMaps, named('a'));
    const informer = startInformer(api, configMaps);
    await informer.synced;
    const late = follow(informer);
    assert.deepEqual(late.batches, [['+a']]);
    api.seed(configMaps, named('b'));
    const later = follow(informer);
    await until('b', () => informer.size === 2);
    assert.deepEqual(
      [late.batches, later.batches],
      [
        [['+a'], ['+b']],
        [['+a'], ['+b']],
      ],
    );
    informer.stop();
  });

  test('a lost server keeps the state; reconnecting delivers the difference', async () => {
    const clock = new TestClock();
    const api = new FakeApi({ clock });
    for (const name of ['a', 'b', 'c']) api.seed(configMaps, named(name));
    const informer = startInformer(api, configMaps, {}, { clock, random: () => 0.5 });
    const { copy, batches } = follow(informer);
    await informer.synced;
    await until('watching', () => api.calls.some((call) => call.verb === 'watch'));
    api.setReachable(false);
    await clock.advance(60_000);
    assert.equal(informer.size, 3);
    api.store.remove('/configmaps', 'n/a');
    api.seed(configMaps, named('b', '1'));
    api.seed(configMaps, named('d'));
    api.store.compact();
    api.setReachable(true);
    await clock.advance(60_000);
    await until('relisted', () => informer.get('n/d') !== undefined);
    assert.deepEqual([...copy.keys()].sort(), ['n/b', 'n/c', 'n/d']);
    assert.deepEqual(batches.slice(1), [['-a', '~b', '+d']]);
    informer.stop();
  });

  test('410 while watching lists anew; an unchanged object is no change', async () => {
    const clock = new TestClock();
    const api = new FakeApi({ clock });
    api.seed(configMaps, named('a'));
    const informer = startInformer(api, configMaps, {}, { clock, random: () => 0 });
    const { batches } = follow(informer);
    await informer.synced;
    await until('watching', () => api.calls.some((call) => call.verb === 'watch'));
    api.disconnect();
    api.seed(configMaps, named('b'));
    api.store.compact();
    await clock.advance(10_000);
    await until('b', () => informer.size === 2);
    assert.deepEqual(batches, [['+a'], ['+b']]);
    assert.equal(api.calls.filter((call) => call.verb === 'list').length, 2);
    informer.stop();
  });

  test('failing lists back off instead of spinning', async () => {
    const clock = new TestClock();
    const api = new FakeApi({ clock });
    api.setReachable(false);
    const informer = startInformer(api, configMaps, {}, { clock, random: () => 0.999 });
    await clock.advance(20_000);
    assert.ok(api.calls.length >= 8 && api.calls.length <= 20, `${api.calls.length} attempts in 20 s`);
    informer.stop();
    await clock.advance(0);
    assert.equal(clock.waiting, 0);
  });

  test('random edits, cuts and compactions: the copy ends as the server', async () => {
    let seed = 12345;
    const random = (): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed / 2 ** 32;
    };
    const clock = new TestClock();
    const api = new FakeApi({ clock });
    const informer = startInformer(api, configMaps, {}, { clock, random, pageSize: 3 });
    const { copy } = follow(informer);
    for (let step = 0; step < 600; step++) {
      const name = `m${Math.floor(random() * 8)}`;
      const dice = random();
      if (dice < 0.3) api.store.remove('/configmaps', `n/${name}`);
      else if (dice < 0.85) api.seed(configMaps, named(name, String(step)));
      else if (dice < 0.9) api.disconnect();
      else if (dice < 0.93) api.store.compact();
      else await clock.advance(Math.floor(random() * 100));
    }
    const serverState = (): string =>
      api.store
        .list('/configmaps')
        .map((item) => item.metadata.resourceVersion)
        .join();
    const copyState = (): string =>
      [...copy]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, item]) => item.metadata.resourceVersion)
        .join();
    for (let round = 0; round < 50 && copyState() !== serverState(); round++) await clock.advance(1000);
    assert.equal(copyState(), serverState());
    informer.stop();
  });
});
