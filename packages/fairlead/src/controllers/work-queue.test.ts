import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '@fairlead/client/test-clock';
import { startWorkQueue } from './work-queue.ts';

test('one key is never worked on twice at a time, and no wake-up is lost', async () => {
  const clock = new TestClock();
  const runs: string[] = [];
  let release: () => void = () => undefined;
  let inWork = 0;
  const queue = startWorkQueue({
    name: 'test',
    clock,
    random: () => 0,
    log: () => undefined,
    async sync(key) {
      assert.equal(++inWork, 1);
      runs.push(key);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      inWork--;
    },
  });
  queue.add('a');
  for (let n = 0; n < 5; n++) queue.add('a');
  release();
  await clock.advance(0);
  assert.deepEqual(runs, ['a', 'a'], 'five wake-ups in work are one more run');
  release();
  await clock.advance(0);
  assert.equal(queue.busy, 0);
  await queue.stop();
});

test('failures back off, success forgets them, stop ends them', async () => {
  const clock = new TestClock();
  let runs = 0;
  let failing = true;
  const queue = startWorkQueue({
    name: 'test',
    clock,
    random: () => 0.999,
    log: () => undefined,
    async sync() {
      runs++;
      if (failing) throw new Error('no');
    },
  });
  queue.add('a');
  await clock.advance(1000);
  assert.ok(runs >= 7 && runs <= 10, `${runs} runs in a second`);
  failing = false;
  await clock.advance(60_000);
  const settled = runs;
  await clock.advance(60_000);
  assert.equal(runs, settled);
  failing = true;
  queue.add('a');
  await clock.advance(0);
  await queue.stop();
  assert.equal(clock.waiting, 0);
});
