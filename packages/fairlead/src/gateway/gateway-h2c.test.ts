import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { type GatewayRig, startRig, testBackend, testRoute, within } from './test-rig/gateway-rig.ts';

const BIG = randomBytes(2_000_000);
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let rig: GatewayRig;
let server: Http2Server;
let client: ClientHttp2Session;
const upstreams = new Set<ServerHttp2Session>();
const seen: IncomingHttpHeaders[] = [];
let refused = false;
let late: ServerHttp2Stream | undefined;

before(async () => {
  // Node refuses streams once a session holds 10 MB, as the slow readers here make it do.
  server = createServer({ maxSessionMemory: 1000 });
  server.on('session', (session) => {
    upstreams.add(session);
    session.on('close', () => upstreams.delete(session));
    session.on('error', () => {});
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    seen.push(headers);
    stream.on('error', () => {});
    const path = headers[':path'];
    const grpc = { ':status': 200, 'content-type': 'application/grpc' };
    if (path === '/unary') {
      stream.respond(grpc, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }));
      stream.pipe(stream);
    } else if (path === '/trailers-only') stream.respond({ ...grpc, 'grpc-status': '5' }, { endStream: true });
    else if (path === '/big') {
      stream.respond({ ':status': 200 });
      stream.end(BIG);
    } else if (path === '/huge') {
      stream.respond({ ':status': 200 });
      stream.end(Buffer.concat([BIG, BIG, BIG, BIG]));
    } else if (path === '/digest') {
      const hash = createHash('sha256');
      stream.on('data', (chunk) => hash.update(chunk));
      stream.on('end', () => {
        stream.respond({ ':status': 200 });
        stream.end(hash.digest('hex'));
      });
    } else if (path === '/reset') stream.close(2);
    else if (path === '/reset-midway') {
      stream.respond({ ':status': 200 });
      stream.write('abc');
      setImmediate(() => stream.destroy(new Error('midway')));
    } else if (path === '/nothing') stream.respond({ ':status': 204 }, { endStream: true });
    else if (path === '/refused-once' && !refused) {
      refused = true;
      stream.close(7);
    } else if (path === '/sized-trailers') {
      stream.respond({ ':status': 200, 'content-length': '2' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
      stream.end('ok');
    } else if (path === '/forbidden-trailers') {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () =>
        stream.sendTrailers({ authorization: 'no', 'x-kept': 'yes', 'set-cookie': 'a=b', 'x-forwarded-for': '::1' }),
      );
      stream.end('ok');
    } else if (path === '/late-trailers') {
      late = stream;
      stream.respond({ ':status': 200, 'content-length': '2' }, { waitForTrailers: true });
      stream.write('ok');
    } else if (path === '/after-late-trailers') {
      // The trailers of the answer before go out first, unless nobody wants them any more.
      const answer = (): void => {
        stream.respond({ ':status': 200 });
        stream.end('the second');
      };
      if (late!.closed) answer();
      else late!.once('close', answer);
      late!.once('wantTrailers', () => late!.sendTrailers({ 'x-late': 'yes' }));
      late!.end();
    } else if (path === '/hang') {
      // No answer ever.
    } else if (path === '/goaway') {
      stream.session!.goaway(0);
      stream.respond({ ':status': 200 });
      stream.end('last');
    } else {
      stream.respond({ ':status': 200, 'x-method': headers[':method'] });
      stream.end(headers[':method'] === 'HEAD' ? undefined : `you asked for ${path}`);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const [key, backend] = testBackend('a', [port]);
  const [deadKey, dead] = testBackend('dead', [1]);
  const routes = [
    testRoute('/dead', [{ backend: 'dead', weight: 1 }]),
    testRoute('/empty', [{ backend: 'none', weight: 1 }]),
    testRoute('/', [{ backend: 'a', weight: 1 }]),
  ];
  rig = await startRig({
    hosts: [['http|*.example', { listener: 'http', hostname: '*.example', routes }]],
    backends: [
      [key, { ...backend, protocol: 'h2c' }],
      [deadKey, { ...dead, protocol: 'h2c' }],
      testBackend('none', []),
    ],
  });
  client = connect(`http://127.0.0.1:${rig.port}`);
  client.on('error', () => {});
});
after(async () => {
  client?.destroy();
  await rig?.stop();
  for (const session of upstreams) session.destroy();
  server?.close();
});

interface Answer {
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
  readonly trailers: Record<string, unknown>;
}

function start(path: string, more: OutgoingHttpHeaders = {}, endStream = true): ClientHttp2Stream {
  return client.request({ ':authority': 'up.example', ':path': path, ...more }, { endStream });
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
      stream.on('close', () => resolve({ headers, body: Buffer.concat(body), trailers }));
      stream.on('error', reject);
    }),
  );
}

const get = (path: string, more?: OutgoingHttpHeaders): Promise<Answer> => answerOf(start(path, more));
const GRPC = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

describe('gRPC through the gateway', () => {
  test('unary, with trailers', async () => {
    const stream = start('/unary', GRPC, false);
    stream.end(Buffer.from([0, 0, 0, 0, 1, 65]));
    const { headers, body, trailers } = await answerOf(stream);
    assert.equal(headers[':status'], 200);
    assert.deepEqual([...body], [0, 0, 0, 0, 1, 65]);
    assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['0', 'fine']);
    assert.equal(seen.at(-1)!.te, 'trailers');
    assert.equal(seen.at(-1)![':authority'], 'up.example');
    assert.equal(seen.at(-1)![':scheme'], 'http');
  });

  test('trailers only', async () => {
    const { headers, body } = await get('/trailers-only', GRPC);
    assert.equal(headers['grpc-status'], '5');
    assert.equal(body.length, 0);
  });

  test('messages go both ways while both sides are open', async () => {
    const stream = start('/unary', GRPC, false);
    const response = once(stream, 'response');
    stream.write('one');
    await within('response', response);
    assert.equal(String((await within('echo', once(stream, 'data')))[0]), 'one');
    const second = once(stream, 'data');
    stream.write('two');
    assert.equal(String((await within('echo', second))[0]), 'two');
    const trailers = once(stream, 'trailers');
    stream.end();
    assert.equal((await within('trailers', trailers))[0]['grpc-status'], '0');
  });

  const failures: [string, string][] = [
    ['/empty', '14'],
    ['/dead', '14'],
    ['/reset', '14'],
  ];
  for (const [path, code] of failures) {
    test(`${path} becomes status ${code}`, async () => {
      const { headers } = await get(path, GRPC);
      assert.equal(headers['grpc-status'], code);
      assert.equal(headers['content-type'], 'application/grpc');
    });
  }

  test("the caller's grpc-timeout ends a request: DEADLINE_EXCEEDED", async () => {
    const { headers } = await get('/hang', { ...GRPC, 'grpc-timeout': '150m' });
    assert.equal(headers['grpc-status'], '4');
    assert.equal(seen.at(-1)?.['grpc-timeout'], '150m', 'the endpoint knows it too');
  });

  test('a refused stream goes to another try, even of a POST', async () => {
    assert.equal((await get('/refused-once', GRPC)).body.toString(), 'you asked for /refused-once');
    assert.equal(refused, true);
  });

  test('an unknown host becomes UNIMPLEMENTED', async () => {
    assert.equal((await get('/x', { ...GRPC, ':authority': 'other.test' })).headers['grpc-status'], '12');
  });
});

describe('HTTP/2 to an upstream', () => {
  test('many requests, few connections', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => get(`/n/${i}`)));
    for (const [i, { body }] of answers.entries()) assert.equal(body.toString(), `you asked for /n/${i}`);
    assert.ok(upstreams.size <= 3, `${upstreams.size} connections`);
  });

  test('large bodies both ways, side by side', async () => {
    const uploads = [1, 2].map(() => {
      const stream = start('/digest', { ':method': 'PUT' }, false);
      stream.end(BIG);
      return answerOf(stream);
    });
    const downloads = [get('/big'), get('/big')];
    for (const { body } of await Promise.all(uploads)) assert.equal(body.toString(), digest(BIG));
    for (const { body } of await Promise.all(downloads)) assert.equal(digest(body), digest(BIG));
  });

  test('a reader that stops holds up nobody else', async () => {
    const stopped = start('/big');
    await within('response', once(stopped, 'response'));
    for (let i = 0; i < 20; i++) assert.equal((await get(`/other/${i}`)).headers[':status'], 200);
    assert.equal(digest((await answerOf(stopped)).body), digest(BIG));
  });

  test('readers that stop and go on, with more than all buffers hold', async () => {
    const streams = Array.from({ length: 6 }, () => start('/huge'));
    for (const stream of streams) await within('response', once(stream, 'response'));
    assert.equal((await get('/meanwhile')).headers[':status'], 200);
    for (const { body } of await Promise.all(streams.map(answerOf))) {
      assert.equal(body.length, 4 * BIG.length);
      assert.equal(digest(body.subarray(-BIG.length)), digest(BIG));
    }
  });

  test('HEAD and 204', async () => {
    assert.equal((await get('/x', { ':method': 'HEAD' })).headers['x-method'], 'HEAD');
    assert.equal((await get('/nothing')).headers[':status'], 204);
    assert.equal((await get('/after')).headers[':status'], 200);
  });

  test('a reset before the response is a bad gateway, midway a reset', async () => {
    assert.equal((await get('/reset')).headers[':status'], 502);
    await assert.rejects(get('/reset-midway'), { code: 'ERR_HTTP2_STREAM_ERROR' });
    assert.equal((await get('/after')).headers[':status'], 200);
  });

  test('GOAWAY of the upstream loses no request', async () => {
    for (let i = 0; i < 5; i++) {
      assert.equal((await get('/goaway')).body.toString(), 'last');
      const posts = Array.from({ length: 5 }, () => get('/after', { ':method': 'POST' }));
      for (const { headers } of await Promise.all(posts)) assert.equal(headers[':status'], 200);
    }
  });

  test('an HTTP/1.1 client sees trailers in the chunked body', async () => {
    const received = await rig.exchange(
      'POST /unary HTTP/1.1\r\nHost: up.example\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
    );
    assert.match(received, /^HTTP\/1\.1 200 \r\n/);
    assert.match(received, /\r\n3\r\nabc\r\n0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n$/);
  });
});

/** Status and body of an answer to a client of HTTP/1.1, whose connection stays open. */
function overHttp1(path: string): Promise<[number | undefined, string]> {
  const options = { port: rig.port, host: '127.0.0.1', path, headers: { host: 'up.example' } };
  return within(
    'a response',
    new Promise((resolve, reject) => {
      const asked = request(options, (answer) => {
        answer.setEncoding('latin1');
        let body = '';
        answer.on('data', (text: string) => {
          body += text;
        });
        answer.on('end', () => resolve([answer.statusCode, body]));
      });
      asked.on('error', reject);
      asked.end();
    }),
  );
}

test('trailers behind an answer with a length reach a client of HTTP/2, and do no harm to one of HTTP/1.1', async () => {
  const { headers, body, trailers } = await get('/sized-trailers');
  assert.deepEqual([headers['content-length'], body.toString(), trailers['x-sum']], ['2', 'ok', '1']);
  assert.deepEqual(await overHttp1('/sized-trailers'), [200, 'ok']);
});

test('trailers that could change framing, routing or identity stay behind', async () => {
  const { trailers } = await get('/forbidden-trailers');
  const names = Object.keys(trailers).filter((name) => !name.startsWith(':'));
  assert.deepEqual(names, ['x-kept']);
});

test('trailers behind an answer that was whole by its length are not taken for the next one', async () => {
  assert.deepEqual(await overHttp1('/late-trailers'), [200, 'ok']);
  // Not repeated if it fails.
  const second = await answerOf(start('/after-late-trailers', { ':method': 'POST' }));
  assert.deepEqual([second.headers[':status'], second.body.toString()], [200, 'the second']);
});
