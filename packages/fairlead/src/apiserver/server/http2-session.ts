// Hot path: one object per HTTP/2 connection of a client.
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../sys/clock.ts';
import { Http2Connection } from '../../wire/http2/connection.ts';
import { type Http2Events, http2Scratch } from '../../wire/http2/events.ts';
import { FieldList } from '../../wire/http2/field-list.ts';
import type { MessageShape } from '../../wire/http2/message-rules.ts';
import { OutputBuffer, type OutputMemory } from '../../wire/http2/output-buffer.ts';
import { DEFAULT_HTTP2_OPTIONS } from '../../wire/http2/settings.ts';
import type { Http2Stream } from '../../wire/http2/stream.ts';
import type { UserInfo } from './api-request.ts';
import { Http2Exchange } from './http2-exchange.ts';
import type { RequestFront } from './request-front.ts';

/** Watches are streams that last, and clients have one connection for all of them. */
const options = {
  ...DEFAULT_HTTP2_OPTIONS,
  maxConcurrentStreams: 1000,
  streamWindowBytes: 1024 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024,
};
const scratch = http2Scratch(options.maxHeaderListBytes);
/** Heads on their way out; no call outlives another. */
const answerFields = new FieldList();
/** Frames of this much leave at once; fewer wait for what else the turn has for this connection. */
const largeBytes = 64 * 1024;

type Stream = Http2Stream<Http2Exchange>;

/** Lends memory for frames, so that a connection that has nothing to send has none. */
class FrameMemory implements OutputMemory {
  readonly #size = 16 * 1024;
  readonly #most = 16;
  readonly #spare: Uint8Array[] = [];

  take(): Uint8Array {
    return this.#spare.pop() ?? new Uint8Array(this.#size);
  }

  give(bytes: Uint8Array): void {
    if (bytes.length === this.#size && this.#spare.length < this.#most) this.#spare.push(bytes);
  }
}

const memory = new FrameMemory();

/** The `Date` of answers (RFC 9110 6.6.1), made anew once a second. */
class AnswerDate {
  #second = -1;
  #text = '';

  at(nowMs: number): string {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(nowMs).toUTCString();
    }
    return this.#text;
  }
}

const answerDate = new AnswerDate();

/**
 * A client's HTTP/2 connection, on the codec of `wire/http2`. `node:http2` would make a stream object with its events for
 * every request: twice the processor time of everything else that a small request costs.
 */
export class Http2Session implements Http2Events<Http2Exchange> {
  readonly front: RequestFront;
  readonly certificateUser: UserInfo | undefined;
  readonly sourceAddress: string | undefined;
  readonly http2: Http2Connection<Http2Exchange>;
  readonly #socket: TLSSocket;
  readonly #clock: Clock;
  readonly #out = new OutputBuffer(memory);
  readonly #send = (): void => {
    this.#isDue = false;
    this.#sendNow();
  };
  /** Streams that wait for the socket, in the order in which they stopped. */
  #stopped = new Set<Http2Exchange>();
  #isFeeding = false;
  #isDue = false;
  #isEnding = false;

  constructor(socket: TLSSocket, front: RequestFront, certificateUser: UserInfo | undefined, clock: Clock) {
    this.#socket = socket;
    this.front = front;
    this.certificateUser = certificateUser;
    this.sourceAddress = socket.remoteAddress;
    this.#clock = clock;
    this.http2 = new Http2Connection('server', options, this, this.#out, scratch);
    this.http2.start();
    this.#sendNow();
    socket.on('data', (bytes: Buffer) => this.#feed(bytes));
    socket.on('drain', () => this.#drained());
    socket.on('close', () => this.http2.abandonStreams(0));
  }

  /** Ends all streams properly, takes no more of them, and closes the connection when none is left. */
  stop(): void {
    for (const stream of [...this.http2.streams.values()]) stream.owner?.departure.depart();
    this.http2.finishDrain();
    this.#sendNow();
  }

  // For exchanges.

  /** To be filled with the head of an answer, then {@link sendHead}. */
  get fields(): FieldList {
    return answerFields;
  }

  get date(): string {
    return answerDate.at(this.#clock.now());
  }

  /** Sends the head in {@link fields}. */
  sendHead(stream: Stream, endStream: boolean): void {
    this.http2.sendHeaders(stream, answerFields, endStream);
    this.flush();
  }

  /** Tells the client to go on with the body (RFC 9110 10.1.1). */
  sendContinue(stream: Stream): void {
    answerFields.clear();
    answerFields.addText(':status', '100');
    this.sendHead(stream, false);
  }

  reset(stream: Stream, code: number): void {
    this.http2.reset(stream, code);
    this.flush();
  }

  /** The client does not take what it has asked for. */
  get isCongested(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** `resume` is called when the socket has room again. */
  waitForDrain(exchange: Http2Exchange): void {
    this.#stopped.add(exchange);
  }

  /** Sends what was written at the end of the turn: events for many watches of one connection go together. */
  flush(): void {
    if (this.#isFeeding || this.#isDue || this.#out.length === 0) return;
    this.#isDue = true;
    queueMicrotask(this.#send);
  }

  /** Sends what was written if it is much. */
  flushLarge(): void {
    if (this.#out.length >= largeBytes) this.#sendNow();
  }

  #feed(bytes: Buffer): void {
    this.#isFeeding = true;
    try {
      this.http2.feed(bytes, 0, bytes.length, this.#clock.monotonicMs());
    } finally {
      this.#isFeeding = false;
    }
    this.#sendNow();
  }

  #sendNow(): void {
    const { length } = this.#out;
    if (length > 0) {
      // The socket keeps what it is given until it is encrypted; the memory is needed again.
      if (!this.#socket.writableEnded) this.#socket.write(Buffer.from(this.#out.bytes.subarray(0, length)));
      this.#out.clear();
      // A client that does not read what it asks for is not read from either.
      if (this.#socket.writableNeedDrain) this.#socket.pause();
    }
    if (!this.#isEnding && (this.http2.isFailed || this.http2.isDrained)) {
      this.#isEnding = true;
      this.#socket.end();
    }
  }

  #drained(): void {
    this.#socket.resume();
    const stopped = this.#stopped;
    this.#stopped = new Set();
    for (const exchange of stopped) exchange.resume();
    this.#sendNow();
  }

  // From the codec.

  onHead(stream: Stream, fields: FieldList, shape: MessageShape, endStream: boolean): void {
    const exchange = new Http2Exchange(this, stream, fields, shape);
    stream.owner = exchange;
    exchange.begin(endStream);
  }

  onData(stream: Stream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const exchange = stream.owner!;
    // Node reads into new memory each time, so a part of it may be kept.
    if (end > start) exchange.receive(bytes.subarray(start, end));
    this.http2.consume(stream, end - start);
    if (endStream) exchange.finish();
  }

  onTrailers(stream: Stream): void {
    stream.owner?.finish();
  }

  onReset(stream: Stream): void {
    stream.owner?.gone();
  }

  onWritable(stream: Stream): void {
    stream.owner?.resume();
    this.flush();
  }

  onInterim(): void {}

  onGoaway(): void {}

  onConnectionError(): void {}
}
