import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpFamily } from '../../node/machine-network.ts';
import { followAddresses, publishedAddresses } from './gateway-addresses.ts';

/** A clock whose timers run when told to. */
class ManualClock {
  readonly #timers: (() => void)[] = [];

  after(_ms: number, callback: () => void): () => void {
    this.#timers.push(callback);
    return () => {
      const at = this.#timers.indexOf(callback);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }

  /** Runs what is due; returns how many timers there were. */
  tick(): number {
    const due = this.#timers.splice(0);
    for (const callback of due) callback();
    return due.length;
  }
}

const finds = (machine: Readonly<Record<IpFamily, string>>) => (families: readonly IpFamily[]) =>
  families.map((family) => machine[family]);

const rows: readonly (readonly [host: string, addresses: readonly string[]])[] = [
  ['0.0.0.0', ['192.0.2.1']],
  ['::', ['192.0.2.1', '2001:db8::1']],
  ['192.0.2.7', ['192.0.2.7']],
];
for (const [host, addresses] of rows) {
  test(`clients reach a listener on ${host} at ${addresses.join(' and ')}`, () => {
    assert.deepEqual(publishedAddresses({ host, port: 80 }, finds({ 4: '192.0.2.1', 6: '2001:db8::1' })), addresses);
  });
}

test('addresses of the machine are told when they change, until nobody wants to know', () => {
  const clock = new ManualClock();
  const machine = { 4: '192.0.2.1', 6: '2001:db8::1' };
  const told: (readonly string[])[] = [];
  const end = followAddresses({ host: '::', port: 80 }, clock, (addresses) => told.push(addresses), finds(machine));
  clock.tick();
  assert.deepEqual(told, []);
  machine[4] = '192.0.2.2';
  clock.tick();
  clock.tick();
  assert.deepEqual(told, [['192.0.2.2', '2001:db8::1']]);
  end();
  assert.equal(clock.tick(), 0);
});

test('a listener on one address is not followed', () => {
  const clock = new ManualClock();
  followAddresses({ host: '192.0.2.7', port: 80 }, clock, () => assert.fail('told'));
  assert.equal(clock.tick(), 0);
});
