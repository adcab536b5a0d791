import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { Server } from 'node:net';
import { test } from 'node:test';
import { TestClock } from '@fairlead/client/test-clock';
import { systemClock } from '../../sys/clock.ts';
import { freePort } from '../../sys/testing/free-ports.ts';
import { decodeHealthStatus, encodeHealthRequest } from './grpc-probe.ts';
import { NEW_TALLY, probeTiming, quickDelay, tally } from './probe-state.ts';
import { startProber } from './prober.ts';
import { type ProbeTarget, resolvePort, runProbe } from './run-probe.ts';

test('defaults of a probe', () => {
  assert.deepEqual(probeTiming({}), {
    initialDelayMs: 0,
    periodMs: 10_000,
    timeoutMs: 1000,
    successThreshold: 1,
    failureThreshold: 3,
  });
});

for (const [name, successThreshold, failureThreshold, outcomes, results] of [
  ['one success', 1, 3, 'S', 'S'],
  ['failures below the threshold change nothing', 1, 3, 'SFF', 'SSS'],
  ['third failure', 1, 3, 'SFFF', 'SSSF'],
  ['a success between starts over', 1, 3, 'SFFSFF', 'SSSSSS'],
  ['success threshold', 2, 1, 'SFSS', '-FFS'],
  ['unknown until a threshold', 1, 2, 'FF', '-F'],
] as const) {
  test(`thresholds: ${name}`, () => {
    const timing = { ...probeTiming({}), successThreshold, failureThreshold };
    let state = NEW_TALLY;
    let seen = '';
    for (const outcome of outcomes) {
      state = tally(state, outcome === 'S', timing);
      seen += state.result === 'unknown' ? '-' : state.result === 'success' ? 'S' : 'F';
    }
    assert.equal(seen, results);
  });
}

interface Attempt {
  readonly at: number;
}
/** Runs a prober on a test clock whose outcome is a function of time. */
async function probeFor(
  probe: object,
  quick: boolean,
  outcome: (atMs: number) => boolean,
  durationMs: number,
): Promise<{ attempts: Attempt[]; results: string[] }> {
  const clock = new TestClock();
  const attempts: Attempt[] = [];
  const results: string[] = [];
  const prober = startProber({
    probe,
    clock,
    quick,
    run: async () => {
      attempts.push({ at: clock.monotonicMs() });
      return { ok: outcome(clock.monotonicMs()), detail: '' };
    },
    onResult: (result) => results.push(`${result}@${clock.monotonicMs()}`),
  });
  await clock.advance(durationMs);
  prober.stop();
  assert.equal(clock.waiting, 0, 'a stopped prober leaves no timer');
  return { attempts, results };
}

test('schedule: initial delay, then every period', async () => {
  const { attempts, results } = await probeFor({ initialDelaySeconds: 5, periodSeconds: 2 }, false, () => true, 10_000);
  assert.deepEqual(
    attempts.map(({ at }) => at),
    [5000, 7000, 9000],
  );
  assert.deepEqual(results, ['success@5000']);
});

test('schedule: liveness fails at its threshold of regular attempts', async () => {
  const { results } = await probeFor({ periodSeconds: 1, failureThreshold: 3 }, false, (at) => at < 1500, 10_000);
  assert.deepEqual(results, ['success@0', 'failure@4000']);
});

test('schedule: quick attempts notice a program that comes up, long before the period', async () => {
  const { results, attempts } = await probeFor({ periodSeconds: 10 }, true, (at) => at >= 65, 29_000);
  assert.equal(results.length, 1);
  const at = Number(results[0]!.split('@')[1]);
  assert.ok(at >= 65 && at <= 100, `success at ${at}`);
  assert.deepEqual(
    attempts.slice(-2).map((attempt) => attempt.at),
    [10_000, 20_000],
    'regular afterwards',
  );
});

test('schedule: failed quick attempts do not count against a startup probe', async () => {
  const { results } = await probeFor({ periodSeconds: 2, failureThreshold: 3 }, true, () => false, 10_000);
  assert.deepEqual(results, ['failure@4000']);
});

test('schedule: a program that is still starting is no news; later failures are', async () => {
  const told = async (quick: boolean, outcome: (at: number) => boolean): Promise<number[]> => {
    const clock = new TestClock();
    const failures: number[] = [];
    const prober = startProber({
      probe: { periodSeconds: 10, initialDelaySeconds: 5 },
      clock,
      quick,
      run: async () => ({ ok: outcome(clock.monotonicMs()), detail: '' }),
      onResult: () => {},
      onFailure: () => failures.push(clock.monotonicMs()),
    });
    await clock.advance(40_000);
    prober.stop();
    return failures;
  };
  assert.deepEqual(await told(true, () => false), [15_000, 25_000, 35_000]);
  assert.deepEqual(await told(false, () => false), [5000, 15_000, 25_000, 35_000]);
  assert.deepEqual(await told(true, (at) => at < 12_000), [15_000, 25_000, 35_000]);
});

test('quick attempts stop where the period is as short', () => {
  assert.equal(quickDelay(0, 10), undefined);
  assert.equal(quickDelay(99, 1000), undefined);
  assert.equal(quickDelay(99, 10_000), 1000);
});

test('ports: number, numeric text, name', () => {
  const container = { name: 'c', ports: [{ name: 'http', containerPort: 8080 }] };
  assert.equal(resolvePort(80, container), 80);
  assert.equal(resolvePort('81', container), 81);
  assert.equal(resolvePort('http', container), 8080);
  assert.equal(resolvePort('nope', container), undefined);
});

/** At a port that nobody else gets when the server is closed. */
async function listening<S extends Server>(server: S): Promise<{ port: number; close: () => Promise<void> }> {
  const port = await freePort();
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

const target = (port: number): ProbeTarget => ({
  podIp: '127.0.0.1',
  container: { name: 'c', ports: [{ name: 'http', containerPort: port }] },
  clock: systemClock,
  exec: async (command) => ({ ok: command[0] === 'true', detail: 'exit status 1' }),
});

test('HTTP probe: status, header, host header, redirect, named port, no answer', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers.host} ${request.headers['x-probe'] ?? ''}`);
    if (request.url === '/hang') return;
    response.writeHead(request.url === '/fail' ? 500 : request.url === '/moved' ? 301 : 200).end();
  });
  const { port, close } = await listening(server);
  const httpHeaders = [
    { name: 'Host', value: 'shop.example' },
    { name: 'X-Probe', value: '1' },
  ];
  const run = (path: string, extra: object = {}) =>
    runProbe({ httpGet: { path, port: 'http', ...extra } }, path === '/hang' ? 100 : 5000, target(port));
  assert.equal((await run('/ok', { httpHeaders })).ok, true);
  assert.deepEqual(seen, ['/ok shop.example 1']);
  assert.equal((await run('/moved')).ok, true);
  assert.deepEqual(await run('/fail'), { ok: false, detail: 'HTTP probe failed with statuscode: 500' });
  assert.match((await run('/hang')).detail, /no answer within 100 ms/);
  server.closeAllConnections();
  await close();
  assert.match((await run('/ok')).detail, /ECONNREFUSED/);
});

test('TCP and exec probes', async () => {
  const { port, close } = await listening(createServer());
  assert.equal((await runProbe({ tcpSocket: { port } }, 5000, target(port))).ok, true);
  await close();
  assert.equal((await runProbe({ tcpSocket: { port } }, 5000, target(port))).ok, false);
  assert.equal((await runProbe({ exec: { command: ['true'] } }, 1000, target(1))).ok, true);
  assert.equal((await runProbe({ exec: { command: ['false'] } }, 1000, target(1))).ok, false);
});

test('gRPC probe: only SERVING passes; the service name is sent', async () => {
  let body: Buffer = Buffer.alloc(0);
  const server = createHttp2Server();
  let status = 1;
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    assert.equal(headers[':path'], '/grpc.health.v1.Health/Check');
    stream.on('data', (chunk: Buffer) => {
      body = chunk;
    });
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on('end', () => stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status])));
  });
  const { port, close } = await listening(server as unknown as Server);
  assert.equal((await runProbe({ grpc: { port, service: 'shop' } }, 5000, target(port))).ok, true);
  assert.deepEqual(body, encodeHealthRequest('shop'));
  status = 2;
  assert.match((await runProbe({ grpc: { port } }, 5000, target(port))).detail, /health 2/);
  await close();
  assert.equal((await runProbe({ grpc: { port } }, 5000, target(port))).ok, false);
});

test('gRPC health messages', () => {
  assert.deepEqual([...encodeHealthRequest('')], [0, 0, 0, 0, 0]);
  assert.deepEqual([...encodeHealthRequest('ab')], [0, 0, 0, 0, 4, 10, 2, 97, 98]);
  assert.equal(decodeHealthStatus(Buffer.from([0, 0, 0, 0, 2, 8, 1])), 1);
  assert.equal(decodeHealthStatus(Buffer.from([0, 0, 0, 0, 0])), 0);
});
