import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Clock, systemClock, systemRandom } from '../../sys/clock.ts';
import { engine } from '../../sys/engine-kind.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { compileApexRecords } from '../compile.ts';
import { askTcp, askUdp, compileAll, encodeQuery, makeService } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { DnsServer } from './dns-server.ts';
import { mayTap, QueryTap } from './query-tap.ts';
import { control } from './table-layout.ts';

const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const suffix = 'svc.cluster.local';
const deadlineMs = 60_000;

let server: DnsServer;
let address: SocketAddress;
before(async () => {
  server = new DnsServer({
    zone,
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [],
    workers: 2,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  server.setSource('zone', compileApexRecords(zone, ['10.96.0.10'], options));
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], options));
  server.markSynced();
  await server.start();
  address = server.addresses[0]!;
});
after(() => server.stop());

/** Listens from now on; `told` waits for a line, without its time. */
function listen(): {
  readonly told: (name: string) => Promise<object>;
  readonly lines: string[];
  readonly stop: () => void;
} {
  const lines: string[] = [];
  let arrived = (): void => {};
  const stop = server.tap((text) => {
    lines.push(...text.split('\n').filter((line) => line !== ''));
    arrived();
  });
  const told = async (name: string): Promise<object> => {
    const late = AbortSignal.timeout(deadlineMs);
    for (;;) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      arrived = resolve;
      late.onabort = () => reject(new Error(`no line about ${name} among ${lines.join()}`));
      const line = lines.map((text) => JSON.parse(text)).find((row) => row.name === name);
      if (line === undefined) {
        await promise;
        continue;
      }
      late.onabort = null;
      const { time, ...rest } = line;
      assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      return rest;
    }
  };
  return { told, lines, stop };
}

test(`queries are told while somebody listens, over UDP (${engine.kind}) and TCP`, async () => {
  await askUdp(address, encodeQuery(`before.shop.${suffix}`, 'A'));
  const tap = listen();
  await askUdp(address, encodeQuery(`web.shop.${suffix}`, 'A'));
  await askUdp(address, encodeQuery(`absent.shop.${suffix}`, 'AAAA'));
  await askTcp(address, [encodeQuery(`tcp.shop.${suffix}`, 'SRV')]);
  const client = '127.0.0.1';
  const common = { client, protocol: 'udp' };
  assert.deepEqual(await tap.told(`web.shop.${suffix}`), {
    ...common,
    type: 'A',
    name: `web.shop.${suffix}`,
    answer: 'NOERROR',
  });
  assert.deepEqual(await tap.told(`absent.shop.${suffix}`), {
    ...common,
    type: 'AAAA',
    name: `absent.shop.${suffix}`,
    answer: 'NXDOMAIN',
  });
  assert.deepEqual(await tap.told(`tcp.shop.${suffix}`), {
    client,
    protocol: 'stream',
    type: 'SRV',
    name: `tcp.shop.${suffix}`,
    answer: 'NXDOMAIN',
  });
  tap.stop();
  const { length } = tap.lines;
  await askUdp(address, encodeQuery(`after.shop.${suffix}`, 'A'));
  const next = listen();
  await askUdp(address, encodeQuery(`next.shop.${suffix}`, 'A'));
  await next.told(`next.shop.${suffix}`);
  next.stop();
  assert.equal(tap.lines.length, length);
  assert.deepEqual(next.lines.length, 1);
});

test('in a second so many queries are told, of the others their number', () => {
  const words = new Int32Array(16);
  const timers: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    now: () => 0,
    after: (_, callback) => {
      timers.push(callback);
      return () => {};
    },
  };
  const told: (number | string)[] = [];
  const tap = new QueryTap(words, clock);
  assert.equal(mayTap(words), false, 'nobody listens');
  const stop = tap.start((lines, dropped = 0) => void told.push(lines, dropped));
  const left = words[control.tapsLeft]!;
  for (let i = 0; i < left; i++) assert.equal(mayTap(words), true);
  for (let i = 0; i < 3; i++) assert.equal(mayTap(words), false);
  assert.deepEqual(told, []);
  timers.shift()!();
  assert.deepEqual(told, ['', 3]);
  assert.equal(tap.wants(), true, 'the next second has begun');
  tap.tell({ client: '192.0.2.1', name: 'x', type: 9999, code: -1, protocol: 'udp' });
  assert.deepEqual(JSON.parse(String(told[2])), {
    time: '1970-01-01T00:00:00.000Z',
    client: '192.0.2.1',
    protocol: 'udp',
    type: 'TYPE9999',
    name: 'x',
    answer: 'looked up',
  });
  while (mayTap(words));
  stop();
  assert.equal(mayTap(words), false);
  let isTold = false;
  const note = (): void => {
    isTold = true;
  };
  tap.start(note)();
  assert.equal(isTold, false, 'what the first listener missed is not told to the next');
});
