import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { after, before, beforeEach, describe, test } from 'node:test';
import zlib from 'node:zlib';
import type { ForwardAuthFilter, InflateFilter, MirrorFilter } from '../../routing/route-filters.ts';
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
import { GATHERED_MAX_BYTES } from './exchange-filters.ts';

const MAX_BYTES = 200_000;
const LONG = 'abcdefghij'.repeat(15_000);
const auth = (more: Partial<ForwardAuthFilter> = {}): ForwardAuthFilter => ({
  type: 'forward-auth',
  backend: 'auth',
  method: 'same',
  bodyMaxBytes: MAX_BYTES,
  host: 'auth.example',
  target: '/check',
  timeoutMs: 20_000,
  requestHeaders: [],
  responseHeaders: [],
  passesCookies: false,
  ...more,
});
const MEGABYTE = Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`).join('');
const COMPRESS = { gzip: zlib.gzipSync, br: zlib.brotliCompressSync, zstd: zlib.zstdCompressSync };
const inflates: InflateFilter = { type: 'inflate', maxBytes: MAX_BYTES };
const mirrored: MirrorFilter = { type: 'mirror', backend: 'copies', share: 1, host: 'keep', bodyMaxBytes: MAX_BYTES };

const questions: string[] = [];
const seen: string[] = [];
const copies: string[] = [];
let copied: () => void = () => {};
let refuses = false;
let failsFirst = false;
const service = new RawUpstream((connection) =>
  onRequests(connection, (request) => {
    questions.push(request);
    return refuses ? 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n' : ok('');
  }),
);
const backend = new RawUpstream((connection) =>
  onRequests(connection, (request) => {
    seen.push(request);
    if (!failsFirst) return ok('done');
    failsFirst = false;
    return 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n';
  }),
);
const mirror = new RawUpstream((connection) =>
  onRequests(connection, (request) => {
    copies.push(request);
    copied();
    return ok('');
  }),
);
let rig: GatewayRig;
let session: ClientHttp2Session;

before(async () => {
  const web = [{ backend: 'web', weight: 1 }];
  const retry = {
    on: ['5xx' as const],
    statuses: [],
    retries: 1,
    methods: 'any' as const,
    backoffBaseMs: 0,
    backoffMaxMs: 0,
    hedge: false,
    replayMaxBytes: 512 * 1024,
  };
  rig = await startRig({
    hosts: [
      testHost('*', [
        testRoute('/auth', web, { filters: [auth()] }),
        testRoute('/limited', web, { filters: [{ type: 'body-limit', maxBytes: 10 }, auth()] }),
        testRoute('/retried', web, { filters: [auth()], retry }),
        testRoute('/mirrored', web, { filters: [auth(), mirrored] }),
        testRoute('/inflated', web, { filters: [inflates] }),
        testRoute('/huge', web, { filters: [{ type: 'inflate', maxBytes: 16 * 1024 * 1024 }] }),
        testRoute('/both', web, { filters: [inflates, auth()] }),
        testRoute('/cached', web, { filters: [auth({ cache: { by: [{ type: 'path' }], ms: 60_000 } })] }),
        testRoute('/', web),
      ]),
    ],
    backends: [
      testBackend('web', [await backend.listen()]),
      testBackend('auth', [await service.listen()]),
      testBackend('copies', [await mirror.listen()]),
    ],
  });
  session = http2.connect(`http://127.0.0.1:${rig.port}`);
});
after(async () => {
  session.destroy();
  await rig.stop();
  await Promise.all([service.close(), backend.close(), mirror.close()]);
});
beforeEach(() => {
  for (const list of [questions, seen, copies]) list.length = 0;
  refuses = false;
  failsFirst = false;
});

const post = (path: string, body: string, fields = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
const inChunks = (path: string, parts: readonly string[], fields = '', trailer = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n${fields}\r\n${parts
    .map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
    .join('')}0\r\n${trailer}\r\n`;
const statusOf = (received: string): number => Number(received.split(' ')[1]);
const bodyOf = (request: string): string => request.slice(request.indexOf('\r\n\r\n') + 4);
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

interface Row {
  readonly name: string;
  readonly send: string;
  readonly status: number;
  /** Of the question, where one is asked. */
  readonly asked?: string;
  /** Of the request as the endpoint gets it, where it does. */
  readonly body?: string;
  readonly has?: readonly RegExp[];
  readonly lacks?: readonly RegExp[];
}
const GZIPPED = latin1(zlib.gzipSync(LONG));
const ROWS: readonly Row[] = [
  { name: 'no content', send: post('/auth', ''), status: 200, asked: '', body: '' },
  { name: 'content', send: post('/auth', 'hello'), status: 200, asked: 'hello', body: 'hello' },
  { name: 'content of many reads', send: post('/auth', LONG), status: 200, asked: LONG, body: LONG },
  {
    name: 'chunks become one piece',
    send: inChunks('/auth', ['hel', 'lo']),
    status: 200,
    asked: 'hello',
    body: 'hello',
    has: [/^content-length: 5\r$/m],
    lacks: [/transfer-encoding/i],
  },
  { name: 'chunks of many reads', send: inChunks('/auth', [LONG]), status: 200, asked: LONG, body: LONG },
  {
    name: 'a trailer is left out',
    send: inChunks('/auth', ['a'], '', 'X-Sum: 1\r\n'),
    status: 200,
    asked: 'a',
    body: 'a',
  },
  {
    name: 'a client that waits for 100 (Continue)',
    send: post('/auth', 'hello', 'Expect: 100-continue\r\n'),
    status: 100,
    asked: 'hello',
    body: 'hello',
    lacks: [/expect/i],
  },
  { name: 'more than is taken', send: post('/auth', 'x'.repeat(MAX_BYTES + 1)), status: 413 },
  { name: 'more than is taken, in chunks', send: inChunks('/auth', [LONG, LONG]), status: 413 },
  { name: 'more than the route takes, in chunks', send: inChunks('/limited', ['0123456789a']), status: 413 },
  { name: 'malformed chunks', send: inChunks('/auth', ['a']).replace('\r\n1\r\n', '\r\nzz\r\n'), status: 400 },
  {
    name: 'inflated',
    send: post('/inflated', GZIPPED, 'Content-Encoding: gzip\r\n'),
    status: 200,
    body: LONG,
    lacks: [/content-encoding/i],
  },
  {
    name: 'inflated, in chunks, and sums left out',
    send: inChunks(
      '/inflated',
      [latin1(zlib.brotliCompressSync(LONG))],
      'Content-Encoding: BR\r\nContent-Digest: x\r\n',
    ),
    status: 200,
    body: LONG,
    has: [new RegExp(`^content-length: ${LONG.length}\r$`, 'm')],
    lacks: [/digest/i, /transfer-encoding/i],
  },
  {
    name: 'zstd',
    send: post('/inflated', latin1(zlib.zstdCompressSync(LONG)), 'Content-Encoding: zstd\r\n'),
    status: 200,
    body: LONG,
  },
  ...(['gzip', 'br', 'zstd'] as const).map((coding) => ({
    name: `a megabyte in ${coding}`,
    send: post('/huge', latin1(COMPRESS[coding](Buffer.from(MEGABYTE))), `Content-Encoding: ${coding}\r\n`),
    status: 200,
    body: MEGABYTE,
  })),
  {
    name: 'much, and broken in the end',
    send: post('/huge', latin1(zlib.gzipSync(MEGABYTE)).slice(0, -20), 'Content-Encoding: gzip\r\n'),
    status: 400,
  },
  {
    name: 'too much, elsewhere',
    send: post('/huge', latin1(zlib.gzipSync(Buffer.alloc(17_000_000))), 'Content-Encoding: gzip\r\n'),
    status: 413,
  },
  { name: 'not what it says', send: post('/inflated', 'plain', 'Content-Encoding: gzip\r\n'), status: 400 },
  { name: 'cut off', send: post('/inflated', GZIPPED.slice(0, 40), 'Content-Encoding: gzip\r\n'), status: 400 },
  {
    name: 'a bomb',
    send: post('/inflated', latin1(zlib.gzipSync(Buffer.alloc(50_000_000))), 'Content-Encoding: gzip\r\n'),
    status: 413,
  },
  {
    name: 'a coding that nobody here knows goes on',
    send: post('/inflated', 'x', 'Content-Encoding: deflate\r\n'),
    status: 200,
    body: 'x',
    has: [/content-encoding: deflate/i],
  },
  { name: 'no coding goes on', send: post('/inflated', 'x'), status: 200, body: 'x' },
  {
    name: 'inflated before it is shown',
    send: post('/both', GZIPPED, 'Content-Encoding: gzip\r\n'),
    status: 200,
    asked: LONG,
    body: LONG,
  },
];
describe('content that filters look at', () => {
  for (const { name, send, status, asked, body, has = [], lacks = [] } of ROWS) {
    test(name, async () => {
      const received = await rig.exchange(send);
      assert.equal(statusOf(received), status, received.slice(0, 200));
      if (status === 100) assert.equal(received.split('HTTP/1.1 ').at(-1)?.slice(0, 3), '200');
      assert.deepEqual(questions.map(bodyOf), asked === undefined ? [] : [asked]);
      assert.deepEqual(seen.map(bodyOf), body === undefined ? [] : [body]);
      for (const pattern of has) assert.match(seen[0]!, pattern);
      for (const pattern of lacks) assert.doesNotMatch(seen[0]!, pattern);
    });
  }

  test('what is refused reaches nobody', async () => {
    refuses = true;
    assert.equal(statusOf(await rig.exchange(post('/auth', 'hello'))), 403);
    assert.deepEqual(seen, []);
  });

  test('it goes along with a retry', async () => {
    failsFirst = true;
    assert.equal(statusOf(await rig.exchange(post('/retried', LONG))), 200);
    assert.deepEqual(seen.map(bodyOf), [LONG, LONG]);
  });

  test('it goes along with a copy', async () => {
    const whole = new Promise<void>((resolve) => {
      copied = resolve;
    });
    assert.equal(statusOf(await rig.exchange(inChunks('/mirrored', [LONG]))), 200);
    await within('the copy', whole);
    assert.deepEqual(copies.map(bodyOf), [LONG]);
  });

  test('a verdict on one content is not one on another', async () => {
    for (const body of ['a', 'b']) await rig.exchange(post('/cached', body));
    assert.deepEqual(questions.map(bodyOf), ['a', 'b']);
  });

  test('the next request of the connection is read behind it', async () => {
    const client = rig.dial();
    client.send(post('/auth', 'one').replace('Connection: close\r\n', '') + post('/', 'two'));
    const received = await client.untilEnd();
    assert.equal(received.split('HTTP/1.1 200').length, 3);
    assert.deepEqual(seen.map(bodyOf), ['one', 'two']);
  });

  test('piece by piece', async () => {
    const client = rig.dial();
    const bytes = inChunks('/both', [GZIPPED.slice(0, 10), GZIPPED.slice(10)], 'Content-Encoding: gzip\r\n');
    for (let at = 0; at < bytes.length; at += 7) {
      client.send(bytes.slice(at, at + 7));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(statusOf(await client.untilEnd()), 200);
    assert.deepEqual(seen.map(bodyOf), [LONG]);
  });

  test('a client that goes in the midst leaves nothing behind', async () => {
    const client = rig.dial();
    client.send(post('/auth', LONG).slice(0, 5000));
    client.socket.end();
    await client.untilEnd();
    assert.deepEqual([questions.length, seen.length], [0, 0]);
    assert.equal(rig.gateway.stats().requestsInFlight, 0);
  });

  test('all of them together have a bound, and what is given back is there for others', async () => {
    const length = 15 * 1024 * 1024;
    const piece = Buffer.alloc(length - 1);
    const head = `POST /huge HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: ${length}\r\n\r\n`;
    const clients = Array.from({ length: Math.ceil(GATHERED_MAX_BYTES / length) }, () => {
      const client = rig.dial();
      client.send(head);
      client.send(piece);
      return client;
    });
    // Whose bytes come last is left open.
    const refused = await within('a refusal', Promise.any(clients.map((client) => client.untilEnd())));
    assert.equal(statusOf(refused), 503);
    for (const { socket } of clients) socket.destroy();
    // The gateway hears of it in its own time.
    const served = async (): Promise<void> => {
      const received = await rig.exchange(post('/inflated', GZIPPED, 'Content-Encoding: gzip\r\n'));
      if (statusOf(received) === 503) await served();
      else assert.equal(statusOf(received), 200);
    };
    await within('room again', served());
  });

  test('over HTTP/2', async () => {
    const stream = session.request({ ':method': 'POST', ':path': '/both', 'content-encoding': 'gzip' });
    stream.end(zlib.gzipSync(LONG));
    const [head] = (await within('an answer', once(stream, 'response'))) as [IncomingHttpHeaders];
    stream.resume();
    await within('the end', once(stream, 'end'));
    assert.equal(head[':status'], 200);
    assert.deepEqual([questions.map(bodyOf), seen.map(bodyOf)], [[LONG], [LONG]]);
  });
});
