import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { selfSignedIdentity } from './self-signed.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testRoute,
  within,
} from './test-rig/gateway-rig.ts';

const BIG = randomBytes(3_000_000);
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let rig: GatewayRig;
let upstream: RawUpstream;
const origins: Record<'plain' | 'tls', string> = { plain: '', tls: '' };
const sessions: ClientHttp2Session[] = [];

before(async () => {
  upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      const path = request.split(' ')[1]!;
      if (path === '/big') {
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG.length}\r\n\r\n`);
        connection.send(BIG);
        return undefined;
      }
      if (path === '/digest') {
        const body = request.slice(request.indexOf('\r\n\r\n') + 4);
        const bytes = /^transfer-encoding: chunked/im.test(request) ? dechunk(body) : body;
        return ok(digest(Buffer.from(bytes, 'latin1')));
      }
      if (path === '/trailers') {
        return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Grpc-Status\r\n\r\n3\r\nabc\r\n0\r\nGrpc-Status: 7\r\n\r\n';
      }
      if (path === '/until-close') {
        connection.socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it');
        return undefined;
      }
      if (path === '/cut') {
        connection.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc');
        return undefined;
      }
      if (path === '/hints') return `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('x')}`;
      if (path === '/nothing') return 'HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n';
      if (path === '/never') return undefined;
      return request.startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n' : ok(request, 'X-Up: 1\r\n');
    }),
  );
  const upstreamPort = await upstream.listen();
  const routes = [
    testRoute('/empty', [{ backend: 'none', weight: 1 }]),
    testRoute('/slow', [{ backend: 'a', weight: 1 }], {
      timeouts: { requestMs: 300, connectMs: 5000, idleMs: 60_000 },
      pathRewrite: { type: 'full', value: '/never' },
    }),
    testRoute('/', [{ backend: 'a', weight: 1 }]),
  ];
  const identity = selfSignedIdentity('h2.example', Date.parse('2026-11-01T00:00:00Z'));
  rig = await startRig({
    listeners: (['http', 'https'] as const).map((protocol) => [
      protocol,
      { name: protocol, protocol, address: '127.0.0.1', port: 0 },
    ]),
    hosts: ['http', 'https'].map((listener) => [`${listener}|*.example`, { listener, hostname: '*.example', routes }]),
    backends: [testBackend('a', [upstreamPort]), testBackend('none', [])],
    certificates: [['test/h2', { key: 'test/h2', hosts: ['h2.example'], ...identity }]],
  });
  for (const { name, port } of rig.gateway.listeners()) {
    origins[name === 'https' ? 'tls' : 'plain'] = `${name}://127.0.0.1:${port}`;
  }
});
after(async () => {
  for (const session of sessions) session.destroy();
  await rig?.stop();
  await upstream?.close();
});

function dechunk(text: string): string {
  let whole = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (size === 0) return whole;
    whole += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

async function open(kind: 'plain' | 'tls'): Promise<ClientHttp2Session> {
  const session = connect(origins[kind], { rejectUnauthorized: false, servername: 'h2.example' });
  sessions.push(session);
  session.on('error', () => {});
  await within('connect', once(session, 'connect'));
  return session;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
  readonly trailers: Record<string, unknown>;
}

function start(
  session: ClientHttp2Session,
  path: string,
  more: OutgoingHttpHeaders = {},
  endStream = true,
): ClientHttp2Stream {
  return session.request({ ':authority': 'h2.example', ':path': path, ...more }, { endStream });
}

function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  return within(
    'a response',
    new Promise((resolve, reject) => {
      let headers: Record<string, unknown> = {};
      let trailers: Record<string, unknown> = {};
      const body: Buffer[] = [];
      stream.on('response', (fields) => {
        headers = { ...fields };
      });
      stream.on('trailers', (fields) => {
        trailers = { ...fields };
      });
      stream.on('data', (chunk: Buffer) => body.push(chunk));
      stream.on('close', () =>
        resolve({ status: Number(headers[':status']), headers, body: Buffer.concat(body), trailers }),
      );
      stream.on('error', reject);
    }),
  );
}

const get = (session: ClientHttp2Session, path: string, more?: OutgoingHttpHeaders): Promise<Answer> =>
  answerOf(start(session, path, more));

for (const kind of ['plain', 'tls'] as const) {
  describe(`HTTP/2, ${kind}`, () => {
    let session: ClientHttp2Session;
    before(async () => {
      session = await open(kind);
    });

    test('a request reaches an HTTP/1.1 upstream', async () => {
      const { status, headers, body } = await get(session, '/a?b=c', { 'x-test': 'y', cookie: 'a=1' });
      assert.equal(status, 200);
      assert.equal(headers['x-up'], '1');
      assert.match(body.toString(), /^GET \/a\?b=c HTTP\/1\.1\r\nhost: h2\.example\r\n/);
      assert.match(body.toString(), /\r\nx-test: y\r\n/);
      assert.match(body.toString(), /\r\nx-forwarded-for: 127\.0\.0\.1\r\n/);
      assert.match(body.toString(), new RegExp(`\r\nx-forwarded-proto: ${kind === 'tls' ? 'https' : 'http'}\r\n`));
    });

    test('many requests share the connection', async () => {
      const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => get(session, `/many/${i}`)));
      for (const [i, { status, body }] of answers.entries()) {
        assert.equal(status, 200);
        assert.match(body.toString(), new RegExp(`^GET /many/${i} `));
      }
    });

    for (const sized of [true, false]) {
      test(`an upload ${sized ? 'with' : 'without'} length arrives whole`, async () => {
        const stream = start(
          session,
          '/digest',
          { ':method': 'POST', ...(sized ? { 'content-length': BIG.length } : {}) },
          false,
        );
        const answer = answerOf(stream);
        stream.end(BIG);
        assert.equal((await answer).body.toString(), digest(BIG));
      });
    }

    test('downloads larger than the windows arrive whole, side by side', async () => {
      const answers = await Promise.all([1, 2, 3].map(() => get(session, '/big')));
      for (const { body } of answers) assert.equal(digest(body), digest(BIG));
    });

    test('a reader that stops holds up nobody else', async () => {
      const stopped = start(session, '/big');
      await within('response', once(stopped, 'response'));
      assert.equal((await get(session, '/other')).status, 200);
      assert.equal(digest((await answerOf(stopped)).body), digest(BIG));
    });

    const heads: [string, OutgoingHttpHeaders, number][] = [
      ['/nothing', {}, 204],
      ['/head', { ':method': 'HEAD' }, 200],
      ['/post', { ':method': 'POST' }, 200],
      ['/a', { ':authority': 'unknown.test' }, 404],
      ['/empty', {}, 503],
      ['/slow', {}, 504],
      ['/../etc', {}, 400],
    ];
    for (const [path, more, status] of heads) {
      test(`${more[':method'] ?? 'GET'} ${path} ${more[':authority'] ?? ''} gives ${status}`, async () => {
        assert.equal((await get(session, path, more)).status, status);
        assert.equal((await get(session, '/after')).status, 200);
      });
    }

    test('trailers of a chunked response', async () => {
      const { body, trailers } = await get(session, '/trailers');
      assert.equal(body.toString(), 'abc');
      assert.equal(trailers['grpc-status'], '7');
    });

    test('a response that ends with its connection', async () => {
      assert.equal((await get(session, '/until-close')).body.toString(), 'all of it');
    });

    test('an informational response', async () => {
      const stream = start(session, '/hints');
      const hints = once(stream, 'headers');
      assert.equal((await answerOf(stream)).status, 200);
      assert.equal((await hints)[0][':status'], 103);
    });

    test('a response that is cut resets the stream, not the connection', async () => {
      await assert.rejects(get(session, '/cut'), { code: 'ERR_HTTP2_STREAM_ERROR' });
      assert.equal((await get(session, '/after')).status, 200);
    });

    test('a request given up closes its upstream connection', async () => {
      const before = upstream.connections.length;
      const stream = start(session, '/never');
      stream.on('error', () => {});
      const waiting = (): boolean =>
        upstream.connections.some(({ received, ended }) => !ended && /GET \/never [\s\S]*\r\n\r\n$/.test(received));
      await within('the request', poll(waiting));
      stream.close(constants.NGHTTP2_CANCEL);
      await within(
        'the end',
        poll(() => !waiting()),
      );
      assert.ok(upstream.connections.length >= before);
    });
  });
}

/** Looks after each event of any upstream connection. */
async function poll(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('HTTP/1.1 still works where HTTP/2 may begin, also byte by byte', async () => {
  for (const method of ['GET', 'POST', 'PUT', 'PRI']) {
    const connection = rig.dial();
    for (const byte of Buffer.from(
      `${method} /x HTTP/1.1\r\nhost: h2.example\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    )) {
      connection.send(Buffer.from([byte]));
    }
    assert.match(await connection.untilEnd(), /^HTTP\/1\.1 200 OK\r\n/);
  }
});

test('a drain sends GOAWAY and lets the last request finish', async () => {
  const session = await open('plain');
  const goaway = once(session, 'goaway');
  const closed = once(session, 'close');
  const stopped = rig.gateway.stop({ drainMs: 5000 });
  const [code] = await within('GOAWAY', goaway);
  assert.equal(code, 0);
  await within('close', closed);
  for (const open of sessions) open.destroy();
  await within('stop', stopped);
});
