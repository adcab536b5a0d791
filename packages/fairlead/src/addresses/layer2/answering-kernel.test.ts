import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RouterLab, routerSkip, type TestAnswerer, until } from '../testing/router-lab.ts';

const skip = routerSkip('arping', 'curl');
const ipv4 = '192.0.2.50';
const ipv6 = '2001:db8::50';

describe('answering on a real link', { skip, timeout: 120_000 }, () => {
  let lab: RouterLab;
  let one: TestAnswerer;
  let two: TestAnswerer;
  before(() => {
    lab = new RouterLab('arp', 2);
    [one, two] = [lab.answerer(1), lab.answerer(2)];
  });
  after(() => lab?.remove());
  const macOf = async (n: number): Promise<string> =>
    /link\/ether (\S+)/.exec(await lab.exec(n, 'ip link show eth0'))?.[1] ?? '';
  /** What the router believes about an address, after it has tried to reach it. */
  const believed = async (address: string): Promise<string> => {
    await lab.exec('r', `curl -s --max-time 1 http://${address.includes(':') ? `[${address}]` : address}/; true`);
    return /lladdr (\S+)/.exec(await lab.exec('r', `ip neigh show ${address} dev br0`))?.[1] ?? '';
  };
  const known = async (address: string): Promise<string> =>
    /lladdr (\S+)/.exec(await lab.exec('r', `ip neigh show ${address} dev br0`))?.[1] ?? '';

  test('both families are answered for, by the link’s own address', async () => {
    one.say({ kind: 'extend', forMs: 60_000 });
    for (const address of [ipv4, ipv6]) one.say({ kind: 'announce', address });
    const mac = await macOf(1);
    for (const address of [ipv4, ipv6])
      await until(
        `${address} is known`,
        () => believed(address),
        (text) => text === mac,
      );
    assert.match(await lab.exec('r', `arping -c 2 -w 2 -I br0 ${ipv4}`), /2 packets received|Received 2 response/);
    // Duplicate address detection of somebody who wants the address too fails.
    await lab.exec(2, `ip addr add ${ipv6}/64 dev eth0`);
    await until(
      'the duplicate is found',
      () => lab.exec(2, 'ip addr show dev eth0'),
      (text) => text.includes('dadfailed'),
    );
    await lab.exec(2, `ip addr del ${ipv6}/64 dev eth0`);
  });

  test('a new owner’s announcement replaces what neighbours know, without a question', async () => {
    one.say({ kind: 'withdraw', address: ipv4 });
    one.say({ kind: 'withdraw', address: ipv6 });
    two.say({ kind: 'extend', forMs: 60_000 });
    for (const address of [ipv4, ipv6]) two.say({ kind: 'announce', address });
    const mac = await macOf(2);
    for (const address of [ipv4, ipv6])
      await until(
        `${address} has moved`,
        () => known(address),
        (text) => text === mac,
      );
  });

  test('a paused owner whose time is over is silent when it wakes up, because another has the address', async () => {
    two.say({ kind: 'extend', forMs: 1000 });
    await until(
      'it has heard',
      async () => two.events.join(),
      (text) => text.includes('asking'),
    );
    await until(
      'nobody else: it goes on',
      async () => two.events.join(),
      (text) => text.includes('unconfirmed'),
    );
    two.process.kill('SIGSTOP');
    one.say({ kind: 'extend', forMs: 60_000 });
    one.say({ kind: 'announce', address: ipv4 });
    const mac = await macOf(1);
    await until(
      'one has it',
      () => known(ipv4),
      (text) => text === mac,
    );
    two.process.kill('SIGCONT');
    await until(
      'two has yielded',
      async () => two.events.join(),
      (text) => text.includes(`${ipv4} yielded`),
    );
    await lab.exec('r', 'ip neigh flush dev br0');
    assert.equal(await believed(ipv4), mac);
  });

  test('nothing is answered after a withdrawal', async () => {
    one.say({ kind: 'withdraw', address: ipv4 });
    two.say({ kind: 'withdraw', address: ipv4 });
    await until(
      'silence',
      () => lab.exec('r', `arping -c 1 -w 1 -I br0 ${ipv4}; true`),
      (text) => / 0 packets received|Received 0 response/.test(text),
    );
  });
});
