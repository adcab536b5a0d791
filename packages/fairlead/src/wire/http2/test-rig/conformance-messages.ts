import * as h2 from '../protocol.ts';
import {
  answers,
  type ConformanceCase,
  caseTable,
  type Expected,
  GET,
  goaway,
  HEADERS_DONE,
  malformed,
  reset,
} from './conformance-case.ts';
import { block, data, frame, hex, REQUEST_FIELDS, request, settings, words } from './frames.ts';

const { cases, rows } = caseTable();

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

/** Messages of HTTP (RFC 9113 8), and limits of ours. */
export const MESSAGE_CASES: readonly ConformanceCase[] = cases;
