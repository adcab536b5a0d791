import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FilterRun } from './filter-run.ts';

test('a run that is over keeps no content', () => {
  const run = new FilterRun({ scheme: 'http', port: 80, trace: undefined } as never);
  run.content = Buffer.alloc(10);
  run.cancel();
  assert.equal(run.content, undefined);
});
