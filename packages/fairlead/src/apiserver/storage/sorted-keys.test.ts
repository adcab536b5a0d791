import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SortedKeys } from './sorted-keys.ts';

const key = fc.string({ maxLength: 3 });
const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), keys: fc.array(key, { maxLength: 20 }) }),
  fc.record({ do: fc.constant('remove' as const), keys: fc.array(key, { maxLength: 3 }) }),
  fc.record({ do: fc.constant('look' as const), keys: fc.array(key, { minLength: 1, maxLength: 2 }) }),
);

test('after any additions and removals the keys are those of a sorted set', () => {
  fc.assert(
    fc.property(fc.uniqueArray(key), fc.array(step, { maxLength: 20 }), (first, steps) => {
      const model = new Set(first);
      const keys = new SortedKeys(first.sort());
      for (const { do: what, keys: named } of steps) {
        for (const name of named) {
          if (what === 'add' && !model.has(name)) {
            keys.add(name);
            model.add(name);
          } else if (what === 'remove') {
            keys.remove(name);
            model.delete(name);
          } else if (what === 'look') {
            const sorted = [...model].sort();
            assert.equal(keys.size, sorted.length);
            const index = keys.lowerBound(name);
            assert.equal(index, sorted.filter((other) => other < name).length);
            assert.equal(keys.at(index), sorted[index]);
          }
        }
      }
      const all = Array.from({ length: keys.size }, (_, index) => keys.at(index));
      assert.deepEqual(all, [...model].sort());
    }),
  );
});
