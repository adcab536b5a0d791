import * as h2 from '../protocol.ts';
import { block, data, frame, hex, REQUEST_FIELDS, request, settings, words } from './frames.ts';

/** What a server must do with a client's bytes. */
export type Expected =
  | { readonly goaway: number }
  | { readonly reset: readonly [streamId: number, code: number]; readonly alive?: false }
  /** These streams get a whole response, nothing else happens. */
  | { readonly answers: readonly number[] };

/** One row: what follows preface and SETTINGS (or stands in their place), and its outcome. */
export interface ConformanceCase {
  readonly name: string;
  readonly input: Buffer;
  readonly expected: Expected;
  /** `input` is everything that the client sends. */
  readonly raw?: true;
}

const HEADERS_DONE = h2.END_HEADERS | h2.END_STREAM;
const GET = block(...REQUEST_FIELDS);
const cases: ConformanceCase[] = [];

function rows(section: string, list: Record<string, readonly [Buffer | Buffer[], Expected]>, raw?: true): void {
  for (const [name, [input, expected]] of Object.entries(list)) {
    const bytes = Array.isArray(input) ? Buffer.concat(input) : input;
    cases.push({ name: `${section}: ${name}`, input: bytes, expected, ...(raw === true ? { raw } : {}) });
  }
}

const goaway = (code: number): Expected => ({ goaway: code });
const reset = (streamId: number, code: number): Expected => ({ reset: [streamId, code] });
const answers = (...streams: number[]): Expected => ({ answers: streams });
const malformed = reset(1, h2.PROTOCOL_ERROR);

const preface = Buffer.from(h2.PREFACE);
rows(
  '3.4 preface',
  {
    'a wrong one': [Buffer.from('INVALID CONNECTION PREFACE\r\n\r\n'), goaway(h2.PROTOCOL_ERROR)],
    'wrong in its last byte': [Buffer.concat([preface.subarray(0, 23), Buffer.from('x')]), goaway(h2.PROTOCOL_ERROR)],
    'an HTTP/1.1 request': [Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'), goaway(h2.PROTOCOL_ERROR)],
    'HEADERS before SETTINGS': [[preface, request(1)], goaway(h2.PROTOCOL_ERROR)],
    'PING before SETTINGS': [[preface, frame(h2.PING, 0, 0, Buffer.alloc(8))], goaway(h2.PROTOCOL_ERROR)],
    'SETTINGS ACK before SETTINGS': [[preface, frame(h2.SETTINGS, h2.ACK, 0)], goaway(h2.PROTOCOL_ERROR)],
    'unknown frame before SETTINGS': [[preface, frame(99, 0, 0)], goaway(h2.PROTOCOL_ERROR)],
    'empty SETTINGS': [[preface, settings(), request(1)], answers(1)],
  },
  true,
);
rows('4.1 frame format', {
  'unknown type': [[frame(22, 0, 0, Buffer.alloc(8)), request(1)], answers(1)],
  'unknown type on an idle stream': [[frame(22, 255, 9, Buffer.alloc(8)), request(1)], answers(1)],
  'undefined flags': [[frame(h2.PING, 0xfe, 0, Buffer.alloc(8)), request(1)], answers(1)],
  'reserved bit of the stream id': [frame(h2.HEADERS, HEADERS_DONE, 0x8000_0001, GET), answers(1)],
  'undefined flags on HEADERS': [frame(h2.HEADERS, HEADERS_DONE | 0x82, 1, GET), answers(1)],
});
rows('4.2 frame size', {
  'DATA of 16,384': [[request(1, { open: true }), frame(h2.DATA, 1, 1, Buffer.alloc(16_384))], answers(1)],
  'DATA of 16,385': [
    [request(1, { open: true }), frame(h2.DATA, 1, 1, Buffer.alloc(16_385))],
    goaway(h2.FRAME_SIZE_ERROR),
  ],
  'HEADERS of 16,385': [frame(h2.HEADERS, HEADERS_DONE, 1, Buffer.alloc(16_385)), goaway(h2.FRAME_SIZE_ERROR)],
  'SETTINGS of 16,386': [frame(h2.SETTINGS, 0, 0, Buffer.alloc(16_386)), goaway(h2.FRAME_SIZE_ERROR)],
  'unknown frame of 16,385': [frame(77, 0, 0, Buffer.alloc(16_385)), goaway(h2.FRAME_SIZE_ERROR)],
});
rows('4.3 header compression', {
  'malformed block': [frame(h2.HEADERS, HEADERS_DONE, 1, hex('ff ff ff ff ff')), goaway(h2.COMPRESSION_ERROR)],
  'index 0': [frame(h2.HEADERS, HEADERS_DONE, 1, hex('80')), goaway(h2.COMPRESSION_ERROR)],
  'PRIORITY within a block': [
    [frame(h2.HEADERS, h2.END_STREAM, 1, GET.subarray(0, 4)), frame(h2.PRIORITY, 0, 1, words(0, 0).subarray(0, 5))],
    goaway(h2.PROTOCOL_ERROR),
  ],
  'HEADERS of another stream within a block': [
    [frame(h2.HEADERS, h2.END_STREAM, 1, GET.subarray(0, 4)), request(3)],
    goaway(h2.PROTOCOL_ERROR),
  ],
  'unknown frame within a block': [
    [frame(h2.HEADERS, 1, 1, GET.subarray(0, 4)), frame(99, 0, 0)],
    goaway(h2.PROTOCOL_ERROR),
  ],
  'size update at the start': [frame(h2.HEADERS, HEADERS_DONE, 1, Buffer.concat([hex('3fe11f'), GET])), answers(1)],
  'size update too large': [
    frame(h2.HEADERS, HEADERS_DONE, 1, Buffer.concat([hex('3fe21f'), GET])),
    goaway(h2.COMPRESSION_ERROR),
  ],
  'size update at the end': [
    frame(h2.HEADERS, HEADERS_DONE, 1, Buffer.concat([GET, hex('20')])),
    goaway(h2.COMPRESSION_ERROR),
  ],
});
rows('5.1 idle streams', {
  DATA: [data(1, 'x', true), goaway(h2.PROTOCOL_ERROR)],
  RST_STREAM: [frame(h2.RST_STREAM, 0, 1, words(8)), goaway(h2.PROTOCOL_ERROR)],
  WINDOW_UPDATE: [frame(h2.WINDOW_UPDATE, 0, 1, words(8)), goaway(h2.PROTOCOL_ERROR)],
  CONTINUATION: [frame(h2.CONTINUATION, h2.END_HEADERS, 1, GET), goaway(h2.PROTOCOL_ERROR)],
  PRIORITY: [[frame(h2.PRIORITY, 0, 3, hex('00000000 10')), request(1)], answers(1)],
});
const halfClosed = [
  request(1, { open: true, method: 'POST', fields: [['x-a', 'b']] }),
  settings([4, 0]),
  data(1, 'abc', true),
];
rows('5.1 half-closed streams', {
  DATA: [[...halfClosed, data(1, 'x', true)], reset(1, h2.STREAM_CLOSED)],
  HEADERS: [[...halfClosed, request(1)], reset(1, h2.STREAM_CLOSED)],
  CONTINUATION: [[...halfClosed, frame(h2.CONTINUATION, 4, 1, GET)], goaway(h2.PROTOCOL_ERROR)],
  'WINDOW_UPDATE lets it go on': [[...halfClosed, frame(h2.WINDOW_UPDATE, 0, 1, words(3))], answers(1)],
  'PRIORITY is ignored': [[...halfClosed, frame(h2.PRIORITY, 0, 1, hex('00000000 10')), settings([4, 9])], answers(1)],
  'RST_STREAM ends it': [[...halfClosed, frame(h2.RST_STREAM, 0, 1, words(8)), request(3)], answers(3)],
});
rows('5.1 closed streams', {
  'DATA after its end': [[request(1), data(1, 'x', true)], reset(1, h2.STREAM_CLOSED)],
  'HEADERS after its end': [[request(1), request(1)], goaway(h2.STREAM_CLOSED)],
  'CONTINUATION after its end': [[request(1), frame(h2.CONTINUATION, 4, 1, GET)], goaway(h2.PROTOCOL_ERROR)],
  'WINDOW_UPDATE after its end': [[request(1), frame(h2.WINDOW_UPDATE, 0, 1, words(1)), request(3)], answers(1, 3)],
  'RST_STREAM after its end': [[request(1), frame(h2.RST_STREAM, 0, 1, words(8)), request(3)], answers(1, 3)],
  'PRIORITY after its end': [[request(1), frame(h2.PRIORITY, 0, 1, hex('00000000 10')), request(3)], answers(1, 3)],
  'DATA after RST_STREAM': [
    [request(1, { open: true }), frame(h2.RST_STREAM, 0, 1, words(8)), data(1, 'x', true)],
    reset(1, h2.STREAM_CLOSED),
  ],
  'HEADERS after RST_STREAM': [
    [request(1, { open: true }), frame(h2.RST_STREAM, 0, 1, words(8)), request(1)],
    reset(1, h2.STREAM_CLOSED),
  ],
});
rows('5.1.1 stream ids', {
  even: [request(2), goaway(h2.PROTOCOL_ERROR)],
  'smaller than before': [[request(5), request(3)], goaway(h2.PROTOCOL_ERROR)],
  'with gaps': [[request(1), request(101), request(9001)], answers(1, 101, 9001)],
  largest: [request(0x7fff_ffff), answers(0x7fff_ffff)],
});
rows('5.1.2 concurrency', {
  'one too many': [[1, 3, 5, 7, 9].map((id) => request(id, { open: true })), reset(9, h2.REFUSED_STREAM)],
  'a freed place': [
    [
      ...[1, 3, 5, 7].map((id) => request(id, { open: true })),
      data(1, '', true),
      request(9),
      ...[3, 5, 7].map((id) => data(id, 'x', true)),
    ],
    answers(1, 3, 5, 7, 9),
  ],
});
rows('5.3 priority', {
  'stream depends on itself in HEADERS': [
    frame(h2.HEADERS, HEADERS_DONE | h2.PRIORITIZED, 1, Buffer.concat([hex('00000001 10'), GET])),
    malformed,
  ],
  'stream depends on itself in PRIORITY': [
    [request(1, { open: true }), frame(h2.PRIORITY, 0, 1, hex('00000001 10'))],
    malformed,
  ],
  'HEADERS with priority': [
    frame(h2.HEADERS, HEADERS_DONE | h2.PRIORITIZED, 1, Buffer.concat([hex('80000000 ff'), GET])),
    answers(1),
  ],
  'HEADERS too short for its priority': [
    frame(h2.HEADERS, HEADERS_DONE | h2.PRIORITIZED, 1, hex('00000000')),
    goaway(h2.FRAME_SIZE_ERROR),
  ],
});
rows('6.1 DATA', {
  'on stream 0': [data(0, 'x', false), goaway(h2.PROTOCOL_ERROR)],
  padded: [[request(1, { open: true }), frame(h2.DATA, h2.PADDED | 1, 1, hex('02 616263 0000'))], answers(1)],
  'padding only': [[request(1, { open: true }), frame(h2.DATA, h2.PADDED | 1, 1, hex('02 0000'))], answers(1)],
  'pad length 0': [[request(1, { open: true }), frame(h2.DATA, h2.PADDED | 1, 1, hex('00 6162'))], answers(1)],
  'padding as long as the payload': [
    [request(1, { open: true }), frame(h2.DATA, h2.PADDED | 1, 1, hex('03 0000 00').subarray(0, 3))],
    goaway(h2.PROTOCOL_ERROR),
  ],
  'padding longer than the payload': [
    [request(1, { open: true }), frame(h2.DATA, h2.PADDED | 1, 1, hex('ff 61'))],
    goaway(h2.PROTOCOL_ERROR),
  ],
  'padded without a pad length': [
    [request(1, { open: true }), frame(h2.DATA, h2.PADDED | 1, 1)],
    goaway(h2.FRAME_SIZE_ERROR),
  ],
  'empty with END_STREAM': [[request(1, { open: true }), data(1, '', true)], answers(1)],
  'several frames': [
    [request(1, { open: true }), data(1, 'ab', false), data(1, '', false), data(1, 'c', true)],
    answers(1),
  ],
});
rows('6.2 HEADERS', {
  'on stream 0': [request(0), goaway(h2.PROTOCOL_ERROR)],
  padded: [frame(h2.HEADERS, HEADERS_DONE | h2.PADDED, 1, Buffer.concat([hex('03'), GET, hex('000000')])), answers(1)],
  'padded with priority': [
    frame(
      h2.HEADERS,
      HEADERS_DONE | h2.PADDED | h2.PRIORITIZED,
      1,
      Buffer.concat([hex('01 00000000 10'), GET, hex('00')]),
    ),
    answers(1),
  ],
  'padding longer than the payload': [
    frame(h2.HEADERS, HEADERS_DONE | h2.PADDED, 1, hex('ff 82')),
    goaway(h2.PROTOCOL_ERROR),
  ],
  'padded without a pad length': [frame(h2.HEADERS, HEADERS_DONE | h2.PADDED, 1), goaway(h2.FRAME_SIZE_ERROR)],
  'empty block': [frame(h2.HEADERS, HEADERS_DONE, 1), malformed],
});
rows('6.3 PRIORITY', {
  'on stream 0': [frame(h2.PRIORITY, 0, 0, hex('00000000 10')), goaway(h2.PROTOCOL_ERROR)],
  'too short': [[request(1, { open: true }), frame(h2.PRIORITY, 0, 1, hex('00000000'))], reset(1, h2.FRAME_SIZE_ERROR)],
  'too long': [
    [request(1, { open: true }), frame(h2.PRIORITY, 0, 1, hex('00000000 1000'))],
    reset(1, h2.FRAME_SIZE_ERROR),
  ],
});
rows('6.4 RST_STREAM', {
  'on stream 0': [frame(h2.RST_STREAM, 0, 0, words(8)), goaway(h2.PROTOCOL_ERROR)],
  'too short': [[request(1, { open: true }), frame(h2.RST_STREAM, 0, 1, hex('000000'))], goaway(h2.FRAME_SIZE_ERROR)],
  'too long': [
    [request(1, { open: true }), frame(h2.RST_STREAM, 0, 1, hex('0000000000'))],
    goaway(h2.FRAME_SIZE_ERROR),
  ],
  'with an unknown code': [
    [request(1, { open: true }), frame(h2.RST_STREAM, 0, 1, words(0xffff)), request(3)],
    answers(3),
  ],
});
rows('6.5 SETTINGS', {
  'ACK with content': [frame(h2.SETTINGS, h2.ACK, 0, Buffer.alloc(6)), goaway(h2.FRAME_SIZE_ERROR)],
  'on a stream': [frame(h2.SETTINGS, 0, 1, Buffer.alloc(6)), goaway(h2.PROTOCOL_ERROR)],
  'of wrong length': [frame(h2.SETTINGS, 0, 0, Buffer.alloc(7)), goaway(h2.FRAME_SIZE_ERROR)],
  'ENABLE_PUSH 2': [settings([2, 2]), goaway(h2.PROTOCOL_ERROR)],
  'ENABLE_PUSH 1': [[settings([2, 1]), request(1)], answers(1)],
  'INITIAL_WINDOW_SIZE 2^31': [settings([4, 0x8000_0000]), goaway(h2.FLOW_CONTROL_ERROR)],
  'INITIAL_WINDOW_SIZE 2^31-1': [[settings([4, 0x7fff_ffff]), request(1)], answers(1)],
  'MAX_FRAME_SIZE 16,383': [settings([5, 16_383]), goaway(h2.PROTOCOL_ERROR)],
  'MAX_FRAME_SIZE 2^24': [settings([5, 1 << 24]), goaway(h2.PROTOCOL_ERROR)],
  'MAX_FRAME_SIZE 2^24-1': [[settings([5, (1 << 24) - 1]), request(1)], answers(1)],
  'unknown identifier': [[settings([0xff, 7]), request(1)], answers(1)],
  'ENABLE_CONNECT_PROTOCOL 2': [settings([8, 2]), goaway(h2.PROTOCOL_ERROR)],
  'ENABLE_CONNECT_PROTOCOL withdrawn': [settings([8, 1], [8, 0]), goaway(h2.PROTOCOL_ERROR)],
  'the last of several values counts': [
    [settings([4, 0], [4, 9]), request(1, { open: true }), data(1, 'abc', true)],
    answers(1),
  ],
  'HEADER_TABLE_SIZE 0': [[settings([1, 0]), request(1), request(3)], answers(1, 3)],
  'second ACK': [[frame(h2.SETTINGS, h2.ACK, 0), frame(h2.SETTINGS, h2.ACK, 0), request(1)], answers(1)],
});
rows('6.6 PUSH_PROMISE', {
  'from a client': [
    [request(1, { open: true }), frame(h2.PUSH_PROMISE, 4, 1, Buffer.concat([words(2), GET]))],
    goaway(h2.PROTOCOL_ERROR),
  ],
});
rows('6.7 PING', {
  'on a stream': [frame(h2.PING, 0, 1, Buffer.alloc(8)), goaway(h2.PROTOCOL_ERROR)],
  'too short': [frame(h2.PING, 0, 0, Buffer.alloc(6)), goaway(h2.FRAME_SIZE_ERROR)],
  'too long': [frame(h2.PING, 0, 0, Buffer.alloc(9)), goaway(h2.FRAME_SIZE_ERROR)],
  'ACK nobody waits for': [[frame(h2.PING, h2.ACK, 0, Buffer.alloc(8)), request(1)], answers(1)],
});
rows('6.8 GOAWAY', {
  'on a stream': [frame(h2.GOAWAY, 0, 1, words(0, 0)), goaway(h2.PROTOCOL_ERROR)],
  'too short': [frame(h2.GOAWAY, 0, 0, words(0)), goaway(h2.FRAME_SIZE_ERROR)],
  'lets streams go on': [
    [request(1, { open: true }), frame(h2.GOAWAY, 0, 0, words(0, 0)), data(1, 'x', true)],
    answers(1),
  ],
});
rows('6.9 WINDOW_UPDATE', {
  'of 0 on the connection': [frame(h2.WINDOW_UPDATE, 0, 0, words(0)), goaway(h2.PROTOCOL_ERROR)],
  'of 0 on a stream': [[request(1, { open: true }), frame(h2.WINDOW_UPDATE, 0, 1, words(0))], malformed],
  'of wrong length': [frame(h2.WINDOW_UPDATE, 0, 0, hex('000001')), goaway(h2.FRAME_SIZE_ERROR)],
  'beyond 2^31-1 on the connection': [
    [frame(h2.WINDOW_UPDATE, 0, 0, words(0x7fff_ffff)), frame(h2.WINDOW_UPDATE, 0, 0, words(0x7fff_ffff))],
    goaway(h2.FLOW_CONTROL_ERROR),
  ],
  'beyond 2^31-1 on a stream': [
    [request(1, { open: true }), frame(h2.WINDOW_UPDATE, 0, 1, words(0x7fff_ffff))],
    reset(1, h2.FLOW_CONTROL_ERROR),
  ],
  'reserved bit': [
    [request(1, { open: true }), frame(h2.WINDOW_UPDATE, 0, 1, words(0x8000_0001)), data(1, 'x', true)],
    answers(1),
  ],
  'beyond 2^31-1 by SETTINGS': [
    [
      settings([4, 10]),
      request(1, { open: true }),
      frame(h2.WINDOW_UPDATE, 0, 1, words(0x7fff_fff0)),
      settings([4, 0x7fff_ffff]),
    ],
    goaway(h2.FLOW_CONTROL_ERROR),
  ],
  'more DATA than the stream allows': [
    [
      settings([4, 0]),
      request(1, { open: true }),
      ...Array.from({ length: 5 }, () => data(1, 'x'.repeat(16_000), false)),
    ],
    reset(1, h2.FLOW_CONTROL_ERROR),
  ],
  'a negative window': [
    [
      settings([4, 3]),
      request(1, { open: true }),
      settings([4, 0]),
      data(1, 'abc', true),
      settings([4, 2]),
      settings([4, 3]),
    ],
    answers(1),
  ],
});
rows('6.10 CONTINUATION', {
  one: [
    [frame(h2.HEADERS, h2.END_STREAM, 1, GET.subarray(0, 3)), frame(h2.CONTINUATION, 4, 1, GET.subarray(3))],
    answers(1),
  ],
  'several, one empty': [
    [
      frame(h2.HEADERS, h2.END_STREAM, 1, GET.subarray(0, 3)),
      frame(h2.CONTINUATION, 0, 1),
      frame(h2.CONTINUATION, 0, 1, GET.subarray(3, 7)),
      frame(h2.CONTINUATION, 4, 1, GET.subarray(7)),
    ],
    answers(1),
  ],
  'of another stream': [
    [frame(h2.HEADERS, 1, 1, GET.subarray(0, 3)), frame(h2.CONTINUATION, 4, 3, GET)],
    goaway(h2.PROTOCOL_ERROR),
  ],
  'on stream 0': [
    [frame(h2.HEADERS, 1, 1, GET.subarray(0, 3)), frame(h2.CONTINUATION, 4, 0, GET)],
    goaway(h2.PROTOCOL_ERROR),
  ],
  'behind END_HEADERS': [[request(1), frame(h2.CONTINUATION, 4, 1, GET)], goaway(h2.PROTOCOL_ERROR)],
  'without HEADERS': [frame(h2.CONTINUATION, 4, 1, GET), goaway(h2.PROTOCOL_ERROR)],
});

const others = (...without: string[]): (readonly [string, string])[] =>
  REQUEST_FIELDS.filter(([name]) => !without.includes(name));
const head = (...fields: (readonly [string, string])[]): Buffer => frame(h2.HEADERS, HEADERS_DONE, 1, block(...fields));
const regular = (name: string, value: string): readonly [Buffer, Expected] => [
  head(...REQUEST_FIELDS, [name, value]),
  malformed,
];
rows('8.2 fields', {
  'upper case': regular('X-Test', 'a'),
  'name with a space': regular('x test', 'a'),
  'name with a colon': regular('x:test', 'a'),
  'name with CR LF': regular('x\r\ny', 'a'),
  'name with NUL': regular('x\0', 'a'),
  'name with obs-text': regular('x\u00e9', 'a'),
  'empty name': regular('', 'a'),
  'value with CR': regular('x', 'a\rb'),
  'value with LF': regular('x', 'a\nb'),
  'value with CR LF and a field': regular('x', 'a\r\ntransfer-encoding: chunked'),
  'value with NUL': regular('x', 'a\0'),
  'value with DEL': regular('x', 'a\x7f'),
  'value with a leading blank': regular('x', ' a'),
  'value with a trailing tab': regular('x', 'a\t'),
  'value with obs-text': [head(...REQUEST_FIELDS, ['x', 'caf\u00e9']), answers(1)],
  'empty value': [head(...REQUEST_FIELDS, ['x', '']), answers(1)],
  connection: regular('connection', 'close'),
  'keep-alive': regular('keep-alive', 'timeout=5'),
  'proxy-connection': regular('proxy-connection', 'close'),
  'transfer-encoding': regular('transfer-encoding', 'chunked'),
  upgrade: regular('upgrade', 'h2c'),
  'te: gzip': regular('te', 'gzip'),
  'te: trailers, gzip': regular('te', 'trailers, gzip'),
  'te: trailers': [head(...REQUEST_FIELDS, ['te', 'trailers']), answers(1)],
});
rows('8.3 pseudo-header fields', {
  unknown: [head(...REQUEST_FIELDS, [':test', 'a']), malformed],
  ':status in a request': [head(...REQUEST_FIELDS, [':status', '200']), malformed],
  'behind a regular field': [head(...others(':path'), ['x', 'a'], [':path', '/']), malformed],
  'empty :path': [head(...others(':path'), [':path', '']), malformed],
  'no :method': [head(...others(':method')), malformed],
  'no :scheme': [head(...others(':scheme')), malformed],
  'no :path': [head(...others(':path')), malformed],
  'neither :authority nor host': [head(...others(':authority')), malformed],
  'host instead of :authority': [head(...others(':authority'), ['host', 'a']), answers(1)],
  ':method twice': [head(...REQUEST_FIELDS, [':method', 'GET']), malformed],
  ':scheme twice': [head(...REQUEST_FIELDS, [':scheme', 'http']), malformed],
  ':path twice': [head(...REQUEST_FIELDS, [':path', '/']), malformed],
  ':authority twice': [head(...REQUEST_FIELDS, [':authority', 'example.com']), malformed],
  'host equal to :authority': [head(...REQUEST_FIELDS, ['host', 'EXAMPLE.com']), answers(1)],
  'host other than :authority': [head(...REQUEST_FIELDS, ['host', 'evil.com']), malformed],
  'host twice': [head(...REQUEST_FIELDS, ['host', 'example.com'], ['host', 'example.com']), malformed],
  ':authority with userinfo': [head(...others(':authority'), [':authority', 'a@b']), malformed],
  ':authority with a slash': [head(...others(':authority'), [':authority', 'a/b']), malformed],
  ':authority with CR LF': [head(...others(':authority'), [':authority', 'a\r\nx: y']), malformed],
  ':method with a space': [head(...others(':method'), [':method', 'GET / HTTP/1.1']), malformed],
  ':method empty': [head(...others(':method'), [':method', '']), malformed],
  ':path with a space': [head(...others(':path'), [':path', '/a b']), malformed],
  ':path with CR LF': [head(...others(':path'), [':path', '/ HTTP/1.1\r\nx: y']), malformed],
  ':path with a fragment': [head(...others(':path'), [':path', '/a#b']), malformed],
  ':path that is a URL': [head(...others(':path'), [':path', 'http://a/']), malformed],
  ':path * with GET': [head(...others(':path'), [':path', '*']), malformed],
  ':path * with OPTIONS': [head(...others(':path', ':method'), [':method', 'OPTIONS'], [':path', '*']), answers(1)],
  ':scheme with a colon': [head(...others(':scheme'), [':scheme', 'http:']), malformed],
  CONNECT: [head([':method', 'CONNECT'], [':authority', 'a:1']), answers(1)],
  'CONNECT without :authority': [head([':method', 'CONNECT']), malformed],
  'CONNECT with :path': [head([':method', 'CONNECT'], [':authority', 'a:1'], [':path', '/']), malformed],
  'CONNECT with :scheme': [head([':method', 'CONNECT'], [':authority', 'a:1'], [':scheme', 'http']), malformed],
  ':protocol that was not offered': [
    head(...others(':method'), [':method', 'CONNECT'], [':protocol', 'websocket']),
    malformed,
  ],
});
const post = (length: string): Buffer =>
  request(1, { open: true, method: 'POST', fields: [['content-length', length]] });
rows('8.1 messages', {
  'content-length larger than DATA': [[post('4'), data(1, 'abc', true)], malformed],
  'content-length smaller than DATA': [[post('2'), data(1, 'abc', true)], malformed],
  'content-length smaller than the sum': [[post('4'), data(1, 'abc', false), data(1, 'abc', true)], malformed],
  'content-length equal to the sum': [[post('6'), data(1, 'abc', false), data(1, 'abc', true)], answers(1)],
  'content-length without content': [request(1, { fields: [['content-length', '1']] }), malformed],
  'content-length 0': [request(1, { fields: [['content-length', '0']] }), answers(1)],
  'content-length twice': [
    request(1, {
      fields: [
        ['content-length', '0'],
        ['content-length', '0'],
      ],
    }),
    malformed,
  ],
  'content-length negative': [post('-1'), malformed],
  'content-length with a plus': [post('+1'), malformed],
  'content-length as a list': [post('1, 1'), malformed],
  'content-length with a leading zero': [post('03'), malformed],
  'content-length too long': [post('1'.repeat(16)), malformed],
  'content-length empty': [post(''), malformed],
  trailers: [
    [request(1, { open: true }), data(1, 'x', false), frame(h2.HEADERS, HEADERS_DONE, 1, block(['x', 'y']))],
    answers(1),
  ],
  'trailers without END_STREAM': [[request(1, { open: true }), frame(h2.HEADERS, 4, 1, block(['x', 'y']))], malformed],
  'trailers with a pseudo-header field': [
    [request(1, { open: true }), frame(h2.HEADERS, HEADERS_DONE, 1, block([':path', '/']))],
    malformed,
  ],
  'trailers with upper case': [
    [request(1, { open: true }), frame(h2.HEADERS, HEADERS_DONE, 1, block(['X', '/']))],
    malformed,
  ],
  'trailers before the declared end': [
    [post('3'), data(1, 'ab', false), frame(h2.HEADERS, HEADERS_DONE, 1, block(['x', 'y']))],
    malformed,
  ],
});
rows('limits', {
  'header list too large': [
    request(1, { fields: Array.from({ length: 20 }, (_, i) => [`x-${i}`, 'v'.repeat(800)] as const) }),
    reset(1, h2.ENHANCE_YOUR_CALM),
  ],
  'too many fields': [
    frame(h2.HEADERS, HEADERS_DONE, 1, Buffer.concat([GET, ...Array.from({ length: 130 }, () => block(['a', 'b']))])),
    reset(1, h2.ENHANCE_YOUR_CALM),
  ],
  'CONTINUATION flood': [
    [frame(h2.HEADERS, 1, 1, GET.subarray(0, 3)), ...Array.from({ length: 40 }, () => frame(h2.CONTINUATION, 0, 1))],
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
  'header block of many bytes': [
    [
      frame(h2.HEADERS, 1, 1, Buffer.alloc(16_000)),
      ...Array.from({ length: 5 }, () => frame(h2.CONTINUATION, 0, 1, Buffer.alloc(16_000))),
    ],
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
  'rapid reset': [
    Array.from({ length: 700 }, (_, i) => [
      request(2 * i + 1, { open: true }),
      frame(h2.RST_STREAM, 0, 2 * i + 1, words(8)),
    ]).flat(),
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
  'resets provoked by WINDOW_UPDATE of 0': [
    Array.from({ length: 700 }, (_, i) => [
      request(2 * i + 1, { open: true }),
      frame(h2.WINDOW_UPDATE, 0, 2 * i + 1, words(0)),
    ]).flat(),
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
  'resets provoked by malformed requests': [
    Array.from({ length: 700 }, (_, i) => request(2 * i + 1, { fields: [['te', 'x']] })),
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
  'PING flood': [
    Array.from({ length: 3000 }, () => frame(h2.PING, 0, 0, Buffer.alloc(8))),
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
  'SETTINGS flood': [Array.from({ length: 3000 }, () => settings()), goaway(h2.ENHANCE_YOUR_CALM)],
  'PRIORITY flood': [
    Array.from({ length: 3000 }, () => frame(h2.PRIORITY, 0, 1, hex('00000000 10'))),
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
  'flood of empty DATA': [
    [request(1, { open: true }), ...Array.from({ length: 3000 }, () => data(1, '', false))],
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
  'flood of unknown frames': [Array.from({ length: 3000 }, () => frame(200, 0, 0)), goaway(h2.ENHANCE_YOUR_CALM)],
  'WINDOW_UPDATE flood': [
    Array.from({ length: 3000 }, () => frame(h2.WINDOW_UPDATE, 0, 0, words(1))),
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
  'GOAWAY flood': [
    Array.from({ length: 3000 }, () => frame(h2.GOAWAY, 0, 0, words(0, 0))),
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
  'RST_STREAM flood on a closed stream': [
    [request(1), ...Array.from({ length: 3000 }, () => frame(h2.RST_STREAM, 0, 1, words(8)))],
    goaway(h2.ENHANCE_YOUR_CALM),
  ],
});

/** Every row. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = cases;
