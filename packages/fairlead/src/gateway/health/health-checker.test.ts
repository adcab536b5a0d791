import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import {
  BackendMemory,
  type CheckResult,
  createBackendMemory,
  createEndpointMemory,
  EndpointMemory,
} from '@fairlead/balance';
import { DEFAULT_BACKEND_POLICY, type HealthCheckPolicy } from '../../routing/backend-policies.ts';
import type { RouteBackend } from '../../routing/route-table.ts';
import type { Clock } from '../../sys/clock.ts';
import { freePort } from '../../sys/testing/free-ports.ts';
import { ownEndpoints } from '../endpoint-subset.ts';
import { HealthChecker } from './health-checker.ts';
import { healthRequest, type ProbeTarget, probeEndpoint, servingStatus } from './probe.ts';

const CHECK: HealthCheckPolicy = {
  type: 'http',
  path: '/healthz',
  host: '',
  statuses: [[200, 299]],
  intervalMs: 1000,
  timeoutMs: 500,
  jitter: 0,
  unhealthyThreshold: 2,
  healthyThreshold: 2,
  unhealthyIntervalMs: 300,
  edgeIntervalMs: 100,
  noTrafficIntervalMs: 5000,
};

/** A clock that the test moves. */
class FakeClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ readonly atMs: number; readonly call: () => void }>();
  now(): number {
    return this.#now;
  }
  monotonicMs(): number {
    return this.#now;
  }
  after(delayMs: number, call: () => void): () => void {
    const timer = { atMs: this.#now + delayMs, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
  sleep(): Promise<void> {
    throw new Error('nobody sleeps here');
  }
  get waiting(): number {
    return this.#timers.size;
  }
  /** Runs what is due until then, with all that follows from promises. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.atMs);
      due.call();
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
    this.#now = end;
  }
}

interface Fixture {
  readonly clock: FakeClock;
  readonly endpoints: EndpointMemory;
  readonly backends: BackendMemory;
  readonly checker: HealthChecker;
  readonly asked: string[];
  /** What the next probes find. */
  result: CheckResult | 'hangs';
}

function fixture(): Fixture {
  const clock = new FakeClock();
  const endpoints = new EndpointMemory(createEndpointMemory(64));
  const backends = new BackendMemory(createBackendMemory(64));
  const asked: string[] = [];
  const made: Omit<Fixture, 'checker'> = { clock, endpoints, backends, asked, result: 'passed' };
  const probe = ({ endpoint }: ProbeTarget, signal: AbortSignal): Promise<CheckResult> => {
    asked.push(`${endpoint.address} ${clock.now() - 1_000_000}`);
    if (made.result !== 'hangs') return Promise.resolve(made.result);
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve('failed')));
  };
  const checker = new HealthChecker({
    endpoints,
    backends,
    clock,
    random: () => 0,
    log: () => {},
    gatewayName: 'a',
    probe,
  });
  return Object.assign(made, { checker });
}

function backend(
  key: string,
  addresses: readonly string[],
  check: HealthCheckPolicy | 'off' = CHECK,
): readonly [string, RouteBackend] {
  const endpoints = addresses.map((address) => ({ address, port: 80, weight: 1 }));
  const policy = { ...DEFAULT_BACKEND_POLICY, health: check };
  return [key, { key, protocol: 'http1', balance: 'round-robin', endpoints, policy }];
}

describe('health checker', () => {
  test('of a subset only the endpoints that this gateway uses are asked', async () => {
    const f = fixture();
    const addresses = Array.from({ length: 6 }, (_, at) => `10.0.0.${at + 1}`);
    const [key, web] = backend('web', addresses);
    const policy = { ...web.policy!, subsetSize: 2 };
    f.checker.update([[key, { ...web, policy }]]);
    await f.clock.advance(0);
    const own = ownEndpoints(web.endpoints, policy, 'a').map(({ address }) => address);
    assert.equal(own.length, 2);
    assert.deepEqual(f.asked.map((asked) => asked.split(' ')[0]).sort(), own.toSorted());
    f.checker.update([[key, web]]);
    assert.equal(f.checker.size, 6);
  });

  test('out after the threshold, at edge pace, and back; the first pass is enough', async () => {
    const f = fixture();
    f.checker.update([backend('web', ['10.0.0.1'])]);
    const slot = f.endpoints.acquire('10.0.0.1:80');
    const web = f.backends.acquire('web');
    assert.equal(f.endpoints.activeHealth(slot), 'unknown');
    await f.clock.advance(0);
    assert.equal(f.endpoints.activeHealth(slot), 'healthy');
    f.backends.noteTraffic(web);
    f.result = 'failed';
    await f.clock.advance(5000);
    assert.deepEqual(f.asked.slice(0, 2), ['10.0.0.1 0', '10.0.0.1 5000'], 'no traffic: slowly');
    assert.equal(f.endpoints.activeHealth(slot), 'healthy', 'one failure is not enough');
    await f.clock.advance(100);
    assert.equal(f.endpoints.activeHealth(slot), 'unhealthy');
    f.result = 'passed';
    const epoch = f.endpoints.epoch;
    await f.clock.advance(400);
    assert.deepEqual(f.asked.slice(2), ['10.0.0.1 5100', '10.0.0.1 5400', '10.0.0.1 5500']);
    assert.equal(f.endpoints.activeHealth(slot), 'healthy');
    assert.notEqual(f.endpoints.epoch, epoch, 'workers are told');
    assert.equal(f.endpoints.since(slot), f.clock.now(), 'its slow start begins anew');
    f.backends.noteTraffic(web);
    await f.clock.advance(6000);
    assert.deepEqual(
      f.asked.slice(5),
      ['10.0.0.1 10500', '10.0.0.1 11500'],
      'slowly, and regularly once there is traffic',
    );
    f.checker.stop();
    assert.equal(f.clock.waiting, 0);
  });

  test('with traffic at the regular interval', async () => {
    const f = fixture();
    f.checker.update([backend('web', ['10.0.0.1'])]);
    const web = f.backends.acquire('web');
    for (let i = 0; i < 5; i++) {
      f.backends.noteTraffic(web);
      await f.clock.advance(i === 0 ? 0 : 1000);
    }
    assert.equal(f.asked.length, 5);
    f.checker.stop();
  });

  test('an endpoint is asked once, however many backends and routes lead to it', async () => {
    const f = fixture();
    f.checker.update([
      backend('a', ['10.0.0.1', '10.0.0.2']),
      backend('b', ['10.0.0.1']),
      backend('c', ['10.0.0.1'], 'off'),
    ]);
    await f.clock.advance(0);
    assert.equal(f.asked.length, 2);
    assert.equal(f.checker.size, 2);
    f.checker.update([['a', undefined]]);
    assert.equal(f.checker.size, 1, 'b still asks');
    f.checker.update([['b', undefined]]);
    assert.equal(f.checker.size, 0);
    assert.equal(f.clock.waiting, 0);
  });

  test('a change of the list keeps the state of those that stay', async () => {
    const f = fixture();
    f.result = 'failed';
    f.checker.update([backend('web', ['10.0.0.1'])]);
    await f.clock.advance(0);
    const slot = f.endpoints.acquire('10.0.0.1:80');
    assert.equal(f.endpoints.activeHealth(slot), 'unhealthy', 'the first result counts');
    f.checker.update([backend('web', ['10.0.0.1', '10.0.0.2'])]);
    assert.equal(f.endpoints.activeHealth(slot), 'unhealthy');
    f.checker.update([backend('web', ['10.0.0.1'], 'off')]);
    assert.equal(f.endpoints.activeHealth(slot), 'unknown', 'without checks nobody is unhealthy');
    f.checker.stop();
  });

  test('no answer in time is a failure; a check under way when all stops does nothing', async () => {
    const f = fixture();
    f.result = 'hangs';
    f.checker.update([backend('web', ['10.0.0.1'])]);
    const slot = f.endpoints.acquire('10.0.0.1:80');
    await f.clock.advance(499);
    assert.equal(f.endpoints.activeHealth(slot), 'unknown');
    await f.clock.advance(1);
    assert.equal(f.endpoints.activeHealth(slot), 'unhealthy');
    await f.clock.advance(310);
    f.checker.stop();
    await f.clock.advance(0);
    assert.equal(f.clock.waiting, 0);
  });
});

describe('probes over real connections', () => {
  const answer = (status: number): Server =>
    createServer((request, response) => {
      response.statusCode = request.url === '/healthz' ? status : 404;
      response.end(request.headers.host);
    });
  const probe = async (
    server: { address(): AddressInfo | string | null },
    check: Partial<HealthCheckPolicy>,
    protocol: RouteBackend['protocol'] = 'http1',
  ): Promise<CheckResult> => {
    const { port } = server.address() as AddressInfo;
    const endpoint = { address: '127.0.0.1', port };
    return probeEndpoint(
      { endpoint, check: { ...CHECK, ...check }, protocol, tls: undefined },
      AbortSignal.timeout(10_000),
    );
  };
  async function withServer(server: Server, run: (server: Server) => Promise<void>): Promise<void> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await run(server);
    } finally {
      server.close();
    }
  }

  test('HTTP: the status decides', async () => {
    await withServer(answer(204), async (server) => {
      assert.equal(await probe(server, {}), 'passed');
      assert.equal(await probe(server, { path: '/other' }), 'wrong');
      assert.equal(await probe(server, { path: '/other', statuses: [[404, 404]] }), 'passed');
      assert.equal(await probe(server, { type: 'tcp' }), 'passed');
    });
  });

  test('nobody listens', async () => {
    const port = await freePort();
    for (const type of ['http', 'tcp', 'grpc'] as const) {
      const target = {
        endpoint: { address: '127.0.0.1', port },
        check: { ...CHECK, type },
        protocol: 'http1' as const,
        tls: undefined,
      };
      assert.equal(await probeEndpoint(target, AbortSignal.timeout(10_000)), 'failed', type);
    }
  });

  test('gRPC: SERVING passes, any other status is wrong; h2c for HTTP too', async () => {
    const server = createHttp2Server();
    const seen: string[] = [];
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      if (headers[':path'] === '/healthz') {
        stream.respond({ ':status': 200 });
        stream.end();
        return;
      }
      const body: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => body.push(chunk));
      stream.on('end', () => {
        const service = Buffer.concat(body).subarray(7).toString();
        seen.push(`${headers[':path']} ${service}`);
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.from([0, 0, 0, 0, 2, 8, service === 'sick' ? 2 : 1]));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      assert.equal(await probe(server, { type: 'grpc' }), 'passed');
      assert.equal(await probe(server, { type: 'grpc', host: 'sick' }), 'wrong');
      assert.equal(await probe(server, {}, 'h2c'), 'passed');
      assert.deepEqual(seen, ['/grpc.health.v1.Health/Check ', '/grpc.health.v1.Health/Check sick']);
    } finally {
      server.close();
    }
  });

  const frames: readonly [string, readonly number[], number][] = [
    ['SERVING', [0, 0, 0, 0, 2, 8, 1], 1],
    ['NOT_SERVING', [0, 0, 0, 0, 2, 8, 2], 2],
    ['an empty message is UNKNOWN', [0, 0, 0, 0, 0], 0],
    ['compressed', [1, 0, 0, 0, 2, 8, 1], 0],
    ['cut off', [0, 0, 0, 0, 9, 8, 1], 0],
  ];
  for (const [name, bytes, status] of frames) {
    test(`gRPC answer: ${name}`, () => assert.equal(servingStatus(Buffer.from(bytes)), status));
  }
  test('gRPC request', () => assert.deepEqual([...healthRequest('ab')], [0, 0, 0, 0, 4, 0x0a, 2, 97, 98]));
});
