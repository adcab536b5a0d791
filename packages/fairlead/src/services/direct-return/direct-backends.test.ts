import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { kernelTestsProblem } from '../testing/network.ts';
import { type BackendWish, DirectBackends } from './direct-backends.ts';
import { IpipEndpointEnds } from './ipip/endpoint-ends.ts';
import { findIpipProblem } from './ipip/ipip-problem.ts';

const ipipProblem = kernelTestsProblem() || (await findIpipProblem()) || false;
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

  test('a Pod that is gone does not keep others from becoming ends of tunnels', { skip: ipipProblem }, async () => {
    const second = '10.0.0.6';
    for (const line of ['link add eth0 type veth peer name eth1', `address add ${second}/32 dev eth0`]) {
      execFileSync('ip', ['-n', namespace, ...line.split(' ')]);
    }
    const problems: string[] = [];
    const some = new DirectBackends(
      (pod) => (pod === second ? namespace : 'fltest-gone'),
      async () => true,
      new IpipEndpointEnds(),
      (pod) => problems.push(pod),
    );
    const filters = (): string =>
      execFileSync('tc', ['-n', namespace, 'filter', 'show', 'dev', 'eth0', 'ingress'], { encoding: 'utf8' });
    const ipip = (pod: string): BackendWish => ({ ...wish(first), ip: pod, ipipVips: new Set([first]) });
    await some.give([ipip(ip), ipip(second)]);
    assert.deepEqual(problems, [ip]);
    assert.match(filters(), /fairlead-unwrap/);
    await some.give([ipip(ip), ipip(second)]);
    assert.deepEqual(problems, [ip, ip], 'it is tried again');
    await some.give([]);
    await some.takeAway();
    assert.equal(filters(), '');
  });
});
