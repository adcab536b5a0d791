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
import { mayTrail } from '../wire/http1/chunked.ts';
import { copyBytes } from '../wire/http1/head-writer.ts';
import { HEAD } from '../wire/http1/request-head.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { openedFields } from '../wire/http2/from-http1.ts';
import type { MessageShape } from '../wire/http2/message-rules.ts';
import { loadRequestHead } from '../wire/http2/packed-heads.ts';
import { CANCEL, ENHANCE_YOUR_CALM, INTERNAL_ERROR, NO_ERROR } from '../wire/http2/protocol.ts';
import { http1RoomFor, isGrpc, writeHttp1Request } from '../wire/http2/to-http1.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ExchangeSession, ExchangeStream } from './exchange-session.ts';
import { grpcStatusFields } from './grpc-status.ts';
import { type AnswerParts, Http1AnswerReader } from './http1-answer-reader.ts';
import { Http2Sender } from './http2-sender.ts';
import { PausedContent } from './paused-content.ts';
import { answersKey, newWebSocketKey } from './websocket-handshake.ts';

/** The answer's head has not been sent. */
const WAITING = 0;
const ANSWERING = 1;
const COMPLETE = 2;
/** A WebSocket: what is written goes out as it is. */
const TUNNEL = 3;

/** Most bytes of a request's trailers: endpoints of HTTP/1.1 take no more. */
const TRAILERS_MAX_BYTES = 8 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * One HTTP/2 stream as a client's connection. Requests and endpoints' answers pass as what they are, a head and content.
 * What the gateway itself writes comes as bytes of HTTP/1.1, and WebSockets pass as bytes.
 */
export class Http2Exchange implements Connection, AnswerParts {
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
  readonly #paused = new PausedContent();
  // The response.
  #phase = WAITING;
  #isHead = false;
  #isGrpc = false;
  /** Made for the first answer that is written as text. */
  #reader: Http1AnswerReader | undefined = undefined;
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
    this.#phase = WAITING;
    this.#reader?.reset();
    this.#paused.isPaused = false;
    this.#sender.reset();
    this.#wasCongested = false;
    this.#websocketKey = undefined;
    if (shape.protocol >= 0) {
      this.#beginTunnel(fields, shape, endStream);
      return;
    }
    const { requestHead: head } = this.#session.core;
    const status = loadRequestHead(head, fields, shape, !endStream);
    if (status !== 0) {
      this.#answerHere(status);
      return;
    }
    this.#isGrpc = isGrpc(fields);
    this.#isHead = head.method === HEAD;
    this.bytesRead += fields.length;
    this.#client.onRequest(head);
  }

  /** An extended CONNECT becomes an Upgrade. What comes before the endpoint has agreed waits here. */
  #beginTunnel(fields: FieldList, shape: MessageShape, endStream: boolean): void {
    const { core } = this.#session;
    const { input } = core.reactor;
    this.#websocketKey = newWebSocketKey(core.random);
    const hasRoom = http1RoomFor(fields) <= input.length - INPUT_BASE;
    const end = hasRoom ? writeHttp1Request(fields, shape, false, input.bytes, INPUT_BASE, this.#websocketKey) : -431;
    if (end < 0) {
      this.#answerHere(-end);
      return;
    }
    this.#paused.isPaused = true;
    this.#isGrpc = false;
    this.#isHead = false;
    if (endStream) this.#paused.keep(NOTHING, 0, 0, true, undefined);
    this.#deliver(end);
  }

  /** Hands the handler what lies at the input's base. */
  #deliver(end: number): void {
    this.bytesRead += end - INPUT_BASE;
    this.handler.onData(INPUT_BASE, end);
  }

  /** An answer to a request that is not for the handler. */
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
    if (this.#stream === undefined || this.#paused.keep(bytes, start, end, endStream, undefined)) return;
    this.#pass(bytes, start, end, endStream, undefined);
  }

  onRequestTrailers(fields: FieldList): void {
    if (this.#stream === undefined) return;
    if (fields.length > TRAILERS_MAX_BYTES) {
      // A request without them is another one.
      this.#session.http2.reset(this.#stream, ENHANCE_YOUR_CALM);
      this.onReset();
      return;
    }
    fields.keepOnly(mayTrail);
    const trailers = fields.count === 0 ? undefined : fields;
    if (!this.#paused.keep(NOTHING, 0, 0, true, trailers)) this.#pass(NOTHING, 0, 0, true, trailers);
  }

  /** Gives content to the handler, and window back to the client. */
  #pass(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void {
    const stream = this.#stream!;
    this.#session.http2.consume(stream, end - start);
    if (this.#phase !== TUNNEL) {
      this.bytesRead += end - start;
      this.#client.onContent(bytes, start, end, isLast, trailers);
      return;
    }
    if (start < end) this.#deliver(copyBytes(bytes, start, end, this.#session.core.reactor.input.bytes, INPUT_BASE));
    if (isLast) this.#onTunnelEnd(stream);
  }

  /** The client sends no more. */
  #onTunnelEnd(stream: ExchangeStream): void {
    this.handler.onEnd();
    if (this.#stream === stream && this.#endSent) this.#complete();
  }

  pauseReading(): void {
    this.#paused.isPaused = true;
  }

  resumeReading(): void {
    if (this.#websocketKey !== undefined && this.#phase === WAITING) return;
    // Not within the call that told of the endpoint's agreement: it is not done with the input.
    if (this.#phase === TUNNEL && !this.#paused.isEmpty) this.#session.core.reactor.after(0, () => this.#passHeld());
    else this.#passHeld();
  }

  #passHeld(): void {
    this.#paused.isPaused = false;
    while (this.#stream !== undefined) {
      const piece = this.#paused.next();
      if (piece === undefined) break;
      this.#pass(piece.bytes, 0, piece.bytes.length, piece.isLast, piece.trailers);
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
    if (this.#phase === TUNNEL) this.#send(bytes, start, end, false, undefined);
    else {
      const { responseHead, fields } = this.#session.shared;
      this.#reader ??= new Http1AnswerReader(this);
      if (!this.#reader.read(bytes, start, end, this.#isHead, responseHead, fields)) {
        this.close();
        return;
      }
    }
    this.#session.flush();
  }

  onInterim(head: ResponseHead, fields: FieldList): boolean {
    const stream = this.#stream;
    if (stream === undefined) return false;
    if (this.#websocketKey !== undefined && head.status === 101) {
      this.#openTunnel(stream, head, this.#websocketKey);
      return false;
    }
    this.#session.http2.sendHeaders(stream, fields, false);
    return true;
  }

  onAnswerHead(status: number, fields: FieldList, isEmpty: boolean): void {
    this.#sendHead(status, fields, isEmpty);
  }

  onWrittenContent(
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
    trailers: FieldList | undefined,
  ): void {
    this.#send(bytes, start, end, isLast, trailers);
  }

  /** Sends the head of a final answer; returns about how long it would be in HTTP/1.1. */
  sendHead(status: number, fields: FieldList, isEmpty: boolean): number {
    const length = fields.length + fields.count * LINE_OVERHEAD_BYTES;
    this.bytesWritten += length;
    this.#sendHead(status, fields, isEmpty);
    this.#session.flush();
    return length;
  }

  #sendHead(status: number, fields: FieldList, isEmpty: boolean): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    if (this.#websocketKey !== undefined && status < 300) {
      this.#refuseTunnel();
      return;
    }
    this.#phase = ANSWERING;
    const { http2 } = this.#session;
    const tellsGrpc = this.#isGrpc && status !== 200 && !isGrpc(fields);
    if (tellsGrpc) grpcStatusFields(status, fields);
    http2.sendHeaders(stream, fields, isEmpty || tellsGrpc);
    if (isEmpty || tellsGrpc) this.#complete();
  }

  /** Sends content of an answer whose head was sent, and with its last piece the trailers. */
  sendContent(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void {
    this.bytesWritten += end - start;
    this.#send(bytes, start, end, isLast, trailers);
    this.#session.flush();
  }

  /** Tells the client that its WebSocket is open; 502 for an endpoint that lies. */
  #openTunnel(stream: ExchangeStream, head: ResponseHead, key: Buffer): void {
    if (!answersKey(head, key)) {
      this.#refuseTunnel();
      return;
    }
    const { http2, shared } = this.#session;
    openedFields(head, shared.fields);
    http2.sendHeaders(stream, shared.fields, false);
    this.#phase = TUNNEL;
  }

  /** The endpoint has not understood, or lies. */
  #refuseTunnel(): void {
    this.#answerHere(502);
    // The handler takes the exchange for a tunnel, or waits for a body that nobody gets.
    const round = this.#round;
    this.#session.core.reactor.after(0, () => {
      if (round === this.#round) this.discard();
    });
  }

  #send(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    if (this.#sender.send(this.#session.http2, stream, bytes, start, end, isLast, trailers)) this.#onEndSent(stream);
  }

  /** Behind the end of a tunnel's one direction the other goes on. */
  #onEndSent(stream: ExchangeStream): void {
    this.#endSent = true;
    const isLeft = !stream.remoteEnded || !this.#paused.isEmpty;
    if (this.#phase !== TUNNEL || !isLeft) this.#complete();
  }

  /** The window of the stream or of the connection has grown. */
  onWritable(): void {
    const stream = this.#stream;
    if (stream !== undefined && this.#sender.resume(this.#session.http2, stream)) this.#onEndSent(stream);
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
    this.#paused.drop();
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
      this.#send(NOTHING, 0, 0, true, undefined);
      this.#session.flush();
    }
  }

  closeGracefully(): void {
    this.isOpen = false;
    const stream = this.#stream;
    if (stream === undefined) return;
    const endsHere = this.#phase === TUNNEL || this.#reader?.isUntilClose === true;
    if (this.#phase === TUNNEL) this.#phase = ANSWERING;
    const { endQueued } = this.#sender;
    if (!endsHere && !endQueued) this.close();
    else if (!endQueued) this.#send(NOTHING, 0, 0, true, undefined);
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

/** Colon, space and CRLF of a line. */
const LINE_OVERHEAD_BYTES = 4;
