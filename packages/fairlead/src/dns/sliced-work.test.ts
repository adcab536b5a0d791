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
  const work = new SlicedWork(clock, (key) => void done.push(key), defer);
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

test('what comes when nothing was left is worked on, in order', async () => {
  const { clock, defer } = makeClock();
  const done: string[] = [];
  const work = new SlicedWork(clock, (key) => void done.push(key), defer);
  for (const round of [['a', 'b'], ['b', 'a'], ['c']]) {
    for (const key of round) work.mark(key);
    await work.run();
  }
  assert.deepEqual(done, ['a', 'b', 'b', 'a', 'c']);
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

test('work in steps leaves turns between them; a key that changes meanwhile is done again', async () => {
  const { clock, defer, timers, spend } = makeClock();
  const done: string[] = [];
  const work = new SlicedWork(
    clock,
    function* (key) {
      for (let step = 1; step <= 5; step++) {
        done.push(`${key}${step}`);
        spend(1.5);
        yield;
      }
    },
    defer,
  );
  work.mark('a');
  work.mark('b');
  const drained = work.run();
  assert.deepEqual(done.splice(0), ['a1', 'a2', 'a3']);
  work.mark('a');
  void work.run();
  assert.deepEqual(done, [], 'not in this turn');
  const turns: string[][] = [];
  while (timers.length > 0) {
    timers.shift()!();
    turns.push(done.splice(0));
  }
  await drained;
  assert.deepEqual(turns.flat().join(' '), 'a4 a5 b1 b2 b3 b4 b5 a1 a2 a3 a4 a5');
  assert.ok(
    turns.every((turn) => turn.length <= 3),
    JSON.stringify(turns),
  );
});
