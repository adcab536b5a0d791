import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ForwardAuthFilter } from '../../routing/route-filters.ts';
import { EitherClient, type EitherRequest, HTTP_VERSIONS } from '../test-rig/either-client.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
} from '../test-rig/gateway-rig.ts';

const asks = (more: Partial<ForwardAuthFilter> = {}): ForwardAuthFilter => ({
  type: 'forward-auth',
  backend: 'auth',
  method: 'GET',
  host: 'auth.example',
  target: '/check',
  timeoutMs: 5000,
  requestHeaders: ['cookie', 'x-tenant'],
  responseHeaders: ['x-user'],
  passesCookies: false,
  refusal: 'answer',
  ...more,
});

const PAGE = '<p>Who are you?</p>';
/** What the service says, by the request's cookie. */
const ANSWERS: Readonly<Record<string, string>> = {
  ok: ok('', 'X-User: ann\r\nX-Session: 7\r\nSet-Cookie: s=2\r\nX-Secret: no\r\n'),
  moved:
    'HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /login?a=b\r\nSet-Cookie: state=1\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n',
  page: `HTTP/1.1 401 No\r\nContent-Type: text/html\r\nContent-Length: ${PAGE.length}\r\nWWW-Authenticate: Basic\r\nCache-Control: no-store\r\n\r\n${PAGE}`,
  chunked: `HTTP/1.1 403 No\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<p>\r\n${(PAGE.length - 3).toString(16)}\r\n${PAGE.slice(3)}\r\n0\r\n\r\n`,
  busy: 'HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n',
  missing: 'HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone',
  unchanged: 'HTTP/1.1 304 Not Modified\r\n\r\n',
  broken: `HTTP/1.1 500 Oops\r\nContent-Length: ${PAGE.length}\r\n\r\n${PAGE}`,
  long: `HTTP/1.1 401 No\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`,
};

const questions: string[] = [];
const service = new RawUpstream((connection) =>
  onRequests(connection, (request) => {
    questions.push(request);
    return ANSWERS[/^cookie: kind=(\w+)/im.exec(request)?.[1] ?? 'page'];
  }),
);
const backend = new RawUpstream((connection) => onRequests(connection, (request) => ok(request)));
let rig: GatewayRig;

before(async () => {
  const route = (path: string, more: Partial<ForwardAuthFilter> = {}): ReturnType<typeof testRoute> =>
    testRoute(path, [{ backend: 'web', weight: 1 }], { filters: [asks(more)] });
  rig = await startRig({
    hosts: [
      testHost('*', [
        route('/whole'),
        route('/head', { method: 'HEAD' }),
        route('/sign-in', { signIn: ['https://login.example/'] }),
        route('/client', { clientHeaders: ['x-session', 'set-cookie'] }),
        route('/set', {
          setHeaders: [
            ['x-tenant', ['shop']],
            ['x-from', [{ variable: 'remote_addr' }, '!']],
          ],
        }),
      ]),
    ],
    backends: [testBackend('web', [await backend.listen()]), testBackend('auth', [await service.listen()])],
  });
});
after(async () => {
  await rig?.stop();
  await Promise.all([service.close(), backend.close()]);
});

interface Row {
  readonly name: string;
  readonly ask: EitherRequest;
  readonly status: number;
  readonly body?: string;
  readonly has?: readonly RegExp[];
  readonly lacks?: readonly RegExp[];
}
const as = (kind: string, path = '/whole', more: Partial<EitherRequest> = {}): EitherRequest => ({
  path,
  ...more,
  headers: { cookie: `kind=${kind}`, ...more.headers },
});
const ROWS: readonly Row[] = [
  { name: 'pass', ask: as('ok'), status: 200, has: [/^x-user: ann\r$/m], lacks: [/x-session|set-cookie|x-secret/i] },
  {
    name: 'a redirect, with its cookie',
    ask: as('moved'),
    status: 302,
    body: '',
    has: [/^location: \/login\?a=b$/m, /^set-cookie: state=1$/m],
    lacks: [/x-hop/i],
  },
  {
    name: 'a page',
    ask: as('page'),
    status: 401,
    body: PAGE,
    has: [/^content-type: text\/html$/m, /^www-authenticate: Basic$/m, /^cache-control: no-store$/m],
  },
  { name: 'a page in chunks', ask: as('chunked'), status: 403, body: PAGE, lacks: [/transfer-encoding/] },
  { name: 'to HEAD without its content', ask: as('page', '/whole', { method: 'HEAD' }), status: 401, body: '' },
  { name: 'come again', ask: as('busy'), status: 429, has: [/^retry-after: 7$/m] },
  { name: 'no such thing, of no type', ask: as('missing'), status: 404, body: 'gone', has: [/octet-stream/] },
  { name: 'an answer to a condition is none', ask: as('unchanged'), status: 503 },
  { name: 'a failure of the service stays its own', ask: as('broken'), status: 503, lacks: [/Who are you/] },
  { name: 'a page that is too long is none', ask: as('long'), status: 503, lacks: [/xxx/] },
  { name: 'asked by HEAD there is no page', ask: as('busy', '/head'), status: 429, body: '' },
  {
    name: 'a sign-in page goes first',
    ask: as('page', '/sign-in'),
    status: 302,
    has: [/^location: https:\/\/login\.example\/$/m],
    lacks: [/Who are you/],
  },
  {
    name: 'what the client gets of a 2xx',
    ask: as('ok', '/client'),
    status: 200,
    has: [/^x-session: 7$/m, /^set-cookie: s=2$/m, /^x-user: ann\r$/m],
    lacks: [/x-secret/],
  },
];

for (const version of HTTP_VERSIONS) {
  test(`what clients get, ${version}`, async (t) => {
    const client = new EitherClient(rig.port, version);
    try {
      for (const { name, ask, status, body, has = [], lacks = [] } of ROWS) {
        await t.test(name, async () => {
          const answer = await client.ask(ask);
          assert.equal(answer.status, status);
          if (body !== undefined) assert.equal(answer.body, body);
          const lines = Object.entries(answer.headers).map(([field, value]) => `${field}: ${value}`);
          const whole = `${lines.join('\n')}\n\n${answer.body}`;
          for (const pattern of has) assert.match(whole, pattern);
          for (const pattern of lacks) assert.doesNotMatch(whole, pattern);
        });
      }
    } finally {
      client.close();
    }
  });
}

test('headers of the question that are set replace those of the client', async () => {
  const client = new EitherClient(rig.port, 'HTTP/1.1');
  questions.length = 0;
  await client.ask(as('ok', '/set', { headers: { 'x-tenant': 'evil' } }));
  client.close();
  assert.match(questions[0]!, /^x-tenant: shop\r\nx-from: 127\.0\.0\.1!\r$/m);
  assert.doesNotMatch(questions[0]!, /evil/);
});
