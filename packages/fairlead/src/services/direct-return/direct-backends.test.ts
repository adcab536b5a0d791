import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { kernelTestsProblem } from '../testing/network.ts';
import { type BackendWish, DirectBackends } from './direct-backends.ts';

const namespace = `fltest-backend-${process.pid}`;
const other = `${namespace}-b`;
const ip = '10.0.0.5';
const first = '203.0.113.81';
const second = '203.0.113.82';

const wish = (...vips: readonly string[]): BackendWish => ({
  ip,
  vips: new Set(vips),
  vxlan: false,
  ipipVips: new Set(),
});

describe('addresses of Services in Pods', { skip: kernelTestsProblem() }, () => {
  let home = namespace;
  const backends = new DirectBackends(
    () => home,
    async () => true,
  );
  const given = (where: string): string[] =>
    [...execFileSync('ip', ['-n', where, '-o', 'address', 'show', 'lo'], { encoding: 'utf8' }).matchAll(/203\.[\d.]+/g)]
      .map(([address]) => address)
      .sort();

  before(() => {
    for (const name of [namespace, other]) execFileSync('ip', ['netns', 'add', name]);
  });
  after(() => {
    for (const name of [namespace, other]) execFileSync('ip', ['netns', 'delete', name]);
  });

  test('what is not wished any more stays until it is taken away', async () => {
    await backends.give([wish(first, second)]);
    assert.deepEqual(given(namespace), [first, second]);
    await backends.give([wish(second)]);
    assert.deepEqual(given(namespace), [first, second]);
    await backends.takeAway();
    assert.deepEqual(given(namespace), [second]);
    await backends.give([]);
    assert.deepEqual(given(namespace), [second]);
    await backends.takeAway();
    assert.deepEqual(given(namespace), []);
  });

  test('what is wished again before it is taken away stays', async () => {
    await backends.give([wish(first)]);
    await backends.give([]);
    await backends.give([wish(first)]);
    await backends.takeAway();
    assert.deepEqual(given(namespace), [first]);
  });

  test('another Pod with the same address gets them, and the Pod before loses them', async () => {
    home = other;
    await backends.give([wish(first)]);
    assert.deepEqual([given(namespace), given(other)], [[first], [first]]);
    await backends.takeAway();
    assert.deepEqual([given(namespace), given(other)], [[], [first]]);
  });
});
