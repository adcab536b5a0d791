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

/** Each type of frame (RFC 9113 6). */
export const FRAME_CASES: readonly ConformanceCase[] = cases;
