import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { type BackendPolicy, DEFAULT_BACKEND_POLICY } from '../routing/backend-policies.ts';
import { DEFAULT_RETRY, type RetryPolicy } from '../routing/route-policies.ts';
import type { RouteBackend, RouteTimeouts } from '../routing/route-table.ts';
import { systemClock } from '../sys/clock.ts';
import { freePort } from '../sys/testing/free-ports.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
} from './test-rig/gateway-rig.ts';

const web = [{ backend: 'web', weight: 1 }];
const request = (method = 'GET', body = '', fields = ''): string =>
  `${method} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`;
const status = (code: number): string => `HTTP/1.1 ${code} Because\r\nContent-Length: 3\r\n\r\nbad`;

/** An upstream that answers request number n (0 and up) as told; `hang` answers nothing, `reset` breaks off. */
class ScriptedUpstream {
  port = 0;
  readonly seen: string[] = [];
  readonly #script: readonly (string | 'hang' | 'reset')[];
  readonly #server: RawUpstream;

  /** After its end the script's last line is repeated. */
  constructor(script: readonly string[]) {
    this.#script = script;
    this.#server = rawUpstream((connection) =>
      onRequests(connection, (text) => {
        const line = this.#script[Math.min(this.seen.length, this.#script.length - 1)]!;
        this.seen.push(text);
        if (line === 'hang') return undefined;
        if (line !== 'reset') return line;
        connection.socket.destroy();
        return undefined;
      }),
    );
  }
  async listen(): Promise<this> {
    this.port = await this.#server.listen();
    return this;
  }
}

/** Upstreams of the present test, closed after it however it ends. */
const open: RawUpstream[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((upstream) => upstream.close()));
});
function rawUpstream(serve: ConstructorParameters<typeof RawUpstream>[0]): RawUpstream {
  const upstream = new RawUpstream(serve);
  open.push(upstream);
  return upstream;
}

let rig: GatewayRig;
before(async () => {
  rig = await startRig({});
});
after(async () => rig?.stop());

interface Setting {
  readonly retry?: Partial<RetryPolicy>;
  readonly timeouts?: Partial<RouteTimeouts>;
  readonly policy?: Partial<BackendPolicy>;
  readonly balance?: RouteBackend['balance'];
}

/** Installs one route to these ports. Ejection is off unless asked for: retries are what is tested. */
async function install(ports: readonly number[], setting: Setting): Promise<void> {
  const [key, backend] = testBackend('web', ports, setting.balance);
  await rig.apply({
    hosts: [
      testHost('*', [
        testRoute('/', web, {
          ...(setting.retry === undefined ? {} : { retry: { ...DEFAULT_RETRY, ...setting.retry } }),
          timeouts: { requestMs: 'off', connectMs: 5000, idleMs: 60_000, ...setting.timeouts },
        }),
      ]),
    ],
    backends: [[key, { ...backend, policy: { ...DEFAULT_BACKEND_POLICY, outlier: 'off', ...setting.policy } }]],
  });
}

const GOOD = ok('good');
const POST = request('POST', 'x=1');
/** Script of the only upstream, what is asked, and what comes back after how many tries. */
const rows: readonly [
  name: string,
  retry: Partial<RetryPolicy>,
  script: readonly string[],
  asked: string,
  expected: RegExp,
  tries: number,
][] = [
  ['no policy: a 503 is passed on', {}, [status(503), GOOD], request(), /^HTTP\/1\.1 503/, 1],
  ['5xx', { on: ['5xx'] }, [status(500), GOOD], request(), /good$/, 2],
  ['gateway-error: 503', { on: ['gateway-error'] }, [status(503), GOOD], request(), /good$/, 2],
  ['gateway-error: not 500', { on: ['gateway-error'] }, [status(500), GOOD], request(), /^HTTP\/1\.1 500/, 1],
  ['a status of its own', { on: [], statuses: [429] }, [status(429), GOOD], request(), /good$/, 2],
  ['reset', { on: ['reset'] }, ['reset', GOOD], request(), /good$/, 2],
  ['reset without policy', {}, ['reset', GOOD], request(), /^HTTP\/1\.1 502/, 1],
  ['the number of retries', { on: ['5xx'], retries: 3 }, [status(503)], request(), /^HTTP\/1\.1 503/, 4],
  ['none', { on: ['5xx'], retries: 0 }, [status(503)], request(), /^HTTP\/1\.1 503/, 1],
  ['POST is not repeated', { on: ['5xx'] }, [status(503), GOOD], POST, /^HTTP\/1\.1 503/, 1],
  ['POST, when told so, with its body', { on: ['5xx'], methods: 'any' }, [status(503), GOOD], POST, /good$/, 2],
  ['PUT with a body', { on: ['reset'] }, ['reset', GOOD], request('PUT', 'z'.repeat(5000)), /good$/, 2],
  [
    'longer than the replay bound',
    { on: ['reset'], replayMaxBytes: 1000 },
    ['reset', GOOD],
    request('PUT', 'z'.repeat(5000)),
    /^HTTP\/1\.1 502/,
    1,
  ],
  [
    'with backoff',
    { on: ['5xx'], backoffBaseMs: 20, backoffMaxMs: 20, retries: 3 },
    [status(503), status(503), status(503), GOOD],
    request(),
    /good$/,
    4,
  ],
];
describe('retries', () => {
  for (const [name, retry, script, asked, expected, tries] of rows) {
    test(name, async () => {
      const upstream = await new ScriptedUpstream(script).listen();
      await install([upstream.port], { retry });
      assert.match(await rig.exchange(asked), expected);
      assert.equal(upstream.seen.length, tries);
      assert.equal(new Set(upstream.seen).size, 1, 'the same bytes each time');
    });
  }

  test('another endpoint is preferred', async () => {
    const bad = await new ScriptedUpstream([status(503)]).listen();
    const good = await new ScriptedUpstream([GOOD]).listen();
    await install([bad.port, good.port], { retry: { on: ['5xx'], retries: 1 } });
    for (let i = 0; i < 10; i++) assert.match(await rig.exchange(request()), /good$/);
    assert.ok(bad.seen.length > 0);
  });

  test('a body that is still coming goes on to the next try', async () => {
    const upstream = await new ScriptedUpstream([GOOD]).listen();
    await install([await freePort(), upstream.port], { balance: 'round-robin' });
    for (let i = 0; i < 4; i++) {
      const client = rig.dial();
      client.send('POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabc');
      client.send('def');
      assert.match(await client.untilEnd(), /good$/);
    }
    for (const text of upstream.seen) assert.match(text, /abcdef$/);
  });

  test('the budget bounds retries under way', async () => {
    const upstream = await new ScriptedUpstream([status(503)]).listen();
    await install([upstream.port], {
      retry: { on: ['5xx'], retries: 1 },
      policy: { retryBudget: { share: 0, min: 0 } },
    });
    const before = rig.gateway.stats().retriesRefused;
    assert.match(await rig.exchange(request()), /^HTTP\/1\.1 503 .*bad$/s);
    assert.equal(upstream.seen.length, 1);
    assert.equal(rig.gateway.stats().retriesRefused, before + 1);
  });

  test('an interrupted answer is never repeated', async () => {
    const upstream = await new ScriptedUpstream(['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', GOOD]).listen();
    await install([upstream.port], { retry: { on: ['5xx', 'reset'] }, timeouts: { idleMs: 300 } });
    assert.match(await rig.exchange(request()), /half$/);
    assert.equal(upstream.seen.length, 1);
  });
});

describe('time of one try', () => {
  test('out of time: 504, or another try', async () => {
    const upstream = await new ScriptedUpstream(['hang', 'hang', GOOD]).listen();
    await install([upstream.port], { timeouts: { tryMs: 400 } });
    assert.match(await rig.exchange(request()), /^HTTP\/1\.1 504/);
    await install([upstream.port], { timeouts: { tryMs: 400 }, retry: { on: ['try-timeout'] } });
    assert.match(await rig.exchange(request()), /good$/);
    assert.equal(upstream.seen.length, 3);
  });

  test('it ends with the head: a slow body is not cut off', async () => {
    const upstream = rawUpstream((connection) =>
      onRequests(connection, () => {
        connection.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfour');
        systemClock.after(900, () => connection.send('more'));
        return undefined;
      }),
    );
    await install([await upstream.listen()], { timeouts: { tryMs: 400 }, retry: { on: ['try-timeout'] } });
    assert.match(await rig.exchange(request()), /fourmore$/);
  });

  test('the whole request has its own limit, tries and pauses included', async () => {
    const upstream = await new ScriptedUpstream([status(503)]).listen();
    await install([upstream.port], {
      timeouts: { requestMs: 1000 },
      retry: { on: ['5xx'], retries: 9, backoffBaseMs: 60_000, backoffMaxMs: 600_000 },
    });
    assert.match(await rig.exchange(request()), /^HTTP\/1\.1 504/);
    assert.equal(upstream.seen.length, 1);
  });
});

describe('hedging', () => {
  test('a second try beside a slow one; the first good answer wins and the loser is cancelled', async () => {
    const slow = rawUpstream(() => {});
    const fast = await new ScriptedUpstream([GOOD]).listen();
    await install([await slow.listen(), fast.port], { timeouts: { tryMs: 400 }, retry: { hedge: true, on: [] } });
    const before = rig.gateway.stats().hedges;
    for (let i = 0; i < 4; i++) assert.match(await rig.exchange(request()), /good$/);
    const hedged = rig.gateway.stats().hedges - before;
    assert.ok(hedged >= 1, 'the slow one was asked first at least once');
    assert.equal(slow.connections.length, hedged);
    for (const connection of slow.connections) await connection.untilEnd();
  });

  test('the slow one may still win, when the second fails', async () => {
    let answer: (() => void) | undefined;
    const upstream = rawUpstream((connection, index) =>
      onRequests(connection, () => {
        if (index > 0) {
          answer?.();
          return status(503);
        }
        answer = () => connection.send(GOOD);
        return undefined;
      }),
    );
    await install([await upstream.listen()], {
      timeouts: { tryMs: 400 },
      retry: { hedge: true, on: ['5xx'], retries: 1 },
    });
    assert.match(await rig.exchange(request()), /good$/);
    assert.equal(upstream.connections.length, 2);
  });

  test('a POST is not hedged', async () => {
    const upstream = await new ScriptedUpstream(['hang']).listen();
    await install([upstream.port], { timeouts: { tryMs: 50, requestMs: 1000 }, retry: { hedge: true } });
    assert.match(await rig.exchange(POST), /^HTTP\/1\.1 504/);
    assert.equal(upstream.seen.length, 1);
  });
});
