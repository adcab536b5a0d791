import * as h2 from '../protocol.ts';
import {
  answers,
  type ConformanceCase,
  caseTable,
  GET,
  goaway,
  HEADERS_DONE,
  malformed,
  reset,
} from './conformance-case.ts';
import { data, frame, hex, request, settings, words } from './frames.ts';

const { cases, rows } = caseTable();

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

/** How a connection begins, frames in general, and the life of streams (RFC 9113 3.4, 4, 5). */
export const STREAM_CASES: readonly ConformanceCase[] = cases;
