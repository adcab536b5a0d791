// Hot path: one object per stream in use, kept with the pooled connection it plays.
import { type Connection, HIGH_WATER_BYTES, INPUT_BASE, LOW_WATER_BYTES } from '../reactor/reactor.ts';
import { ECONNREFUSED, ECONNRESET } from '../sys/errno.ts';
import type { PinnedBuffer } from '../sys/pinned.ts';
import { mayTrail } from '../wire/http1/chunked.ts';
import { HEAD, type RequestHead } from '../wire/http1/request-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { asksForWebSocket, connectFields, endRequestFields, requestFields } from '../wire/http2/from-http1.ts';
import type { MessageShape } from '../wire/http2/message-rules.ts';
import { loadResponseHead, type ResponseContent } from '../wire/http2/packed-heads.ts';
import { CANCEL, REFUSED_STREAM } from '../wire/http2/protocol.ts';
import type { Http2Stream } from '../wire/http2/stream.ts';
import { type AnswerHandler, NO_ANSWER_HANDLER } from './answer-handler.ts';
import { grpcStatusOf, grpcStatusOfHead, NOT_GRPC } from './grpc-status.ts';
import { toGrpcType, toGrpcWebType } from './grpc-web.ts';
import { Http1Answer, writeBadRequest } from './http1-answer.ts';
import { Http1RequestReader, type RequestParts } from './http1-request-reader.ts';
import { Http2Sender } from './http2-sender.ts';
import type { Http2Upstream } from './http2-upstream.ts';
import { PausedContent } from './paused-content.ts';
import { webSocketKeyOf } from './websocket-handshake.ts';

const NO_REQUEST = 0;
const SENDING = 1;
const SENT = 2;
/** The head waits until the endpoint has said whether it knows extended CONNECT. */
const WAITS = 3;
/** A WebSocket: both directions go as they come. */
const TUNNEL = 4;

/** How long what is left of a WebSocket may take to be sent. */
const LINGER_MS = 2000;

const NOTHING = Buffer.alloc(0);
const HTTP = Buffer.from('http', 'latin1');
const HTTPS = Buffer.from('https', 'latin1');

/**
 * A stream of an upstream's HTTP/2 connection as a connection for one request at a time. Requests of streams, and
 * answers, pass as what they are, a head and content. Other requests come as bytes of HTTP/1.1, and WebSockets and
 * answers to gRPC-Web go as such.
 */
export class Http2UpstreamExchange implements Connection, RequestParts {
  handler: AnswerHandler;
  bytesWritten: number = 0;
  bytesRead: number = 0;
  deadlineMs: number = Infinity;
  readonly #upstream: Http2Upstream;
  #isOpen = true;
  #stream: Http2Stream<Http2UpstreamExchange> | undefined = undefined;
  #isAnnounced = false;
  // The request.
  #phase = NO_REQUEST;
  /** Made for the first request that is written as text. */
  #reader: Http1RequestReader | undefined = undefined;
  readonly #sender = new Http2Sender<Http2Stream<Http2UpstreamExchange>>();
  #wasCongested = false;
  /** What waits in phase {@link WAITS}. */
  #waiting: Buffer = NOTHING;
  /** Sec-WebSocket-Key of the request, if it is for a WebSocket. */
  #websocketKey: Buffer | undefined = undefined;
  /** Nobody reads any more; what is queued is still to be sent. */
  #isLingering = false;
  // The response.
  /** Of its answer, as a gRPC call: a code, or one of `grpc-status.ts`. */
  grpcStatus: number = NOT_GRPC;
  readonly #text = new Http1Answer();
  readonly #paused = new PausedContent();

  constructor(upstream: Http2Upstream, handler: AnswerHandler) {
    this.#upstream = upstream;
    this.handler = handler;
  }

  get tls(): Connection['tls'] {
    return this.#upstream.connection.tls;
  }

  get isCongested(): boolean {
    const isCongested = this.#sender.queuedBytes > HIGH_WATER_BYTES || this.#upstream.connection.isCongested;
    if (isCongested) this.#wasCongested = true;
    return isCongested;
  }

  /** False also for one that could not begin another request, so that it is not pooled. */
  get isOpen(): boolean {
    return this.#isOpen && (this.#stream !== undefined || !this.#upstream.http2.isGoingAway);
  }

  /** The connection below is known to work. */
  onReady(): void {
    if (this.#isAnnounced || !this.#isOpen) return;
    this.#isAnnounced = true;
    this.handler.onConnected();
    if (this.#phase !== WAITS || !this.#isOpen) return;
    this.#phase = NO_REQUEST;
    this.#request(this.#waiting.subarray(), 0, this.#waiting.length);
    this.#waiting = NOTHING;
  }

  // Request.

  /** Begins a request with its head; {@link sendContent} follows unless it is empty. */
  sendRequest(fields: FieldList, isEmpty: boolean, isHead: boolean): void {
    if (!this.#isOpen) return;
    if (this.#upstream.isReady) this.onReady();
    // The answer before was whole by its length, but not its stream: trailers are still to come.
    if (this.#stream !== undefined) this.#finishStream(false);
    this.bytesWritten += fields.length;
    this.#text.web.kind = 'none';
    this.#websocketKey = undefined;
    if (!this.#open(fields, isEmpty, isHead)) {
      this.#failSoon();
      return;
    }
    this.#phase = isEmpty ? SENT : SENDING;
    this.#upstream.flush();
  }

  /** Sends content of the request begun, and with its last piece the trailers. */
  sendContent(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void {
    if (this.#phase !== SENDING || !this.#isOpen) return;
    this.bytesWritten += end - start;
    this.#send(bytes, start, end, isLast, trailers);
    this.#upstream.flush();
  }

  write(from: PinnedBuffer, start: number, end: number): void {
    this.#request(from.bytes, start, end);
  }

  writeBytes(bytes: Uint8Array): void {
    this.#request(bytes, 0, bytes.length);
  }

  #request(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#isOpen || start === end) return;
    if (this.#phase !== WAITS && this.#upstream.isReady) this.onReady();
    this.bytesWritten += end - start;
    if (this.#phase === TUNNEL) this.#send(bytes, start, end, false, undefined);
    else {
      if (this.#phase === NO_REQUEST || this.#phase === SENT) {
        // The answer before was whole by its length, but not its stream: trailers are still to come.
        if (this.#stream !== undefined) this.#finishStream(false);
        this.#reader ??= new Http1RequestReader(this);
        this.#reader.reset();
      }
      const { requestHead, fields } = this.#upstream.shared;
      if (!this.#reader!.read(bytes, start, end, requestHead, fields)) this.#failSoon();
    }
    this.#upstream.flush();
  }

  onRequestHead(head: RequestHead, isEmpty: boolean): boolean {
    const { connection, shared } = this.#upstream;
    const scheme = connection.tls === undefined ? HTTP : HTTPS;
    if (asksForWebSocket(head)) return this.#sendConnect(head, scheme);
    this.#websocketKey = undefined;
    const { fields } = shared;
    const isWeb = this.#text.web.begin(head);
    endRequestFields(fields, requestFields(head, scheme, fields));
    if (isWeb) toGrpcType(fields);
    if (!this.#open(fields, isEmpty, head.method === HEAD)) return false;
    this.#phase = isEmpty ? SENT : SENDING;
    return true;
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

  #open(fields: FieldList, isEmpty: boolean, isHead: boolean): boolean {
    const stream = this.#upstream.http2.openStream(fields, isEmpty, isHead);
    if (stream === undefined) return false;
    stream.owner = this;
    this.#stream = stream;
    this.#sender.reset();
    this.grpcStatus = NOT_GRPC;
    this.#paused.isPaused = false;
    this.#paused.drop();
    return true;
  }

  /** Extended CONNECT for a WebSocket, once the endpoint has said that it knows it (RFC 8441 3). */
  #sendConnect(head: RequestHead, scheme: Uint8Array): boolean {
    const { http2, isReady, shared } = this.#upstream;
    if (!isReady) {
      this.#phase = WAITS;
      this.#waiting = Buffer.from(head.bytes.subarray(head.base, head.end));
      return true;
    }
    if (!http2.peer.allowsConnectProtocol) return false;
    this.#text.web.kind = 'none';
    this.#text.isChunked = false;
    this.#websocketKey = webSocketKeyOf(head);
    connectFields(head, scheme, shared.fields);
    if (!this.#open(shared.fields, false, false)) return false;
    // What follows an agreement is the WebSocket's; before one the handler writes nothing.
    this.#phase = TUNNEL;
    return true;
  }

  #send(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void {
    if (isLast && this.#phase !== TUNNEL) this.#phase = SENT;
    const stream = this.#stream;
    if (stream === undefined) return;
    const { http2 } = this.#upstream;
    if (this.#text.web.kind === 'text') {
      const decoded = this.#text.web.decode(bytes, start, end, isLast);
      if (decoded === undefined) {
        this.#refuseSoon(stream);
        return;
      }
      bytes = decoded;
      [start, end] = [0, decoded.length];
    }
    this.#sender.send(http2, stream, bytes, start, end, isLast, trailers);
  }

  onWritable(): void {
    if (this.#stream !== undefined) this.#sender.resume(this.#upstream.http2, this.#stream);
    if (this.#isLingering && this.#sender.queuedBytes === 0) this.close();
    else this.onConnectionDrained();
  }

  onConnectionDrained(): void {
    if (!this.#wasCongested || this.#sender.queuedBytes > LOW_WATER_BYTES || this.#upstream.connection.isCongested)
      return;
    this.#wasCongested = false;
    if (this.#isOpen) this.handler.onDrained();
  }

  // Response.

  onInterim(fields: FieldList, shape: MessageShape): void {
    const { responseHead: head } = this.#upstream.core;
    if (loadResponseHead(head, fields, shape, 'interim', false) === 0) this.handler.onAnswer(head);
  }

  onHead(fields: FieldList, shape: MessageShape, endStream: boolean): void {
    this.grpcStatus = grpcStatusOfHead(fields, endStream);
    const { kind } = this.#text.web;
    if (kind !== 'none' && !toGrpcWebType(fields, kind)) this.#text.web.kind = 'none';
    if (this.#websocketKey !== undefined && shape.status < 300) {
      this.#onAgreement(fields, endStream, this.#websocketKey);
      return;
    }
    // A refused WebSocket has an answer like any other; its request is over.
    if (this.#phase === TUNNEL) this.#phase = SENT;
    const isBodiless = this.#stream!.isHeadRequest || shape.status === 204 || shape.status === 304;
    const content = isBodiless ? 'none' : endStream ? 'empty' : 'some';
    // With a length, HTTP/1.1 would leave no place for the trailers, where gRPC has its status.
    const dropsLength = content === 'some' && shape.contentLength >= 0 && this.grpcStatus !== NOT_GRPC;
    if (this.#text.web.kind !== 'none') {
      this.#onWebHead(fields, shape, content, dropsLength, endStream);
      return;
    }
    const { responseHead: head } = this.#upstream.core;
    const status = loadResponseHead(head, fields, shape, content, dropsLength);
    this.bytesRead += fields.length;
    if (endStream || isBodiless) this.#finishStream(endStream);
    if (status === 0) this.handler.onAnswer(head);
    else this.#fail();
  }

  /** The head of an answer to gRPC-Web, whose trailers become content: told as HTTP/1.1. */
  #onWebHead(
    fields: FieldList,
    shape: MessageShape,
    content: ResponseContent,
    dropsLength: boolean,
    endStream: boolean,
  ): void {
    const { input } = this.#upstream.core.reactor;
    const end = this.#text.writeHead(fields, shape, content, dropsLength, input.bytes, INPUT_BASE);
    if (end < 0) {
      this.#fail();
      return;
    }
    if (endStream || content === 'none') this.#finishStream(endStream);
    this.#deliver(end);
  }

  #fail(): void {
    this.close();
    this.handler.onFailed(-ECONNRESET);
  }

  /** The WebSocket is open: told as the 101 that the handler waits for. */
  #onAgreement(fields: FieldList, endStream: boolean, key: Buffer): void {
    const { input } = this.#upstream.core.reactor;
    const end = this.#text.writeSwitch(fields, key, input.bytes, INPUT_BASE);
    if (end < 0) {
      this.#fail();
      return;
    }
    this.#deliver(end);
    if (endStream && this.#isOpen) this.#onTunnelEnd();
  }

  /** The server sends no more. */
  #onTunnelEnd(): void {
    this.handler.onEnd();
  }

  /** The response is whole; what the server has not read of the request stays unsent. */
  #finishStream(ended: boolean): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined) return;
    if (ended && stream.localEnded) return;
    stream.owner = undefined;
    this.#upstream.http2.reset(stream, CANCEL);
  }

  #deliver(end: number): void {
    this.bytesRead += end - INPUT_BASE;
    this.handler.onData(INPUT_BASE, end);
  }

  onContent(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    if (!this.#paused.keep(bytes, start, end, isLast, undefined)) this.#pass(bytes, start, end, isLast, undefined);
  }

  onTrailers(fields: FieldList): void {
    if (this.grpcStatus !== NOT_GRPC) this.grpcStatus = grpcStatusOf(fields);
    fields.keepOnly(mayTrail);
    const trailers = fields.count === 0 ? undefined : fields;
    if (!this.#paused.keep(NOTHING, 0, 0, true, trailers)) this.#pass(NOTHING, 0, 0, true, trailers);
  }

  /** Gives content to the handler and window back to the server. */
  #pass(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void {
    const stream = this.#stream;
    if (stream !== undefined) this.#upstream.http2.consume(stream, end - start);
    if (this.#phase === TUNNEL || this.#text.web.kind !== 'none') {
      this.#passBytes(bytes, start, end, isLast, trailers);
      return;
    }
    this.bytesRead += end - start;
    if (isLast) this.#finishStream(true);
    this.handler.onContent(bytes, start, end, isLast, trailers);
  }

  /** The same where content goes as bytes of HTTP/1.1. */
  #passBytes(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void {
    const { input } = this.#upstream.core.reactor;
    const at = this.#text.write(bytes, start, end, isLast, trailers, input.bytes, INPUT_BASE);
    if (at < 0) {
      this.#fail();
      return;
    }
    if (this.#phase === TUNNEL) {
      if (at > INPUT_BASE) this.#deliver(at);
      if (isLast && this.#isOpen) this.#onTunnelEnd();
      return;
    }
    if (isLast) this.#finishStream(true);
    if (at > INPUT_BASE) this.#deliver(at);
  }

  pauseReading(): void {
    this.#paused.isPaused = true;
  }

  resumeReading(): void {
    this.#paused.isPaused = false;
    while (this.#isOpen) {
      const piece = this.#paused.next();
      if (piece === undefined) break;
      this.#pass(piece.bytes, 0, piece.bytes.length, piece.isLast, piece.trailers);
    }
    this.#upstream.flush();
  }

  /** Heads and chunks come whole: nothing is left over. */
  retain(): void {}

  redeliver(): void {}

  // Ends.

  /** The server or the protocol ended the stream early. A refused one was not worked on: told as a refused connection. */
  onReset(code: number): void {
    if (this.#stream === undefined) return;
    this.#stream = undefined;
    // A whole response is being read out; its end is behind it.
    if (this.#paused.hasEnd) return;
    this.close();
    this.handler.onFailed(code === REFUSED_STREAM ? -ECONNREFUSED : -ECONNRESET);
  }

  /** The connection below is gone. */
  fail(error: number): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stream = undefined;
    this.handler.onFailed(error === 0 ? -ECONNRESET : error);
  }

  /** The server takes no more streams: an idle connection is of no use. */
  retire(): void {
    if (this.#phase === SENT && this.#stream === undefined && this.#paused.isEmpty) this.fail(-ECONNRESET);
  }

  /** A request that cannot be sent fails like a broken connection, but not within the call that sent it. */
  #failSoon(): void {
    this.#upstream.core.reactor.after(0, () => {
      if (!this.#isOpen) return;
      this.close();
      this.handler.onFailed(-ECONNRESET);
    });
  }

  /** The request's content is none: the endpoint must not take what it got for the whole, and the client is told. */
  #refuseSoon(stream: Http2Stream<Http2UpstreamExchange>): void {
    const { core, http2 } = this.#upstream;
    const hasAnswer = stream.headReceived;
    stream.owner = undefined;
    this.#stream = undefined;
    this.#phase = SENT;
    http2.reset(stream, CANCEL);
    core.reactor.after(0, () => {
      if (!this.#isOpen) return;
      if (!hasAnswer) {
        const { input } = core.reactor;
        this.#deliver(writeBadRequest(input.bytes, INPUT_BASE));
      }
      if (!this.#isOpen) return;
      this.close();
      this.handler.onFailed(-ECONNRESET);
    });
  }

  setDeadline(atMs: number): void {
    this.deadlineMs = atMs;
    this.#upstream.noteDeadline(atMs);
  }

  onDeadline(): void {
    this.deadlineMs = Infinity;
    if (this.#isLingering) this.close();
    else this.handler.onTimeout();
  }

  endWriting(): void {
    if (this.#phase !== TUNNEL || this.#sender.endQueued) return;
    this.#send(NOTHING, 0, 0, true, undefined);
    this.#upstream.flush();
  }

  closeGracefully(): void {
    this.endWriting();
    if (this.#phase !== TUNNEL || this.#sender.queuedBytes === 0 || !this.#isOpen) this.close();
    else {
      this.#isLingering = true;
      this.handler = NO_ANSWER_HANDLER;
      this.setDeadline(this.#upstream.core.reactor.nowMs + LINGER_MS);
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const stream = this.#stream;
    this.#stream = undefined;
    this.#paused.drop();
    if (stream !== undefined) {
      stream.owner = undefined;
      this.#upstream.http2.reset(stream, CANCEL);
    }
    this.#upstream.close(this);
    this.#upstream.flush();
  }
}
