import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as h2 from '../wire/http2/protocol.ts';
import { block, data, frame, hex, request, settings, words } from '../wire/http2/test-rig/frames.ts';
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
} from './test-rig/gateway-rig.ts';

const head = (payload: Buffer, end: boolean): Buffer =>
  frame(h2.HEADERS, h2.END_HEADERS | (end ? h2.END_STREAM : 0), 1, payload);
const status = (code: string, ...more: (readonly [string, string])[]): Buffer => block([':status', code], ...more);
const many = (count: number, one: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => one));

/**
 * What an endpoint of HTTP/2 sends on stream 1, behind its SETTINGS, and what the client of the gateway gets: a status, or
 * `cut`: an answer that it can see is not whole.
 */
const rows: Readonly<Record<string, readonly [Buffer, number | 'cut']>> = {
  'HTTP/1.1': [Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), 502],
  'a field with CR LF': [head(status('200', ['x', 'a\r\nset-cookie: evil=1']), true), 502],
  'a field with NUL': [head(status('200', ['x', 'a\0']), true), 502],
  'a name with a colon': [head(status('200', ['x:y', 'a']), true), 502],
  'a name with CR LF': [head(status('200', ['x\r\ny', 'a']), true), 502],
  'transfer-encoding': [head(status('200', ['transfer-encoding', 'chunked']), false), 502],
  connection: [head(status('200', ['connection', 'close']), true), 502],
  'two statuses': [head(block([':status', '200'], [':status', '204']), true), 502],
  'no status': [head(block(['x', 'y']), true), 502],
  'status 101': [head(status('101'), false), 502],
  'status 99': [head(status('099'), true), 502],
  'two lengths': [head(status('200', ['content-length', '1'], ['content-length', '2']), false), 502],
  'a length with a sign': [head(status('200', ['content-length', '+1']), false), 502],
  'more content than declared': [
    Buffer.concat([head(status('200', ['content-length', '1']), false), data(1, 'ab', true)]),
    'cut',
  ],
  'less content than declared': [
    Buffer.concat([head(status('200', ['content-length', '9']), false), data(1, 'ab', true)]),
    'cut',
  ],
  'content before the head': [data(1, 'x', true), 502],
  'a push': [frame(h2.PUSH_PROMISE, 4, 1, Buffer.concat([words(2), status('200')])), 502],
  'a request': [request(2), 502],
  'an answer to another stream': [frame(h2.HEADERS, 5, 3, status('200')), 502],
  'a malformed block': [head(hex('80'), true), 502],
  'a frame that is too large': [Buffer.concat([hex('ffffff 00 00 00000001'), Buffer.alloc(100)]), 502],
  'CONTINUATION without end': [
    Buffer.concat([frame(h2.HEADERS, 0, 1, status('200')), many(100, frame(h2.CONTINUATION, 0, 1))]),
    502,
  ],
  'PING flood': [many(5000, frame(h2.PING, 0, 0, Buffer.alloc(8))), 502],
  'SETTINGS flood': [many(5000, settings()), 502],
  'interim flood': [many(5000, head(status('103'), false)), 502],
  'windows beyond 2^31': [frame(h2.WINDOW_UPDATE, 0, 0, words(h2.MAX_31_BITS)), 502],
  RST_STREAM: [frame(h2.RST_STREAM, 0, 1, words(h2.INTERNAL_ERROR)), 502],
  'RST_STREAM within the content': [
    Buffer.concat([head(status('200'), false), data(1, 'x', false), frame(h2.RST_STREAM, 0, 1, words(h2.CANCEL))]),
    'cut',
  ],
  'a field too large for HTTP/1.1 behind it': [
    head(
      block([':status', '200'], ...Array.from({ length: 400 }, (_, i) => [`x-${i}`, 'y'.repeat(100)] as const)),
      true,
    ),
    502,
  ],
  'trailers with a pseudo-header field': [
    Buffer.concat([head(status('200'), false), data(1, 'x', false), head(block([':status', '200']), true)]),
    'cut',
  ],
};

/** Whether a client's bytes hold a whole HEADERS frame, behind the preface. */
function hasRequest(bytes: Buffer): boolean {
  for (let at = h2.PREFACE.length; at + 9 <= bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end <= bytes.length && bytes[at + 3] === h2.HEADERS) return true;
    at = end;
  }
  return false;
}

describe('an endpoint of HTTP/2 that lies', () => {
  let rig: GatewayRig;
  let good: RawUpstream;
  before(async () => {
    good = new RawUpstream((connection) => onRequests(connection, () => ok('fine')));
    const port = await good.listen();
    rig = await startRig({
      hosts: [
        testHost('good.example', [testRoute('/', [{ backend: 'good', weight: 1 }])]),
        testHost('evil.example', [testRoute('/', [{ backend: 'evil', weight: 1 }])]),
      ],
      backends: [testBackend('good', [port])],
    });
  });
  after(async () => {
    await rig?.stop();
    await good?.close();
  });

  const get = (host: string): Promise<string> =>
    within(host, rig.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));

  for (const [name, [bytes, expected]] of Object.entries(rows)) {
    test(`${name} → ${expected}`, async () => {
      const evil = new RawUpstream((connection) => {
        // Once the request is there: its HEADERS come behind preface and SETTINGS.
        let isDone = false;
        connection.socket.on('data', () => {
          if (isDone || !hasRequest(Buffer.from(connection.received, 'latin1'))) return;
          isDone = true;
          if (name !== 'HTTP/1.1') connection.send(settings());
          connection.send(bytes);
        });
      });
      const [key, backend] = testBackend('evil', [await evil.listen()]);
      try {
        await rig.apply({ backends: [[key, { ...backend, protocol: 'h2c' }]] });
        // Interim answers may come first.
        const answer = (await get('evil.example')).replace(/^(HTTP\/1\.1 103 \r\n\r\n)+/, '');
        if (expected === 'cut') {
          assert.match(answer, /^HTTP\/1\.1 200 /);
          const isWhole =
            answer.endsWith('\r\n0\r\n\r\n') || /content-length: (\d+)\r\n[\s\S]*\r\n\r\n([\s\S]*)$/i.test(answer);
          const declared = /content-length: (\d+)/i.exec(answer)?.[1];
          const content = answer.slice(answer.indexOf('\r\n\r\n') + 4);
          assert.ok(
            !isWhole || (declared !== undefined && content.length < Number(declared)) || content === '',
            answer,
          );
        } else assert.match(answer, new RegExp(`^HTTP/1\\.1 ${expected} `));
        assert.doesNotMatch(answer, /evil=1/);
        assert.match(await get('good.example'), /^HTTP\/1\.1 200 [\s\S]*fine$/);
        assert.equal(rig.gateway.stats().handlerErrors, 0);
      } finally {
        await evil.close();
      }
    });
  }
});
