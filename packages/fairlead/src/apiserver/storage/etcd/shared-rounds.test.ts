import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedRounds } from './shared-rounds.ts';

/** Rounds whose ends the test decides. */
function controlled(): { readonly rounds: SharedRounds; readonly ends: ((error?: Error) => void)[] } {
  const ends: ((error?: Error) => void)[] = [];
  const rounds = new SharedRounds(
    () => new Promise((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error)))),
  );
  return { rounds, ends };
}

const settled = (promise: Promise<void>): Promise<string> =>
  Promise.race([
    promise.then(
      () => 'done',
      () => 'failed',
    ),
    new Promise<string>((resolve) => setImmediate(() => resolve('waiting'))),
  ]);

test('who comes during a round waits for the next, together', async () => {
  const { rounds, ends } = controlled();
  const first = rounds.join();
  const [second, third] = [rounds.join(), rounds.join()];
  assert.equal(ends.length, 1);
  ends[0]!();
  assert.equal(await settled(first), 'done');
  assert.equal(await settled(second), 'waiting', 'the first round began before the call');
  assert.equal(ends.length, 2);
  const fourth = rounds.join();
  ends[1]!();
  assert.deepEqual([await settled(second), await settled(third), await settled(fourth)], ['done', 'done', 'waiting']);
  ends[2]!();
  assert.equal(await settled(fourth), 'done');
  rounds.join();
  assert.equal(ends.length, 4, 'at rest a round begins at once');
});

test('a round that fails fails for its own callers only', async () => {
  const { rounds, ends } = controlled();
  const first = rounds.join();
  const second = rounds.join();
  ends[0]!(new Error('no etcd'));
  assert.equal(await settled(first), 'failed');
  ends[1]!();
  assert.equal(await settled(second), 'done');
});
