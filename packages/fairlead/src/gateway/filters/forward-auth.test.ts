import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { ForwardAuthFilter } from '../../routing/route-filters.ts';
import { type EitherAnswer, EitherClient, type EitherRequest, HTTP_VERSIONS } from '../test-rig/either-client.ts';
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

const web = [{ backend: 'web', weight: 1 }];
const asks = (more: Partial<ForwardAuthFilter> = {}): ForwardAuthFilter => ({
  type: 'forward-auth',
  backend: 'auth',
  method: 'GET',
  host: 'auth.example',
  target: '/check?x=1',
  timeoutMs: 5000,
  requestHeaders: ['cookie', 'authorization'],
  responseHeaders: ['x-user', 'x-groups'],
  passesCookies: false,
  ...more,
});
const route = (path: string, more: Partial<ForwardAuthFilter> = {}): ReturnType<typeof testRoute> =>
  testRoute(path, web, { filters: [asks(more)] });

/** What the service says, by the request's cookie. */
const ANSWERS: Readonly<Record<string, string>> = {
  ok: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-User: ann\r\nX-Secret: no\r\nSet-Cookie: s=2\r\nSet-Cookie: t=3\r\n\r\nhi',
  accepted: 'HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\nX-User: bob\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
  nothing: 'HTTP/1.1 204 No Content\r\n\r\n',
  interim:
    'HTTP/1.1 103 Early Hints\r\nX-User: evil\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-User: ann\r\n\r\n',
  denied:
    'HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: Bearer realm="x"\r\nX-User: evil\r\nSet-Cookie: u=1\r\n\r\n',
  forbidden: 'HTTP/1.1 403 No\r\nContent-Length: 6\r\nSet-Cookie: u=1\r\n\r\nsecret',
  moved: 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /login\r\n\r\n',
  missing: 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n',
  broken: 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n',
  malformed: 'HTTP/9 what\r\n\r\n',
  short: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\nX-User: ann\r\n\r\nabc',
  upgraded: 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
  long: `HTTP/1.1 200 OK\r\nContent-Length: 300000\r\nX-User: ann\r\n\r\n${'x'.repeat(300_000)}`,
};

const service = new RawUpstream((connection) =>
  onRequests(connection, (request) => {
    questions.push(request);
    const kind = /^cookie: kind=(\w+)/im.exec(request)?.[1] ?? 'denied';
    if (kind === 'gone') connection.socket.destroy();
    if (kind === 'hang' || kind === 'gone') return undefined;
    if (kind === 'short') connection.socket.end(Buffer.from(ANSWERS.short!));
    else return ANSWERS[kind];
    return undefined;
  }),
);
const questions: string[] = [];
const backend = new RawUpstream((connection) => onRequests(connection, (request) => ok(request)));
/** The same service, in HTTP/2. */
const h2c = http2.createServer();
const sessions = new Set<http2.ServerHttp2Session>();
let rig: GatewayRig;

before(async () => {
  h2c.on('session', (session) => sessions.add(session));
  h2c.on('stream', (stream: ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    const isGood = headers.cookie === 'kind=ok';
    stream.respond({ ':status': isGood ? 200 : 401, 'x-user': 'ann', 'www-authenticate': 'Basic' });
    stream.end('some body');
  });
  h2c.listen(0, '127.0.0.1');
  await once(h2c, 'listening');
  rig = await startRig({
    hosts: [
      testHost('*', [
        route('/plain'),
        route('/cookies', { passesCookies: true }),
        route('/sign-in', {
          signIn: [{ variable: 'scheme' }, '://', { variable: 'host' }, '/login'],
          signInParameter: 'rd',
          passesCookies: true,
        }),
        route('/page', { signIn: ['https://login.example/?to=', { variable: 'escaped_request_uri' }] }),
        route('/all', { requestHeaders: '*', method: 'same' }),
        route('/post', { method: 'POST' }),
        route('/brief', { timeoutMs: 50 }),
        route('/absent', { backend: 'absent' }),
        route('/h2c', { backend: 'h2c' }),
        route('/refused', { backend: 'refused' }),
        route('/cached', {
          cache: { by: [{ type: 'cookie', name: 'kind' }, { type: 'path' }], ms: 3_600_000 },
        }),
        testRoute('/', web),
      ]),
    ],
    backends: [
      testBackend('web', [await backend.listen()]),
      testBackend('auth', [await service.listen()]),
      ['h2c', { ...testBackend('h2c', [(h2c.address() as AddressInfo).port])[1], protocol: 'h2c' }],
      testBackend('refused', [1]),
    ],
  });
});
after(async () => {
  await rig.stop();
  for (const session of sessions) session.destroy();
  h2c.close();
  await Promise.all([service.close(), backend.close()]);
});

interface Row {
  readonly name: string;
  readonly ask: EitherRequest;
  readonly status: number;
  /** In the answer; of those that pass, its body is the request as the backend got it. */
  readonly has?: readonly RegExp[];
  readonly lacks?: readonly RegExp[];
}
const as = (kind: string, path = '/plain', more: Readonly<Record<string, string | string[]>> = {}): EitherRequest => ({
  path,
  headers: { cookie: `kind=${kind}`, ...more },
});
const ROWS: readonly Row[] = [
  { name: '200', ask: as('ok'), status: 200, has: [/^x-user: ann\r$/m], lacks: [/x-secret/i, /set-cookie/i] },
  { name: '202 in chunks', ask: as('accepted'), status: 200, has: [/^x-user: bob\r$/m] },
  { name: '204 without who it is', ask: as('nothing'), status: 200, lacks: [/x-user/i] },
  { name: 'an interim answer decides nothing', ask: as('interim'), status: 200, has: [/ann/], lacks: [/evil/] },
  { name: 'a long body', ask: as('long'), status: 200, has: [/^x-user: ann\r$/m] },
  {
    name: 'a client that says who it is',
    ask: as('ok', '/plain', { 'x-user': 'root', 'x-groups': 'wheel' }),
    status: 200,
    has: [/^x-user: ann\r$/m],
    lacks: [/root/, /wheel/],
  },
  {
    name: 'a client that says who it is to a service that does not',
    ask: as('nothing', '/plain', { 'X-User': 'root', 'X-Groups': ['a', 'b'] }),
    status: 200,
    lacks: [/x-user/i, /x-groups/i],
  },
  {
    name: 'a client that spells it as CGI does',
    ask: as('nothing', '/plain', { x_user: 'root', x_groups: 'wheel' }),
    status: 200,
    lacks: [/root/, /wheel/],
  },
  {
    name: 'a client that has the header named away',
    ask: as('ok', '/plain', { 'x-user': 'root', connection: 'x-user' }),
    status: 200,
    has: [/^x-user: ann\r$/m],
    lacks: [/root/],
  },
  {
    name: '401',
    ask: as('denied'),
    status: 401,
    has: [/www-authenticate: Bearer realm="x"/],
    lacks: [/evil/, /set-cookie/],
  },
  { name: '403 without its body', ask: as('forbidden'), status: 403, lacks: [/secret/, /set-cookie/] },
  { name: 'nobody', ask: { path: '/plain' }, status: 401 },
  { name: 'cookies with a 200', ask: as('ok', '/cookies'), status: 200, has: [/set-cookie: s=2,t=3/] },
  { name: 'cookies with a 401', ask: as('denied', '/cookies'), status: 401, has: [/set-cookie: u=1/] },
  { name: 'cookies with a 403', ask: as('forbidden', '/cookies'), status: 403, has: [/set-cookie: u=1/] },
  {
    name: 'sign-in',
    ask: as('denied', '/sign-in/a?b=c&d', {}),
    status: 302,
    has: [/location: http:\/\/h\/login\?rd=http%3A%2F%2Fh%2Fsign-in%2Fa%3Fb%3Dc%26d$/m, /set-cookie: u=1/],
    lacks: [/www-authenticate/],
  },
  { name: 'sign-in is not for who may not', ask: as('forbidden', '/sign-in'), status: 403, lacks: [/location/] },
  {
    name: 'sign-in with a page of its own',
    ask: as('denied', '/page?a=%26'),
    status: 302,
    has: [/location: https:\/\/login\.example\/\?to=%2Fpage%3Fa%3D%2526$/m],
  },
  { name: 'a redirect of the service fails closed', ask: as('moved'), status: 503, lacks: [/location/] },
  { name: '404 fails closed', ask: as('missing'), status: 503 },
  { name: '500 fails closed', ask: as('broken'), status: 503 },
  { name: 'nonsense fails closed', ask: as('malformed'), status: 503 },
  { name: 'half an answer fails closed', ask: as('short'), status: 503 },
  { name: 'another protocol fails closed', ask: as('upgraded'), status: 503 },
  { name: 'a connection that ends fails closed', ask: as('gone'), status: 503 },
  { name: 'no answer in time fails closed', ask: as('hang', '/brief'), status: 503 },
  { name: 'no endpoint fails closed', ask: as('ok', '/absent'), status: 503 },
  { name: 'no connection fails closed', ask: as('ok', '/refused'), status: 503 },
  { name: 'a service in HTTP/2: pass', ask: as('ok', '/h2c'), status: 200, has: [/^x-user: ann\r$/m] },
  { name: 'a service in HTTP/2: refuse', ask: as('denied', '/h2c'), status: 401, has: [/www-authenticate: Basic/] },
  {
    name: 'a body waits for the verdict',
    ask: { ...as('ok'), method: 'POST', body: 'hello' },
    status: 200,
    has: [/hello/],
  },
  { name: 'a body that is refused', ask: { ...as('denied'), method: 'POST', body: 'hello' }, status: 401 },
];

for (const version of HTTP_VERSIONS) {
  test(`verdicts, ${version}`, async (t) => {
    const client = new EitherClient(rig.port, version);
    try {
      for (const { name, ask, status, has = [], lacks = [] } of ROWS) {
        await t.test(name, async () => {
          const answer = await client.ask(ask);
          assert.equal(answer.status, status);
          const whole = textOf(answer);
          for (const pattern of has) assert.match(whole, pattern);
          for (const pattern of lacks) assert.doesNotMatch(whole, pattern);
        });
      }
    } finally {
      client.close();
    }
    await within('nothing left under way', idle());
  });
}

function textOf({ headers, body }: EitherAnswer): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `${lines.join('\n')}\n\n${body}`;
}

async function idle(): Promise<void> {
  while (rig.gateway.stats().requestsInFlight > 0)
    await rig.exchange('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
}

describe('the question', () => {
  const questionOf = async (ask: EitherRequest): Promise<string> => {
    questions.length = 0;
    const client = new EitherClient(rig.port, 'HTTP/1.1');
    await client.ask(ask);
    assert.equal(questions.length, 1);
    return questions[0]!;
  };

  test('describes the request, and shows what is on the list', async () => {
    const question = await questionOf({
      path: '/plain/%2e./plain/x?y=z',
      host: 'Shop.example:8080',
      headers: {
        cookie: 'kind=ok',
        authorization: 'Bearer t',
        'x-other': '1',
        'x-original-url': 'http://evil/',
        'x-forwarded-uri': '/evil',
        'x-forwarded-for': '6.6.6.6',
      },
    });
    assert.deepEqual(question.split('\r\n'), [
      'GET /check?x=1 HTTP/1.1',
      'host: auth.example',
      'x-original-url: http://Shop.example:8080/plain/x?y=z',
      'x-original-method: GET',
      'x-auth-request-redirect: /plain/x?y=z',
      'x-forwarded-for: 127.0.0.1',
      'x-real-ip: 127.0.0.1',
      'x-forwarded-proto: http',
      'x-forwarded-host: Shop.example:8080',
      'x-forwarded-uri: /plain/x?y=z',
      'x-forwarded-method: GET',
      'cookie: kind=ok',
      'authorization: Bearer t',
      '',
      '',
    ]);
  });

  test('with all headers, but none of a hop, of the body, or ours', async () => {
    const question = await questionOf({
      path: '/all',
      method: 'PUT',
      body: 'secret',
      headers: {
        cookie: 'kind=ok',
        'x-other': '1',
        te: 'trailers',
        'x-hop': '1',
        connection: 'x-hop',
        expect: '100-continue',
        'x-forwarded-uri': '/evil',
        'x-forwarded-proto': 'https',
      },
    });
    assert.match(question, /^PUT \/check/);
    assert.match(question, /^x-other: 1\r$/m);
    assert.match(question, /^content-length: 0\r$/m);
    assert.doesNotMatch(question, /secret|evil|x-hop|^te:|expect|https|content-length: 6|transfer-encoding/im);
  });

  test('POST has no body', async () => {
    const question = await questionOf({ path: '/post', headers: { cookie: 'kind=ok' } });
    assert.match(question, /^POST [\s\S]*\r\ncontent-length: 0\r\n(?:[\s\S]*\r\n)?\r\n$/);
  });
});

test('one connection to the service serves many questions', async () => {
  const client = new EitherClient(rig.port, 'HTTP/2');
  const before = service.connections.length;
  for (let i = 0; i < 5; i++) assert.equal((await client.ask(as('ok'))).status, 200);
  assert.ok(service.connections.length - before <= 1, `${service.connections.length - before} connections`);
  client.close();
});

test('a verdict is remembered for its keys, a refusal is not', async () => {
  const client = new EitherClient(rig.port, 'HTTP/1.1');
  questions.length = 0;
  for (let i = 0; i < 3; i++) {
    const answer = await client.ask(as('ok', '/cached/a', { 'x-user': 'root' }));
    assert.match(answer.body, /^x-user: ann\r$/m);
    assert.doesNotMatch(answer.body, /root/);
  }
  assert.equal(questions.length, 1);
  await client.ask(as('ok', '/cached/b'));
  assert.equal(questions.length, 2, 'another path');
  await client.ask(as('accepted', '/cached/a'));
  assert.equal(questions.length, 3, 'another cookie');
  for (let i = 0; i < 2; i++) assert.equal((await client.ask(as('denied', '/cached/a'))).status, 401);
  assert.equal(questions.length, 5, 'refusals');
  for (let i = 0; i < 2; i++) assert.equal((await client.ask({ path: '/cached/a' })).status, 401);
  assert.equal(questions.length, 7, 'without the cookie');
});

test('a client that goes takes its question along', async () => {
  const client = rig.dial();
  questions.length = 0;
  client.send('GET /plain HTTP/1.1\r\nHost: h\r\nCookie: kind=hang\r\n\r\n');
  while (questions.length === 0) await rig.exchange('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  const asked = service.connections.find(({ received, ended }) => received.includes('kind=hang') && !ended)!;
  client.socket.resetAndDestroy();
  await asked.untilEnd();
  await within('nothing left under way', idle());
});
