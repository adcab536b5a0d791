import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { MirrorFilter } from '../../routing/route-filters.ts';
import { systemClock } from '../../sys/clock.ts';
import type { GatewayStats } from '../gateway-metrics.ts';
import { EitherClient, HTTP_VERSIONS } from '../test-rig/either-client.ts';
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
import type { FilterRun, WantedMirror } from './filter-run.ts';
import type { FilterServices } from './filter-services.ts';
import { Mirror } from './mirror.ts';

const web = [{ backend: 'web', weight: 1 }];
const to = (backend: string, more: Partial<MirrorFilter> = {}): MirrorFilter => ({
  type: 'mirror',
  backend,
  share: 1,
  host: 'shadow',
  bodyMaxBytes: 1000,
  ...more,
});

/** An upstream that keeps what it got, request by request. */
class Shadow {
  readonly requests: string[] = [];
  #told: () => void = () => {};
  readonly upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      this.requests.push(request);
      this.#told();
      return request.includes('/hang') ? undefined : ok('ignored', 'X-Shadow: 1\r\n');
    }),
  );

  /** The next request that is not read yet. */
  async next(): Promise<string> {
    while (this.requests.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#told = resolve;
      await within('a copy', promise);
    }
    return this.requests.shift()!;
  }
}

const backend = new RawUpstream((connection) => onRequests(connection, (request) => ok(request)));
const shadow = new Shadow();
const second = new Shadow();
const h2c = http2.createServer();
const sessions = new Set<http2.ServerHttp2Session>();
const streams: { readonly headers: http2.IncomingHttpHeaders; readonly body: string }[] = [];
let streamDone: () => void = () => {};
let rig: GatewayRig;

before(async () => {
  h2c.on('session', (session) => sessions.add(session));
  h2c.on('stream', async (stream: ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.respond({ ':status': 200 });
    stream.end('ignored');
    let body = '';
    for await (const chunk of stream) body += chunk;
    streams.push({ headers, body });
    streamDone();
  });
  h2c.listen(0, '127.0.0.1');
  await once(h2c, 'listening');
  const route = (path: string, ...filters: readonly MirrorFilter[]): ReturnType<typeof testRoute> =>
    testRoute(path, web, { filters });
  rig = await startRig({
    hosts: [
      testHost('*', [
        route('/one', to('shadow')),
        route('/kept', to('shadow', { host: 'keep' })),
        route('/two', to('shadow'), to('second', { bodyMaxBytes: 10 })),
        route('/hang', to('shadow')),
        route('/h2c', to('h2c')),
        route('/refused', to('refused')),
        route('/absent', to('absent')),
        route('/never', to('shadow', { share: 0 })),
        testRoute('/', web),
      ]),
    ],
    backends: [
      testBackend('web', [await backend.listen()]),
      testBackend('shadow', [await shadow.upstream.listen()]),
      testBackend('second', [await second.upstream.listen()]),
      ['h2c', { ...testBackend('h2c', [(h2c.address() as AddressInfo).port])[1], protocol: 'h2c' }],
      testBackend('refused', [1]),
    ],
  });
});
after(async () => {
  await rig.stop();
  for (const session of sessions) session.destroy();
  h2c.close();
  await Promise.all([backend.close(), shadow.upstream.close(), second.upstream.close()]);
});

const counts = ({ mirrors, mirrorsDropped, mirrorsFailed }: GatewayStats): readonly number[] => [
  mirrors,
  mirrorsDropped,
  mirrorsFailed,
];
/** Waits until the counters have grown by this much since `from`. */
async function grown(from: GatewayStats, by: readonly number[]): Promise<void> {
  const wanted = counts(from).map((count, index) => count + by[index]!);
  const reached = async (): Promise<void> => {
    while (counts(rig.gateway.stats()).join() !== wanted.join()) await systemClock.sleep(5);
  };
  await within(`counts of ${wanted.join()}`, reached());
}

for (const version of HTTP_VERSIONS) {
  test(`copies, ${version}`, async (t) => {
    const client = new EitherClient(rig.port, version);
    t.after(() => client.close());

    await t.test('a request without a body', async () => {
      const answer = await client.ask({ path: '/one?a=b', host: 'shop.example:81', headers: { 'x-a': '1' } });
      assert.equal(answer.headers['x-shadow'], undefined);
      assert.match(answer.body, /^host: shop\.example:81\r$/im);
      const copy = await shadow.next();
      assert.match(copy, /^GET \/one\?a=b HTTP\/1\.1\r\n/);
      assert.equal(copy.replace('shop.example-shadow:81', 'shop.example:81'), answer.body);
      assert.match(copy, /^host: shop\.example-shadow:81\r$/im);
      // What tells of the request the client made stays.
      assert.match(copy, /^x-forwarded-host: shop\.example:81\r$/m);
    });

    await t.test('the name kept', async () => {
      const { body } = await client.ask({ path: '/kept', host: 'shop.example' });
      assert.equal(await shadow.next(), body);
    });

    await t.test('a body, to two mirrors', async () => {
      await client.ask({ path: '/two', method: 'POST', body: 'twelve bytes' });
      assert.match(await shadow.next(), /twelve bytes/);
      await client.ask({ path: '/two', method: 'POST', body: 'ten bytes!', headers: { 'content-length': '10' } });
      assert.match(await shadow.next(), /ten bytes!$/);
      assert.match(await second.next(), /ten bytes!$/, 'the first was too long for it');
    });

    await t.test('a body that is too long', async () => {
      const from = rig.gateway.stats();
      const answer = await client.ask({ path: '/one', method: 'PUT', body: 'x'.repeat(300_000) });
      assert.equal(answer.status, 200);
      await grown(from, [0, 1, 0]);
    });

    await t.test('HEAD', async () => {
      assert.equal((await client.ask({ path: '/one', method: 'HEAD' })).status, 200);
      assert.match(await shadow.next(), /^HEAD /);
    });

    await t.test('to HTTP/2', async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      streamDone = resolve;
      await client.ask({ path: '/h2c', method: 'POST', body: 'hello' });
      await within('a stream', promise);
      const { headers, body } = streams.pop()!;
      assert.equal(
        `${headers[':method']} ${headers[':path']} ${headers[':authority']} ${body}`,
        'POST /h2c h-shadow hello',
      );
    });

    await t.test('no answer, no connection, no endpoint', async () => {
      const from = rig.gateway.stats();
      for (const path of ['/hang', '/refused', '/absent']) assert.equal((await client.ask({ path })).status, 200);
      await shadow.next();
      // The one that hangs is still under way.
      await grown(from, [2, 0, 2]);
    });

    await t.test('none for a share of nothing', async () => {
      const from = rig.gateway.stats();
      for (let i = 0; i < 10; i++) await client.ask({ path: '/never' });
      assert.deepEqual(counts(rig.gateway.stats()), counts(from));
    });
  });
}

test('a body that comes in pieces is copied whole', async () => {
  const client = rig.dial();
  client.send('POST /one HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await within(
    'the first piece',
    (async () => {
      while (!backend.seen.includes('abc')) await systemClock.sleep(5);
    })(),
  );
  client.send('3\r\ndef\r\n0\r\n\r\n');
  await client.until('an answer', (text) => /0\r\n\r\n$/.test(text));
  assert.match(await shadow.next(), /\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n$/);
});

test('a client that breaks off has no copy', async () => {
  const from = rig.gateway.stats();
  const client = rig.dial();
  client.send('POST /one HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc');
  client.socket.end();
  await client.untilEnd();
  assert.deepEqual(counts(rig.gateway.stats()), counts(from));
});

test('a client may go before its copy is answered', async () => {
  const client = rig.dial();
  client.send('GET /one HTTP/1.1\r\nHost: h\r\n\r\n');
  await client.until('an answer', (text) => text.includes('200 OK'));
  client.socket.destroy();
  assert.match(await shadow.next(), /^GET \/one/);
});

test('the share is of the requests', () => {
  const values = [0, 0.09, 0.1, 0.5, 0.99];
  const services = {
    random: () => values.shift()!,
    backend: (key: string) => ({ key }),
  } as unknown as FilterServices;
  const mirror = new Mirror(to('x', { share: 0.1 }), services);
  const run = { mirrors: [] as WantedMirror[], head: { hasUpgradeToken: false } };
  const picked = [...values].map(() => {
    run.mirrors.length = 0;
    mirror.onRequest(run as unknown as FilterRun);
    return run.mirrors.length;
  });
  assert.deepEqual(picked, [1, 1, 0, 0, 0]);
});
