import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ConfigMap, configMaps } from '@fairlead/api';
import { startInformer } from '@fairlead/client';
import { FakeApi } from '@fairlead/client/fake-api';
import {
  type Change,
  type Collection,
  dump,
  filterCollection,
  groupBy,
  inBatch,
  informerCollection,
  joinByKey,
  mapCollection,
  staticCollection,
} from './index.ts';

/** One kind of collection under the conformance suite. */
interface Rig {
  readonly kind: string;
  /** Sets or removes (undefined) numbers by key in the source, as one batch. */
  readonly update: (updates: readonly (readonly [string, number | undefined])[]) => void | Promise<void>;
  readonly collection: Collection<unknown>;
  /** What the collection must hold for a source state, computed from scratch. */
  readonly expected: (source: ReadonlyMap<string, number>) => Map<string, unknown>;
}

const rigs: readonly (() => Rig)[] = [
  () => {
    const source = staticCollection<number>('numbers');
    return { kind: 'static', update: (u) => source.update(u), collection: source, expected: (s) => new Map(s) };
  },
  () => {
    const source = staticCollection<number>('numbers');
    return {
      kind: 'map',
      update: (u) => source.update(u),
      collection: mapCollection('odd or even', source, (n) => (n % 5 === 0 ? undefined : { odd: n % 2 === 1 })),
      expected: (s) => new Map([...s].filter(([, n]) => n % 5 !== 0).map(([k, n]) => [k, { odd: n % 2 === 1 }])),
    };
  },
  () => {
    const source = staticCollection<number>('numbers');
    return {
      kind: 'filter',
      update: (u) => source.update(u),
      collection: filterCollection('even', source, (n) => n % 2 === 0),
      expected: (s) => new Map([...s].filter(([, n]) => n % 2 === 0)),
    };
  },
  () => {
    const source = staticCollection<number>('numbers');
    const expected = (s: ReadonlyMap<string, number>): Map<string, unknown> => {
      const groups = new Map<string, number[]>();
      for (const [, n] of [...s].sort(([a], [b]) => (a < b ? -1 : 1))) {
        for (const key of [`m${n % 3}`, ...(n % 7 === 0 ? ['seven'] : [])])
          groups.set(key, [...(groups.get(key) ?? []), n]);
      }
      return groups;
    };
    const keyOf = (n: number): string[] => [`m${n % 3}`, ...(n % 7 === 0 ? ['seven'] : [])];
    return { kind: 'group', update: (u) => source.update(u), collection: groupBy('by rest', source, keyOf), expected };
  },
  () => {
    const source = staticCollection<number>('numbers');
    const doubled = mapCollection('doubled', source, (n) => n * 2);
    const even = filterCollection('even', source, (n) => n % 2 === 0);
    return {
      kind: 'join of two derived (diamond)',
      update: (u) => source.update(u),
      collection: joinByKey('joined', doubled, even, (a, b) => (a === 8 ? undefined : { a, b })),
      expected: (s) =>
        new Map([...s].filter(([, n]) => n !== 4).map(([k, n]) => [k, { a: n * 2, b: n % 2 === 0 ? n : undefined }])),
    };
  },
  () => {
    const api = new FakeApi({ asynchronous: false });
    const informer = startInformer<ConfigMap>(api, configMaps);
    return {
      kind: 'informer',
      collection: mapCollection('data', informerCollection('configmaps', informer), (object) => Number(object.data?.n)),
      expected: (s) => new Map([...s].map(([k, n]) => [k, n])),
      update: async (updates) => {
        await informer.synced;
        for (const [key, n] of updates) {
          const [namespace = '', name = ''] = key.includes('/') ? key.split('/') : ['', key];
          if (n === undefined) api.store.remove('/configmaps', key);
          else
            api.seed(configMaps, {
              metadata: { name, ...(namespace === '' ? {} : { namespace }) },
              data: { n: String(n) },
            });
        }
        for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
      },
    };
  },
];

for (const makeRig of rigs) {
  const { kind } = makeRig();
  describe(`collection conformance: ${kind}`, { timeout: 120_000 }, () => {
    test('random edits: equals a computation from scratch, changes are exact, batches are single', async () => {
      const rig = makeRig();
      let seed = 99;
      const random = (below: number): number => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        return Math.floor((seed / 2 ** 32) * below);
      };
      const source = new Map<string, number>();
      const copy = new Map<string, unknown>();
      let batches = 0;
      let changed = 0;
      rig.collection.subscribe((changes) => {
        batches++;
        const keys = new Set(changes.map((change) => change.key));
        assert.equal(keys.size, changes.length, 'one change per key in a batch');
        for (const change of changes) {
          assert.deepEqual(copy.get(change.key), change.old);
          assert.ok(change.old !== undefined || change.new !== undefined);
          assert.deepEqual(rig.collection.get(change.key), change.new, 'listeners see the collection already changed');
          if (change.new === undefined) copy.delete(change.key);
          else copy.set(change.key, change.new);
          changed++;
        }
      });
      for (let step = 0; step < 250; step++) {
        const updates = Array.from({ length: 1 + random(4) }, (): [string, number | undefined] => [
          `k${random(12)}`,
          random(4) === 0 ? undefined : random(30),
        ]);
        for (const [key, n] of updates) n === undefined ? source.delete(key) : source.set(key, n);
        const before = batches;
        await rig.update([...new Map(updates)]);
        assert.ok(batches - before <= 1, `${batches - before} batches for one`);
        const expected = rig.expected(source);
        assert.deepEqual(new Map(rig.collection.entries()), expected);
        assert.deepEqual(copy, expected);
        assert.equal(rig.collection.size, expected.size);
      }
      assert.ok(changed > 100);
    });

    test('a late listener gets the present content as additions', async () => {
      const rig = makeRig();
      await rig.update([
        ['a', 1],
        ['b', 2],
      ]);
      const seen: Change<unknown>[] = [];
      const unsubscribe = rig.collection.subscribe((changes) => seen.push(...changes));
      const content = new Map(seen.map((change) => [change.key, change.new]));
      assert.deepEqual(
        content,
        rig.expected(
          new Map([
            ['a', 1],
            ['b', 2],
          ]),
        ),
      );
      assert.ok(seen.every((change) => change.old === undefined));
      unsubscribe();
      await rig.update([['c', 3]]);
      assert.equal(seen.length, content.size);
    });
  });
}

test('recomputed keys are at most the changed keys', () => {
  const source = staticCollection<number>(
    'numbers',
    Array.from({ length: 10_000 }, (_, n) => [`k${n}`, n] as const),
  );
  const mapped = mapCollection('mapped', source, (n) => n % 2);
  const grouped = groupBy('grouped', mapped, (rest) => String(rest));
  const joined = joinByKey('joined', source, mapped, (a, b) => `${a}${b}`);
  const before = [mapped.recomputed, grouped.recomputed, joined.recomputed];
  source.update([
    ['k1', 2],
    ['k2', 4],
  ]);
  const after = [mapped.recomputed, grouped.recomputed, joined.recomputed];
  // k1 turns from odd to even (two groups touched); k2 stays even and stops at `mapped`.
  assert.deepEqual(
    after.map((count, index) => count - (before[index] ?? 0)),
    [2, 2, 2],
  );
});

test('an equal result stops', () => {
  const source = staticCollection<number>('numbers', [['a', 1]]);
  const mapped = mapCollection('parity', source, (n) => ({ odd: n % 2 === 1 }));
  let batches = 0;
  mapped.subscribe(() => batches++);
  source.set('a', 3);
  assert.equal(batches, 1, 'only the initial content');
  source.set('a', 4);
  assert.equal(batches, 2);
});

test('several sources in one batch give one batch', () => {
  const a = staticCollection<number>('a');
  const b = staticCollection<number>('b');
  const joined = joinByKey('joined', a, b, (x, y) => (x ?? 0) + (y ?? 0));
  const seen: (readonly Change<number>[])[] = [];
  joined.subscribe((changes) => seen.push(changes));
  inBatch(() => {
    a.set('k', 1);
    b.set('k', 2);
  });
  assert.deepEqual(seen, [[{ key: 'k', old: undefined, new: 3 }]]);
});

test('a throwing listener does not keep the others from the batch', () => {
  const source = staticCollection<number>('numbers');
  let told = 0;
  source.subscribe(() => {
    throw new Error('listener');
  });
  source.subscribe(() => told++);
  assert.throws(() => source.set('a', 1), /listener/);
  assert.equal(told, 1);
});

test('dump names the graph', () => {
  const source = staticCollection<number>('numbers', [['a', 1]]);
  const shown = dump(
    mapCollection('mapped', source, (n) => n),
    { content: true },
  );
  assert.deepEqual(shown, {
    name: 'mapped',
    size: 1,
    synced: true,
    recomputed: 1,
    sources: [{ name: 'numbers', size: 1, synced: true, sources: [] }],
    content: { a: 1 },
  });
});
