import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { http2Scratch } from '../http2/events.ts';
import { FieldList } from '../http2/field-list.ts';
import { OutputBuffer } from '../http2/output-buffer.ts';
import { Http3Connection } from './connection.ts';
import { writeHeaders } from './frame-writer.ts';
import * as h3 from './protocol.ts';
import { writeVarint } from './varint.ts';

type Pairs = readonly (readonly [string, string])[];

const varint = (value: number): number[] => {
  const to = new Uint8Array(4);
  return [...to.subarray(0, writeVarint(to, 0, value))];
};
const frame = (type: number, payload: readonly number[]): number[] => [
  ...varint(type),
  ...varint(payload.length),
  ...payload,
];
function headers(pairs: Pairs): number[] {
  const fields = new FieldList();
  for (const [name, value] of pairs) fields.addText(name, value);
  const out = new OutputBuffer(new Uint8Array(0));
  writeHeaders(fields, out);
  return [...out.bytes.subarray(0, out.length)];
}
const data = (text: string): number[] => frame(h3.FRAME_DATA, [...Buffer.from(text)]);
const GET: Pairs = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'a.test'],
  [':path', '/'],
];
const POST: Pairs = [[':method', 'POST'], ...GET.slice(1)];
const withLength = (length: string): Pairs => [...POST, ['content-length', length]];

/**
 * What a connection tells of a request stream, as text: the message, however it was cut into pieces, or the rule
 * that it broke, `stream CODE` or `connection CODE`.
 */
function run(pieces: readonly Uint8Array[], ends: boolean): string {
  let head = 'nothing';
  let content = '';
  let tail = '';
  let broken: string | undefined;
  const connection = new Http3Connection<never>(
    {
      onHead(_stream, fields, shape, isLast) {
        head = `head ${fields.count} ${shape.contentLength}`;
        if (isLast) tail = ', end';
      },
      onData(_stream, bytes, start, end, isLast) {
        content += Buffer.from(bytes.subarray(start, end)).toString('latin1');
        if (isLast) tail = ', end';
      },
      onTrailers(_stream, fields) {
        tail = `, trailers ${fields.count}`;
      },
      onStreamError(_stream, code) {
        broken = `stream ${code.toString(16)}`;
      },
    },
    http2Scratch(),
  );
  const stream = connection.openRequest(0);
  try {
    for (const [index, piece] of pieces.entries()) {
      connection.receiveRequest(stream, piece, 0, piece.length, ends && index === pieces.length - 1);
    }
  } catch (error) {
    if (!(error instanceof h3.Http3Error)) throw error;
    broken = `connection ${error.code.toString(16)}`;
  }
  return broken ?? `${head}${content === '' ? '' : `, data ${content}`}${tail}`;
}

const unknown = frame(0x21, [1, 2, 3]);
const requests: [what: string, bytes: number[], told: string, open?: 'open'][] = [
  ['a request without content', headers(GET), 'head 4 -1, end'],
  ['a request with content', [...headers(POST), ...data('hello')], 'head 4 -1, data hello, end'],
  ['content in two frames', [...headers(POST), ...data('he'), ...data('llo')], 'head 4 -1, data hello, end'],
  ['an empty frame of content', [...headers(POST), ...data('')], 'head 4 -1, end'],
  ['a declared length that is right', [...headers(withLength('5')), ...data('hello')], 'head 5 5, data hello, end'],
  ['too much content', [...headers(withLength('4')), ...data('hello')], 'stream 10e'],
  ['too little content', [...headers(withLength('6')), ...data('hello')], 'stream 10e'],
  ['no content where some was declared', headers(withLength('6')), 'stream 10e'],
  ['trailers', [...headers(POST), ...data('x'), ...headers([['a', 'b']])], 'head 4 -1, data x, trailers 1'],
  [
    'trailers before the content is whole',
    [...headers(withLength('2')), ...data('x'), ...headers([['a', 'b']])],
    'stream 10e',
  ],
  ['pseudo-header fields in trailers', [...headers(POST), ...headers([[':path', '/']])], 'stream 10e'],
  [
    'unknown frames everywhere',
    [...unknown, ...headers(POST), ...unknown, ...data('x'), ...unknown],
    'head 4 -1, data x, end',
  ],
  ['an open request', headers(POST), 'head 4 -1', 'open'],
  ['upper case in a name', headers([...GET, ['A', 'b']]), 'stream 10e'],
  ['a field of HTTP/1.1 connections', headers([...GET, ['connection', 'close']]), 'stream 10e'],
  ['Transfer-Encoding', headers([...GET, ['transfer-encoding', 'chunked']]), 'stream 10e'],
  ['a line break in a value', headers([...GET, ['a', 'b\r\nc: d']]), 'stream 10e'],
  ['no method', headers(GET.slice(1)), 'stream 10e'],
  ['no path', headers(GET.slice(0, 3)), 'stream 10e'],
  ['two authorities', headers([...GET, [':authority', 'b.test']]), 'stream 10e'],
  ['Host that differs', headers([...GET, ['host', 'b.test']]), 'stream 10e'],
  [
    'fields without bound',
    // `accept: */*` is field 29 of the static table.
    frame(h3.FRAME_HEADERS, [0, 0, ...new Array<number>(200).fill(0xc0 | 29)]),
    'stream 107',
  ],
  ['an end before the head', [], 'stream 10d'],
  ['an end within a frame', headers(GET).slice(0, -1), 'connection 106'],
  ['an end within content', [...headers(POST), ...data('hello').slice(0, -1)], 'connection 106'],
  ['content without a head', data('x'), 'connection 105'],
  [
    'content behind trailers is not looked at',
    [...headers(POST), ...headers([['a', 'b']]), ...data('x')],
    'head 4 -1, trailers 1',
  ],
  ['SETTINGS', frame(h3.FRAME_SETTINGS, []), 'connection 105'],
  ['GOAWAY', frame(h3.FRAME_GOAWAY, [0]), 'connection 105'],
  ['PUSH_PROMISE', frame(h3.FRAME_PUSH_PROMISE, [0]), 'connection 105'],
  ['PRIORITY of HTTP/2', frame(0x2, [0]), 'connection 105'],
  ['PING of HTTP/2', frame(0x6, [0]), 'connection 105'],
  ['a malformed field section', frame(h3.FRAME_HEADERS, [0, 0, 0x80]), 'connection 200'],
  ['a section of 70 KB', [...varint(h3.FRAME_HEADERS), ...varint(70_000), 0], 'connection 107'],
  ['a frame beyond 2^53', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0], 'connection 106'],
  ['1,001 unknown frames', Array.from({ length: 1001 }, () => [0x21, 0]).flat(), 'connection 107'],
];

describe('a request stream', () => {
  for (const [what, bytes, told, open] of requests) {
    test(what, () => {
      const whole = Uint8Array.from(bytes);
      assert.equal(run([whole], open === undefined), told);
      // Byte by byte, with the end alone.
      const pieces = [...whole].map((byte) => Uint8Array.of(byte));
      assert.equal(run([...pieces, new Uint8Array(0)], open === undefined), told);
    });
  }
});

/** What a unidirectional stream of the peer leads to: `fine` or `connection CODE`. */
function uni(streams: readonly (readonly number[])[], ends = false, byteByByte = false): string {
  const nothing = { onHead() {}, onData() {}, onTrailers() {}, onStreamError() {} };
  const connection = new Http3Connection<never>(nothing, http2Scratch());
  try {
    for (const bytes of streams) {
      const stream = connection.openUni();
      const pieces = byteByByte ? bytes.map((byte) => Uint8Array.of(byte)) : [Uint8Array.from(bytes)];
      for (const piece of pieces) connection.receiveUni(stream, piece, 0, piece.length, false);
      if (ends) connection.receiveUni(stream, new Uint8Array(0), 0, 0, true);
    }
  } catch (error) {
    if (!(error instanceof h3.Http3Error)) throw error;
    return `connection ${error.code.toString(16)}`;
  }
  return 'fine';
}

const settings = frame(h3.FRAME_SETTINGS, [h3.SETTING_MAX_FIELD_SECTION_SIZE, 10]);
const control = [h3.STREAM_CONTROL, ...settings];
const unis: [what: string, streams: number[][], result: string, ends?: 'ends'][] = [
  ['SETTINGS', [control], 'fine'],
  ['SETTINGS and reserved ones', [[0, ...frame(4, [0x21, 1])]], 'fine'],
  ['all three critical streams', [control, [2, 0x20], [3, 0x41]], 'fine'],
  ['a stream of unknown type', [[0x21, 1, 2, 3]], 'fine', 'ends'],
  ['no SETTINGS first', [[0, ...frame(h3.FRAME_GOAWAY, [0])]], 'connection 10a'],
  ['an unknown frame first', [[0, ...unknown]], 'connection 10a'],
  ['SETTINGS twice', [[...control, ...settings]], 'connection 105'],
  ['a setting twice', [[0, ...frame(4, [6, 1, 6, 2])]], 'connection 109'],
  ['a setting of HTTP/2', [[0, ...frame(4, [2, 1])]], 'connection 109'],
  ['a setting that is cut off', [[0, ...frame(4, [6])]], 'connection 106'],
  ['an unknown frame behind SETTINGS', [[...control, ...unknown]], 'fine'],
  ['DATA', [[...control, ...data('x')]], 'connection 105'],
  ['HEADERS', [[...control, ...headers(GET)]], 'connection 105'],
  ['GOAWAY', [[...control, ...frame(h3.FRAME_GOAWAY, [0])]], 'fine'],
  ['GOAWAY of no bytes', [[...control, ...frame(h3.FRAME_GOAWAY, [])]], 'connection 106'],
  ['GOAWAY of two integers', [[...control, ...frame(h3.FRAME_GOAWAY, [0, 0])]], 'connection 106'],
  ['MAX_PUSH_ID', [[...control, ...frame(h3.FRAME_MAX_PUSH_ID, [5])]], 'fine'],
  ['MAX_PUSH_ID that goes back', [[...control, ...frame(13, [5]), ...frame(13, [4])]], 'connection 108'],
  ['CANCEL_PUSH', [[...control, ...frame(h3.FRAME_CANCEL_PUSH, [0])]], 'connection 108'],
  ['WINDOW_UPDATE of HTTP/2', [[...control, ...frame(8, [0])]], 'connection 105'],
  ['a second control stream', [control, [0]], 'connection 103'],
  ['a second encoder stream', [[2], [2]], 'connection 103'],
  ['a push stream', [[1, 0]], 'connection 103'],
  ['an insertion', [[2, 0x3f, 0x01]], 'connection 201'],
  ['a section acknowledgement', [[3, 0x80]], 'connection 202'],
  ['an insert count', [[3, 0x01]], 'connection 202'],
  ['a cancellation with a long number', [[3, 0x7f, 0x80, 0x01]], 'fine'],
  ['the end of the control stream', [control], 'connection 104', 'ends'],
  ['the end of the encoder stream', [[2]], 'connection 104', 'ends'],
];

describe('a unidirectional stream', () => {
  for (const [what, streams, result, ends] of unis) {
    test(what, () => {
      assert.equal(uni(streams, ends === 'ends'), result);
      assert.equal(uni(streams, ends === 'ends', true), result);
    });
  }
});

test('arbitrary bytes break rules and nothing else', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .constantFrom(headers(GET), headers(POST), data('x'), unknown, headers([['a', 'b']]))
      .map((f) => Uint8Array.from(f)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, ends) => {
      const whole = run([Buffer.concat(pieces)], ends);
      assert.equal(run([...pieces, new Uint8Array(0)], ends), whole);
      uni(pieces.map((bytes) => [...bytes]));
    }),
    { numRuns: 1000 },
  );
});
