import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { collectGarbage } from './collect-garbage.ts';
import { platformProblem } from './libc.ts';

test('what nobody refers to is gone, and the heap smaller', { skip: platformProblem() ?? false }, async () => {
  const kept: object[] = [];
  const dropped = ((): WeakRef<object> => {
    const garbage = Array.from({ length: 500_000 }, (_, index) => ({ index }));
    kept.push(garbage[7] as object);
    return new WeakRef(garbage[8] as object);
  })();
  const before = process.memoryUsage().heapTotal;
  // A weak reference holds until the turn in which it was made is over.
  await turn();
  collectGarbage();
  assert.equal(dropped.deref(), undefined);
  assert.equal(kept.length, 1);
  assert.ok(process.memoryUsage().heapTotal < before);
});
