import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHUNK_DATA, CHUNK_END, CHUNK_ERROR, ChunkedDecoder } from './chunked.ts';
import { RequestHead } from './request-head.ts';

/** What a reader takes a request for. */
interface Reading {
  readonly line: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** All requests that llhttp, the parser of node:http, reads from the bytes; `error` if it stops at some. */
async function readByLlhttp(bytes: string): Promise<{ requests: Reading[]; error: boolean }> {
  const requests: Reading[] = [];
  let error = false;
  const bodies: Promise<void>[] = [];
  const server = createServer({ insecureHTTPParser: false, maxHeaderSize: 80_000 });
  server.maxHeadersCount = 0;
  const take = (request: IncomingMessage): void => {
    const { rawHeaders, method, url, httpVersion } = request;
    const fields = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}=${rawHeaders[i + 1]}`] : []));
    const chunks: Buffer[] = [];
    bodies.push(
      new Promise((resolve) => {
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('error', () => {});
        request.on('close', () => {
          const body = Buffer.concat(chunks).toString('latin1');
          if (request.complete) requests.push({ line: `${method} ${url} ${httpVersion}`, fields, body });
          resolve();
        });
      }),
    );
  };
  server.on('request', (request, response) => {
    take(request);
    // Answers in turn: node:http hands on the next request at once, whatever becomes of this one.
    request.on('close', () => response.end());
  });
  for (const event of ['checkContinue', 'checkExpectation'] as const) {
    server.on(event, (request, response) => server.emit('request', request, response));
  }
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  server.on('clientError', (_, socket) => {
    error = true;
    socket.destroy();
  });
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  socket.on('close', close);
  socket.on('error', () => {});
  server.emit('connection', socket);
  socket.push(Buffer.from(bytes, 'latin1'));
  socket.push(null);
  await closed;
  await Promise.all(bodies);
  return { requests, error };
}

/** All requests that we read. */
function readByUs(bytes: string): { requests: Reading[]; error: boolean } {
  const all = Buffer.from(bytes, 'latin1');
  const requests: Reading[] = [];
  const head = new RequestHead();
  for (let at = 0; at < all.length; ) {
    head.reset();
    const length = head.parse(all, at, all.length);
    if (length <= 0) return { requests, error: length < 0 };
    const text = (from: number, to: number): string => all.toString('latin1', from, to);
    const line = `${text(at + head.methodStart, at + head.methodEnd)} ${text(at + head.targetStart, at + head.targetEnd)}`;
    const fields = [...Array(head.fieldCount).keys()].map(
      (i) => `${text(head.nameStart(i), head.nameEnd(i))}=${text(head.valueStart(i), head.valueEnd(i))}`,
    );
    const { minorVersion } = head;
    const endsHere = head.hasClose || (minorVersion === 0 && !head.hasKeepAlive);
    at += length;
    let body = '';
    if (head.isChunked) {
      const chunks = new ChunkedDecoder();
      for (;;) {
        const event = chunks.next(all, at, all.length);
        at = chunks.position;
        if (event === CHUNK_DATA) body += text(chunks.dataStart, chunks.dataEnd);
        else if (event === CHUNK_END) break;
        else return { requests, error: event === CHUNK_ERROR };
      }
    } else {
      const declared = Math.max(0, head.contentLength);
      if (at + declared > all.length) return { requests, error: false };
      body = text(at, at + declared);
      at += declared;
    }
    requests.push({ line: `${line} 1.${minorVersion}`, fields, body });
    if (endsHere) break;
  }
  return { requests, error: false };
}

const SEEDS = [
  'GET /a HTTP/1.1\r\nHost: h\r\n\r\n',
  'GET http://h/a?b HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde',
  'POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n',
  'PUT /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx',
  'DELETE /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
];
const PIECES = [
  ...'\r\n \t:;,\0\x0b\x7f0159af+-x'.split(''),
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '0\r\n\r\n',
  'Content-Length: 3\r\n',
  'content-length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Transfer-Encoding',
  'chunked',
  ', chunked',
  'Host: h\r\n',
  'HTTP/1.1',
  'HTTP/1.0',
  'GET /b HTTP/1.1\r\nHost: h\r\n\r\n',
  '\xa0',
];
const edit = fc.record({ at: fc.nat(400), cut: fc.nat(3), piece: fc.constantFrom('', ...PIECES) });
/** Some requests in a row, damaged in some places. */
const input = fc
  .record({
    seeds: fc.array(fc.constantFrom(...SEEDS), { minLength: 1, maxLength: 3 }),
    edits: fc.array(edit, { maxLength: 4 }),
  })
  .map(({ seeds, edits }) => {
    let text = seeds.join('');
    for (const { at, cut, piece } of edits) {
      const from = at % (text.length + 1);
      text = text.slice(0, from) + piece + text.slice(from + cut);
    }
    return text;
  });

/** Methods that llhttp does not know are our own business. */
const KNOWN = /^(GET|POST|PUT|DELETE) /;

/** Where llhttp refuses what we accept, and nobody behind us can be misled: both are gone in what we send. */
const STRICTER = [
  // It checks the grammar of chunk extensions; we drop them unread.
  /\n[0-9A-Fa-f]+;/,
  // HTTP/1.2 and higher are HTTP/1.1 to us (RFC 9110 2.5).
  /HTTP\/1\.[2-9]/,
];

test('what we accept, llhttp reads in the same way: no request more, none less, no byte elsewhere', async () => {
  const runs = Number(process.env.FAIRLEAD_FUZZ_ROUNDS ?? 4000);
  let same = 0;
  let stricter = 0;
  await fc.assert(
    fc.asyncProperty(input, async (bytes) => {
      const ours = readByUs(bytes);
      const theirs = await readByLlhttp(bytes);
      const unknown = ours.requests.findIndex(({ line }) => !KNOWN.test(line));
      const accepted = unknown < 0 ? ours.requests : ours.requests.slice(0, unknown);
      const mayStop = theirs.error && STRICTER.some((pattern) => pattern.test(bytes));
      const stopped = mayStop ? theirs.requests.length : accepted.length;
      // It may go on where we stop; up to there both must agree.
      assert.deepEqual(theirs.requests.slice(0, accepted.length), accepted.slice(0, stopped));
      if (!ours.error && !theirs.error && unknown < 0) assert.equal(theirs.requests.length, accepted.length);
      same += accepted.length;
      if (ours.error && !theirs.error) stricter++;
    }),
    { numRuns: runs },
  );
  assert.ok(same > runs / 2, `only ${same} requests were read by both`);
  assert.ok(stricter > 0, 'damage reaches what only we refuse');
});
