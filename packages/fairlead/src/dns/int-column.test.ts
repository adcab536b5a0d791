import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnMaxRows, IntColumn } from './int-column.ts';

test('a column keeps its numbers while it grows, and has 0 elsewhere', () => {
  const column = new IntColumn();
  const rows = 300_000;
  for (let row = 0; row < rows; row += 3) column.set(row, row ^ -1);
  for (let row = 0; row < rows + 10; row++) {
    assert.equal(column.get(row), row % 3 === 0 && row < rows ? row ^ -1 : 0, `row ${row}`);
  }
});

test('a column grows at once to a row far away, and no further than its last row', () => {
  const column = new IntColumn();
  column.set(columnMaxRows - 1, 7);
  assert.equal(column.get(columnMaxRows - 1), 7);
  assert.equal(column.get(columnMaxRows), 0);
  assert.throws(() => column.set(columnMaxRows, 1), RangeError);
});
