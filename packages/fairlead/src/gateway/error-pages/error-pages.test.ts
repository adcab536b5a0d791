import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ErrorPagesFilter, RouteFilter, RoutePages } from '../../routing/route-filters.ts';
import {
  type GatewayRig,
  NO_EDIT,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
  within,
} from '../test-rig/gateway-rig.ts';

const PAGES: RoutePages = {
  key: 'shop/pages',
  pages: [
    { status: '404', contentType: 'text/html; charset=utf-8', text: '<h1>lost</h1>' },
    { status: '404', contentType: 'application/json', text: '{"lost":true}' },
    { status: '5xx', contentType: 'text/html; charset=utf-8', text: '<h1>broken</h1>' },
    { status: 'default', contentType: 'text/plain; charset=utf-8', text: 'wrong\n' },
  ],
};
const FILTER: ErrorPagesFilter = {
  type: 'error-pages',
  statuses: [
    [401, 404],
    [429, 429],
    [500, 599],
  ],
  of: 'both',
  source: { type: 'pages', pages: PAGES.key },
  namespace: 'shop',
  ingress: 'web',
};
const OF_SERVICE: ErrorPagesFilter = {
  ...FILTER,
  source: { type: 'service', backend: 'errors', host: 'errors.shop', target: '/page?x=1' },
};
const denied: RouteFilter = { type: 'access', allow: ['10.0.0.0/8'], deny: [] };
const login: RouteFilter = { type: 'basic-auth', realm: 'in', credentials: 'shop/users' };
const answer = (status: number, body: string, fields = ''): string =>
  `HTTP/1.1 ${status} Because\r\nContent-Length: ${body.length}\r\nETag: "a"\r\nContent-Type: text/x-own\r\n${fields}\r\n${body}`;

let upstream: RawUpstream;
let errors: RawUpstream;
let rig: GatewayRig;
/** How the service of pages answers. */
let pageAnswer: string | undefined;
let endsBehindPage = false;
const questions: string[] = [];
let asked: () => void = () => {};

before(async () => {
  upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      const path = request.split(' ')[1]!;
      if (path.endsWith('/chunked')) {
        return 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nown\r\n0\r\n\r\n';
      }
      if (path.endsWith('/part')) return 'HTTP/1.1 503 No\r\nContent-Length: 1000\r\n\r\nown';
      const status = Number(/(\d+)$/.exec(path)?.[1] ?? 200);
      const fields = 'WWW-Authenticate: Bearer realm="x"\r\nRetry-After: 7\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n';
      if (request.startsWith('HEAD')) return answer(status, '', fields);
      return answer(status, 'own', fields);
    }),
  );
  errors = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      questions.push(request);
      asked();
      if (!endsBehindPage || pageAnswer === undefined) return pageAnswer;
      connection.socket.end(pageAnswer);
      return undefined;
    }),
  );
  const web = [{ backend: 'web', weight: 1 }];
  const route = (path: string, ...filters: readonly RouteFilter[]): ReturnType<typeof testRoute> =>
    testRoute(path, web, { filters, responseHeaders: { ...NO_EDIT, set: [['x-edit', '1']] } });
  const none = [{ backend: 'none', weight: 1 }];
  rig = await startRig({
    hosts: [
      testHost('*', [
        route('/pages', FILTER),
        route('/service', OF_SERVICE),
        route('/endpoint', { ...FILTER, of: 'endpoint' }),
        route('/gateway', { ...FILTER, of: 'gateway' }),
        route('/missing', { ...FILTER, source: { type: 'pages', pages: 'shop/none' } }),
        route('/denied', FILTER, denied),
        route('/gateway-denied', { ...FILTER, of: 'gateway' }, denied),
        route('/endpoint-denied', { ...FILTER, of: 'endpoint' }, denied),
        route('/service-denied', OF_SERVICE, denied),
        route('/login', FILTER, login),
        testRoute('/empty', none, { filters: [FILTER] }),
        testRoute('/service-empty', none, { filters: [OF_SERVICE] }),
        testRoute('/', web),
      ]),
    ],
    backends: [
      testBackend('web', [await upstream.listen()]),
      testBackend('errors', [await errors.listen()]),
      testBackend('none', []),
    ],
    credentials: [['shop/users', { key: 'shop/users', users: [] }]],
    pages: [[PAGES.key, PAGES]],
  });
});
beforeEach(() => {
  endsBehindPage = false;
  pageAnswer = 'HTTP/1.1 200 OK\r\nContent-Type: text/made\r\nContent-Length: 4\r\nX-Made: 1\r\n\r\nmade';
});
after(async () => {
  await rig.stop();
  await Promise.all([upstream.close(), errors.close()]);
});

const request = (target: string, fields = '', method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}\r\n`;

interface Row {
  readonly name: string;
  readonly send: string;
  readonly status: number;
  readonly body: string;
  readonly has?: readonly RegExp[];
  readonly lacks?: readonly RegExp[];
}
const KEPT = [
  /^www-authenticate: Bearer realm="x"\r$/im,
  /^retry-after: 7\r$/im,
  /^set-cookie: a=b\r$/im,
  /^set-cookie: c=d\r$/im,
];
const OWN = [/text\/x-own/, /etag/i];
const ROWS: readonly Row[] = [
  {
    name: 'a page for a status',
    send: request('/pages/404'),
    status: 404,
    body: '<h1>lost</h1>',
    has: [...KEPT, /^vary: accept\r$/m, /content-type: text\/html; charset=utf-8/, /^x-edit: 1\r$/m],
    lacks: OWN,
  },
  {
    name: 'the type that the client likes',
    send: request('/pages/404', 'Accept: image/png, application/json;q=0.5\r\n'),
    status: 404,
    body: '{"lost":true}',
    has: [/content-type: application\/json\r/],
  },
  {
    name: 'a range of types',
    send: request('/pages/404', 'Accept: application/*\r\n'),
    status: 404,
    body: '{"lost":true}',
  },
  {
    name: 'a page for a class',
    send: request('/pages/503'),
    status: 503,
    body: '<h1>broken</h1>',
    has: KEPT,
    lacks: [/^vary/m],
  },
  { name: 'a page for the rest', send: request('/pages/403'), status: 403, body: 'wrong\n' },
  { name: '401 says how to log in, still', send: request('/pages/401'), status: 401, body: 'wrong\n', has: KEPT },
  { name: 'a status that was not named', send: request('/pages/410'), status: 410, body: 'own', has: OWN },
  { name: 'what is no error', send: request('/pages/200'), status: 200, body: 'own' },
  { name: 'HEAD', send: request('/pages/404', '', 'HEAD'), status: 404, body: '', has: [/content-length: 13\r/] },
  {
    name: 'an answer in chunks',
    send: request('/pages/chunked'),
    status: 404,
    body: '<h1>lost</h1>',
    lacks: [/chunked/],
  },
  { name: 'an answer that has not come whole', send: request('/pages/part'), status: 503, body: '<h1>broken</h1>' },
  { name: 'a route without pages', send: request('/404'), status: 404, body: 'own' },
  { name: 'pages that are missing', send: request('/missing/404'), status: 404, body: '404 Not Found\n' },
  { name: 'no endpoint', send: request('/empty'), status: 503, body: '<h1>broken</h1>' },
  { name: 'denied by the gateway', send: request('/denied'), status: 403, body: 'wrong\n' },
  {
    name: 'login asked for by the gateway',
    send: request('/login'),
    status: 401,
    body: 'wrong\n',
    has: [/^www-authenticate: Basic realm="in"/m],
  },
  { name: 'of endpoints only: an endpoint', send: request('/endpoint/404'), status: 404, body: '<h1>lost</h1>' },
  { name: 'of endpoints only: the gateway', send: request('/endpoint-denied'), status: 403, body: '403 Forbidden\n' },
  { name: 'of the gateway only: an endpoint', send: request('/gateway/404'), status: 404, body: 'own' },
  { name: 'of the gateway only: the gateway', send: request('/gateway-denied'), status: 403, body: 'wrong\n' },
  {
    name: 'a service',
    send: request('/service/404'),
    status: 404,
    body: 'made',
    has: [...KEPT, /content-type: text\/made\r/],
    lacks: [...OWN, /x-made/i],
  },
  {
    name: 'a service, HEAD',
    send: request('/service/404', '', 'HEAD'),
    status: 404,
    body: '',
    has: [/content-length: 4\r/],
  },
  { name: 'a service, denied', send: request('/service-denied'), status: 403, body: 'made' },
  { name: 'a service, no endpoint', send: request('/service-empty'), status: 503, body: 'made' },
];

function check(row: Row, received: string): void {
  const [head = '', body] = received.split('\r\n\r\n');
  assert.equal(Number(head.split(' ')[1]), row.status, received);
  assert.equal(body, row.body);
  for (const pattern of row.has ?? []) assert.match(`${head}\r\n`, pattern);
  for (const pattern of row.lacks ?? []) assert.doesNotMatch(`${head}\r\n`, pattern);
}

describe('error pages', () => {
  for (const row of ROWS) test(row.name, async () => check(row, await rig.exchange(row.send)));

  test('over HTTP/2, all at once', async () => {
    const session = http2.connect(`http://127.0.0.1:${rig.port}`);
    session.on('error', () => {});
    await within(
      'answers',
      Promise.all(
        ROWS.map(async ({ send, status, body }) => {
          const [method = '', path = ''] = send.split(' ');
          const accept = /^accept: (.*)\r$/im.exec(send)?.[1];
          const stream = session.request({
            ':method': method,
            ':path': path,
            ':authority': 'h',
            ...(accept === undefined ? {} : { accept }),
          });
          const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
          assert.equal(headers[':status'], status, path);
          assert.equal(Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString(), body, path);
        }),
      ),
    );
    session.close();
  });

  test('the service is told of the error, and of nothing that could let it be taken for the request', async () => {
    await rig.exchange(
      request('/service/404?secret=404', 'Accept: text/html\r\nAuthorization: Bearer t\r\nCookie: a=b\r\n'),
    );
    assert.equal(
      questions.at(-1),
      'GET /page?x=1 HTTP/1.1\r\nhost: errors.shop\r\nx-code: 404\r\nx-format: text/html\r\nx-original-uri: /service/404?secret=404\r\nx-namespace: shop\r\nx-ingress-name: web\r\n\r\n',
    );
  });

  const failures: readonly (readonly [name: string, answer: string, ends?: boolean])[] = [
    ['answers nothing', ''],
    ['sends something encoded', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx'],
    ['breaks off', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx', true],
    ['speaks nonsense', 'nonsense\r\n\r\n'],
    ['has nothing to show', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['is endless', `HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n${'x'.repeat(2_000_000)}`],
  ];
  for (const [name, text, ends = false] of failures) {
    test(`a service that ${name}: the status in words`, async () => {
      pageAnswer = text;
      endsBehindPage = ends;
      const received = await rig.exchange(request('/service/404'));
      check({ name, send: '', status: 404, body: '404 Not Found\n', has: KEPT }, received);
    });
  }

  test('connections are used again behind pages', async () => {
    const client = rig.dial();
    const before = upstream.connections.length;
    for (let i = 1; i <= 5; i++) {
      client.send('GET /pages/404 HTTP/1.1\r\nHost: h\r\n\r\n');
      await client.until('a page', (text) => text.split('<h1>lost</h1>').length === i + 1);
    }
    assert.ok(upstream.connections.length <= before + 1);
    client.send('GET /service/404 HTTP/1.1\r\nHost: h\r\n\r\nGET /pages/404 HTTP/1.1\r\nHost: h\r\n\r\n');
    await client.until(
      'what was sent behind',
      (text) => text.includes('made') && text.split('<h1>lost</h1>').length === 7,
    );
  });

  test('a client that goes away while its page is asked for', async () => {
    pageAnswer = undefined;
    const isAsked = Promise.withResolvers<void>();
    asked = isAsked.resolve;
    const client = rig.dial();
    client.send(request('/service/404'));
    await within('the question', isAsked.promise);
    client.socket.destroy();
    pageAnswer = ok('made');
    check(ROWS[0]!, await rig.exchange(ROWS[0]!.send));
    assert.equal(rig.gateway.stats().handlerErrors, 0);
  });
});
