import { Http2Connection } from '../connection.ts';
import { type Http2Events, http2Scratch } from '../events.ts';
import { FieldList } from '../field-list.ts';
import type { MessageShape } from '../message-rules.ts';
import { OutputBuffer } from '../output-buffer.ts';
import { DEFAULT_HTTP2_OPTIONS, type Http2Options } from '../settings.ts';
import type { Http2Stream } from '../stream.ts';

interface Exchange {
  /** Echoed bytes that wait for a window. */
  readonly waiting: Buffer[];
  ended: boolean;
  trailers: [string, string][] | undefined;
}

/**
 * A server without I/O: answers 200 with the request's own content and trailers, after the
 * request's end if asked so by `x-late`. Returns window for content only once it was echoed.
 */
export class EchoServer implements Http2Events<Exchange> {
  readonly out: OutputBuffer = new OutputBuffer();
  readonly connection: Http2Connection<Exchange>;
  readonly requests: { readonly id: number; readonly fields: [string, string][] }[] = [];
  readonly resets: (readonly [id: number, code: number])[] = [];
  error: readonly [code: number, reason: string] | undefined = undefined;

  constructor(options: Partial<Http2Options> = {}) {
    const all = { ...DEFAULT_HTTP2_OPTIONS, ...options };
    const scratch = http2Scratch(all.maxHeaderListBytes);
    this.connection = new Http2Connection('server', all, this, this.out, scratch);
    this.connection.start();
  }

  /** Gives input and takes the output. */
  exchange(bytes: Uint8Array, nowMs: number = 0): Buffer {
    this.connection.feed(bytes, 0, bytes.length, nowMs);
    return this.take();
  }

  take(): Buffer {
    const taken = Buffer.from(this.out.bytes.subarray(0, this.out.length));
    this.out.clear();
    return taken;
  }

  onHead(stream: Http2Stream<Exchange>, fields: FieldList, _shape: MessageShape, endStream: boolean): void {
    this.requests.push({ id: stream.id, fields: fields.toPairs() });
    stream.owner = { waiting: [], ended: endStream, trailers: undefined };
    const head = new FieldList();
    head.addText(':status', '200');
    head.addText('x-stream', String(stream.id));
    this.connection.sendHeaders(stream, head, endStream);
  }

  onInterim(): void {}

  onData(stream: Http2Stream<Exchange>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const exchange = stream.owner!;
    exchange.waiting.push(Buffer.from(bytes.subarray(start, end)));
    exchange.ended = endStream;
    this.#send(stream);
  }

  onTrailers(stream: Http2Stream<Exchange>, fields: FieldList): void {
    stream.owner!.trailers = fields.toPairs();
    stream.owner!.ended = true;
    this.#send(stream);
  }

  onWritable(stream: Http2Stream<Exchange>): void {
    this.#send(stream);
  }

  #send(stream: Http2Stream<Exchange>): void {
    const { waiting, ended, trailers } = stream.owner!;
    while (waiting.length > 0) {
      const next = waiting[0]!;
      const isLast = ended && waiting.length === 1 && trailers === undefined;
      const taken = this.connection.sendData(stream, next, 0, next.length, isLast);
      this.connection.consume(stream, taken);
      if (taken < next.length) {
        waiting[0] = next.subarray(taken);
        return;
      }
      waiting.shift();
    }
    if (!ended || stream.localEnded) return;
    if (trailers === undefined) this.connection.sendData(stream, new Uint8Array(0), 0, 0, true);
    else {
      const fields = new FieldList();
      for (const [name, value] of trailers) fields.addText(name, value);
      this.connection.sendHeaders(stream, fields, true);
    }
  }

  onReset(stream: Http2Stream<Exchange>, code: number): void {
    this.resets.push([stream.id, code]);
  }

  onGoaway(): void {}

  onConnectionError(code: number, reason: string): void {
    this.error = [code, reason];
  }
}
