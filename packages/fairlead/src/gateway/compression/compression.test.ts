import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import type { CompressFilter } from '../../routing/route-filters.ts';
import { compressionCodings } from '../../sys/compressor.ts';
import {
  type GatewayRig,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
  within,
} from '../test-rig/gateway-rig.ts';

const FILTER: CompressFilter = {
  type: 'compress',
  codings: ['zstd', 'br', 'gzip'],
  types: ['text/*', 'application/json', '*+json'],
  minBytes: 100,
  level: 'balanced',
};
const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(200);
const CODINGS = ['gzip', 'br', 'zstd'] as const;
const UNPACK: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => zlib.gunzipSync(bytes),
  br: (bytes) => zlib.brotliDecompressSync(bytes),
  zstd: (bytes) => zlib.zstdDecompressSync(bytes),
};
const skip = compressionCodings().size === CODINGS.length ? false : 'this binary cannot compress';

const answer = (status: string, fields: string, body: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${fields}\r\n${body}`;
const chunks = (fields: string, parts: readonly string[], trailers = ''): string =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${fields}\r\n${parts
    .map((part) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`)
    .join('')}0\r\n${trailers}\r\n`;
const plain = 'Content-Type: text/plain; charset=utf-8\r\n';

/** What the endpoint answers, by path. */
const ANSWERS: Readonly<Record<string, string>> = {
  '/text': answer('200 OK', plain, TEXT),
  '/upper': answer('200 OK', 'content-type: TEXT/HTML\r\n', TEXT),
  '/suffix': answer('200 OK', 'Content-Type: application/problem+json\r\n', TEXT),
  '/chunked': chunks(plain, [TEXT, 'more', TEXT], 'X-Sum: 1\r\n'),
  '/tiny': answer('200 OK', plain, 'tiny'),
  '/png': answer('200 OK', 'Content-Type: image/png\r\n', TEXT),
  '/untyped': answer('200 OK', '', TEXT),
  '/encoded': answer('200 OK', `${plain}Content-Encoding: gzip\r\n`, TEXT),
  '/identity': answer('200 OK', `${plain}Content-Encoding: identity\r\n`, TEXT),
  '/fixed': answer('200 OK', `${plain}Cache-Control: public, no-transform\r\n`, TEXT),
  '/partial': answer('206 Partial Content', `${plain}Content-Range: bytes 0-8999/10000\r\n`, TEXT),
  '/error': answer('500 Internal Server Error', plain, TEXT),
  '/none': 'HTTP/1.1 204 No Content\r\n\r\n',
  '/same': 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
  '/tagged': answer(
    '200 OK',
    `${plain}ETag: "a"\r\nAccept-Ranges: bytes\r\nContent-MD5: x\r\nRepr-Digest: y\r\n`,
    TEXT,
  ),
  '/weak': answer('200 OK', `${plain}ETag: W/"a"\r\n`, TEXT),
  '/varies': answer('200 OK', `${plain}Vary: Origin\r\nVary: Cookie\r\n`, TEXT),
  '/varies-already': answer('200 OK', `${plain}Vary: accept-Encoding\r\n`, TEXT),
  '/varies-in-all': answer('200 OK', `${plain}Vary: *\r\n`, TEXT),
};

let upstream: RawUpstream;
let rig: GatewayRig;
let custom = '';

before(async () => {
  upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      const [method, path = ''] = request.split(' ');
      if (path === '/until-close') {
        connection.send(`HTTP/1.1 200 OK\r\n${plain}\r\n${TEXT}`);
        connection.socket.end();
        return undefined;
      }
      if (path === '/broken') {
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n${plain}\r\n${TEXT}`);
        connection.socket.end();
        return undefined;
      }
      if (path === '/open' || path === '/events') {
        const type = path === '/open' ? plain : 'Content-Type: text/event-stream\r\n';
        connection.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${type}\r\n5\r\nfirst\r\n`);
        return undefined;
      }
      if (path === '/custom') return custom;
      const text = ANSWERS[path]!;
      return method === 'HEAD' ? text.slice(0, text.indexOf('\r\n\r\n') + 4) : text;
    }),
  );
  const web = [{ backend: 'web', weight: 1 }];
  rig = await startRig({
    hosts: [
      testHost('*', [testRoute('/', web, { filters: [FILTER] })]),
      testHost('off.example', [testRoute('/', web)]),
    ],
    backends: [testBackend('web', [await upstream.listen()])],
  });
});

after(async () => {
  await rig.stop();
  await upstream.close();
});

interface Answer {
  readonly head: string;
  readonly body: Buffer;
  readonly trailers: string;
}

/** Reads an answer to its end: chunked, by length or until the end of the connection. */
function parse(received: string): Answer {
  const headEnd = received.indexOf('\r\n\r\n') + 4;
  const head = received.slice(0, headEnd);
  let rest = received.slice(headEnd);
  if (!/^transfer-encoding: chunked/im.test(head)) return { head, body: Buffer.from(rest, 'latin1'), trailers: '' };
  let body = '';
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/.exec(rest);
    assert.ok(line, `no chunk at ${JSON.stringify(rest.slice(0, 40))}`);
    const size = Number.parseInt(line[1]!, 16);
    rest = rest.slice(line[0].length);
    if (size === 0) return { head, body: Buffer.from(body, 'latin1'), trailers: rest };
    assert.equal(rest.slice(size, size + 2), '\r\n');
    body += rest.slice(0, size);
    rest = rest.slice(size + 2);
  }
}

async function get(
  path: string,
  fields = 'Accept-Encoding: gzip\r\n',
  method = 'GET',
  version = '1.1',
  host = 'h',
): Promise<Answer> {
  return parse(
    await rig.exchange(`${method} ${path} HTTP/${version}\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`),
  );
}
const fieldOf = ({ head }: Answer, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)\r$`, 'im').exec(head)?.[1];

interface Row {
  readonly name: string;
  readonly path: string;
  readonly body: string;
  readonly fields?: string;
  readonly coding?: (typeof CODINGS)[number] | undefined;
  readonly vary?: string | undefined;
  readonly etag?: string;
}
const ENCODED: Pick<Row, 'coding' | 'vary'> = { coding: 'gzip', vary: 'accept-encoding' };
const ROWS: readonly Row[] = [
  { name: 'text', path: '/text', body: TEXT, ...ENCODED },
  { name: 'a type in capitals', path: '/upper', body: TEXT, ...ENCODED },
  { name: 'a type by its suffix', path: '/suffix', body: TEXT, ...ENCODED },
  { name: 'an answer without length, with a trailer', path: '/chunked', body: `${TEXT}more${TEXT}`, ...ENCODED },
  { name: 'an answer until the end of the connection', path: '/until-close', body: TEXT, ...ENCODED },
  { name: 'an error of the endpoint', path: '/error', body: TEXT, ...ENCODED },
  { name: 'brotli', path: '/text', body: TEXT, ...ENCODED, fields: 'Accept-Encoding: br\r\n', coding: 'br' },
  { name: 'zstd', path: '/text', body: TEXT, ...ENCODED, fields: 'Accept-Encoding: gzip, zstd\r\n', coding: 'zstd' },
  {
    name: 'in two fields',
    path: '/text',
    body: TEXT,
    ...ENCODED,
    fields: 'Accept-Encoding: br;q=0.1\r\nAccept-Encoding: gzip\r\n',
  },
  { name: 'a coding that says nothing', path: '/identity', body: TEXT, ...ENCODED },
  { name: 'a client that asks for nothing', path: '/text', body: TEXT, fields: '', vary: 'accept-encoding' },
  {
    name: 'a client that wants no transformation',
    path: '/text',
    body: TEXT,
    fields: 'Accept-Encoding: gzip\r\nCache-Control: no-transform\r\n',
    vary: 'accept-encoding',
  },
  { name: 'what is tiny', path: '/tiny', body: 'tiny' },
  { name: 'another type', path: '/png', body: TEXT },
  { name: 'no type', path: '/untyped', body: TEXT },
  { name: 'what is encoded', path: '/encoded', body: TEXT, coding: 'gzip' },
  { name: 'what must not be transformed', path: '/fixed', body: TEXT },
  { name: 'a range', path: '/partial', body: TEXT },
  { name: 'no content', path: '/none', body: '' },
  { name: 'not modified', path: '/same', body: '', etag: '"a"' },
  { name: 'a strong entity tag becomes weak', path: '/tagged', body: TEXT, ...ENCODED, etag: 'W/"a"' },
  { name: 'a weak entity tag', path: '/weak', body: TEXT, ...ENCODED, etag: 'W/"a"' },
  { name: 'Vary merged', path: '/varies', body: TEXT, ...ENCODED, vary: 'Origin, Cookie, accept-encoding' },
  { name: 'Vary that is there', path: '/varies-already', body: TEXT, ...ENCODED, vary: 'accept-Encoding' },
  { name: 'Vary: *', path: '/varies-in-all', body: TEXT, ...ENCODED, vary: '*' },
];

function check(
  row: Row,
  answer: { readonly fields: (name: string) => string | undefined; readonly body: Buffer },
): void {
  assert.equal(answer.fields('content-encoding'), row.path === '/identity' ? 'gzip' : row.coding);
  assert.equal(answer.fields('vary'), row.vary);
  assert.equal(answer.fields('etag'), row.etag);
  // What the endpoint encoded itself is not ours to unpack.
  const isOurs = row.coding !== undefined && row.path !== '/encoded';
  if (isOurs) {
    for (const name of ['content-length', 'accept-ranges', 'content-md5', 'repr-digest']) {
      assert.equal(answer.fields(name), undefined, name);
    }
    assert.ok(answer.body.length < row.body.length / 5);
  }
  assert.equal((isOurs ? UNPACK[row.coding]!(answer.body) : answer.body).toString(), row.body);
}

describe('compression', { skip }, () => {
  for (const row of ROWS) {
    test(row.name, async () => {
      const answer = await get(row.path, row.fields);
      check(row, { fields: (name) => fieldOf(answer, name), body: answer.body });
      if (row.path === '/chunked') assert.match(answer.trailers, /^X-Sum: 1\r\n/);
    });
  }

  test('HEAD says what GET may vary by, and the length as it is', async () => {
    const answer = await get('/text', undefined, 'HEAD');
    assert.equal(fieldOf(answer, 'content-encoding'), undefined);
    assert.equal(fieldOf(answer, 'content-length'), String(TEXT.length));
    assert.equal(fieldOf(answer, 'vary'), 'accept-encoding');
    assert.equal(answer.body.length, 0);
  });

  test('an HTTP/1.0 client reads until the end of the connection', async () => {
    const answer = await get('/text', 'Accept-Encoding: gzip\r\nConnection: keep-alive\r\n', 'GET', '1.0');
    assert.equal(fieldOf(answer, 'transfer-encoding'), undefined);
    assert.equal(fieldOf(answer, 'connection'), 'close');
    assert.equal(zlib.gunzipSync(answer.body).toString(), TEXT);
  });

  test('a route without the filter leaves answers alone', async () => {
    const answer = await get('/text', undefined, 'GET', '1.1', 'off.example');
    assert.equal(fieldOf(answer, 'content-encoding'), undefined);
    assert.equal(fieldOf(answer, 'vary'), undefined);
  });

  test('over HTTP/2, all at once', async () => {
    const session = http2.connect(`http://127.0.0.1:${rig.port}`);
    session.on('error', () => {});
    const rows = ROWS.filter(({ path, fields }) => path !== '/until-close' && !fields?.includes('\r\nAccept'));
    await within(
      'answers',
      Promise.all(
        rows.map(async (row) => {
          const sent = Object.fromEntries(
            (row.fields ?? 'Accept-Encoding: gzip\r\n')
              .split('\r\n')
              .filter((line) => line !== '')
              .map((line) => line.split(': ') as [string, string]),
          );
          const stream = session.request({ ':path': row.path, ':authority': 'h', ...sent });
          const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
          const body = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>));
          check(row, { fields: (name) => headers[name] as string | undefined, body });
        }),
      ),
    );
    session.close();
  });

  for (const [name, path] of [
    ['content that is not followed by more does not wait for it', '/open'],
    ['events go on at once', '/events'],
  ] as const) {
    test(name, async () => {
      const request = http.get({ port: rig.port, path, headers: { 'accept-encoding': 'gzip' }, agent: false });
      const [response] = (await within('the head', once(request, 'response'))) as [http.IncomingMessage];
      const [text] = (await within('the text', once(response.pipe(zlib.createGunzip()), 'data'))) as [Buffer];
      assert.equal(text.toString(), 'first');
      response.destroy();
    });
  }

  test('an answer that breaks off has no end either', async () => {
    const received = await rig.exchange('GET /broken HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n');
    assert.match(received, /content-encoding: gzip/);
    assert.doesNotMatch(received, /\r\n0\r\n\r\n$/);
  });

  test('any content in any chunks comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.string({ minLength: 1, maxLength: 50 }),
            fc.string({ minLength: 1, maxLength: 8 }).map((s) => s.repeat(4000)),
          ),
          { maxLength: 8 },
        ),
        fc.constantFrom(...CODINGS),
        fc.boolean(),
        async (parts, coding, isEvents) => {
          custom = Buffer.from(chunks(isEvents ? 'Content-Type: text/event-stream\r\n' : plain, parts)).toString(
            'latin1',
          );
          const { body } = await get('/custom', `Accept-Encoding: ${coding}\r\n`);
          assert.equal(UNPACK[coding]!(body).toString(), parts.join(''));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('what was compressed is counted', () => {
    const stats = rig.gateway.stats();
    assert.ok(stats.compressed > 10);
    assert.ok(stats.compressionInBytes > 2 * stats.compressionOutBytes && stats.compressionOutBytes > 0);
    assert.equal(stats.handlerErrors, 0);
  });
});
