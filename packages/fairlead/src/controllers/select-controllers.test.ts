import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectControllers } from './select-controllers.ts';

const rows: readonly [readonly string[], readonly string[] | 'unknown'][] = [
  [['*'], ['a', 'b', 'c']],
  [[], ['a', 'b', 'c']],
  [['-b'], ['a', 'c']],
  [
    ['*', '-b'],
    ['a', 'c'],
  ],
  [
    ['c', 'a'],
    ['a', 'c'],
  ],
  [['nope'], 'unknown'],
  [['*', '-nope'], 'unknown'],
];
for (const [patterns, expected] of rows) {
  test(`--controllers ${patterns.join(',')}`, () => {
    const selection = selectControllers(patterns, ['a', 'b', 'c']);
    assert.deepEqual(selection.ok ? selection.names : 'unknown', expected);
  });
}
