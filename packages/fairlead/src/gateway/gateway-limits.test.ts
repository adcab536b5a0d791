import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import type { ConnectionLimits } from './connection-gate.ts';
import { DEFAULT_CONNECTION_LIMITS, WorkerGate } from './connection-gate.ts';
import type { GatewayOptions } from './start.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  type RawConnection,
  RawUpstream,
  startRig,
  testBackend,
  testRoute,
  within,
} from './test-rig/gateway-rig.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const LAST_REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
/** More than the kernel takes for a client that reads nothing, so that its request never ends. */
const BIG = Buffer.alloc(16 * 1024 * 1024, 'x');

let upstream: RawUpstream;
before(async () => {
  upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      if (!request.startsWith('GET /big')) return ok('fine');
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG.length}\r\n\r\n`);
      connection.send(BIG);
      return undefined;
    }),
  );
  await upstream.listen();
});
after(() => upstream.close());

const rigs: GatewayRig[] = [];
const clients: Socket[] = [];
// A test that fails must leave nothing that keeps the process alive.
afterEach(async () => {
  for (const socket of clients.splice(0)) socket.destroy();
  await Promise.all(rigs.splice(0).map((rig) => rig.stop()));
});

async function start(
  limits: Partial<ConnectionLimits>,
  idleMs = 60_000,
  more: Partial<GatewayOptions> = {},
): Promise<GatewayRig> {
  const route = testRoute('/', [{ backend: 'a', weight: 1 }], {
    timeouts: { requestMs: 'off', connectMs: 5000, idleMs },
  });
  const rig = await startRig(
    {
      listeners: [
        ['http', { name: 'http', protocol: 'http', address: '127.0.0.1', port: 0 }],
        ['https', { name: 'https', protocol: 'https', address: '127.0.0.1', port: 0 }],
      ],
      hosts: [['http|*', { listener: 'http', hostname: '*', routes: [route] }]],
      backends: [testBackend('a', [upstream.port])],
    },
    { limits, ...more },
  );
  rigs.push(rig);
  return rig;
}

/** Whether a connection is served; `keep` leaves it open. */
async function isServed(rig: GatewayRig, keep: RawConnection[] = []): Promise<boolean> {
  const connection = rig.dial();
  connection.send(REQUEST);
  try {
    await connection.until('an answer', (received) => received.includes('fine'));
  } catch {
    return false;
  }
  keep.push(connection);
  return true;
}

/** `once` would reject at an error, which comes before. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  for (const deadlineMs = systemClock.monotonicMs() + 60_000; !(await check()); await systemClock.sleep(20)) {
    assert.ok(systemClock.monotonicMs() < deadlineMs, `never: ${what}`);
  }
}

for (const [name, limits] of [
  ['in all', { connectionsMax: 2 }],
  ['of one client', { perClientMax: 2 }],
] as const) {
  test(`connections ${name} are bounded; a place that becomes free is given again`, async () => {
    const rig = await start(limits);
    const kept: RawConnection[] = [];
    assert.equal(await isServed(rig, kept), true);
    assert.equal(await isServed(rig, kept), true);
    assert.equal(await isServed(rig), false);
    assert.ok(rig.gateway.stats().connectionsRefused >= 1);
    // Those that are there go on.
    kept[0]!.send(REQUEST);
    await kept[0]!.until('a second answer', (received) => received.split('fine').length === 3);
    kept[1]!.socket.destroy();
    await eventually('a place is free', () => isServed(rig));
  });
}

test('handshakes in progress are bounded', async () => {
  const rig = await start({ handshakesMax: 2 });
  const { port } = rig.gateway.listeners().find(({ name }) => name === 'https')!;
  for (let n = 0; n < 3; n++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    clients.push(socket);
    // The third may be reset before this side has seen that it is connected.
    if (n < 2) await once(socket, 'connect');
  }
  await within('the third is refused', closed(clients[2]!));
  assert.deepEqual(
    clients.map(({ destroyed }) => destroyed),
    [false, false, true],
  );
});

test('clients that all come back at the same time, as many as one address may be, are all let shake hands', () => {
  const { connectionsMax, perClientMax } = DEFAULT_CONNECTION_LIMITS;
  const gate = new WorkerGate(DEFAULT_CONNECTION_LIMITS, 1, () => {});
  let refused = 0;
  for (let handshakes = 0; handshakes < perClientMax; handshakes++) {
    if (!gate.admit({ family: 'ipv4', address: '192.0.2.1', port: handshakes }, handshakes)) refused++;
  }
  assert.equal(refused, 0);
  // Another one still has a place.
  assert.equal(gate.admit({ family: 'ipv4', address: '192.0.2.2', port: 1 }, perClientMax), true);
  assert.ok(connectionsMax > perClientMax);
});

test('short of memory: idle connections are closed and new ones refused', async () => {
  const rig = await start({ memoryMaxBytes: 1 });
  await eventually('new connections are refused', async () => !(await isServed(rig)));
});

test('memory: shedding ends only when there is room again', () => {
  const gate = new WorkerGate(
    { connectionsMax: 9, perClientMax: 9, handshakesMax: 9, memoryMaxBytes: 1000 },
    1,
    () => {},
  );
  const states = [999, 1001, 950, 901, 899, 950].map((resident) => {
    gate.noteMemory(resident);
    return gate.isShedding;
  });
  assert.deepEqual(states, [false, true, true, true, false, false]);
});

test('a body that trickles is answered 408, however alive it looks', async () => {
  const rig = await start({}, 300);
  const connection = rig.dial();
  connection.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
  let ended = false;
  const answer = connection.untilEnd().finally(() => {
    ended = true;
  });
  while (!ended) {
    connection.send('x');
    await systemClock.sleep(50);
  }
  assert.match(await answer, /^HTTP\/1\.1 408 /);
});

/** Resident memory but for the heap of this thread, which is the test's. */
function residentElsewhere(): number {
  const { rss, heapTotal } = process.memoryUsage();
  return rss - heapTotal;
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

test('20,000 connections opened and closed leave no descriptor and no memory behind', async () => {
  const workerModule = new URL('./test-rig/collecting-worker.ts', import.meta.url);
  const rig = await start({}, 60_000, { workerModule });
  const open = async (count: number): Promise<void> => {
    let left = count;
    const one = async (): Promise<void> => {
      while (left-- > 0) {
        const socket = connect(rig.port, '127.0.0.1');
        socket.on('error', () => {});
        if (left % 4 === 0) socket.resetAndDestroy();
        else {
          socket.write(left % 4 === 1 ? 'GET / HT' : LAST_REQUEST);
          if (left % 4 === 1) socket.end();
          socket.resume();
        }
        await closed(socket);
      }
    };
    await Promise.all(Array.from({ length: 50 }, one));
  };
  const settled = (): Promise<void> =>
    eventually('all are closed', async () => rig.gateway.stats().connectionsOpen === 0);
  await within('warming up', open(2000));
  await settled();
  const before = { descriptors: descriptors(), resident: residentElsewhere() };
  // In parts, each within the patience of a test.
  for (let part = 0; part < 9; part++) await within('connections', open(2000));
  await settled();
  // The pool of upstream connections, of which both ends are here, may have grown to one for each of the 50 at a time.
  assert.ok(descriptors() <= before.descriptors + 108, `${before.descriptors} descriptors, now ${descriptors()}`);
  // 18,000 records of 2 KB that somebody holds would show.
  await eventually('the memory is back', async () => residentElsewhere() - before.resident < 36 * 1024 * 1024);
});

test('500 clients that ask for much and read nothing: memory is bounded, others are served', async () => {
  const rig = await start({});
  const before = process.memoryUsage.rss();
  for (let n = 0; n < 500; n++) {
    const socket = connect({ port: rig.port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.pause();
    socket.write('GET /big HTTP/1.1\r\nHost: a\r\n\r\n');
    clients.push(socket);
  }
  await eventually('all have asked', async () => rig.gateway.stats().requestsInFlight === 500);
  for (let n = 0; n < 50; n++) assert.equal(await isServed(rig), true);
  const grown = process.memoryUsage.rss() - before;
  // Gateway, clients and upstream in one process; 500 whole answers would be 8 GB.
  assert.ok(grown < 500 * 1024 * 1024, `grown by ${grown} bytes`);
  for (const socket of clients) socket.destroy();
  await eventually('all are gone', async () => rig.gateway.stats().requestsInFlight === 0);
});
