import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlicedWork } from './sliced-work.ts';

/** A clock that moves with the work, and turns that the test lets come. */
function makeClock() {
  const timers: (() => void)[] = [];
  let nowMs = 0;
  return {
    timers,
    spend: (ms: number) => {
      nowMs += ms;
    },
    clock: { monotonicMs: () => nowMs },
    defer: (callback: () => void) => {
      timers.push(callback);
      return () => void timers.splice(timers.indexOf(callback), 1);
    },
  };
}

test('little work is done at once', async () => {
  const { clock, defer, timers } = makeClock();
  const done: string[] = [];
  const work = new SlicedWork(clock, (key) => done.push(key), defer);
  for (const key of ['a', 'b', 'a']) work.mark(key);
  await work.run();
  assert.deepEqual(done, ['a', 'b']);
  assert.equal(timers.length, 0);
});

test('much work leaves turns for others, and what changes again waits once', async () => {
  const { clock, defer, timers, spend } = makeClock();
  const done: string[] = [];
  const work = new SlicedWork(
    clock,
    (key) => {
      done.push(key);
      spend(1.5);
    },
    defer,
  );
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) work.mark(key);
  const drained = work.run();
  assert.deepEqual(done, ['a', 'b', 'c'], 'a slice in the turn of the change');
  work.mark('g');
  work.mark('b');
  assert.equal(work.run(), drained, 'one run at a time');
  timers.shift()!();
  assert.deepEqual(done.slice(3), ['d', 'e', 'f']);
  timers.shift()!();
  await drained;
  assert.deepEqual(done.slice(6), ['g', 'b']);
  assert.equal(timers.length, 0);
});

test('a stopped one does no more', () => {
  const { clock, defer, timers, spend } = makeClock();
  const done: string[] = [];
  const work = new SlicedWork(
    clock,
    (key) => {
      done.push(key);
      spend(10);
    },
    defer,
  );
  work.mark('a');
  work.mark('b');
  void work.run();
  work.stop();
  assert.deepEqual([done, timers.length], [['a'], 0]);
});
