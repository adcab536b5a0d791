import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Http2Connection } from './connection.ts';
import { http2Scratch } from './events.ts';
import { FieldList } from './field-list.ts';
import { OutputBuffer } from './output-buffer.ts';
import * as h2 from './protocol.ts';
import { DEFAULT_HTTP2_OPTIONS } from './settings.ts';
import { block, data, frame, framesOf, hex, REQUEST_FIELDS, settings, words } from './test-rig/frames.ts';

const status = (code: string, ...more: (readonly [string, string])[]): Buffer => block([':status', code], ...more);
const head = (payload: Buffer, end: boolean): Buffer => frame(h2.HEADERS, h2.END_HEADERS | (end ? 1 : 0), 1, payload);

/** What a client makes of a server's bytes after one request on stream 1. */
function play(input: Buffer, method: string): string[] {
  const events: string[] = [];
  const out = new OutputBuffer();
  const client = new Http2Connection<undefined>(
    'client',
    DEFAULT_HTTP2_OPTIONS,
    {
      onHead: (_stream, _fields, shape, end) => events.push(`head ${shape.status}${end ? ' end' : ''}`),
      onInterim: (_stream, _fields, shape) => events.push(`interim ${shape.status}`),
      onData: (_stream, _bytes, start, to, end) => events.push(`data ${to - start}${end ? ' end' : ''}`),
      onTrailers: (_stream, fields) => events.push(`trailers ${fields.count}`),
      onReset: (_stream, code) => events.push(`reset ${code}`),
      onWritable() {},
      onGoaway: (code) => events.push(`goaway ${code}`),
      onConnectionError: (code) => events.push(`error ${code}`),
    },
    out,
    http2Scratch(),
  );
  client.start();
  const fields = new FieldList();
  for (const [name, value] of REQUEST_FIELDS) fields.addText(name, name === ':method' ? method : value);
  assert.ok(client.openStream(fields, true, method === 'HEAD'));
  assert.deepEqual(Buffer.from(out.bytes.subarray(0, 24)), Buffer.from(h2.PREFACE));
  framesOf(out.bytes.subarray(24, out.length));
  for (let i = 0; i < input.length; i++) client.feed(input, i, i + 1, 0);
  return events;
}

describe('a client judges a server', () => {
  const cases: Record<string, readonly [Buffer[], string[], string?]> = {
    'head alone': [[head(status('200'), true)], ['head 200 end']],
    'head and content': [
      [head(status('200'), false), data(1, 'abc', true)],
      ['head 200', 'data 1', 'data 1', 'data 1 end'],
    ],
    'interim heads': [
      [head(status('103'), false), head(status('100'), false), head(status('204'), true)],
      ['interim 103', 'interim 100', 'head 204 end'],
    ],
    trailers: [
      [head(status('200'), false), head(block(['grpc-status', '0']), true)],
      ['head 200', 'trailers 1'],
    ],
    'HEAD with a length': [[head(status('200', ['content-length', '9']), true)], ['head 200 end'], 'HEAD'],
    '304 with a length': [[head(status('304', ['content-length', '9']), true)], ['head 304 end']],
    'HEAD with content': [[head(status('200'), false), data(1, 'a', true)], ['head 200', 'reset 1'], 'HEAD'],
    'length too large': [
      [head(status('200', ['content-length', '9']), false), data(1, '', true)],
      ['head 200', 'reset 1'],
    ],
    'length without content': [[head(status('200', ['content-length', '9']), true)], ['reset 1']],
    'no :status': [[head(block(['a', 'b']), true)], ['reset 1']],
    ':status twice': [[head(block([':status', '200'], [':status', '200']), true)], ['reset 1']],
    ':status of two digits': [[head(status('20'), true)], ['reset 1']],
    ':status 101': [[head(status('101'), false)], ['reset 1']],
    ':status 999': [[head(status('999'), true)], ['reset 1']],
    'interim head that ends': [[head(status('100'), true)], ['reset 1']],
    'a request pseudo-header field': [[head(block([':status', '200'], [':path', '/']), true)], ['reset 1']],
    'connection-specific field': [[head(status('200', ['connection', 'close']), true)], ['reset 1']],
    'content before the head': [[data(1, 'a', true)], ['reset 1']],
    'stream that the client did not open': [[frame(h2.HEADERS, 5, 3, status('200'))], ['reset 1', 'error 1']],
    'stream of the server': [[frame(h2.HEADERS, 5, 2, status('200'))], ['reset 1', 'error 1']],
    PUSH_PROMISE: [[frame(h2.PUSH_PROMISE, 4, 1, Buffer.concat([words(2), status('200')]))], ['reset 1', 'error 1']],
    'ENABLE_PUSH 1': [[settings([2, 1])], ['reset 1', 'error 1']],
    RST_STREAM: [[frame(h2.RST_STREAM, 0, 1, words(7))], ['reset 7']],
    'GOAWAY that spares the stream': [
      [frame(h2.GOAWAY, 0, 0, words(1, 0)), head(status('200'), true)],
      ['goaway 0', 'head 200 end'],
    ],
    'GOAWAY that does not': [[frame(h2.GOAWAY, 0, 0, words(0, 11))], ['reset 7', 'goaway 11']],
    'malformed block': [[head(hex('80'), true)], ['reset 9', 'error 9']],
  };
  for (const [name, [input, expected, method]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(play(Buffer.concat([settings(), ...input]), method ?? 'GET'), expected));
  }

  test('HTTP/1.1 instead of HTTP/2', () => {
    assert.deepEqual(play(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'GET'), ['reset 1', 'error 1']);
  });
});
