import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { BackendMemory, createBackendMemory } from '@fairlead/balance';
import { DEFAULT_BACKEND_POLICY, type LimitPolicy } from '../routing/backend-policies.ts';
import { DEFAULT_RETRY } from '../routing/route-policies.ts';
import type { Route } from '../routing/route-table.ts';
import { systemClock } from '../sys/clock.ts';
import { ConnectionQueue } from './connection-queue.ts';
import { EitherClient, HTTP_VERSIONS } from './test-rig/either-client.ts';
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

/** Requests that are held back, in the order of their arrival. */
let held: { readonly path: string; readonly length: number; readonly answer: () => void }[] = [];
let seen: string[] = [];
let underWay = 0;
let most = 0;
let arrived: () => void = () => {};
const upstream = new RawUpstream((connection) =>
  onRequests(connection, (request) => {
    const path = request.split(' ')[1]!;
    seen.push(path);
    most = Math.max(most, ++underWay);
    const answer = (): void => {
      underWay--;
      connection.send(ok(path));
    };
    if (path.startsWith('/quick')) setImmediate(answer);
    else held.push({ path, length: request.length - request.indexOf('\r\n\r\n') - 4, answer });
    arrived();
    return undefined;
  }),
);
let rig: GatewayRig;
let port = 0;

before(async () => {
  port = await upstream.listen();
  rig = await startRig({}, { workers: 2 });
});
afterEach(() => {
  held = [];
  seen = [];
  underWay = 0;
  most = 0;
});
after(async () => {
  await rig?.stop();
  await upstream.close();
});

let round = 0;
/** Each test has a backend of its own: its counts begin at nothing. */
async function install(limits: Partial<LimitPolicy>, route: Partial<Route> = {}): Promise<string> {
  const key = `web-${++round}`;
  const [, backend] = testBackend(key, [port]);
  const policy = { ...DEFAULT_BACKEND_POLICY, limits: { ...DEFAULT_BACKEND_POLICY.limits, ...limits } };
  await rig.apply({
    hosts: [testHost('*', [testRoute('/', [{ backend: key, weight: 1 }], route)])],
    backends: [[key, { ...backend, key, policy, identity: key }]],
  });
  return key;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  await within(
    what,
    (async () => {
      while (!holds()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        arrived = resolve;
        await promise;
      }
    })(),
  );
}
/** So many requests are in the gateway, whether they wait or not. */
async function untilInFlight(key: string, count: number): Promise<void> {
  const now = (): number => rig.gateway.backendLoads().find(({ identity }) => identity === key)?.inFlight ?? 0;
  await within(
    `${count} requests`,
    (async () => {
      while (now() < count) await systemClock.sleep(1);
    })(),
  );
}
const get = (path: string): Promise<string> =>
  rig.exchange(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
const statusOf = (answer: string): number => Number(answer.slice(9, 12));

describe('a backend with one connection', () => {
  test('everybody has it in turn, in both workers', async () => {
    await install({ connections: 1, waitMs: 60_000 });
    const answers = await within('answers', Promise.all(Array.from({ length: 40 }, (_, at) => get(`/quick/${at}`))));
    for (const [at, answer] of answers.entries()) assert.match(answer, new RegExp(`200 OK[^]*/quick/${at}$`));
    assert.equal(most, 1);
  });

  for (const version of HTTP_VERSIONS) {
    test(`an upload waits as it is, and what was read with its head is more than retries keep, ${version}`, async () => {
      const key = await install(
        { connections: 1, waitMs: 60_000 },
        { retry: { ...DEFAULT_RETRY, replayMaxBytes: 1000 } },
      );
      const first = get('/held');
      await until('the first', () => held.length === 1);
      const client = new EitherClient(rig.port, version);
      const upload = client.ask({ path: '/upload', method: 'POST', body: 'x'.repeat(300_000) });
      await untilInFlight(key, 2);
      assert.equal(seen.length, 1);
      held[0]!.answer();
      assert.equal(statusOf(await first), 200);
      await until('the upload', () => held.length === 2);
      assert.equal(held[1]!.path, '/upload');
      // From HTTP/2 it comes in chunks.
      assert.ok(held[1]!.length >= 300_000, String(held[1]!.length));
      held[1]!.answer();
      assert.equal((await within('an answer', upload)).status, 200);
      client.close();
    });
  }

  test('who has waited long enough is told so', async () => {
    await install({ connections: 1, waitMs: 30 });
    const first = get('/held');
    await until('the first', () => held.length === 1);
    const { overflows } = rig.gateway.stats();
    assert.equal(statusOf(await get('/late')), 503);
    assert.equal(rig.gateway.stats().overflows, overflows + 1);
    held[0]!.answer();
    assert.equal(statusOf(await first), 200);
    assert.deepEqual(seen, ['/held']);
  });

  test('a backend that loses its endpoints has nothing to wait for', async () => {
    const key = await install({ connections: 1, waitMs: 60_000 });
    const first = get('/held');
    await until('the first', () => held.length === 1);
    const second = get('/second');
    const [, backend] = testBackend(key, []);
    await rig.apply({ backends: [[key, backend]] });
    assert.equal(statusOf(await within('a refusal', second)), 503);
    held[0]!.answer();
    assert.equal(statusOf(await first), 200);
  });

  test('without the wish nobody waits', async () => {
    await install({ connections: 1 });
    const first = get('/held');
    await until('the first', () => held.length === 1);
    assert.equal(statusOf(await get('/second')), 503);
    held[0]!.answer();
    await first;
  });
});

test('a connection that another backend of the endpoint has left counts for the one that uses it', async () => {
  const own = await startRig({}, { workers: 1 });
  try {
    const policy = { ...DEFAULT_BACKEND_POLICY, limits: { ...DEFAULT_BACKEND_POLICY.limits, connections: 1 } };
    const [, backend] = testBackend('x', [port]);
    await own.apply({
      hosts: [
        testHost(
          '*',
          ['one', 'other'].map((key) => testRoute(`/${key}`, [{ backend: key, weight: 1 }])),
        ),
      ],
      backends: ['one', 'other'].map((key) => [key, { ...backend, key, policy }] as const),
    });
    const ask = (path: string): Promise<string> =>
      own.exchange(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    const before = upstream.connections.length;
    const first = ask('/one');
    await until('the first', () => held.length === 1);
    held[0]!.answer();
    await first;
    const second = ask('/other');
    await until('the second', () => held.length === 2);
    assert.equal(upstream.connections.length - before, 1, 'both over one connection');
    assert.equal(statusOf(await ask('/other')), 503);
    const third = ask('/one');
    await until('the third', () => held.length === 3);
    for (const { answer } of held.slice(1)) answer();
    assert.deepEqual((await Promise.all([second, third])).map(statusOf), [200, 200]);
  } finally {
    await own.stop();
  }
});

describe('the queue', () => {
  const LIMITS = { pending: 3, waitMs: 50 };
  /** A reactor whose time passes when it is told so. */
  class ManualTimers {
    nowMs = 0;
    readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
    readonly after = (delayMs: number, callback: () => void): (() => void) => {
      const timer = { atMs: this.nowMs + delayMs, callback };
      this.#timers.add(timer);
      return () => this.#timers.delete(timer);
    };
    pass(ms: number): void {
      this.nowMs += ms;
      for (const timer of [...this.#timers].sort((a, b) => a.atMs - b.atMs)) {
        if (timer.atMs <= this.nowMs && this.#timers.delete(timer)) timer.callback();
      }
    }
    get count(): number {
      return this.#timers.size;
    }
  }

  function setUp(): {
    readonly timers: ManualTimers;
    readonly queue: ConnectionQueue;
    readonly memory: BackendMemory;
    readonly events: string[];
    readonly free: Set<string>;
    join(name: string): (() => void) | undefined;
    pending(): number;
  } {
    const timers = new ManualTimers();
    const queue = new ConnectionQueue(timers);
    const memory = new BackendMemory(createBackendMemory(4));
    const slot = memory.acquire('web');
    const events: string[] = [];
    /** Who would get a connection now. */
    const free = new Set<string>();
    const tryAgain = (name: string): boolean => {
      if (free.has(name)) events.push(`${name} begins`);
      return free.has(name);
    };
    return {
      timers,
      queue,
      memory,
      events,
      free,
      join: (name) =>
        queue.join(
          memory,
          { slot, ...LIMITS },
          () => tryAgain(name),
          () => events.push(`${name} is late`),
        ),
      pending: () => memory.count(slot, 'pending'),
    };
  }

  test('the first one is first, and the others wait behind it', () => {
    const { queue, timers, events, free, join, pending } = setUp();
    for (const name of ['a', 'b', 'c']) assert.ok(join(name) !== undefined);
    assert.equal(join('d'), undefined, 'no more than may');
    assert.equal(pending(), 3);
    free.add('b').add('c');
    queue.wake();
    timers.pass(0);
    assert.deepEqual(events, []);
    free.add('a');
    queue.wake();
    queue.wake();
    assert.deepEqual(events, [], 'not within the call of who leaves');
    timers.pass(0);
    assert.deepEqual(events, ['a begins', 'b begins', 'c begins']);
    assert.equal(pending(), 0);
    timers.pass(1000);
    assert.deepEqual([events.length, timers.count], [3, 0]);
  });

  test('looks by itself, for others leave connections silently', () => {
    const { timers, events, free, join } = setUp();
    join('a');
    free.add('a');
    timers.pass(10);
    assert.deepEqual(events, ['a begins']);
  });

  test('who waits too long is told once, and who leaves never', () => {
    const { timers, events, join, pending } = setUp();
    join('a');
    const leave = join('b')!;
    leave();
    leave();
    assert.equal(pending(), 1);
    timers.pass(49);
    assert.deepEqual(events, []);
    timers.pass(1);
    assert.deepEqual(events, ['a is late']);
    assert.equal(pending(), 0);
    timers.pass(100);
    assert.deepEqual([events.length, timers.count], [1, 0]);
  });
});
