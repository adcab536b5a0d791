import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { DEFAULT_BACKEND_POLICY } from '../routing/backend-policies.ts';
import { DEFAULT_RETRY } from '../routing/route-policies.ts';
import type { RouteBackend } from '../routing/route-table.ts';
import { systemClock } from '../sys/clock.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
  within,
} from './test-rig/gateway-rig.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const CLIENTS = 24;
const REQUEST = Buffer.from('GET /a/b HTTP/1.1\r\nHost: h\r\n\r\n');

/** Clients under way. */
interface Load {
  /** Resolves when so many answers were good, or one was not. */
  answered(count: number): Promise<void>;
  /** Lets the answers under way come; resolves to what failed. */
  stop(): Promise<readonly string[]>;
}

/**
 * Clients with a connection each, sending one request after the other until told to stop. A
 * connection that the gateway has announced to close (`Connection: close`) is replaced, as any
 * client does; every other end of a connection is a failure.
 */
function startLoad(port: number): Load {
  let isStopping = false;
  let good = 0;
  const failed: string[] = [];
  const clients = Array.from({ length: CLIENTS }, () => {
    const done = Promise.withResolvers<void>();
    const open = (): void => {
      let received = '';
      let mayClose = false;
      const socket: Socket = connect({ port, host: '127.0.0.1' });
      const next = (): void => {
        if (isStopping) {
          socket.destroy();
          done.resolve();
        } else socket.write(REQUEST);
      };
      socket.on('connect', next);
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1');
        const headEnd = received.indexOf('\r\n\r\n');
        if (headEnd < 0) return;
        const length = Number(/^content-length: (\d+)/im.exec(received)?.[1] ?? 0);
        if (received.length < headEnd + 4 + length) return;
        if (received.startsWith('HTTP/1.1 200')) good++;
        else failed.push(received.slice(0, 60));
        mayClose = /^connection: close/im.test(received);
        received = '';
        if (mayClose) {
          socket.destroy();
          if (isStopping) done.resolve();
          else open();
        } else next();
      });
      socket.on('error', (error) => {
        failed.push(error.message);
        done.resolve();
      });
      socket.on('end', () => {
        failed.push(`the connection ended after ${JSON.stringify(received.slice(0, 60))}`);
        done.resolve();
      });
    };
    open();
    return done.promise;
  });
  return {
    async answered(count) {
      while (good < count && failed.length === 0) await systemClock.sleep(5);
    },
    async stop() {
      isStopping = true;
      await within('the last answers', Promise.all(clients));
      return failed;
    },
  };
}

/** Upstreams that answer at once, in a process of the test's own. */
async function upstreams(count: number): Promise<number[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) => {
      const upstream = new RawUpstream((connection) => onRequests(connection, () => ok(`u${index}`)));
      closing.push(() => upstream.close());
      return upstream.listen();
    }),
  );
}

async function startLoaded(
  ports: readonly number[],
  balance: RouteBackend['balance'] = 'least-request',
): Promise<GatewayRig> {
  const rig = await startRig(
    {
      hosts: [testHost('*', [testRoute('/', [{ backend: 'web', weight: 1 }])])],
      backends: [testBackend('web', ports, balance)],
    },
    { workers: 2 },
  );
  closing.push(() => rig.stop());
  return rig;
}

/** Changes to make while requests run; each waits for the one before. */
const changes: readonly [
  name: string,
  rounds: number,
  change: (rig: GatewayRig, ports: readonly number[], round: number) => Promise<void>,
][] = [
  [
    'endpoints come and go',
    60,
    async (rig, ports, round) =>
      rig.apply({
        backends: [
          testBackend(
            'web',
            ports.filter((_, index) => index !== round % ports.length),
            'least-request',
          ),
        ],
      }),
  ],
  [
    'the algorithm changes',
    40,
    async (rig, ports, round) => {
      const kinds = ['round-robin', 'random', 'peak-ewma', 'maglev', 'ring-hash'] as const;
      await rig.apply({ backends: [testBackend('web', ports, kinds[round % kinds.length])] });
    },
  ],
  [
    'routes change',
    60,
    async (rig, ports, round) => {
      const backend = `web-${round % 2}`;
      const routes = Array.from({ length: round % 20 }, (_, index) => testRoute(`/x${index}`, []));
      await rig.apply({
        hosts: [testHost('*', [...routes, testRoute(round % 3 === 0 ? '/a' : '/', [{ backend, weight: 1 }])])],
        backends: [testBackend(backend, ports)],
      });
    },
  ],
  [
    'workers are replaced',
    2,
    async (rig) => {
      await rig.gateway.replaceWorkers({ drainMs: 20_000 });
    },
  ],
  [
    'a host comes and goes in front of the catch-all',
    60,
    async (rig, _ports, round) =>
      rig.apply({
        hosts: [
          round % 2 === 0 ? testHost('h', [testRoute('/a', [{ backend: 'web', weight: 1 }])]) : ['http|h', undefined],
        ],
      }),
  ],
];
for (const [name, rounds, change] of changes) {
  test(`under load, ${name}: no request fails`, async () => {
    const ports = await upstreams(4);
    const rig = await startLoaded(ports);
    const load = startLoad(rig.port);
    for (let round = 0; round < rounds; round++) {
      await change(rig, ports, round);
      await systemClock.sleep(5);
    }
    await within('a hundred answers', load.answered(100));
    assert.deepEqual(await load.stop(), []);
    // The last answers may be here before their worker has counted their end.
    await within(
      'nothing to be in flight',
      (async () => {
        while (rig.gateway.stats().requestsInFlight !== 0) await systemClock.sleep(5);
      })(),
    );
  });
}

test('under load, an endpoint dies: what it refused or broke off goes elsewhere', async () => {
  const ports = await upstreams(3);
  const dying = new RawUpstream((connection) => onRequests(connection, () => ok('dying')));
  const port = await dying.listen();
  const rig = await startLoaded([...ports, port]);
  const retry = { ...DEFAULT_RETRY, on: ['connect-failure', 'reset'] as const, retries: 3 };
  // All its requests break off at once: more than the budget of 20 % would let through.
  const policy = { ...DEFAULT_BACKEND_POLICY, retryBudget: { share: 1, min: CLIENTS } };
  const [key, backend] = testBackend('web', [...ports, port], 'least-request');
  await rig.apply({
    hosts: [testHost('*', [testRoute('/', [{ backend: 'web', weight: 1 }], { retry })])],
    backends: [[key, { ...backend, policy }]],
  });
  const load = startLoad(rig.port);
  await within('answers of all endpoints', load.answered(100));
  assert.ok(dying.connections.length > 0);
  await dying.close();
  await within('answers of the others', load.answered(300));
  assert.deepEqual(await load.stop(), []);
});

test('under load, the gateway drains: every answer that began comes whole', async () => {
  const ports = await upstreams(2);
  const rig = await startLoaded(ports);
  const results = Array.from({ length: 50 }, () =>
    rig.exchange('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'),
  );
  const first = await Promise.race(results);
  assert.match(first, /^HTTP\/1\.1 200/);
  await rig.gateway.stop({ drainMs: 5000 });
  for (const response of await Promise.all(results)) {
    // A connection that waited in the accept queue may end without a byte; nothing may end halfway.
    if (response !== '') assert.match(response, /^HTTP\/1\.1 200 .*\r\n\r\nu\d$/s);
  }
});

/** A rig with one worker that gives connections `drainIdleMs` for their next request once it drains. */
async function startDrainable(drainIdleMs: number): Promise<{ rig: GatewayRig; dial: () => Socket }> {
  const rig = await startRig(
    {
      hosts: [testHost('*', [testRoute('/', [{ backend: 'web', weight: 1 }])])],
      backends: [testBackend('web', await upstreams(1))],
    },
    { workers: 1, times: { drainIdleMs } },
  );
  closing.push(() => rig.stop());
  const dial = (): Socket => {
    const socket = connect({ port: rig.port, host: '127.0.0.1' });
    closing.push(async () => void socket.destroy());
    return socket;
  };
  return { rig, dial };
}

/** Sends a request; resolves to the answer, or to nothing when the connection ends instead. */
async function askOn(socket: Socket): Promise<string> {
  const over = new AbortController();
  socket.write(REQUEST);
  const first = Promise.race((['data', 'end'] as const).map((event) => once(socket, event, over)));
  const [chunk] = await within('the answer', first);
  over.abort();
  return String(chunk ?? '');
}

test('a draining worker tells clients between two requests, and serves those that have yet to send their first', async () => {
  const { rig, dial } = await startDrainable(20_000);
  const used = dial();
  assert.match(await askOn(used), /^HTTP\/1\.1 200/);
  const fresh = dial();
  await within('the worker to accept', once(fresh, 'connect'));
  const replaced = rig.gateway.replaceWorkers({ drainMs: 20_000 });
  for (let isAnnounced = false; !isAnnounced; ) {
    // A client that thinks between its requests; the end may not come in between.
    await systemClock.sleep(30);
    const answer = await askOn(used);
    assert.match(answer, /^HTTP\/1\.1 200/);
    isAnnounced = /^connection: close/im.test(answer);
  }
  assert.match(await askOn(fresh), /^HTTP\/1\.1 200/);
  await within('the new worker', replaced);
});

test('a draining worker closes connections that have been idle for long', async () => {
  const { rig, dial } = await startDrainable(50);
  const used = dial();
  assert.match(await askOn(used), /^HTTP\/1\.1 200/);
  const ended = once(used.resume(), 'end');
  const replaced = rig.gateway.replaceWorkers({ drainMs: 20_000 });
  await within('the used connection to end', ended);
  await within('the new worker', replaced);
});
