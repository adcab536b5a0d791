import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import type { RouteFilter } from '../../routing/route-filters.ts';
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
const route = (path: string, ...filters: readonly RouteFilter[]): ReturnType<typeof testRoute> =>
  testRoute(path, web, { filters });
const cors = {
  type: 'cors',
  origins: ['https://a.example', 'https://*.b.example'],
  methods: ['GET', 'PUT'],
  headers: ['x-token'],
  exposed: ['x-id'],
  credentials: true,
  maxAgeS: 60,
} as const;
const body = (maxBytes: number): RouteFilter => ({ type: 'body-limit', maxBytes });
const basic = (credentials: string): RouteFilter => ({ type: 'basic-auth', realm: 'a "b"', credentials });
const limit = { type: 'rate-limit', name: 'r', per: 'route', requests: 1, windowMs: 3_600_000, burst: 2 } as const;

// Made with htpasswd -nbB, -nbm and -nbs; the passwords are `right`.
const USERS: readonly (readonly [string, string])[] = [
  ['bcrypt', '$2y$05$aXG0TXrObzO6ALa.3YNYGOxHmfXto/sBODSGcpiBWrvX.B8EWPcFq'],
  ['apr1', '$apr1$saltsalt$S.4SHjbjuljtTxlMAnDS//'],
  ['sha', '{SHA}0nofEXcSAJSXFLGvmfBIpBb11vQ='],
];

let upstream: RawUpstream;
let rig: GatewayRig;

before(async () => {
  upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => ok(request, 'Access-Control-Allow-Origin: *\r\nX-Own: 1\r\n')),
  );
  rig = await startRig(
    {
      hosts: [
        testHost('*', [
          route('/cors', cors),
          route('/any', { ...cors, origins: ['*'], credentials: false, headers: '*' }),
          route('/both', cors, { type: 'access', allow: ['10.0.0.0/8'], deny: [] }),
          route('/allow', { type: 'access', allow: ['127.0.0.0/8', '192.0.2.0/24'], deny: ['192.0.2.7'] }),
          route('/deny', { type: 'access', allow: [], deny: ['198.51.100.0/24', '2001:db8::/32'] }),
          route('/small', body(5)),
          route('/closed', { type: 'closed', what: 'test' }),
          route('/auth', basic('ns/users')),
          route('/nobody', basic('ns/missing')),
          route('/late', basic('ns/users'), body(5)),
          route('/limit', limit),
          route('/each', { ...limit, name: 'each', per: { header: 'x-user' }, burst: 1 }),
          route('/client', { ...limit, name: 'client', per: 'client', burst: 1 }),
          route('/abort', { type: 'fault', abort: { share: 1, status: 418 }, maxActive: 1 }),
          route('/never', { type: 'fault', abort: { share: 0, status: 418 }, maxActive: 1 }),
          route('/asked', {
            type: 'fault',
            abort: { share: 1, status: 418 },
            header: { name: 'x-fault', value: 'yes' },
            maxActive: 1,
          }),
          route('/slow', { type: 'fault', delay: { share: 1, ms: 30 }, maxActive: 10 }),
        ]),
      ],
      backends: [testBackend('web', [await upstream.listen()])],
      credentials: [['ns/users', { key: 'ns/users', users: USERS }]],
    },
    { trustedProxies: ['127.0.0.1'] },
  );
});

after(async () => {
  await rig.stop();
  await upstream.close();
});

const request = (target: string, fields = '', method = 'GET', content = ''): string =>
  `${method} ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}\r\n${content}`;
const login = (user: string, password = 'right'): string =>
  `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`;
const origin = (name: string): string => `Origin: ${name}\r\n`;
const preflight = (name: string, method: string): string =>
  `${origin(name)}Access-Control-Request-Method: ${method}\r\nAccess-Control-Request-Headers: x-a, x-b\r\n`;
const from = (address: string): string => `X-Forwarded-For: ${address}\r\n`;
const chunked = 'Transfer-Encoding: chunked\r\n';

interface Row {
  readonly name: string;
  readonly send: string;
  readonly status: number;
  readonly has?: readonly RegExp[];
  readonly lacks?: readonly RegExp[];
}
const A = 'https://a.example';
const ROWS: readonly Row[] = [
  {
    name: 'CORS: an allowed origin, and the answer of the endpoint replaced',
    send: request('/cors', origin(A)),
    status: 200,
    has: [
      /access-control-allow-origin: https:\/\/a\.example\r\n/,
      /allow-credentials: true/,
      /expose-headers: x-id/,
      /vary: origin/,
      /X-Own: 1/,
    ],
    lacks: [/Allow-Origin: \*/i],
  },
  {
    name: 'CORS: another origin gets no permission',
    send: request('/cors', origin('https://evil.example')),
    status: 200,
    has: [/vary: origin/],
    lacks: [/access-control-allow/i],
  },
  {
    name: 'CORS: a subdomain',
    send: request('/cors', origin('https://x.y.b.example')),
    status: 200,
    has: [/allow-origin: https:\/\/x\.y\.b\.example/],
  },
  {
    name: 'CORS: the parent of a wildcard',
    send: request('/cors', origin('https://b.example')),
    status: 200,
    lacks: [/allow-origin/i],
  },
  {
    name: 'CORS: a name that only ends alike',
    send: request('/cors', origin('https://evilb.example')),
    status: 200,
    lacks: [/allow-origin/i],
  },
  {
    name: 'CORS: a wildcard covers no user, port or path',
    send: request('/cors', origin('https://evil.example/.b.example')),
    status: 200,
    lacks: [/allow-origin/i],
  },
  {
    name: 'CORS: another scheme',
    send: request('/cors', origin('http://a.example')),
    status: 200,
    lacks: [/allow-origin/i],
  },
  { name: 'CORS: null is no origin', send: request('/cors', origin('null')), status: 200, lacks: [/allow-origin/i] },
  { name: 'CORS: no origin', send: request('/cors'), status: 200, has: [/vary: origin/], lacks: [/allow-origin/i] },
  {
    name: 'CORS: a preflight',
    send: request('/cors', preflight(A, 'PUT'), 'OPTIONS'),
    status: 204,
    has: [
      /allow-methods: GET, PUT/,
      /allow-headers: x-token/,
      /max-age: 60/,
      /allow-origin: https:\/\/a/,
      /vary: origin/,
    ],
    lacks: [/X-Own/],
  },
  {
    name: 'CORS: a preflight for a method that is not allowed',
    send: request('/cors', preflight(A, 'DELETE'), 'OPTIONS'),
    status: 204,
    lacks: [/allow-/],
  },
  {
    name: 'CORS: a preflight of another origin',
    send: request('/cors', preflight('https://e', 'PUT'), 'OPTIONS'),
    status: 204,
    lacks: [/allow-/],
  },
  {
    name: 'CORS: OPTIONS that is no preflight',
    send: request('/cors', origin(A), 'OPTIONS'),
    status: 200,
    has: [/X-Own/],
  },
  {
    name: 'CORS: any origin',
    send: request('/any', origin('https://z')),
    status: 200,
    has: [/access-control-allow-origin: \*\r\n/],
    lacks: [/vary: origin/, /credentials/],
  },
  {
    name: 'CORS: any headers',
    send: request('/any', preflight('https://z', 'PUT'), 'OPTIONS'),
    status: 204,
    has: [/allow-headers: x-a, x-b/, /vary: access-control-request-headers/],
  },
  {
    name: 'CORS: a later refusal can be read by the page',
    send: request('/both', origin(A)),
    status: 403,
    has: [/allow-origin: https:\/\/a/],
  },
  { name: 'access: allowed as the connection', send: request('/allow'), status: 200 },
  { name: 'access: allowed as named by a trusted proxy', send: request('/allow', from('192.0.2.1')), status: 200 },
  { name: 'access: not allowed', send: request('/allow', from('203.0.113.9')), status: 403 },
  { name: 'access: denied wins', send: request('/allow', from('192.0.2.7')), status: 403 },
  {
    name: 'access: what a client wrote left of it does not count',
    send: request('/allow', from('192.0.2.1, 203.0.113.9')),
    status: 403,
  },
  {
    name: 'access: trusted proxies are passed over',
    send: request('/allow', from('203.0.113.9, 127.0.0.1')),
    status: 403,
  },
  { name: 'access: IPv6 is denied', send: request('/deny', from('2001:db8::5')), status: 403 },
  { name: 'access: others pass a deny list', send: request('/deny', from('2001:db9::5')), status: 200 },
  {
    name: 'body: as long as allowed',
    send: request('/small', 'Content-Length: 5\r\n', 'POST', '12345'),
    status: 200,
    has: [/12345/],
  },
  { name: 'body: declared too long', send: request('/small', 'Content-Length: 6\r\n', 'POST', '123456'), status: 413 },
  {
    name: 'body: chunked, as long as allowed',
    send: request('/small', chunked, 'POST', '5\r\n12345\r\n0\r\n\r\n'),
    status: 200,
  },
  {
    name: 'body: chunked, too long in one piece',
    send: request('/small', chunked, 'POST', '6\r\n123456\r\n0\r\n\r\n'),
    status: 413,
  },
  { name: 'closed', send: request('/closed'), status: 503 },
  {
    name: 'basic: nobody',
    send: request('/auth'),
    status: 401,
    has: [/www-authenticate: Basic realm="a \\"b\\"", charset="UTF-8"/],
  },
  { name: 'basic: bcrypt', send: request('/auth', login('bcrypt')), status: 200, has: [/GET \/auth/] },
  { name: 'basic: bcrypt, known by now', send: request('/auth', login('bcrypt')), status: 200 },
  { name: 'basic: bcrypt, wrong', send: request('/auth', login('bcrypt', 'wrong')), status: 401 },
  { name: 'basic: apr1', send: request('/auth', login('apr1')), status: 200 },
  { name: 'basic: apr1, wrong', send: request('/auth', login('apr1', 'wrong')), status: 401 },
  { name: 'basic: SHA-1', send: request('/auth', login('sha')), status: 200 },
  { name: 'basic: SHA-1, wrong', send: request('/auth', login('sha', 'wrong')), status: 401 },
  { name: 'basic: unknown user with the right password', send: request('/auth', login('nobody')), status: 401 },
  { name: 'basic: another scheme', send: request('/auth', 'Authorization: Bearer abc\r\n'), status: 401 },
  { name: 'basic: two headers', send: request('/auth', login('sha') + login('sha')), status: 401 },
  { name: 'basic: a Secret that is not known', send: request('/nobody', login('sha')), status: 503 },
  {
    name: 'basic: a body waits for the verdict',
    send: request('/late', `${login('bcrypt', 'no')}Content-Length: 3\r\n`, 'POST', 'abc'),
    status: 401,
  },
  {
    name: 'basic, then the body limit',
    send: request('/late', `${login('bcrypt', 'right')}${chunked}`, 'POST', '3\r\nabc\r\n0\r\n\r\n'),
    status: 200,
    has: [/3\r\nabc\r\n0\r\n/],
  },
  {
    name: 'rate: the first',
    send: request('/limit'),
    status: 200,
    has: [/x-ratelimit-limit: 2/, /x-ratelimit-remaining: 1/],
  },
  { name: 'rate: the second', send: request('/limit'), status: 200, has: [/x-ratelimit-remaining: 0/] },
  {
    name: 'rate: beyond the burst',
    send: request('/limit'),
    status: 429,
    has: [/retry-after: (3600|35\d\d)\r\n/, /x-ratelimit-remaining: 0/, /x-ratelimit-reset: (7200|71\d\d)/],
  },
  { name: 'rate: a user', send: request('/each', 'X-User: a\r\n'), status: 200 },
  { name: 'rate: another user', send: request('/each', 'X-User: b\r\n'), status: 200 },
  { name: 'rate: the first user again', send: request('/each', 'X-User: a\r\n'), status: 429 },
  { name: 'rate: without the header', send: request('/each'), status: 200 },
  { name: 'rate: without the header again', send: request('/each'), status: 429 },
  { name: 'rate: a client', send: request('/client', from('192.0.2.1')), status: 200 },
  { name: 'rate: another client', send: request('/client', from('192.0.2.2')), status: 200 },
  { name: 'rate: a client that invents an address', send: request('/client', from('1.2.3.4, 192.0.2.1')), status: 429 },
  { name: 'fault: abort', send: request('/abort'), status: 418 },
  { name: 'fault: none of them', send: request('/never'), status: 200 },
  { name: 'fault: with its header', send: request('/asked', 'X-Fault: yes\r\n'), status: 418 },
  { name: 'fault: with another value', send: request('/asked', 'X-Fault: no\r\n'), status: 200 },
  { name: 'fault: a delay', send: request('/slow'), status: 200, has: [/GET \/slow/] },
];

test('filters, one row each', async (t) => {
  for (const { name, send, status, has = [], lacks = [] } of ROWS) {
    await t.test(name, async () => {
      const answer = await rig.exchange(send);
      const head = answer.slice(0, answer.indexOf('\r\n\r\n') + 4);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
      for (const pattern of has) assert.match(answer, pattern);
      for (const pattern of lacks) assert.doesNotMatch(head, pattern);
    });
  }
});

describe('a request that waits', () => {
  test('keeps its order among pipelined ones', async () => {
    const client = rig.dial();
    const slow = 'GET /slow?1 HTTP/1.1\r\nHost: h\r\n\r\n';
    client.send(`${slow}${request('/never?2')}`);
    const all = await client.untilEnd();
    assert.ok(all.indexOf('GET /slow?1') > 0 && all.indexOf('GET /slow?1') < all.indexOf('GET /never?2'), all);
  });

  test('goes on with a body that comes in pieces', async () => {
    const client = rig.dial();
    client.send(request('/slow', 'Content-Length: 6\r\n', 'POST', 'abc'));
    client.send('def');
    assert.match(await client.untilEnd(), /^HTTP\/1\.1 200 [\s\S]*abcdef$/);
  });

  test('is forgotten when its client goes', async () => {
    const client = rig.dial();
    client.send(request('/slow'));
    client.socket.destroy();
    // The gateway goes on, and nothing is counted as under way.
    assert.match(await rig.exchange(request('/slow')), /^HTTP\/1\.1 200/);
    await within('requests in flight', untilZero());
  });
});

async function untilZero(): Promise<void> {
  while (rig.gateway.stats().requestsInFlight > 0) await rig.exchange(request('/never'));
}

test('a body that grows too long is broken off', async () => {
  const client = rig.dial();
  client.send(request('/small', chunked, 'POST', '3\r\nabc\r\n'));
  client.send('3\r\ndef\r\n');
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 413 /);
});

test('HTTP/2: a body waits for the verdict, and one connection for several', async () => {
  const session = http2.connect(`http://127.0.0.1:${rig.port}`);
  const post = async (password: string, content: string): Promise<string> => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/late',
      authorization: `Basic ${Buffer.from(`bcrypt:${password}`).toString('base64')}`,
    });
    stream.end(content);
    const [head] = await within('an answer', once(stream, 'response'));
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return `${(head as http2.IncomingHttpHeaders)[':status']} ${Buffer.concat(chunks).toString()}`;
  };
  try {
    const answers = await Promise.all([post('right', 'abc'), post('other', 'def'), post('right', 'ghijkl')]);
    assert.match(answers[0]!, /^200 [\s\S]*abc/);
    assert.match(answers[1]!, /^401 /);
    assert.match(answers[2]!, /^413 /);
  } finally {
    session.destroy();
  }
});
