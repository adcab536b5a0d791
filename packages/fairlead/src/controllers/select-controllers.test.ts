import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectControllers } from './select-controllers.ts';

const rows: readonly [readonly string[], readonly string[] | 'unknown'][] = [
  [['*'], ['a', 'b', 'c', 'de']],
  [[], ['a', 'b', 'c', 'de']],
  [['-b'], ['a', 'c', 'de']],
  [
    ['*', '-b'],
    ['a', 'c', 'de'],
  ],
  [
    ['c', 'a'],
    ['a', 'c'],
  ],
  [
    ['*', '-d-e'],
    ['a', 'b', 'c'],
  ],
  [['d-e'], ['de']],
  [['nope'], 'unknown'],
  [['*', '-nope'], 'unknown'],
];
for (const [patterns, expected] of rows) {
  test(`--controllers ${patterns.join(',')}`, () => {
    const selection = selectControllers(patterns, ['a', 'b', 'c', 'de']);
    assert.deepEqual(selection.ok ? selection.names : 'unknown', expected);
  });
}
