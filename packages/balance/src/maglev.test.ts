import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashText, Maglev } from './index.ts';

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}:80`);

function slots(maglev: Maglev, size: number): number[] {
  return Array.from({ length: size }, (_, hash) => maglev.pick(hash));
}

test('equal weights: every share is within 1 % of the mean once the table is 100 times the endpoints', () => {
  const size = 65_537;
  const counts = new Int32Array(100);
  for (const index of slots(new Maglev(names(100), new Array(100).fill(1), size), size))
    counts[index] = counts[index]! + 1;
  for (const count of counts) assert.ok(Math.abs(count / (size / 100) - 1) <= 0.01, `${count}`);
});

test('weights set the share of slots; zero gets none', () => {
  const size = 10_007;
  const counts = [0, 0, 0];
  for (const index of slots(new Maglev(names(3), [3, 1, 0], size), size)) counts[index] = counts[index]! + 1;
  assert.ok(Math.abs(counts[0]! / size - 0.75) < 0.01);
  assert.equal(counts[2], 0);
});

test('the order of endpoints does not matter', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 10 }), (list) => {
      const reversed = [...list].reverse();
      const weights = new Array(list.length).fill(1);
      const a = slots(new Maglev(list, weights, 251), 251).map((index) => list[index]);
      const b = slots(new Maglev(reversed, weights, 251), 251).map((index) => reversed[index]);
      assert.deepEqual(a, b);
    }),
    { numRuns: 50 },
  );
});

test('losing one of 50 endpoints moves few other keys', () => {
  const size = 10_007;
  const all = names(50);
  const before = slots(new Maglev(all, new Array(50).fill(1), size), size);
  const after = slots(new Maglev(all.slice(0, 49), new Array(49).fill(1), size), size);
  const moved = before.filter((index, slot) => index !== 49 && after[slot] !== index).length;
  assert.ok(moved / size < 0.05, `${moved} of ${size} moved`);
  assert.ok(after.every((index) => index >= 0 && index < 49));
});

test('no endpoint: -1', () => {
  assert.equal(new Maglev([], [], 251).pick(7), -1);
  assert.equal(new Maglev(['a'], [0], 251).pick(7), -1);
});

test('hashText is stable', () => {
  assert.equal(hashText('', 0), 0);
  assert.notEqual(hashText('10.0.0.1:80', 1), hashText('10.0.0.1:80', 2));
  assert.notEqual(hashText('ab', 1), hashText('ba', 1));
});
