import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '@fairlead/client/test-clock';
import { onBatch } from './debounce.ts';

test('waits for quiet, but not for ever', async () => {
  const clock = new TestClock(0);
  const runs: number[] = [];
  const batcher = onBatch({ minMs: 10, maxMs: 25, clock }, async () => {
    runs.push(clock.now());
  });
  batcher.trigger();
  await clock.advance(100);
  assert.deepEqual(runs, [10]);
  for (let n = 0; n < 10; n++) {
    batcher.trigger();
    await clock.advance(5);
  }
  assert.deepEqual(runs.slice(1, 2), [125], 'after maxMs, although triggers kept coming');
});

test('triggers during a run lead to exactly one more; idle and stop wait', async () => {
  const clock = new TestClock(0);
  let runs = 0;
  let finish: () => void = () => undefined;
  const batcher = onBatch({ minMs: 0, maxMs: 0, clock }, () => {
    runs++;
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  batcher.trigger();
  await clock.advance(1);
  for (let n = 0; n < 5; n++) batcher.trigger();
  assert.equal(runs, 1);
  finish();
  await clock.advance(1);
  assert.equal(runs, 2);
  const idle = batcher.idle();
  finish();
  await idle;
  batcher.trigger();
  await clock.advance(1);
  const stopped = batcher.stop();
  finish();
  await stopped;
  batcher.trigger();
  await clock.advance(10);
  assert.equal(runs, 3);
});
