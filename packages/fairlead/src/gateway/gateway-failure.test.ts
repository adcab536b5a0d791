import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEFAULT_BACKEND_POLICY } from '../routing/backend-policies.ts';
import { systemClock } from '../sys/clock.ts';
import { freePort } from '../sys/testing/free-ports.ts';
import { GatewayError } from './gateway-error.ts';
import { startGateway } from './start.ts';
import {
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
  within,
} from './test-rig/gateway-rig.ts';

/** When this file appears a worker of `crashing-worker.ts` dies. */
const trap = join(tmpdir(), `fltest-crash-${process.pid}`);
const web = [{ backend: 'web', weight: 1 }];
const get = (target = '/'): string => `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;
const hosts = [testHost('*', [testRoute('/', web)])];

test('a refused connection is tried at another endpoint; 502 when there is none', async () => {
  const upstream = new RawUpstream((connection) => onRequests(connection, () => ok('up')));
  const port = await upstream.listen();
  const dead = await freePort();
  const rig = await startRig({ hosts, backends: [testBackend('web', [dead, port])] });
  for (let i = 0; i < 6; i++) assert.match(await rig.exchange(get()), /^HTTP\/1\.1 200 .*up$/s);
  const body = 'POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody';
  for (let i = 0; i < 2; i++) assert.match(await rig.exchange(body), /^HTTP\/1\.1 200 /);
  assert.ok(rig.gateway.stats().retries >= 3);
  await rig.apply({ backends: [testBackend('web', [dead])] });
  assert.match(await rig.exchange(get()), /^HTTP\/1\.1 502 /);
  await rig.stop();
  await upstream.close();
});

test('a pooled connection that closes on us is retried for GET, not for POST', async () => {
  // Serves one request per connection, then closes when the second one arrives, unanswered.
  const upstream = new RawUpstream((connection) => {
    let served = 0;
    onRequests(connection, () => {
      if (served++ === 0) return ok('one');
      connection.socket.destroy();
      return undefined;
    });
  });
  const port = await upstream.listen();
  const rig = await startRig({ hosts, backends: [testBackend('web', [port])] });
  assert.match(await rig.exchange(get()), /one$/);
  assert.match(await rig.exchange(get()), /one$/, 'sent again on a fresh connection');
  assert.equal(rig.gateway.stats().retries, 1);
  const post = 'POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx';
  assert.match(await rig.exchange(post), /^HTTP\/1\.1 502 /);
  await rig.stop();
  await upstream.close();
});

test('the access log: one JSON line per request, with what happened', async () => {
  const upstream = new RawUpstream((connection) => onRequests(connection, () => ok('up')));
  const port = await upstream.listen();
  const rows: Record<string, unknown>[] = [];
  const rig = await startRig(
    { hosts: [testHost('h', [testRoute('/', web)])], backends: [testBackend('web', [port])] },
    {
      accessLog: (lines) => {
        for (const line of lines.trim().split('\n')) rows.push(JSON.parse(line));
      },
    },
  );
  await rig.exchange(get('/a?b'));
  await rig.exchange('GET /x HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n');
  await rig.exchange('rubbish\r\n\r\n');
  await rig.stop();
  const pick = rows.map(({ client, method, host, target, status, backend, upstream: at, attempts, route, reason }) => [
    client,
    method,
    host,
    target,
    status,
    backend,
    at,
    attempts,
    route,
    reason,
  ]);
  const none = undefined;
  assert.deepEqual(pick, [
    ['127.0.0.1', 'GET', 'h', '/a?b', 200, 'web', `127.0.0.1:${port}`, 1, 'Ingress test/test', none],
    ['127.0.0.1', 'GET', 'other', '/x', 404, none, none, none, none, 'no-route'],
    ['127.0.0.1', none, none, none, 400, none, none, none, none, 'bad-request'],
  ]);
  assert.ok(rows.every((row) => typeof row.time === 'string' && Number(row.durationMs) >= 0));
  await upstream.close();
});

test('timeouts: no answer in time is 504, an unfinished request 408', async () => {
  const upstream = new RawUpstream(() => {});
  const port = await upstream.listen();
  const timeouts = { requestMs: 500, connectMs: 5000, idleMs: 60_000 } as const;
  const rig = await startRig(
    { hosts: [testHost('*', [testRoute('/', web, { timeouts })])], backends: [testBackend('web', [port])] },
    { times: { headMs: 1500 } },
  );
  assert.match(await rig.exchange(get()), /^HTTP\/1\.1 504 /);
  assert.match(await rig.exchange('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab'), /^HTTP\/1\.1 408 /);
  assert.match(await rig.exchange('GET / HTTP/1.1\r\nHos'), /^HTTP\/1\.1 408 /);
  assert.equal(await rig.exchange(''), '', 'a silent connection is closed');
  assert.equal(rig.gateway.stats().timeouts, 3);
  await rig.stop();
  await upstream.close();
});

test('a response that keeps coming outlives the idle time', async () => {
  const pieces = 12;
  const upstream = new RawUpstream((connection) =>
    onRequests(connection, () => {
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${pieces}\r\n\r\n`);
      let sent = 0;
      const step = (): void => {
        connection.send('x');
        if (++sent < pieces) systemClock.after(150, step);
      };
      step();
      return undefined;
    }),
  );
  const port = await upstream.listen();
  const timeouts = { requestMs: 'off', connectMs: 5000, idleMs: 1500 } as const;
  const rig = await startRig({
    hosts: [testHost('*', [testRoute('/', web, { timeouts })])],
    backends: [testBackend('web', [port])],
  });
  assert.match(await rig.exchange(get()), /\r\n\r\nx{12}$/);
  await rig.stop();
  await upstream.close();
});

test('routes change under a request in flight; a removed endpoint finishes its requests', async () => {
  const held: (() => void)[] = [];
  const old = new RawUpstream((connection) =>
    onRequests(connection, () => {
      held.push(() => connection.send(ok('old')));
      return undefined;
    }),
  );
  const fresh = new RawUpstream((connection) => onRequests(connection, () => ok('new')));
  const [oldPort, newPort] = [await old.listen(), await fresh.listen()];
  const rig = await startRig({ hosts, backends: [testBackend('web', [oldPort])] });
  const waiting = rig.dial();
  waiting.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await within(
    'the upstream',
    (async () => {
      while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    })(),
  );
  await rig.apply({ backends: [testBackend('web', [newPort])] });
  assert.match(await rig.exchange(get()), /new$/, 'as soon as it is acknowledged');
  held[0]!();
  await waiting.until('the old answer', (received) => received.endsWith('old'));
  await within(
    'the old connection to close',
    once(old.connections[0]!.socket, 'end').then(() => {}),
  );
  waiting.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await waiting.until('the new answer on the same connection', (received) => received.endsWith('new'));
  await rig.apply({ hosts: [['http|*', undefined]] });
  waiting.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await waiting.until('404', (received) => received.includes('404 Not Found'));
  await rig.stop();
  await Promise.all([old.close(), fresh.close()]);
});

test('stop drains: requests in flight finish with Connection: close', async () => {
  let release = (): void => {};
  const upstream = new RawUpstream((connection) =>
    onRequests(connection, () => {
      release = () => connection.send(ok('late'));
      return undefined;
    }),
  );
  const port = await upstream.listen();
  const rig = await startRig({ hosts, backends: [testBackend('web', [port])] });
  const idle = rig.dial();
  await once(idle.socket, 'connect');
  const busy = rig.dial();
  busy.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await within(
    'the upstream',
    (async () => {
      while (upstream.connections.length === 0 || !upstream.seen.includes('\r\n\r\n'))
        await new Promise((resolve) => setImmediate(resolve));
    })(),
  );
  const stopped = rig.gateway.stop({ drainMs: 15_000 });
  assert.equal(await idle.untilEnd(), '');
  release();
  assert.match(await busy.untilEnd(), /connection: close\r\n\r\nlate$/);
  busy.socket.destroy();
  await within('stop', stopped);
  await rig.stop();
  await upstream.close();
});

test('a worker that dies is replaced: its clients see the end, its listener and routes go on', async () => {
  const upstream = new RawUpstream((connection) => onRequests(connection, () => ok('up')));
  const port = await upstream.listen();
  const rig = await startRig(
    { hosts, backends: [testBackend('web', [port])] },
    { workerModule: new URL('./test-rig/crashing-worker.ts', import.meta.url) },
  );
  const victim = rig.dial();
  victim.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await victim.until('an answer', (received) => received.endsWith('up'));
  writeFileSync(trap, '');
  victim.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await victim.untilEnd();
  assert.match(await rig.exchange(get()), /up$/, 'the successor serves what waited in the accept queue');
  assert.ok(rig.logs.some((line) => line.includes('the trap')));
  assert.equal(rig.gateway.stats().connectionsOpen <= 1, true);
  await rig.apply({ hosts: [['http|*', undefined]] });
  assert.match(await rig.exchange(get()), /^HTTP\/1\.1 404 /);
  await rig.stop();
  await upstream.close();
});

test('what a dead worker had in flight counts no longer', async () => {
  const upstream = new RawUpstream((connection) => {
    onRequests(connection, (request) => (request.startsWith('GET /wait') ? undefined : ok('up')));
  });
  const port = await upstream.listen();
  const [key, backend] = testBackend('web', [port]);
  const limits = { ...DEFAULT_BACKEND_POLICY.limits, requests: 1, connections: 1 };
  const rig = await startRig(
    { hosts, backends: [[key, { ...backend, policy: { ...DEFAULT_BACKEND_POLICY, limits } }]] },
    { workerModule: new URL('./test-rig/crashing-worker.ts', import.meta.url) },
  );
  const victim = rig.dial();
  victim.send('GET /wait HTTP/1.1\r\nHost: h\r\n\r\n');
  while (!upstream.seen.includes('/wait')) await systemClock.sleep(5);
  assert.match(await rig.exchange(get()), /^HTTP\/1\.1 503/, 'the one allowed is taken');
  writeFileSync(trap, '');
  // Wakes it; a new connection would wait for its successor.
  victim.send('GET / HTTP/1.1\r\n');
  await victim.untilEnd();
  assert.match(await rig.exchange(get()), /up$/);
  await rig.stop();
  await upstream.close();
});

test('an exception in one connection costs that connection only', async () => {
  const upstream = new RawUpstream((connection) => onRequests(connection, () => ok('up')));
  const port = await upstream.listen();
  const rig = await startRig(
    { hosts, backends: [testBackend('web', [port])] },
    { workerModule: new URL('./test-rig/crashing-worker.ts', import.meta.url) },
  );
  const other = rig.dial();
  other.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await other.until('an answer', (received) => received.endsWith('up'));
  assert.equal(await rig.exchange('GET / HTTP/1.1\r\nHost: throw.example\r\n\r\n'), '');
  assert.ok(rig.logs.some((line) => line.includes('thrown on purpose')));
  other.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await other.until('another answer', (received) => received.split('200 OK').length === 3);
  await rig.stop();
  await upstream.close();
});

test('listeners: a port in use, a foreign address, a wrong one are one clear line each', async () => {
  const blocker = createServer();
  blocker.listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const taken = (blocker.address() as { port: number }).port;
  const gateway = await startGateway({ workers: 2, clock: systemClock, log: () => {} });
  const listen = (address: string, port: number): Promise<void> =>
    gateway.applyRoutes({
      listeners: [['l', { name: 'l', protocol: 'http', address, port }]],
      hosts: [],
      backends: [],
      certificates: [],
    });
  const rows = [
    ['127.0.0.1', taken, 'port-in-use', /^listener l: 127\.0\.0\.1 port \d+ is already in use$/],
    ['203.0.113.7', 8080, 'address-unavailable', /203\.0\.113\.7 port 8080 is not an address of this machine$/],
    ['nonsense', 8080, 'bad-listener', /not an address: nonsense/],
  ] as const;
  for (const [address, port, code, message] of rows) {
    await assert.rejects(listen(address, port), (error) => {
      assert.ok(error instanceof GatewayError);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  }
  await listen('127.0.0.1', 0);
  const other = await startGateway({ workers: 1, clock: systemClock, log: () => {} });
  const { port } = gateway.listeners()[0]!;
  await assert.rejects(
    other.applyRoutes({
      listeners: [['l', { name: 'l', protocol: 'http', address: '127.0.0.1', port }]],
      hosts: [],
      backends: [],
      certificates: [],
    }),
    /already in use/,
    'a second gateway does not share the port unnoticed',
  );
  await gateway.applyRoutes({ listeners: [['l', undefined]], hosts: [], backends: [], certificates: [] });
  assert.deepEqual(gateway.listeners(), []);
  await other.applyRoutes({
    listeners: [['l', { name: 'l', protocol: 'http', address: '127.0.0.1', port }]],
    hosts: [],
    backends: [],
    certificates: [],
  });
  await Promise.all([gateway.stop({ drainMs: 0 }), other.stop({ drainMs: 0 })]);
  blocker.close();
});
