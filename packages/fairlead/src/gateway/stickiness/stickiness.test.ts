import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, afterEach, before, describe, test } from 'node:test';
import { hashText } from '@fairlead/balance';
import type { StickyCookie, StickyFilter } from '../../routing/route-filters.ts';
import { freePort } from '../../sys/testing/free-ports.ts';
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
} from '../test-rig/gateway-rig.ts';
import { rendezvousScore } from './sticky-session.ts';

const COOKIE: StickyCookie = {
  type: 'cookie',
  name: 'sid',
  path: '/',
  maxAgeS: 'session',
  sameSite: 'lax',
  secure: 'auto',
  httpOnly: true,
};
const STICKY: StickyFilter = { type: 'sticky', by: COOKIE, mode: 'persistent', changeOnFailure: true, key: 'uid-1' };
const SIZE = 4;

/** Endpoints that answer their number. */
const upstreams: RawUpstream[] = [];
const ports: number[] = [];
/** Two gateways that read the same objects; the first has two workers. */
const rigs: GatewayRig[] = [];

function upstreamOf(number: number): RawUpstream {
  return new RawUpstream((connection) => onRequests(connection, () => ok(`endpoint ${number}`)));
}

before(async () => {
  for (let number = 0; number < SIZE; number++) {
    upstreams[number] = upstreamOf(number);
    // One that is closed for a moment comes back at the same port.
    ports[number] = await upstreams[number]!.listen(await freePort());
  }
  rigs.push(await startRig({}, { workers: 2 }), await startRig({}));
});

after(async () => {
  await Promise.all(rigs.map((rig) => rig.stop()));
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

const one = [{ backend: 'web', weight: 1 }];
type Endpoints = readonly number[];

/** Installs a route in both gateways. */
async function install(
  filter: StickyFilter,
  endpoints: Endpoints,
  more: Readonly<Record<string, Endpoints>> = {},
): Promise<void> {
  const backends = [one[0]!, ...Object.keys(more).map((backend) => ({ backend, weight: 1 }))];
  for (const rig of rigs) {
    await rig.apply({
      hosts: [testHost('*', [testRoute('/', backends, { filters: [filter] })])],
      backends: [['web', endpoints] as const, ...Object.entries(more)].map(([name, numbers]) =>
        testBackend(
          name,
          numbers.map((number) => ports[number]!),
        ),
      ),
    });
  }
}

interface Visit {
  readonly endpoint: number;
  /** What the client was told, with its attributes. */
  readonly told: string | undefined;
}

async function visit(value?: string, rig: GatewayRig = rigs[0]!, name = 'sid'): Promise<Visit> {
  const field =
    name === 'sid'
      ? value === undefined
        ? ''
        : `Cookie: a=b; sid=${value}; c=d\r\n`
      : value === undefined
        ? ''
        : `${name}: ${value}\r\n`;
  const received = await rig.exchange(`GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${field}\r\n`);
  const told = new RegExp(`^${name === 'sid' ? 'set-cookie: sid=' : `${name}: `}(.*)\r$`, 'm').exec(received)?.[1];
  return { endpoint: Number(/endpoint (\d)/.exec(received)?.[1] ?? -1), told };
}
const valueIn = ({ told }: Visit): string => told?.split(';')[0] ?? '';

describe('sticky sessions, persistent', () => {
  test('a client stays with its endpoint, in all workers and gateways, and is told once', async () => {
    await install(STICKY, [0, 1, 2, 3]);
    for (let client = 0; client < 8; client++) {
      const first = await visit();
      const value = valueIn(first);
      assert.match(first.told ?? '', /^[-\w]{8}\.[-\w]{22}; Path=\/; HttpOnly; SameSite=Lax$/);
      for (let i = 0; i < 6; i++) {
        assert.deepEqual(await visit(value, rigs[i % 2]), { endpoint: first.endpoint, told: undefined });
      }
    }
  });

  test('clients without a session are spread', async () => {
    await install(STICKY, [0, 1, 2, 3]);
    const seen = new Set<number>();
    for (let i = 0; i < 40 && seen.size < SIZE; i++) seen.add((await visit()).endpoint);
    assert.equal(seen.size, SIZE);
  });

  test('also after workers were replaced', async () => {
    await install(STICKY, [0, 1, 2, 3]);
    const first = await visit();
    await within('new workers', rigs[0]!.gateway.replaceWorkers({ drainMs: 100 }));
    for (let i = 0; i < 4; i++) {
      assert.deepEqual(await visit(valueIn(first)), { endpoint: first.endpoint, told: undefined });
    }
  });

  test('where the endpoint is gone another is chosen, and the cookie renewed', async () => {
    await install(STICKY, [0, 1, 2, 3]);
    const first = await visit();
    await install(
      STICKY,
      [0, 1, 2, 3].filter((number) => number !== first.endpoint),
    );
    const second = await visit(valueIn(first));
    assert.notEqual(second.endpoint, first.endpoint);
    assert.notEqual(valueIn(second), '');
    assert.deepEqual(await visit(valueIn(second), rigs[1]), { endpoint: second.endpoint, told: undefined });
  });

  for (const [name, changeOnFailure] of [
    ['a session moves for good when its endpoint fails', true],
    ['a session comes back to its endpoint', false],
  ] as const) {
    test(name, async () => {
      await install({ ...STICKY, changeOnFailure }, [0, 1, 2, 3]);
      const first = await visit();
      await upstreams[first.endpoint]!.close();
      try {
        const second = await visit(valueIn(first));
        assert.notEqual(second.endpoint, first.endpoint);
        assert.ok(second.endpoint >= 0, 'another endpoint has answered');
        assert.equal(second.told !== undefined, changeOnFailure);
      } finally {
        upstreams[first.endpoint] = upstreamOf(first.endpoint);
        await upstreams[first.endpoint]!.listen(ports[first.endpoint]);
      }
      const third = await visit(valueIn(first));
      assert.deepEqual(third, { endpoint: first.endpoint, told: undefined });
    });
  }

  test('of several backends it stays with the one that it began with, also when the endpoint is gone', async () => {
    await install(STICKY, [0, 1], { other: [2, 3] });
    for (let client = 0; client < 6; client++) {
      const first = await visit();
      for (let i = 0; i < 4; i++) assert.equal((await visit(valueIn(first), rigs[i % 2])).endpoint, first.endpoint);
      const isWeb = first.endpoint < 2;
      const rest = [0, 1, 2, 3].filter((number) => number !== first.endpoint);
      await install(
        STICKY,
        rest.filter((number) => number < 2),
        { other: rest.filter((number) => number >= 2) },
      );
      const second = await visit(valueIn(first));
      assert.equal(second.endpoint < 2, isWeb);
      await install(STICKY, [0, 1], { other: [2, 3] });
    }
  });

  test('a backend that the route has no more is left', async () => {
    await install(STICKY, [], { other: [2] });
    let first = await visit();
    while (first.endpoint !== 2) first = await visit();
    await install(STICKY, [1]);
    assert.equal((await visit(valueIn(first))).endpoint, 1);
  });

  test('values of others are no sessions', async () => {
    await install(STICKY, [0, 1, 2, 3]);
    for (const value of ['', 'x', '127.0.0.1', `${'a'.repeat(8)}.${'b'.repeat(22)}`, `${'a'.repeat(8)}.`]) {
      assert.notEqual((await visit(value)).told, undefined, value);
    }
    const first = await visit();
    await install({ ...STICKY, key: 'uid-2' }, [0, 1, 2, 3]);
    assert.notEqual((await visit(valueIn(first))).told, undefined, 'of another Ingress');
  });

  test('a session may begin with an upgrade, and stays', async () => {
    const upgrading = await Promise.all(
      [0, 1].map(async (number) => {
        const upstream = new RawUpstream((connection) =>
          onRequests(
            connection,
            () =>
              `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\nX-Endpoint: ${number}\r\n\r\n`,
          ),
        );
        return { upstream, port: await upstream.listen() };
      }),
    );
    try {
      await rigs[0]!.apply({
        hosts: [testHost('*', [testRoute('/', one, { filters: [STICKY] })])],
        backends: [
          testBackend(
            'web',
            upgrading.map(({ port }) => port),
          ),
        ],
      });
      const upgrade = async (cookie: string): Promise<readonly [endpoint: string, told: string | undefined]> => {
        const connection = rigs[0]!.dial();
        connection.send(`GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n${cookie}\r\n`);
        const head = await connection.until('101', (received) => received.endsWith('\r\n\r\n'));
        connection.socket.destroy();
        return [/^x-endpoint: (\d)/im.exec(head)![1]!, /^set-cookie: (sid=[^;]+);/im.exec(head)?.[1]];
      };
      const [endpoint, told] = await upgrade('');
      assert.match(told ?? '', /^sid=[-\w]{8}\.[-\w]{22}$/);
      for (let i = 0; i < 4; i++) assert.deepEqual(await upgrade(`Cookie: ${told}\r\n`), [endpoint, undefined]);
    } finally {
      await Promise.all(upgrading.map(({ upstream }) => upstream.close()));
    }
  });

  test('an answer of the gateway itself starts no session', async () => {
    await install(STICKY, []);
    assert.equal((await visit()).told, undefined);
  });

  test('by a field', async () => {
    await install({ ...STICKY, by: { type: 'header', name: 'x-session' } }, [0, 1, 2, 3]);
    const first = await visit(undefined, rigs[0], 'x-session');
    assert.match(first.told ?? '', /^[-\w]{8}\.[-\w]{22}$/);
    for (let i = 0; i < 4; i++) {
      assert.deepEqual(await visit(first.told, rigs[i % 2], 'x-session'), {
        endpoint: first.endpoint,
        told: undefined,
      });
    }
  });

  const attributes: readonly (readonly [name: string, cookie: Partial<StickyCookie>, attributes: string])[] = [
    ['a path and an age', { path: '/shop', maxAgeS: 3600 }, '; Path=/shop; Max-Age=3600; HttpOnly; SameSite=Lax'],
    ['secure', { secure: 'on', sameSite: 'none' }, '; Path=/; Secure; HttpOnly; SameSite=None'],
    ['for scripts', { httpOnly: false, sameSite: 'strict' }, '; Path=/; SameSite=Strict'],
    ['nothing of this', { httpOnly: false, sameSite: 'off' }, '; Path=/'],
  ];
  for (const [name, cookie, expected] of attributes) {
    test(`attributes of the cookie: ${name}`, async () => {
      await install({ ...STICKY, by: { ...COOKIE, ...cookie } }, [0]);
      const { told } = await visit();
      assert.equal(told?.slice(told.indexOf(';')), expected);
    });
  }

  test('over HTTP/2, with one field per cookie', async () => {
    await install(STICKY, [0, 1, 2, 3]);
    const session = http2.connect(`http://127.0.0.1:${rigs[0]!.port}`);
    session.on('error', () => {});
    const ask = async (cookie: readonly string[]): Promise<readonly [told: string | undefined, body: string]> => {
      const stream = session.request({ ':path': '/', ':authority': 'h', cookie: [...cookie] });
      const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      return [
        headers['set-cookie']?.[0],
        Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString(),
      ];
    };
    const [told, body] = await within('an answer', ask([]));
    for (let i = 0; i < 5; i++) {
      assert.deepEqual(await within('an answer', ask(['a=b', told!.split(';')[0]!])), [undefined, body]);
    }
    session.close();
  });
});

describe('sticky sessions, balanced', () => {
  const balanced: StickyFilter = { ...STICKY, mode: 'balanced' };
  afterEach(async () => install(balanced, [0]));

  test('one endpoint more takes its share of the sessions, and no other moves', async () => {
    await install(balanced, [0, 1, 2]);
    const clients: Visit[] = [];
    for (let i = 0; i < 40; i++) clients.push(await visit());
    assert.equal(new Set(clients.map(({ endpoint }) => endpoint)).size, 3);
    for (const client of clients) {
      assert.deepEqual(await visit(valueIn(client), rigs[1]), { endpoint: client.endpoint, told: undefined });
    }
    await install(balanced, [0, 1, 2, 3]);
    let moved = 0;
    for (const client of clients) {
      const { endpoint, told } = await visit(valueIn(client));
      assert.equal(told, undefined);
      if (endpoint === client.endpoint) continue;
      assert.equal(endpoint, 3);
      moved++;
    }
    assert.ok(moved > 0 && moved < 30, `${moved} of 40`);
  });

  test('endpoints take sessions by weight, and a weight that grows takes over but moves no others', () => {
    const winner = (weights: Readonly<Record<string, number>>, seed: number): string =>
      Object.entries(weights)
        .map(([label, weight]) => [rendezvousScore(seed, label, weight), label] as const)
        .reduce((best, each) => (each[0] > best[0] ? each : best))[1];
    const before = { '10.0.0.1:80': 1, '10.0.0.2:80': 1, '10.0.0.3:80': 2 };
    const after = { ...before, '10.0.0.1:80': 2 };
    const counts = new Map<string, number>();
    for (let session = 0; session < 20_000; session++) {
      const seed = hashText(`session ${session}`, 0);
      const won = winner(before, seed);
      counts.set(won, (counts.get(won) ?? 0) + 1);
      const now = winner(after, seed);
      if (now !== won) assert.equal(now, '10.0.0.1:80');
    }
    for (const [label, weight] of Object.entries(before)) {
      const share = counts.get(label)! / 20_000;
      assert.ok(Math.abs(share - weight / 4) < 0.02, `${label}: ${share}`);
    }
  });

  test('one endpoint less moves its own sessions only', async () => {
    await install(balanced, [0, 1, 2, 3]);
    const clients: Visit[] = [];
    for (let i = 0; i < 20; i++) clients.push(await visit());
    await install(balanced, [0, 1, 2]);
    for (const client of clients) {
      const { endpoint } = await visit(valueIn(client), rigs[1]);
      if (client.endpoint !== 3) assert.equal(endpoint, client.endpoint);
      else assert.notEqual(endpoint, 3);
    }
  });
});
