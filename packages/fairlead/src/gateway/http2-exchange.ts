// Hot path: one object per stream in use, kept for the next ones.
import {
  type Connection,
  type ConnectionHandler,
  HIGH_WATER_BYTES,
  INPUT_BASE,
  LOW_WATER_BYTES,
} from '../reactor/reactor.ts';
import { ECONNRESET } from '../sys/errno.ts';
import type { PinnedBuffer } from '../sys/pinned.ts';
import { CHUNK_DATA, CHUNK_END, ChunkedDecoder, TRAILERS_MAX_BYTES, writeChunkSize } from '../wire/http1/chunked.ts';
import { copyBytes } from '../wire/http1/head-writer.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { openedFields, responseFields } from '../wire/http2/from-http1.ts';
import type { MessageShape } from '../wire/http2/message-rules.ts';
import { CANCEL, ENHANCE_YOUR_CALM, INTERNAL_ERROR, NO_ERROR } from '../wire/http2/protocol.ts';
import { http1RoomFor, isGrpc, writeHttp1Lines, writeHttp1Request } from '../wire/http2/to-http1.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ExchangeSession, ExchangeStream } from './exchange-session.ts';
import { grpcStatusFields } from './grpc-status.ts';
import { Http2Sender } from './http2-sender.ts';
import { answersKey, newWebSocketKey } from './websocket-handshake.ts';

const HEAD = 0;
const LENGTH = 1;
const CHUNKED = 2;
const UNTIL_CLOSE = 3;
const COMPLETE = 4;
/** A WebSocket: what is written goes out as it is. */
const TUNNEL = 5;

const LAST_CHUNK = Buffer.from('0\r\n', 'latin1');
const NOTHING = Buffer.alloc(0);
/** `HEAD` as the first bytes of a method; nothing else begins so. */
const HEAD_METHOD = Buffer.from('HEAD ', 'latin1');

/**
 * One HTTP/2 stream dressed as an HTTP/1.1 connection: the request arrives at the handler as
 * HTTP/1.1 bytes, and the bytes that the handler writes become HEADERS and DATA.
 */
export class Http2Exchange implements Connection {
  handler: ConnectionHandler;
  isOpen: boolean = true;
  bytesWritten: number = 0;
  bytesRead: number = 0;
  /** Monotonic ms; the session looks after it. */
  deadlineMs: number = Infinity;
  readonly #session: ExchangeSession;
  readonly #client: ClientConnection;
  #stream: ExchangeStream | undefined = undefined;
  // The request.
  #sendsChunks = false;
  #requestEnded = false;
  #isPaused = false;
  #held: Buffer[] = [];
  #heldTrailers: Buffer = NOTHING;
  // The response.
  #phase = HEAD;
  #isHead = false;
  #isGrpc = false;
  #remaining = 0;
  #chunks: ChunkedDecoder | undefined = undefined;
  readonly #sender = new Http2Sender<ExchangeStream>();
  #wasCongested = false;
  /** The end of the answer, or of a tunnel's one direction, has been sent. */
  #endSent = false;
  /** Tells the streams that it has served apart. */
  #round = 0;
  /** Of an extended CONNECT: the key that the endpoint must answer. */
  #websocketKey: Buffer | undefined = undefined;

  constructor(session: ExchangeSession, newClient: (exchange: Http2Exchange) => ClientConnection) {
    this.#session = session;
    this.#client = newClient(this);
    this.handler = this.#client;
  }

  /** What its client speaks. */
  get protocol(): string {
    return this.#session.protocol;
  }

  get tls(): Connection['tls'] {
    return this.#session.connection.tls;
  }

  get isCongested(): boolean {
    const isCongested = this.#sender.queuedBytes > HIGH_WATER_BYTES || this.#session.connection.isCongested;
    if (isCongested) this.#wasCongested = true;
    return isCongested;
  }

  /** Whether the next stream may use it: the last exchange left the connection usable. */
  get isReusable(): boolean {
    return this.isOpen && this.#client.isIdle;
  }

  /** Begins an exchange with the request's head. */
  begin(stream: ExchangeStream, fields: FieldList, shape: MessageShape, endStream: boolean): void {
    this.#stream = stream;
    this.#round++;
    this.#endSent = false;
    this.#phase = HEAD;
    this.#requestEnded = endStream;
    this.#sendsChunks = !endStream && shape.contentLength < 0;
    this.#isPaused = false;
    this.#sender.reset();
    this.#wasCongested = false;
    const { input } = this.#session.core.reactor;
    if (http1RoomFor(fields) > input.length - INPUT_BASE) {
      this.#answerHere(431);
      return;
    }
    this.#websocketKey = shape.protocol < 0 ? undefined : newWebSocketKey(this.#session.core.random);
    const end = writeHttp1Request(fields, shape, !endStream, input.bytes, INPUT_BASE, this.#websocketKey);
    if (end < 0) {
      this.#answerHere(-end);
      return;
    }
    if (this.#websocketKey !== undefined) this.#beginTunnel(endStream);
    this.#isGrpc = isGrpc(fields);
    this.#isHead = startsWith(input.bytes, INPUT_BASE, HEAD_METHOD);
    this.#deliver(end);
  }

  /** What comes before the endpoint has agreed waits here. */
  #beginTunnel(endStream: boolean): void {
    this.#sendsChunks = false;
    this.#isPaused = true;
    if (endStream) this.#held.push(NOTHING);
  }

  /** Hands the handler what lies at the input's base. */
  #deliver(end: number): void {
    this.bytesRead += end - INPUT_BASE;
    this.handler.onData(INPUT_BASE, end);
  }

  /** An answer to a request that HTTP/1.1 cannot carry. */
  #answerHere(status: number): void {
    const { http2, shared } = this.#session;
    shared.fields.clear();
    shared.fields.addText(':status', String(status));
    shared.fields.addText('content-length', '0');
    http2.sendHeaders(this.#stream!, shared.fields, true);
    this.#complete();
  }

  // Request content.

  onContent(bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (this.#stream === undefined) return;
    this.#requestEnded = endStream;
    if (this.#isPaused || this.#held.length > 0) this.#held.push(Buffer.from(bytes.subarray(start, end)));
    else this.#pass(bytes, start, end, endStream, NOTHING);
  }

  onRequestTrailers(fields: FieldList): void {
    if (this.#stream === undefined) return;
    this.#requestEnded = true;
    const lines = Buffer.allocUnsafe(http1RoomFor(fields));
    const trailers = lines.subarray(0, writeHttp1Lines(fields, lines, 0));
    if (trailers.length > TRAILERS_MAX_BYTES) {
      // The decoder that reads them behind us would refuse them; a request without them is another one.
      this.#session.http2.reset(this.#stream, ENHANCE_YOUR_CALM);
      this.onReset();
    } else if (this.#isPaused || this.#held.length > 0) {
      this.#heldTrailers = trailers;
      this.#held.push(NOTHING);
    } else this.#pass(NOTHING, 0, 0, true, trailers);
  }

  /** Gives content to the handler, chunked if its length is not known, and window back to the client. */
  #pass(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: Uint8Array): void {
    const stream = this.#stream!;
    const to = this.#session.core.reactor.input.bytes;
    let at = INPUT_BASE;
    if (end > start && this.#sendsChunks) {
      at = writeChunkSize(to, at, end - start);
      at = copyBytes(bytes, start, end, to, at);
      to[at++] = 13;
      to[at++] = 10;
    } else at = copyBytes(bytes, start, end, to, at);
    if (isLast && this.#sendsChunks) {
      at = copyBytes(LAST_CHUNK, 0, LAST_CHUNK.length, to, at);
      at = copyBytes(trailers, 0, trailers.length, to, at);
      to[at++] = 13;
      to[at++] = 10;
    }
    this.#session.http2.consume(stream, end - start);
    if (at > INPUT_BASE) this.#deliver(at);
    if (isLast && this.#phase === TUNNEL) this.#onTunnelEnd(stream);
  }

  /** The client sends no more. */
  #onTunnelEnd(stream: ExchangeStream): void {
    this.handler.onEnd();
    if (this.#stream === stream && this.#endSent) this.#complete();
  }

  pauseReading(): void {
    this.#isPaused = true;
  }

  resumeReading(): void {
    if (this.#websocketKey !== undefined && this.#phase === HEAD) return;
    // Not within the call that told of the endpoint's agreement: it is not done with the input.
    if (this.#phase === TUNNEL && this.#held.length > 0) this.#session.core.reactor.after(0, () => this.#passHeld());
    else this.#passHeld();
  }

  #passHeld(): void {
    this.#isPaused = false;
    while (this.#held.length > 0 && !this.#isPaused && this.#stream !== undefined) {
      const next = this.#held.shift()!;
      const isLast = this.#held.length === 0 && this.#requestEnded;
      this.#pass(next, 0, next.length, isLast, isLast ? this.#heldTrailers : NOTHING);
    }
    this.#session.flush();
  }

  /** A request is alone on its stream and its head comes whole: nothing is ever left for later. */
  retain(): void {}

  redeliver(): void {}

  // Response.

  write(from: PinnedBuffer, start: number, end: number): void {
    this.#respond(from.bytes, start, end);
  }

  writeBytes(bytes: Uint8Array): void {
    this.#respond(bytes, 0, bytes.length);
  }

  #respond(bytes: Uint8Array, start: number, end: number): void {
    if (this.#stream === undefined || start === end) return;
    this.bytesWritten += end - start;
    let at = start;
    while (this.#phase === HEAD && at < end) {
      at = this.#sendHead(this.#stream, bytes, at, end);
      if (at < 0) {
        this.close();
        return;
      }
    }
    if (this.#phase === LENGTH) {
      this.#remaining -= end - at;
      this.#send(bytes, at, end, this.#remaining <= 0);
    } else if (this.#phase === CHUNKED) this.#sendChunks(bytes, at, end);
    else if (this.#phase === UNTIL_CLOSE || this.#phase === TUNNEL) this.#send(bytes, at, end, false);
    this.#session.flush();
  }

  /** Sends one head, interim or final; returns where it ends in `bytes`, or -1. */
  #sendHead(stream: ExchangeStream, bytes: Uint8Array, at: number, end: number): number {
    const { http2, shared } = this.#session;
    const { responseHead: head, fields } = shared;
    head.reset();
    // The handler writes heads whole.
    const length = head.parse(bytes, at, end);
    if (length <= 0) return -1;
    if (this.#websocketKey !== undefined && (head.status === 101 || (head.status >= 200 && head.status < 300))) {
      return this.#openTunnel(stream, head, this.#websocketKey) ? at + length : end;
    }
    responseFields(head, fields);
    if (head.status < 200) {
      http2.sendHeaders(stream, fields, false);
      return at + length;
    }
    if (this.#isGrpc && head.status !== 200 && !isGrpc(fields)) {
      grpcStatusFields(head.status, fields);
      http2.sendHeaders(stream, fields, true);
      this.#complete();
      return end;
    }
    const framing = head.framing(this.#isHead);
    const isEmpty = framing === 'none' || (framing === 'length' && head.contentLength === 0);
    http2.sendHeaders(stream, fields, isEmpty);
    if (isEmpty) this.#complete();
    else if (framing === 'length') {
      this.#phase = LENGTH;
      this.#remaining = head.contentLength;
    } else if (framing === 'chunked') {
      this.#phase = CHUNKED;
      this.#chunks ??= new ChunkedDecoder();
      this.#chunks.reset();
    } else this.#phase = UNTIL_CLOSE;
    return at + length;
  }

  /** Tells the client that its WebSocket is open; 502 for an endpoint that has not understood, or lies. */
  #openTunnel(stream: ExchangeStream, head: ResponseHead, key: Buffer): boolean {
    const { core, http2, shared } = this.#session;
    if (head.status === 101 && answersKey(head, key)) {
      openedFields(head, shared.fields);
      http2.sendHeaders(stream, shared.fields, false);
      this.#phase = TUNNEL;
      return true;
    }
    this.#answerHere(502);
    // The handler takes the exchange for a tunnel, or waits for a body that nobody gets.
    const round = this.#round;
    core.reactor.after(0, () => {
      if (round === this.#round) this.discard();
    });
    return false;
  }

  #sendChunks(bytes: Uint8Array, at: number, end: number): void {
    const chunks = this.#chunks!;
    for (;;) {
      const event = chunks.next(bytes, at, end);
      at = chunks.position;
      if (event === CHUNK_DATA) this.#send(bytes, chunks.dataStart, chunks.dataEnd, false);
      else {
        if (event !== CHUNK_END) return;
        this.#send(bytes, at, at, true, chunks.trailers);
        return;
      }
    }
  }

  #send(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: Uint8Array = NOTHING): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const { http2, shared } = this.#session;
    if (this.#sender.send(http2, stream, bytes, start, end, isLast, trailers, shared.fields)) this.#onEndSent(stream);
  }

  /** Behind the end of a tunnel's one direction the other goes on. */
  #onEndSent(stream: ExchangeStream): void {
    this.#endSent = true;
    const isLeft = !stream.remoteEnded || this.#held.length > 0;
    if (this.#phase !== TUNNEL || !isLeft) this.#complete();
  }

  /** The window of the stream or of the connection has grown. */
  onWritable(): void {
    const { http2, shared } = this.#session;
    const stream = this.#stream;
    if (stream !== undefined && this.#sender.resume(http2, stream, shared.fields)) this.#onEndSent(stream);
    this.onConnectionDrained();
  }

  /** Lets the handler go on if it was told to wait. */
  onConnectionDrained(): void {
    if (!this.#wasCongested || this.#sender.queuedBytes > LOW_WATER_BYTES || this.#session.connection.isCongested)
      return;
    this.#wasCongested = false;
    if (this.isOpen) this.handler.onDrained();
  }

  /** END_STREAM is out. What of the request has not come is not wanted (RFC 9113 8.1). */
  #complete(): void {
    const stream = this.#stream!;
    this.#phase = COMPLETE;
    if (!stream.remoteEnded) this.#session.http2.reset(stream, NO_ERROR);
    this.#leave();
    this.#session.finished(this);
  }

  #leave(): void {
    if (this.#stream !== undefined) this.#stream.owner = undefined;
    this.#stream = undefined;
    this.deadlineMs = Infinity;
    this.#held = [];
    this.#heldTrailers = NOTHING;
    this.#sender.reset();
  }

  // Ends.

  /** The client or the protocol ended the stream early. */
  onReset(): void {
    this.#leave();
    this.discard();
  }

  /** Lets the handler go: its connection is no more. */
  discard(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.handler.onFailed(-ECONNRESET);
  }

  setDeadline(atMs: number): void {
    if (this.#stream === undefined) return;
    this.deadlineMs = atMs;
    this.#session.noteDeadline(atMs);
  }

  /** The deadline passed. */
  onDeadline(): void {
    this.deadlineMs = Infinity;
    this.handler.onTimeout();
  }

  endWriting(): void {
    if (this.#phase !== TUNNEL) this.closeGracefully();
    else {
      this.#send(NOTHING, 0, 0, true);
      this.#session.flush();
    }
  }

  closeGracefully(): void {
    this.isOpen = false;
    const stream = this.#stream;
    if (stream === undefined) return;
    if (this.#phase === TUNNEL) this.#phase = UNTIL_CLOSE;
    const { endQueued } = this.#sender;
    if (this.#phase !== UNTIL_CLOSE && !endQueued) this.close();
    else if (!endQueued) this.#send(NOTHING, 0, 0, true);
    else if (this.#endSent) this.#complete();
    this.#session.flush();
  }

  /** Breaks off: the client learns that the response is not whole. */
  close(): void {
    this.isOpen = false;
    const stream = this.#stream;
    if (stream === undefined) return;
    const code = this.#phase === TUNNEL ? CANCEL : INTERNAL_ERROR;
    this.#leave();
    this.#session.http2.reset(stream, code);
    this.#session.flush();
  }
}

function startsWith(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}
