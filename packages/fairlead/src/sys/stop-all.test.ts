import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stopAll } from './stop-all.ts';

const cases: readonly (readonly [name: string, failing: readonly number[], told: RegExp | undefined])[] = [
  ['nothing fails', [], undefined],
  ['the first fails', [0], /^end 0$/],
  ['one in the middle fails', [1], /^end 1$/],
  ['all fail', [0, 1, 2], /^end 0; end 1; end 2$/],
];

for (const [name, failing, told] of cases) {
  test(`each part is stopped: ${name}`, async () => {
    const stopped: number[] = [];
    const ends = [0, 1, 2].map((n) => async () => {
      // Later than the call that starts it, so that order matters.
      await new Promise((resolve) => setImmediate(resolve));
      stopped.push(n);
      if (failing.includes(n)) throw new Error(`end ${n}`);
    });
    const all = stopAll([ends[0], undefined, ends[1], ends[2]]);
    if (told === undefined) await all;
    else await assert.rejects(all, { message: told });
    assert.deepEqual(stopped, [0, 1, 2]);
  });
}

test('an end that throws at once is like one that rejects', async () => {
  let stopped = false;
  const all = stopAll([
    () => {
      throw new Error('at once');
    },
    () => {
      stopped = true;
    },
  ]);
  await assert.rejects(all, { message: 'at once' });
  assert.ok(stopped);
});
