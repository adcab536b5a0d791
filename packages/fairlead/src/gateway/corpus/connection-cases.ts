import { accepted, get, H, post, type RequestCase } from './corpus-case.ts';

const closes = (
  rule: string,
  name: string,
  bytes: string,
  upstream: readonly string[],
  more: Partial<RequestCase> = {},
): RequestCase => accepted(rule, name, bytes, upstream, { fate: 'closes', ...more });
const old = (fields = ''): string => get(fields, 'GET /a HTTP/1.0');

/** Persistence, pipelining, HTTP/1.0, expectations and upgrades (RFC 9112 9, RFC 9110 7.8 and 10.1.1). */
export const CONNECTION_CASES: readonly RequestCase[] = [
  closes('9112 9.6', 'close ends the pipeline', get('Connection: close\r\n'), ['GET /a']),
  closes('9112 9.6', 'close in other case', get('Connection: CLOSE\r\n'), ['GET /a']),
  closes('9112 9.6', 'close in a list', get('Connection: keep-alive , x,close\r\n'), ['GET /a']),
  closes('9112 9.6', 'close on a second line', get('Connection: keep-alive\r\nConnection: close\r\n'), ['GET /a']),
  accepted('9112 9.3', 'persistent by default', get()),
  accepted('9110 5.6.1', 'members are parted by commas only', get('Connection: x close\r\nClose: y\r\n'), undefined, {
    forwarded: ['close: y'],
  }),
  accepted('9112 9.3', 'closer is not close', get('Connection: closer\r\n')),
  accepted('9112 9.3.2', 'three requests at once', get().repeat(3), ['GET /a', 'GET /a', 'GET /a']),
  accepted(
    '9112 9.3.2',
    'bodies in a pipeline',
    post('Content-Length: 1\r\n', 'x') + post('Transfer-Encoding: chunked\r\n', '1\r\ny\r\n0\r\n\r\n'),
    ['POST /a "x"', 'POST /a "y"'],
  ),
  accepted('9112 2.2', 'an empty line between requests', `${get()}\r\n${get()}`, ['GET /a', 'GET /a']),
  {
    rule: '9112 2.2',
    name: 'a body longer than its length is the next request',
    bytes: post('Content-Length: 1\r\n', 'x\0'),
    answers: [200, 400],
    fate: 'closes',
    upstream: ['POST /a "x"'],
  },
  {
    rule: '9112 6.3',
    name: 'a broken request behind a good one',
    bytes: get() + get('X : y\r\n'),
    answers: [200, 400],
    fate: 'closes',
    upstream: ['GET /a'],
  },
  {
    rule: 'policy',
    name: 'an unknown host with a body ends the pipeline',
    bytes: `POST /a HTTP/1.1\r\nHost: unknown\r\nContent-Length: 100\r\n\r\nx`,
    answers: [404],
    fate: 'closes',
    upstream: [],
  },
  {
    rule: 'policy',
    name: 'an unknown host without a body does not',
    bytes: 'GET /a HTTP/1.1\r\nHost: unknown\r\n\r\n',
    answers: [404],
    fate: 'stays',
    upstream: [],
  },
  // HTTP/1.0.
  closes('9112 9.3', 'HTTP/1.0 ends the pipeline', old(), ['GET /a']),
  closes('9112 9.3', 'HTTP/1.0 with close and keep-alive', old('Connection: close, keep-alive\r\n'), ['GET /a']),
  accepted('9112 9.3', 'HTTP/1.0 with keep-alive', old('Connection: keep-alive\r\n')),
  closes('9112 9.3', 'HTTP/1.0 with a length', post('Content-Length: 1\r\n', 'x', '1.0'), ['POST /a "x"']),
  closes('9112 3.2', 'HTTP/1.0 with an absolute target and no Host', 'GET http://h/a HTTP/1.0\r\n\r\n', ['GET /a'], {
    forwarded: ['host: h'],
  }),
  {
    rule: '9112 3.2',
    name: 'HTTP/1.0 without Host has no route here',
    bytes: 'GET /a HTTP/1.0\r\n\r\n',
    answers: [404],
    fate: 'closes',
    upstream: [],
  },
  closes('9112 2.3', 'HTTP/1.0 becomes 1.1 upstream', old('X: y\r\n'), ['GET /a'], { forwarded: ['GET /a HTTP/1.1'] }),
  // Expect.
  {
    rule: '9110 10.1.1',
    name: '100-continue with the body at once',
    bytes: post('Expect: 100-continue\r\nContent-Length: 1\r\n', 'x'),
    answers: [200],
    fate: 'stays',
    upstream: ['POST /a "x"'],
    forwarded: ['Expect: 100-continue'],
  },
  {
    rule: '9110 10.1.1',
    name: 'expectation on a request without a body',
    bytes: get('Expect: 100-continue\r\n'),
    answers: [200],
    fate: 'stays',
    upstream: ['GET /a'],
  },
  // Upgrade.
  accepted(
    '9113 3.1',
    'Upgrade: h2c is not passed on',
    get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
    undefined,
    {
      withheld: ['h2c', 'http2-settings'],
    },
  ),
  accepted(
    '9113 3.1',
    'Upgrade: h2c with a body stays in step',
    post('Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n', 'body'),
    ['POST /a "body"'],
    { withheld: ['h2c'] },
  ),
  accepted('9110 7.8', 'Upgrade without Connection', get('Upgrade: websocket\r\n'), undefined, {
    withheld: ['websocket'],
  }),
  accepted(
    '9110 7.8',
    'a WebSocket that the upstream declines',
    get('Connection: upgrade\r\nUpgrade: websocket\r\n'),
    undefined,
    {
      forwarded: ['upgrade: websocket', 'connection: upgrade'],
    },
  ),
  // Half-told requests: the probe becomes part of them.
  {
    rule: '9112 8',
    name: 'a body that swallows what follows',
    bytes: `POST /a HTTP/1.1\r\n${H}Content-Length: 1000\r\n\r\n`,
    answers: [],
    fate: 'closes',
    upstream: [],
  },
];
