import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { type BackendPolicy, DEFAULT_BACKEND_POLICY, DEFAULT_OUTLIER } from '../routing/backend-policies.ts';
import type { RouteBackend, RouteEndpoint } from '../routing/route-table.ts';
import { systemClock } from '../sys/clock.ts';
import type { GatewayOptions } from './start.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testHost,
  testRoute,
  within,
} from './test-rig/gateway-rig.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An upstream that answers with its name, or as told. */
async function named(name: string, answer: (request: string) => string | undefined = () => ok(name)): Promise<number> {
  const upstream = new RawUpstream((connection) => onRequests(connection, answer));
  closing.push(() => upstream.close());
  return upstream.listen();
}

async function start(
  endpoints: readonly (Partial<RouteEndpoint> & { readonly port: number })[],
  policy: Partial<BackendPolicy>,
  more: { readonly balance?: RouteBackend['balance']; readonly options?: Partial<GatewayOptions> } = {},
): Promise<GatewayRig> {
  const rig = await startRig(
    {
      hosts: [testHost('*', [testRoute('/', [{ backend: 'web', weight: 1 }])])],
      backends: [
        [
          'web',
          {
            key: 'web',
            protocol: 'http1',
            balance: more.balance ?? 'round-robin',
            endpoints: endpoints.map((endpoint) => ({ address: '127.0.0.1', weight: 1, ...endpoint })),
            policy: { ...DEFAULT_BACKEND_POLICY, ...policy },
          },
        ],
      ],
    },
    more.options,
  );
  closing.push(() => rig.stop());
  return rig;
}

const get = (fields = '', target = '/'): string =>
  `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}\r\n`;
const bodyOf = (response: string): string => response.slice(response.indexOf('\r\n\r\n') + 4);
const ask = async (rig: GatewayRig, fields = '', target = '/'): Promise<string> =>
  bodyOf(await rig.exchange(get(fields, target)));

async function askMany(rig: GatewayRig, count: number): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = await ask(rig);
    seen[name] = (seen[name] ?? 0) + 1;
  }
  return seen;
}

/** Waits until the answers are as wanted. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  await within(
    what,
    (async () => {
      while (!(await isSo())) await systemClock.sleep(20);
    })(),
  );
}

describe('limits', () => {
  const rows: readonly [string, Partial<BackendPolicy['limits']>][] = [
    ['requests', { requests: 2 }],
    ['connections', { connections: 2 }],
  ];
  for (const [name, limits] of rows) {
    test(`${name}: what exceeds them is answered 503 at once, and there is room again afterwards`, async () => {
      const waiting: (() => void)[] = [];
      let holds = true;
      const upstream = new RawUpstream((connection) =>
        onRequests(connection, () => {
          if (!holds) return ok('done');
          waiting.push(() => connection.send(ok('done')));
          return undefined;
        }),
      );
      closing.push(() => upstream.close());
      const port = await upstream.listen();
      const rig = await start(
        [{ port }],
        { limits: { ...DEFAULT_BACKEND_POLICY.limits, ...limits } },
        { options: { workers: 2 } },
      );
      const first = [rig.exchange(get()), rig.exchange(get())];
      await until('both to arrive', () => Promise.resolve(waiting.length === 2));
      assert.match(await rig.exchange(get()), /^HTTP\/1\.1 503/);
      assert.equal(rig.gateway.stats().overflows, 1);
      holds = false;
      for (const answer of waiting) answer();
      for (const response of await Promise.all(first)) assert.match(response, /done$/);
      // A client may have its answer a moment before the other worker sees that there is room.
      await until('room again', async () => /done$/.test(await rig.exchange(get())));
    });
  }
});

describe('priorities and zones', () => {
  test('higher priorities get nothing while the first is healthy, and take over when it is ejected', async () => {
    const first = await named('first', () => 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n');
    const alsoFirst = await named('also-first', () => 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n');
    const second = await named('second');
    const outlier = { ...DEFAULT_OUTLIER, consecutiveGateway: 3, maxEjectedShare: 1 };
    const rig = await start([{ port: first }, { port: alsoFirst }, { port: second, priority: 1 }], { outlier });
    assert.equal(await ask(rig), '');
    await until('the second to take over', async () => (await askMany(rig, 5)).second === 5);
    assert.equal(rig.gateway.stats().ejections, 2);
  });

  test('its own zone is preferred; without one there is no preference', async () => {
    const near = await named('near');
    const far = await named('far');
    const endpoints = [
      { port: near, zone: 'a' },
      { port: far, zone: 'b' },
    ];
    const inZone = await start(endpoints, { zone: 'prefer' }, { options: { zone: 'a' } });
    assert.deepEqual(await askMany(inZone, 6), { near: 6 });
    const nowhere = await start(endpoints, { zone: 'prefer' });
    assert.deepEqual(await askMany(nowhere, 6), { near: 3, far: 3 });
  });

  test('a zone that becomes known later counts from then on', async () => {
    const near = await named('near');
    const far = await named('far');
    const endpoints = [
      { port: near, zone: 'a' },
      { port: far, zone: 'b' },
    ];
    const rig = await start(endpoints, { zone: 'prefer' });
    assert.deepEqual(await askMany(rig, 6), { near: 3, far: 3 });
    rig.gateway.setZone('b');
    await until('the zone to count', async () => (await askMany(rig, 6)).far === 6);
    await rig.gateway.replaceWorkers({ drainMs: 100 });
    assert.deepEqual(await askMany(rig, 6), { far: 6 });
  });

  test('zone-aware: everything stays while the zone has its share', async () => {
    const near = await named('near');
    const far = await named('far');
    const many = (port: number, zone: string, count: number): RouteEndpoint[] =>
      Array.from({ length: count }, (_, index) => ({ address: `127.0.0.${index + 1}`, port, weight: 1, zone }));
    // Upstreams listen on 127.0.0.1 only: the others are never connected to because they have no weight.
    const awake = (list: RouteEndpoint[]): RouteEndpoint[] =>
      list.map((each, index) => (index === 0 ? each : { ...each, weight: 1e-9 }));
    const rig = await start(
      [...awake(many(near, 'a', 3)), ...awake(many(far, 'b', 3))],
      { zone: 'aware' },
      { balance: 'random', options: { zone: 'a' } },
    );
    assert.deepEqual(await askMany(rig, 12), { near: 12 });
  });
});

describe('subsets', () => {
  test('a gateway uses its part of the endpoints, another one another part, and all of few', async () => {
    const ports = await Promise.all(Array.from({ length: 6 }, (_, n) => named(`e${n}`)));
    const endpoints = ports.map((port) => ({ port }));
    const parts = new Set<string>();
    for (const gatewayName of ['gateway-0', 'gateway-1', 'gateway-2', 'gateway-3']) {
      const rig = await start(endpoints, { subsetSize: 2 }, { options: { gatewayName } });
      const seen = await askMany(rig, 12);
      assert.deepEqual(Object.values(seen), [6, 6]);
      parts.add(Object.keys(seen).sort().join());
    }
    assert.ok(parts.size > 1, [...parts].join(' '));
    const few = await start(endpoints.slice(0, 2), { subsetSize: 2 });
    assert.equal(Object.keys(await askMany(few, 4)).length, 2);
  });

  test('the second priority has a part of its own', async () => {
    const first = await Promise.all(['a', 'b', 'c'].map((name) => named(name)));
    const second = await Promise.all(['x', 'y', 'z'].map((name) => named(name, () => ok('second'))));
    const rig = await start([...first.map((port) => ({ port })), ...second.map((port) => ({ port, priority: 1 }))], {
      subsetSize: 1,
      outlier: { ...DEFAULT_OUTLIER, consecutiveGateway: 1, maxEjectedShare: 1 },
    });
    const [name] = Object.keys(await askMany(rig, 6));
    assert.match(name!, /^[abc]$/);
  });
});

describe('consistent hashing', () => {
  for (const balance of ['ring-hash', 'maglev'] as const) {
    test(`${balance}: the same key the same endpoint, in every worker; keys are spread`, async () => {
      const ports = await Promise.all(['a', 'b', 'c'].map((name) => named(name)));
      const hashBy = [
        { type: 'header', name: 'x-user' },
        { type: 'cookie', name: 'sid' },
        { type: 'query', name: 'q' },
      ] as const;
      const rig = await start(
        ports.map((port) => ({ port })),
        { hashBy },
        { balance, options: { workers: 2 } },
      );
      const owners = new Set<string>();
      for (let user = 0; user < 12; user++) {
        const answers = new Set<string>();
        for (let i = 0; i < 4; i++) answers.add(await ask(rig, `X-User: user-${user}\r\n`));
        assert.equal(answers.size, 1);
        for (const answer of answers) owners.add(answer);
      }
      assert.ok(owners.size > 1, 'more than one endpoint');
      const byCookie = new Set([await ask(rig, 'Cookie: a=b; sid=7\r\n'), await ask(rig, 'Cookie: sid=7\r\n')]);
      const byQuery = new Set([await ask(rig, '', '/?q=7'), await ask(rig, '', '/x?y=1&q=7')]);
      assert.deepEqual([byCookie.size, byQuery.size], [1, 1]);
    });
  }
});

describe('health', () => {
  const check = {
    type: 'http',
    path: '/healthz',
    host: '',
    statuses: [[200, 299]],
    intervalMs: 50,
    timeoutMs: 5000,
    jitter: 0,
    unhealthyThreshold: 1,
    healthyThreshold: 1,
    unhealthyIntervalMs: 50,
    edgeIntervalMs: 50,
    noTrafficIntervalMs: 50,
  } as const;

  test('an endpoint that fails its checks gets nothing, in all workers, and is back when it passes', async () => {
    let isSick = true;
    const sick = await named('sick', (request) =>
      request.startsWith('GET /healthz') && isSick ? 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n' : ok('sick'),
    );
    const well = await named('well');
    const rig = await start([{ port: sick }, { port: well }], { health: check }, { options: { workers: 2 } });
    await until('the sick one to be left alone', async () => (await askMany(rig, 10)).well === 10);
    isSick = false;
    await until('it to be back', async () => (await askMany(rig, 10)).sick !== undefined);
  });

  test('panic: below half of the endpoints healthy all are used, unless that is off', async () => {
    const sick = (name: string): Promise<number> =>
      named(name, (request) =>
        request.startsWith('GET /healthz') ? 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n' : ok(name),
      );
    const ports = [{ port: await sick('a') }, { port: await sick('b') }, { port: await named('c') }];
    const rig = await start(ports, { health: check });
    const strict = await start(ports, { health: check, panicShare: 0 });
    await until('only the healthy one', async () => (await askMany(strict, 6)).c === 6);
    assert.deepEqual(Object.keys(await askMany(rig, 9)).sort(), ['a', 'b', 'c']);
  });

  test('slow start: a new endpoint begins with a tenth of its share', async () => {
    const old = await named('old');
    const young = await named('young');
    const slowStart = { windowMs: 3_600_000, aggression: 1, minShare: 0.1 };
    const rig = await start([{ port: old }], { slowStart });
    const endpoints = [old, young].map((port) => ({ address: '127.0.0.1', port, weight: 1 }));
    const policy = { ...DEFAULT_BACKEND_POLICY, slowStart };
    await rig.apply({
      backends: [['web', { key: 'web', protocol: 'http1', balance: 'round-robin', endpoints, policy }]],
    });
    const seen = await askMany(rig, 44);
    assert.ok((seen.young ?? 0) >= 3 && (seen.young ?? 0) <= 5, JSON.stringify(seen));
  });
});
