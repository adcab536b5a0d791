import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Http2Connection } from './connection.ts';
import { type Http2Events, http2Scratch } from './events.ts';
import { FieldList } from './field-list.ts';
import { OutputBuffer } from './output-buffer.ts';
import * as h2 from './protocol.ts';
import { DEFAULT_HTTP2_OPTIONS } from './settings.ts';
import { EchoServer } from './test-rig/echo-server.ts';
import { block, data, frame, framesOf, hex, REQUEST_FIELDS, request, settings, words } from './test-rig/frames.ts';

const CALM = h2.ENHANCE_YOUR_CALM;
const HEADERS_DONE = h2.END_HEADERS | h2.END_STREAM;
const GET = block(...REQUEST_FIELDS);
const NOTHING = Buffer.alloc(0);

/** What a peer sends, and when: milliseconds. */
type Script = readonly (readonly [atMs: number, bytes: Buffer])[];
/** What becomes of the connection: it serves on, or ends with GOAWAY and this code. */
type Fate = 'serves' | number;

/** So many at once. */
const burst = (count: number, make: (index: number) => Buffer): Script => [
  [0, Buffer.concat(Array.from({ length: count }, (_, index) => make(index)))],
];
/** So many in each of some seconds. */
const rate = (perSecond: number, seconds: number, make: (index: number) => Buffer): Script =>
  Array.from({ length: seconds }, (_, second) => [
    (second + 1) * 1000,
    Buffer.concat(Array.from({ length: perSecond }, (_, index) => make(second * perSecond + index))),
  ]);
const then = (...scripts: readonly Script[]): Script => scripts.flat();
const once = (...frames: readonly Buffer[]): Script => [[0, Buffer.concat(frames)]];

const id = (index: number): number => 2 * index + 1;
const ping = (): Buffer => frame(h2.PING, 0, 0, Buffer.alloc(8));
const open = (stream: number): Buffer => request(stream, { open: true });
const cancel = (stream: number): Buffer => frame(h2.RST_STREAM, 0, stream, words(h2.CANCEL));
const update = (stream: number, increment: number): Buffer => frame(h2.WINDOW_UPDATE, 0, stream, words(increment));
const priority = (stream: number): Buffer => frame(h2.PRIORITY, 0, stream, hex('00000000 10'));
const continued = (count: number, piece: Buffer, last = true): Buffer =>
  Buffer.concat([
    frame(h2.HEADERS, h2.END_STREAM, 1, GET),
    ...Array.from({ length: count }, (_, index) =>
      frame(h2.CONTINUATION, last && index === count - 1 ? h2.END_HEADERS : 0, 1, piece),
    ),
  ]);
/** A literal field, not indexed. */
const literal = (name: string, value: string): Buffer => {
  assert.ok(name.length < 127 && value.length < 127);
  return Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
};
/** An entry of 3,900 bytes in the table, then that many references to it: a few bytes that become megabytes. */
const bomb = (references: number): Buffer => {
  const value = Buffer.alloc(3900, 'a');
  const entry = Buffer.concat([Buffer.of(0x40, 1), Buffer.from('x'), hex('7f bd 1d'), value]);
  return Buffer.concat([GET, entry, Buffer.alloc(references, 0xbe)]);
};
const blockFrames = (payload: Buffer, stream: number): Buffer => {
  const pieces = Array.from({ length: Math.ceil(payload.length / 16_384) }, (_, i) =>
    payload.subarray(i * 16_384, (i + 1) * 16_384),
  );
  return Buffer.concat(
    pieces.map((piece, i) =>
      frame(
        i === 0 ? h2.HEADERS : h2.CONTINUATION,
        (i === 0 ? h2.END_STREAM : 0) | (i === pieces.length - 1 ? h2.END_HEADERS : 0),
        stream,
        piece,
      ),
    ),
  );
};

const byClients: Readonly<Record<string, readonly [Script, Fate]>> = {
  'CONTINUATION: 16 frames': [once(continued(16, literal('a', 'b'))), 'serves'],
  'CONTINUATION: 17 frames': [once(continued(17, literal('a', 'b'))), CALM],
  'CONTINUATION: 16 empty ones': [once(continued(16, NOTHING)), 'serves'],
  'CONTINUATION: 17 empty ones': [once(continued(17, NOTHING)), CALM],
  'CONTINUATION: without end': [once(continued(100, NOTHING, false)), CALM],
  'CONTINUATION: a block of more than 64 KiB': [once(continued(5, Buffer.alloc(16_384, 0x82), false)), CALM],
  'CONTINUATION: never, something else instead': [once(continued(1, NOTHING, false), ping()), h2.PROTOCOL_ERROR],
  'a block that decodes to megabytes costs its stream': [once(blockFrames(bomb(1000), 1)), 'serves'],
  'such blocks again and again': [
    burst(600, (i) => blockFrames(i === 0 ? bomb(1000) : Buffer.concat([GET, Buffer.alloc(1000, 0xbe)]), id(i))),
    CALM,
  ],
  'more fields than a list may have': [
    once(frame(h2.HEADERS, HEADERS_DONE, 1, Buffer.concat([GET, Buffer.alloc(400, 0x90)]))),
    'serves',
  ],
  'an integer that never ends': [
    once(frame(h2.HEADERS, HEADERS_DONE, 1, Buffer.concat([Buffer.of(0xff), Buffer.alloc(50, 0xff)]))),
    h2.COMPRESSION_ERROR,
  ],
  'a string longer than its block': [
    once(frame(h2.HEADERS, HEADERS_DONE, 1, hex('00 7f ff 01 61'))),
    h2.COMPRESSION_ERROR,
  ],
  'table sizes up and down within a block': [
    once(frame(h2.HEADERS, HEADERS_DONE, 1, Buffer.concat([hex('20 3f e1 1f 20'), GET]))),
    h2.COMPRESSION_ERROR,
  ],

  'rapid reset: 400 at once': [burst(400, (i) => Buffer.concat([open(id(i)), cancel(id(i))])), 'serves'],
  'rapid reset: 600 at once': [burst(600, (i) => Buffer.concat([open(id(i)), cancel(id(i))])), CALM],
  'rapid reset: 90 a second': [rate(90, 20, (i) => Buffer.concat([open(id(i)), cancel(id(i))])), 'serves'],
  'rapid reset: 200 a second': [rate(200, 10, (i) => Buffer.concat([open(id(i)), cancel(id(i))])), CALM],
  'rapid reset of whole requests is none: they were answered': [
    burst(600, (i) => Buffer.concat([request(id(i)), cancel(id(i))])),
    'serves',
  ],
  'streams beyond the limit: 400': [
    then(
      burst(100, (i) => open(id(i))),
      burst(400, (i) => open(id(100 + i))),
      burst(100, (i) => cancel(id(i))),
    ),
    'serves',
  ],
  'streams beyond the limit: 700': [
    then(
      burst(100, (i) => open(id(i))),
      burst(700, (i) => open(id(100 + i))),
    ),
    CALM,
  ],
  'resets provoked by WINDOW_UPDATE of 0': [burst(600, (i) => Buffer.concat([open(id(i)), update(id(i), 0)])), CALM],
  'resets provoked by windows too large': [
    burst(600, (i) => Buffer.concat([open(id(i)), update(id(i), h2.MAX_31_BITS)])),
    CALM,
  ],
  'resets provoked by PRIORITY of wrong length': [
    burst(600, (i) => Buffer.concat([open(id(i)), frame(h2.PRIORITY, 0, id(i), hex('00000000'))])),
    CALM,
  ],
  'resets provoked by a stream that depends on itself': [
    burst(600, (i) =>
      Buffer.concat([open(id(i)), frame(h2.PRIORITY, 0, id(i), Buffer.concat([words(id(i)), hex('10')]))]),
    ),
    CALM,
  ],
  'resets provoked by DATA after the end': [
    burst(600, (i) => Buffer.concat([request(id(i)), data(id(i), 'x', true)])),
    CALM,
  ],
  'resets provoked by HEADERS after the end': [
    burst(600, (i) => Buffer.concat([open(id(i)), frame(h2.DATA, h2.END_STREAM, id(i)), request(id(i))])),
    h2.STREAM_CLOSED,
  ],
  'resets provoked by lengths that are wrong': [
    burst(600, (i) =>
      Buffer.concat([request(id(i), { open: true, fields: [['content-length', '1']] }), data(id(i), '22', true)]),
    ),
    CALM,
  ],
  'resets provoked by malformed requests': [
    burst(600, (i) => frame(h2.HEADERS, HEADERS_DONE, id(i), block([':method', 'GET']))),
    CALM,
  ],
  'RST_STREAM on a stream that never was': [once(cancel(99)), h2.PROTOCOL_ERROR],
  'RST_STREAM on closed streams: 1,900': [
    then(
      once(request(1)),
      burst(1900, () => cancel(1)),
    ),
    'serves',
  ],
  'RST_STREAM on closed streams: 2,100': [
    then(
      once(request(1)),
      burst(2100, () => cancel(1)),
    ),
    CALM,
  ],

  'PING: 1,900 at once': [burst(1900, ping), 'serves'],
  'PING: 2,100 at once': [burst(2100, ping), CALM],
  'PING: 900 a second': [rate(900, 10, ping), 'serves'],
  'PING: 1,500 a second': [rate(1500, 10, ping), CALM],
  'PING answers that nobody asked for': [burst(2100, () => frame(h2.PING, h2.ACK, 0, Buffer.alloc(8))), CALM],
  'SETTINGS: 1,900 at once': [burst(1900, () => settings()), 'serves'],
  'SETTINGS: 2,100 at once': [burst(2100, () => settings()), CALM],
  'SETTINGS: 1,500 a second': [rate(1500, 10, () => settings()), CALM],
  'SETTINGS that move the table': [burst(2100, (i) => settings([1, i % 2 === 0 ? 0 : 4096])), CALM],
  'SETTINGS that move the windows of 100 streams': [
    then(
      burst(100, (i) => open(id(i))),
      burst(2100, (i) => settings([4, 1000 + (i % 2)])),
    ),
    CALM,
  ],
  'SETTINGS with 2,000 entries': [
    once(settings(...Array.from({ length: 2000 }, (_, i) => [0x100 + i, i] as const))),
    'serves',
  ],
  'SETTINGS acknowledged 2,100 times': [burst(2100, () => frame(h2.SETTINGS, h2.ACK, 0)), CALM],
  'PRIORITY: 1,900 at once': [burst(1900, (i) => priority(id(i))), 'serves'],
  'PRIORITY: 2,100 at once': [burst(2100, (i) => priority(id(i))), CALM],
  'PRIORITY on one stream': [
    then(
      once(open(1)),
      burst(2100, () => priority(1)),
    ),
    CALM,
  ],
  'unknown frames: 2,100': [burst(2100, () => frame(77, 0, 0)), CALM],
  'GOAWAY: 2,100': [burst(2100, () => frame(h2.GOAWAY, 0, 0, words(0, 0))), CALM],
  'empty DATA: 1,900': [
    then(
      once(open(1)),
      burst(1900, () => frame(h2.DATA, 0, 1)),
      once(frame(h2.DATA, 1, 1)),
    ),
    'serves',
  ],
  'empty DATA: 2,100': [
    then(
      once(open(1)),
      burst(2100, () => frame(h2.DATA, 0, 1)),
    ),
    CALM,
  ],
  'DATA of nothing but padding: 2,100': [
    then(
      once(open(1)),
      burst(2100, () => frame(h2.DATA, h2.PADDED, 1, Buffer.alloc(2, 1).fill(0, 1))),
    ),
    CALM,
  ],
  'empty DATA on a closed stream': [
    then(
      once(request(1)),
      burst(2100, () => frame(h2.DATA, 0, 1)),
    ),
    CALM,
  ],
  'DATA of one byte is content': [
    then(
      once(open(1)),
      burst(5000, () => data(1, 'x', false)),
      once(frame(h2.DATA, 1, 1)),
    ),
    'serves',
  ],

  'WINDOW_UPDATE on the connection: 200': [burst(200, () => update(0, 1)), 'serves'],
  'WINDOW_UPDATE on the connection: 300': [burst(300, () => update(0, 1)), CALM],
  'WINDOW_UPDATE on a stream': [
    then(
      once(open(1)),
      burst(300, () => update(1, 1)),
    ),
    CALM,
  ],
  'WINDOW_UPDATE on a closed stream': [
    then(
      once(request(1)),
      burst(300, () => update(1, 1)),
    ),
    CALM,
  ],
  'WINDOW_UPDATE: ten for each stream': [
    burst(50, (i) => Buffer.concat([request(id(i)), ...Array.from({ length: 10 }, () => update(0, 1))])),
    'serves',
  ],
  'WINDOW_UPDATE on a stream that never was': [once(update(99, 1)), h2.PROTOCOL_ERROR],
  'a window of 2^31': [once(update(0, h2.MAX_31_BITS)), h2.FLOW_CONTROL_ERROR],
  'a window for ever 0: what waits is one stream each': [
    then(
      once(settings([4, 0])),
      burst(100, (i) => Buffer.concat([open(id(i)), data(id(i), 'x'.repeat(600), true)])),
      once(settings([4, 65_535])),
    ),
    'serves',
  ],
  'more content than the connection allows': [
    then(
      burst(17, (i) => open(id(i))),
      ...Array.from({ length: 17 }, (_, i) => burst(5, () => frame(h2.DATA, 0, id(i), Buffer.alloc(13_100)))),
    ),
    h2.FLOW_CONTROL_ERROR,
  ],
};

describe('a client that wears a server out', () => {
  test('every row is there', () =>
    assert.ok(Object.keys(byClients).length >= 60, String(Object.keys(byClients).length)));

  for (const [name, [script, fate]] of Object.entries(byClients)) {
    test(`${name} → ${fate === 'serves' ? fate : `GOAWAY ${fate}`}`, () => {
      const server = new EchoServer();
      const sent = [server.take(), server.exchange(Buffer.concat([h2.PREFACE, settings()]))];
      for (const [atMs, bytes] of script) {
        sent.push(server.exchange(bytes, atMs));
        // Whatever comes, what it has to say stays small.
        assert.ok(sent.at(-1)!.length < 2_000_000);
      }
      const goaways = framesOf(Buffer.concat(sent)).filter(({ type }) => type === h2.GOAWAY);
      assert.ok(server.connection.streams.size <= 100);
      if (fate !== 'serves') {
        assert.deepEqual(
          goaways.map(({ payload }) => payload.readUInt32BE(4)),
          [fate],
        );
        assert.equal(server.connection.streams.size, 0);
        return;
      }
      assert.deepEqual(goaways, []);
      const late = 0x7fff_fffd;
      const after = framesOf(server.exchange(request(late), 60_000));
      assert.ok(after.some(({ type, streamId }) => type === h2.HEADERS && streamId === late));
    });
  }
});

/** A client with some requests under way, and what it makes of a server's bytes. */
class Caller {
  readonly out = new OutputBuffer();
  readonly told: string[] = [];
  readonly connection: Http2Connection<undefined>;

  constructor(requests: number) {
    const events: Http2Events<undefined> = {
      onHead: (stream, _fields, shape) => this.told.push(`head ${stream.id} ${shape.status}`),
      onInterim: (stream, _fields, shape) => this.told.push(`interim ${stream.id} ${shape.status}`),
      onData: (stream, _bytes, start, end) => {
        this.connection.consume(stream, end - start);
      },
      onTrailers: (stream) => this.told.push(`trailers ${stream.id}`),
      onReset: (stream, code) => this.told.push(`reset ${stream.id} ${code}`),
      onWritable() {},
      onGoaway: (code) => this.told.push(`goaway ${code}`),
      onConnectionError: (code) => this.told.push(`error ${code}`),
    };
    this.connection = new Http2Connection<undefined>('client', DEFAULT_HTTP2_OPTIONS, events, this.out, http2Scratch());
    this.connection.start();
    for (let i = 0; i < requests; i++) this.ask();
  }

  ask(): boolean {
    const fields = new FieldList();
    for (const [name, value] of REQUEST_FIELDS) fields.addText(name, value);
    return this.connection.openStream(fields, true, false) !== undefined;
  }
}

const ok = (stream: number, end = true, ...more: (readonly [string, string])[]): Buffer =>
  frame(h2.HEADERS, h2.END_HEADERS | (end ? 1 : 0), stream, block([':status', '200'], ...more));
const interim = (stream: number): Buffer => frame(h2.HEADERS, h2.END_HEADERS, stream, block([':status', '103']));

const byServers: Readonly<Record<string, readonly [Script, Fate, requests?: number]>> = {
  'PING: 1,900': [burst(1900, ping), 'serves'],
  'PING: 2,100': [burst(2100, ping), CALM],
  'SETTINGS: 2,100': [burst(2100, () => settings()), CALM],
  'PRIORITY: 2,100': [burst(2100, (i) => priority(id(i))), CALM],
  'unknown frames: 2,100': [burst(2100, () => frame(99, 0, 0)), CALM],
  'interim answers: 1,900': [burst(1900, () => interim(1)), 'serves'],
  'interim answers: 2,100': [burst(2100, () => interim(1)), CALM],
  'empty DATA: 2,100': [
    then(
      once(ok(1, false)),
      burst(2100, () => frame(h2.DATA, 0, 1)),
    ),
    CALM,
  ],
  'WINDOW_UPDATE: 300': [burst(300, () => update(0, 1)), CALM],
  'CONTINUATION: 17': [
    once(
      frame(h2.HEADERS, 0, 1, block([':status', '200'])),
      ...Array.from({ length: 17 }, () => frame(h2.CONTINUATION, 0, 1)),
    ),
    CALM,
  ],
  'a block of more than 64 KiB': [
    once(
      frame(h2.HEADERS, 0, 1, block([':status', '200'])),
      ...Array.from({ length: 5 }, () => frame(h2.CONTINUATION, 0, 1, Buffer.alloc(16_384, 0x88))),
    ),
    CALM,
  ],
  'a block that decodes to megabytes costs its request': [
    once(blockFrames(Buffer.concat([block([':status', '200']), bomb(500).subarray(GET.length)]), 1)),
    'serves',
  ],
  'a table larger than was offered': [
    once(frame(h2.HEADERS, h2.END_HEADERS, 1, hex('3f ff ff 03 88'))),
    h2.COMPRESSION_ERROR,
  ],
  'a push': [once(frame(h2.PUSH_PROMISE, 4, 1, Buffer.concat([words(2), GET]))), h2.PROTOCOL_ERROR],
  'an answer to a request that never was': [once(ok(99)), h2.PROTOCOL_ERROR],
  'a request': [once(request(2)), h2.PROTOCOL_ERROR],
  'DATA on a stream that never was': [once(data(99, 'x', true)), h2.PROTOCOL_ERROR],
  'DATA on stream 0': [once(data(0, 'x', true)), h2.PROTOCOL_ERROR],
  'RST_STREAM on a stream that never was': [once(cancel(99)), h2.PROTOCOL_ERROR],
  'a second answer': [once(ok(1), ok(1)), h2.STREAM_CLOSED],
  'content behind the end': [once(ok(1), data(1, 'x', true)), 'serves'],
  'more content than the stream allows': [
    then(once(ok(1, false)), [
      [0, Buffer.concat(Array.from({ length: 5 }, () => frame(h2.DATA, 0, 1, Buffer.alloc(16_384))))],
    ]),
    'serves',
  ],
  'a frame larger than was allowed': [once(frame(h2.DATA, 0, 1, Buffer.alloc(16_385))), h2.FRAME_SIZE_ERROR],
  'a window of 2^31': [once(update(0, h2.MAX_31_BITS)), h2.FLOW_CONTROL_ERROR],
  'windows of 2^31 by SETTINGS': [once(settings([4, 0x8000_0000])), h2.FLOW_CONTROL_ERROR],
  'WINDOW_UPDATE of 0': [once(update(0, 0)), h2.PROTOCOL_ERROR],
  'MAX_FRAME_SIZE 0': [once(settings([5, 0])), h2.PROTOCOL_ERROR],
  'extended CONNECT offered and taken back': [once(settings([8, 1]), settings([8, 0])), h2.PROTOCOL_ERROR],
  'refuses everything: 600 resets': [
    burst(600, (i) => frame(h2.RST_STREAM, 0, id(i), words(h2.REFUSED_STREAM))),
    CALM,
    600,
  ],
  'GOAWAY: 2,100': [burst(2100, () => frame(h2.GOAWAY, 0, 0, words(1, 0))), CALM],
  'GOAWAY that takes back what it promised': [
    once(frame(h2.GOAWAY, 0, 0, words(1, 0)), frame(h2.GOAWAY, 0, 0, words(0, 0))),
    'serves',
  ],
  'HTTP/1.1': [once(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')), h2.FRAME_SIZE_ERROR],
};

describe('a server that wears a client out', () => {
  for (const [name, [script, fate, requests = 1]] of Object.entries(byServers)) {
    test(`${name} → ${fate === 'serves' ? fate : `GOAWAY ${fate}`}`, () => {
      const caller = new Caller(requests);
      if (name !== 'HTTP/1.1') caller.connection.feed(settings(), 0, 9, 0);
      caller.out.clear();
      for (const [atMs, bytes] of script) caller.connection.feed(bytes, 0, bytes.length, atMs);
      const goaways = framesOf(caller.out.bytes.subarray(0, caller.out.length)).filter(
        ({ type }) => type === h2.GOAWAY,
      );
      if (fate !== 'serves') {
        assert.equal(goaways.length, 1);
        if (name !== 'HTTP/1.1') assert.equal(goaways[0]!.payload.readUInt32BE(4), fate);
        assert.equal(caller.connection.streams.size, 0);
        assert.equal(caller.told.filter((line) => line.startsWith('error')).length, 1);
        return;
      }
      assert.deepEqual(goaways, []);
      assert.equal(caller.connection.isFailed, false);
      if (!caller.connection.isGoingAway) assert.ok(caller.ask());
    });
  }
});
