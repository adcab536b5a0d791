import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Http2Connection } from './connection.ts';
import { type Http2Events, http2Scratch } from './events.ts';
import { FieldList } from './field-list.ts';
import { OutputBuffer } from './output-buffer.ts';
import * as h2 from './protocol.ts';
import { DEFAULT_HTTP2_OPTIONS, type Http2Options } from './settings.ts';
import type { Http2Stream } from './stream.ts';
import { framesOf, REQUEST_FIELDS } from './test-rig/frames.ts';

function seeded(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Byte i of a stream is i modulo 251. */
const PATTERN = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);

interface Flow {
  toSend: number;
  sent: number;
  received: number;
  /** Received and not yet consumed. */
  held: number;
  ended: boolean;
}

/** One end that sends `size` bytes on each stream and consumes when told to. */
class End implements Http2Events<Flow> {
  readonly out: OutputBuffer = new OutputBuffer(new Uint8Array(64));
  readonly connection: Http2Connection<Flow>;
  readonly flows: Map<number, Flow> = new Map();
  readonly #size: number;
  error: string | undefined = undefined;

  constructor(role: 'client' | 'server', options: Partial<Http2Options>, size: number) {
    this.#size = size;
    this.connection = new Http2Connection(
      role,
      { ...DEFAULT_HTTP2_OPTIONS, ...options },
      this,
      this.out,
      http2Scratch(),
    );
    this.connection.start();
  }

  open(): void {
    const fields = new FieldList();
    for (const [name, value] of REQUEST_FIELDS) fields.addText(name, value);
    const stream = this.connection.openStream(fields, false, false);
    if (stream !== undefined) this.#start(stream);
  }

  #start(stream: Http2Stream<Flow>): void {
    stream.owner = { toSend: this.#size, sent: 0, received: 0, held: 0, ended: false };
    this.flows.set(stream.id, stream.owner);
    this.onWritable(stream);
  }

  onHead(stream: Http2Stream<Flow>): void {
    if (stream.owner !== undefined) return;
    const head = new FieldList();
    head.addText(':status', '200');
    this.connection.sendHeaders(stream, head, false);
    this.#start(stream);
  }

  onWritable(stream: Http2Stream<Flow>): void {
    const flow = stream.owner!;
    if (flow.sent === flow.toSend) return;
    const from = flow.sent % 251;
    flow.sent += this.connection.sendData(stream, PATTERN, from, from + flow.toSend - flow.sent, true);
  }

  onData(stream: Http2Stream<Flow>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const flow = stream.owner!;
    const from = flow.received % 251;
    assert.equal(Buffer.compare(bytes.subarray(start, end), PATTERN.subarray(from, from + end - start)), 0);
    flow.received += end - start;
    flow.held += end - start;
    flow.ended = endStream;
  }

  /** Consumes a random part of what is held. True if anything was held. */
  consume(random: () => number): boolean {
    let any = false;
    for (const stream of this.connection.streams.values()) {
      const flow = stream.owner!;
      if (flow.held === 0) continue;
      any = true;
      const bytes = Math.ceil(flow.held * random());
      flow.held -= bytes;
      this.connection.consume(stream, bytes);
    }
    return any;
  }

  take(): Buffer {
    const taken = Buffer.from(this.out.bytes.subarray(0, this.out.length));
    this.out.clear();
    return taken;
  }

  onInterim(): void {}
  onTrailers(): void {}
  onReset(_stream: Http2Stream<Flow>, code: number): void {
    this.error = `reset ${code}`;
  }
  onGoaway(): void {}
  onConnectionError(code: number, reason: string): void {
    this.error = `${code} ${reason}`;
  }
}

describe('flow control', () => {
  const shapes: [string, Partial<Http2Options>, Partial<Http2Options>][] = [
    ['defaults', {}, {}],
    ['tiny windows', { streamWindowBytes: 7 }, { streamWindowBytes: 1000 }],
    ['large streams, small connection', { streamWindowBytes: 500_000, connectionWindowBytes: 65_535 }, {}],
    [
      'small streams, large connection',
      { streamWindowBytes: 100 },
      { streamWindowBytes: 20_000, connectionWindowBytes: 2_000_000 },
    ],
  ];
  for (const [index, [name, clientOptions, serverOptions]] of shapes.entries()) {
    test(`${name}: everything arrives in order, whoever consumes when`, () => {
      const random = seeded(1000 + index);
      const size = name === 'tiny windows' ? 400 : 90_000;
      const client = new End('client', clientOptions, size);
      const server = new End('server', serverOptions, size);
      for (let i = 0; i < 6; i++) client.open();
      let up = Buffer.alloc(0);
      let down = Buffer.alloc(0);
      // Without progress for this long, somebody waits for ever.
      let idle = 0;
      for (let now = 0; idle < 50; now += 1000) {
        let moved = false;
        up = Buffer.concat([up, client.take()]);
        down = Buffer.concat([down, server.take()]);
        const upNow = Math.ceil(up.length * random());
        const downNow = Math.ceil(down.length * random());
        server.connection.feed(up, 0, upNow, now);
        client.connection.feed(down, 0, downNow, now);
        if (upNow + downNow > 0) moved = true;
        up = up.subarray(upNow);
        down = down.subarray(downNow);
        if (random() < 0.7 && server.consume(random)) moved = true;
        if (random() < 0.7 && client.consume(random)) moved = true;
        idle = moved ? 0 : idle + 1;
        assert.deepEqual([client.error, server.error], [undefined, undefined]);
        assert.ok(client.connection.sendWindow >= 0 && server.connection.sendWindow >= 0);
      }
      for (const end of [client, server]) {
        assert.equal(end.flows.size, 6);
        assert.equal(end.connection.streams.size, 0);
        for (const flow of end.flows.values())
          assert.deepEqual([flow.sent, flow.received, flow.ended], [size, size, true]);
      }
    });
  }

  test('content that nobody consumed goes back to the connection when its stream ends', () => {
    const client = new End('client', {}, 60_000);
    const server = new End('server', { connectionWindowBytes: 65_535 }, 0);
    // Ten times the connection's window in all.
    for (let i = 0; i < 11; i++) {
      client.open();
      for (let round = 0; round < 4; round++) {
        const up = client.take();
        server.connection.feed(up, 0, up.length, 0);
        for (const stream of [...server.connection.streams.values()]) {
          if (stream.remoteEnded) server.connection.reset(stream, h2.NO_ERROR);
        }
        const down = server.take();
        client.connection.feed(down, 0, down.length, 0);
      }
      assert.equal([...server.flows.values()].at(-1)!.received, 60_000, `stream ${i}`);
    }
  });
});

describe('drain', () => {
  test('two GOAWAY frames, the second after the PING came back; later requests are ignored', () => {
    const client = new End('client', {}, 10);
    const server = new End('server', {}, 10);
    const pass = (): number[] => {
      const up = client.take();
      server.connection.feed(up, 0, up.length, 0);
      const down = server.take();
      client.connection.feed(down, 0, down.length, 0);
      return framesOf(down)
        .filter(({ type }) => type === h2.GOAWAY)
        .map(({ payload }) => payload.readUInt32BE(0));
    };
    pass();
    server.connection.drain();
    // Sent before the client knows.
    client.open();
    assert.deepEqual(pass(), [h2.MAX_31_BITS]);
    assert.equal(server.flows.size, 1);
    assert.equal(client.connection.canOpenStream, false);
    assert.deepEqual(pass(), [1]);
    assert.equal(server.connection.isDrained, true);
    assert.deepEqual([client.error, server.error], [undefined, undefined]);
  });

  test('streams above the limit of a GOAWAY are told to try elsewhere', () => {
    const client = new End('client', {}, 10);
    client.open();
    client.open();
    const goaway = Buffer.from('00000c 07 00 00000000 00000001 00000000 61626364'.replaceAll(' ', ''), 'hex');
    client.connection.feed(Buffer.concat([Buffer.from('000000040000000000', 'hex'), goaway]), 0, 9 + goaway.length, 0);
    assert.equal(client.error, `reset ${h2.REFUSED_STREAM}`);
    assert.deepEqual([...client.connection.streams.keys()], [1]);
  });
});
