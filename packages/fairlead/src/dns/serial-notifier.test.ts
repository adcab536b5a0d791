import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, systemRandom } from '../sys/clock.ts';
import { nameToText } from '../wire/dns/name.ts';
import { compileAll, makeService } from './dns-fixtures.ts';
import { clusterZone } from './program.ts';
import { SerialNotifier } from './serial-notifier.ts';
import { DnsServer } from './server/dns-server.ts';

test('secondaries hear of a change soon, and then not for a while', () => {
  const timers: { readonly delayMs: number; readonly callback: () => void }[] = [];
  const run = (): number => {
    const { delayMs, callback } = timers.shift()!;
    callback();
    return delayMs;
  };
  let told = 0;
  const clock = {
    after: (delayMs: number, callback: () => void) => {
      const timer = { delayMs, callback };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  };
  const notifier = new SerialNotifier(clock, () => told++);
  assert.equal(timers.length, 0);
  for (let change = 0; change < 5; change++) notifier.note();
  assert.equal(timers.length, 1, 'several changes, one NOTIFY');
  assert.equal(run(), 1000);
  assert.equal(told, 1);
  notifier.note();
  notifier.note();
  assert.equal(told, 1);
  assert.equal(run(), 15_000);
  assert.equal(run(), 0, 'what has changed in the pause');
  assert.equal(told, 2);
  assert.equal(run(), 15_000);
  assert.equal(timers.length, 0, 'nothing has changed: nothing waits');
  notifier.note();
  assert.equal(timers.length, 1);
  notifier.stop();
  assert.equal(timers.length, 0);
});

test('a server says when the serial of its complete zones has grown', async () => {
  const serials: number[] = [];
  const [zone, external] = [clusterZone('cluster.local', 5), clusterZone('apps.test', 5)];
  const server = new DnsServer({
    zone,
    otherZones: [external],
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [],
    workers: 1,
    onSerial: (serial) => serials.push(serial),
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  const set = (address: string): void =>
    server.setSource('web', compileAll(makeService('shop/web', [address]), [], { zone: zone.origin, ttlSeconds: 5 }));
  const zones = (): string[] => server.zoneSoas.map(({ name }) => nameToText(name));
  set('10.96.0.1');
  assert.deepEqual([serials, zones()], [[], []], 'nothing is told of what is not complete');
  server.markSynced();
  set('10.96.0.1');
  assert.equal(serials.length, 0, 'nothing has changed');
  set('10.96.0.2');
  assert.equal(serials.length, 1);
  assert.deepEqual(zones(), ['cluster.local']);
  server.markOtherSynced('apps.test');
  assert.deepEqual(zones(), ['cluster.local', 'apps.test']);
  const serialsInSoas = server.zoneSoas.map(({ data }) =>
    new DataView(data.buffer, data.byteOffset).getUint32(data.length - 20),
  );
  assert.ok(serialsInSoas.every((serial) => serial >= serials[0]!));
  await server.stop();
});
