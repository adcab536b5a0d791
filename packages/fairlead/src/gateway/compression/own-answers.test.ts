import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import type { CompressFilter, ErrorPagesFilter, RouteFilter } from '../../routing/route-filters.ts';
import { compressionCodings } from '../../sys/compressor.ts';
import { EitherClient, HTTP_VERSIONS } from '../test-rig/either-client.ts';
import { type GatewayRig, RawUpstream, startRig, testBackend, testHost, testRoute } from '../test-rig/gateway-rig.ts';

const LONG = '<h1>lost</h1>'.repeat(500);
const compress: CompressFilter = {
  type: 'compress',
  codings: ['zstd', 'br', 'gzip'],
  types: ['text/*'],
  minBytes: 100,
  level: 'balanced',
};
const PAGES = (
  text: string,
  contentType = 'text/html',
): readonly { status: string; contentType: string; text: string }[] => [{ status: 'default', contentType, text }];
const pages = (name: string): ErrorPagesFilter => ({
  type: 'error-pages',
  statuses: [[400, 599]],
  of: 'gateway',
  source: { type: 'pages', pages: `shop/${name}` },
  namespace: 'shop',
  ingress: 'web',
});
const denied: RouteFilter = { type: 'access', allow: ['10.0.0.0/8'], deny: [] };
/** Refuses in its own words, encoded by itself. */
const service = new RawUpstream((connection) =>
  connection.socket.on('data', () => {
    const body = zlib.gzipSync('no '.repeat(500));
    connection.send(
      `HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    connection.send(body);
  }),
);
const asks: RouteFilter = {
  type: 'forward-auth',
  backend: 'auth',
  method: 'GET',
  host: 'auth',
  target: '/',
  timeoutMs: 20_000,
  requestHeaders: [],
  responseHeaders: [],
  refusal: 'answer',
  passesCookies: false,
};

let rig: GatewayRig;
before(async () => {
  const web = [{ backend: 'web', weight: 1 }];
  const route = (path: string, ...filters: readonly RouteFilter[]): ReturnType<typeof testRoute> =>
    testRoute(path, web, { filters });
  rig = await startRig({
    hosts: [
      testHost('*', [
        route('/long', pages('long'), compress, denied),
        route('/short', pages('short'), compress, denied),
        route('/image', pages('image'), compress, denied),
        route('/plain', pages('long'), denied),
        route('/auth', compress, asks),
        testRoute('/respond', web, { filters: [compress], action: { type: 'respond', status: 200, body: LONG } }),
      ]),
    ],
    backends: [testBackend('web', []), testBackend('auth', [await service.listen()])],
    pages: [
      ['shop/long', { key: 'shop/long', pages: PAGES(LONG) }],
      ['shop/short', { key: 'shop/short', pages: PAGES('short') }],
      ['shop/image', { key: 'shop/image', pages: PAGES(LONG, 'image/png') }],
    ],
  });
});
after(async () => {
  await rig.stop();
  await service.close();
});

type Row = readonly [
  name: string,
  path: string,
  accepts: string,
  status: number,
  coding: string | undefined,
  vary: string | undefined,
];
const ROWS: readonly Row[] = [
  ['a page', '/long', 'gzip', 403, 'gzip', 'accept-encoding'],
  ['by preference', '/long', 'gzip, br', 403, 'br', 'accept-encoding'],
  ['zstd', '/long', 'zstd', 403, 'zstd', 'accept-encoding'],
  ['a static answer', '/respond', 'gzip', 200, 'gzip', 'accept-encoding'],
  ['nothing accepted', '/long', '', 403, undefined, 'accept-encoding'],
  ['what is short', '/short', 'gzip', 403, undefined, undefined],
  ['another type', '/image', 'gzip', 403, undefined, undefined],
  ['not asked for by the route', '/plain', 'gzip', 403, undefined, undefined],
];
const UNPACK: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
  zstd: zlib.zstdDecompressSync,
};
const skip = compressionCodings().size === 3 ? false : 'this binary cannot compress';

describe("the gateway's own answers, compressed", { skip }, () => {
  for (const [name, path, accepts, status, coding, vary] of ROWS) {
    test(name, async () => {
      const received = await rig.exchange(
        `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAccept-Encoding: ${accepts}\r\n\r\n`,
      );
      const headEnd = received.indexOf('\r\n\r\n') + 4;
      const field = (wanted: string): string | undefined =>
        new RegExp(`^${wanted}: (.*)\r$`, 'im').exec(received.slice(0, headEnd))?.[1];
      const body = Buffer.from(received.slice(headEnd), 'latin1');
      assert.equal(Number(received.split(' ')[1]), status);
      assert.equal(field('content-encoding'), coding);
      assert.equal(field('vary'), vary);
      assert.equal(Number(field('content-length')), body.length);
      const text = coding === undefined ? body : UNPACK[coding]!(body);
      assert.equal(text.toString(), path === '/short' ? 'short' : LONG);
    });
  }

  test('what an authorization service has encoded is left alone', async () => {
    const received = await rig.exchange(
      'GET /auth HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAccept-Encoding: br\r\n\r\n',
    );
    assert.equal(received.split(/content-encoding: /i).length, 2);
    assert.match(received, /content-encoding: gzip/i);
    const body = Buffer.from(received.slice(received.indexOf('\r\n\r\n') + 4), 'latin1');
    assert.equal(zlib.gunzipSync(body).toString(), 'no '.repeat(500));
  });

  for (const version of HTTP_VERSIONS) {
    test(`HEAD has no content, ${version}`, async () => {
      const client = new EitherClient(rig.port, version);
      const answer = await client.ask({ method: 'HEAD', path: '/long', headers: { 'accept-encoding': 'gzip' } });
      client.close();
      assert.equal(answer.headers['content-encoding'], 'gzip');
      assert.equal(answer.body, '');
    });
  }
});
