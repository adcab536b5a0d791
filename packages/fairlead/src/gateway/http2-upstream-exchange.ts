// Hot path: one object per stream in use, kept with the pooled connection it plays.
import {
  type Connection,
  type ConnectionHandler,
  HIGH_WATER_BYTES,
  INPUT_BASE,
  LOW_WATER_BYTES,
  NO_HANDLER,
} from '../reactor/reactor.ts';
import { ECONNREFUSED, ECONNRESET } from '../sys/errno.ts';
import type { PinnedBuffer } from '../sys/pinned.ts';
import { CHUNK_DATA, CHUNK_END, ChunkedDecoder, TRAILERS_MAX_BYTES } from '../wire/http1/chunked.ts';
import { copyBytes } from '../wire/http1/head-writer.ts';
import { HEAD } from '../wire/http1/request-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { asksForWebSocket, connectFields, requestFields } from '../wire/http2/from-http1.ts';
import type { MessageShape } from '../wire/http2/message-rules.ts';
import { CANCEL, REFUSED_STREAM } from '../wire/http2/protocol.ts';
import type { Http2Stream } from '../wire/http2/stream.ts';
import { http1RoomFor, writeHttp1Lines, writeHttp1Response, writeHttp1Switch } from '../wire/http2/to-http1.ts';
import { grpcStatusOf, grpcStatusOfHead, NOT_GRPC } from './grpc-status.ts';
import { toGrpcType, toGrpcWebType } from './grpc-web.ts';
import { Http1Content } from './http1-content.ts';
import { Http2Sender } from './http2-sender.ts';
import type { Http2Upstream } from './http2-upstream.ts';
import { webSocketAccept, webSocketKeyOf } from './websocket-handshake.ts';

const NO_REQUEST = 0;
const LENGTH = 1;
const CHUNKED = 2;
const SENT = 3;
/** The head waits until the endpoint has said whether it knows extended CONNECT. */
const WAITS = 4;
/** A WebSocket: both directions go as they come. */
const TUNNEL = 5;

/** How long what is left of a WebSocket may take to be sent. */
const LINGER_MS = 2000;

const NOTHING = Buffer.alloc(0);
const BAD_REQUEST = Buffer.from('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', 'latin1');
/** Longest trailers in a frame of gRPC-Web: in base64, they still fit into the input buffer. */
const WEB_TRAILERS_MAX_BYTES = 32 * 1024;
const HTTP = Buffer.from('http', 'latin1');
const HTTPS = Buffer.from('https', 'latin1');

/** What arrived while the handler was not reading. */
interface Held {
  readonly bytes: Buffer;
  readonly isLast: boolean;
  readonly trailers: Uint8Array;
}

/**
 * A stream of an upstream's HTTP/2 connection dressed as an HTTP/1.1 connection: the request's
 * bytes become HEADERS and DATA, and the response arrives at the handler as HTTP/1.1 bytes.
 */
export class Http2UpstreamExchange implements Connection {
  handler: ConnectionHandler;
  bytesWritten: number = 0;
  bytesRead: number = 0;
  deadlineMs: number = Infinity;
  readonly #upstream: Http2Upstream;
  #isOpen = true;
  #stream: Http2Stream<Http2UpstreamExchange> | undefined = undefined;
  #isAnnounced = false;
  // The request.
  #phase = NO_REQUEST;
  #remaining = 0;
  #chunks: ChunkedDecoder | undefined = undefined;
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
  readonly #content = new Http1Content();
  #isPaused = false;
  #held: Held[] = [];

  constructor(upstream: Http2Upstream, handler: ConnectionHandler) {
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
    let at = start;
    if (this.#phase === NO_REQUEST || this.#phase === SENT) {
      // The answer before was whole by its length, but not its stream: trailers are still to come.
      if (this.#stream !== undefined) this.#finishStream(false);
      at = this.#sendHead(bytes, start, end);
      if (at < 0) {
        this.#failSoon();
        return;
      }
    }
    if (this.#phase === LENGTH) {
      this.#remaining -= end - at;
      this.#send(bytes, at, end, this.#remaining <= 0, NOTHING);
    } else if (this.#phase === CHUNKED) this.#sendChunks(bytes, at, end);
    else if (this.#phase === TUNNEL) this.#send(bytes, at, end, false, NOTHING);
    this.#upstream.flush();
  }

  /** Opens a stream with the head, which the handler writes whole; returns where it ends in `bytes`, or -1. */
  #sendHead(bytes: Uint8Array, start: number, end: number): number {
    const { requestHead: head, fields } = this.#upstream.shared;
    head.reset();
    const length = head.parse(bytes, start, end);
    if (length <= 0) return -1;
    const scheme = this.#upstream.connection.tls === undefined ? HTTP : HTTPS;
    if (asksForWebSocket(head)) return this.#sendConnect(bytes, start, length, scheme);
    this.#websocketKey = undefined;
    const isWeb = this.#content.web.begin(head);
    requestFields(head, scheme, fields);
    if (isWeb) toGrpcType(fields);
    const isEmpty = !head.isChunked && head.contentLength <= 0;
    if (!this.#open(fields, isEmpty, head.method === HEAD)) return -1;
    if (isEmpty) this.#phase = SENT;
    else if (head.isChunked) {
      this.#phase = CHUNKED;
      this.#chunks ??= new ChunkedDecoder();
      this.#chunks.reset();
    } else {
      this.#phase = LENGTH;
      this.#remaining = head.contentLength;
    }
    return start + length;
  }

  #open(fields: FieldList, isEmpty: boolean, isHead: boolean): boolean {
    const stream = this.#upstream.http2.openStream(fields, isEmpty, isHead);
    if (stream === undefined) return false;
    stream.owner = this;
    this.#stream = stream;
    this.#sender.reset();
    this.grpcStatus = NOT_GRPC;
    this.#isPaused = false;
    this.#held = [];
    return true;
  }

  /** Extended CONNECT for a WebSocket, once the endpoint has said that it knows it (RFC 8441 3). */
  #sendConnect(bytes: Uint8Array, start: number, length: number, scheme: Uint8Array): number {
    const { http2, isReady, shared } = this.#upstream;
    if (!isReady) {
      this.#phase = WAITS;
      this.#waiting = Buffer.from(bytes.subarray(start, start + length));
      return start + length;
    }
    if (!http2.peer.allowsConnectProtocol) return -1;
    this.#content.web.kind = 'none';
    this.#content.isChunked = false;
    this.#websocketKey = webSocketKeyOf(shared.requestHead);
    connectFields(shared.requestHead, scheme, shared.fields);
    if (!this.#open(shared.fields, false, false)) return -1;
    // What follows an agreement is the WebSocket's; before one the handler writes nothing.
    this.#phase = TUNNEL;
    return start + length;
  }

  #sendChunks(bytes: Uint8Array, at: number, end: number): void {
    const chunks = this.#chunks!;
    for (;;) {
      const event = chunks.next(bytes, at, end);
      at = chunks.position;
      if (event === CHUNK_DATA) this.#send(bytes, chunks.dataStart, chunks.dataEnd, false, NOTHING);
      else {
        if (event === CHUNK_END) this.#send(bytes, at, at, true, chunks.trailers);
        return;
      }
    }
  }

  #send(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: Uint8Array): void {
    if (isLast && this.#phase !== TUNNEL) this.#phase = SENT;
    const stream = this.#stream;
    if (stream === undefined) return;
    const { http2, shared } = this.#upstream;
    if (this.#content.web.kind === 'text') {
      const decoded = this.#content.web.decode(bytes, start, end, isLast);
      if (decoded === undefined) {
        this.#refuseSoon(stream);
        return;
      }
      bytes = decoded;
      [start, end] = [0, decoded.length];
    }
    this.#sender.send(http2, stream, bytes, start, end, isLast, trailers, shared.fields);
  }

  onWritable(): void {
    const { http2, shared } = this.#upstream;
    if (this.#stream !== undefined) this.#sender.resume(http2, this.#stream, shared.fields);
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
    const { input } = this.#upstream.core.reactor;
    if (http1RoomFor(fields) > input.length - INPUT_BASE) return;
    this.#deliver(writeHttp1Response(fields, shape, 'interim', input.bytes, INPUT_BASE));
  }

  onHead(fields: FieldList, shape: MessageShape, endStream: boolean): void {
    const { input } = this.#upstream.core.reactor;
    this.grpcStatus = grpcStatusOfHead(fields, endStream);
    const { kind } = this.#content.web;
    if (kind !== 'none' && !toGrpcWebType(fields, kind)) this.#content.web.kind = 'none';
    if (http1RoomFor(fields) > input.length - INPUT_BASE) {
      this.close();
      this.handler.onFailed(-ECONNRESET);
      return;
    }
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
    this.#content.isChunked = content === 'some' && (shape.contentLength < 0 || dropsLength);
    const end = writeHttp1Response(fields, shape, content, input.bytes, INPUT_BASE, dropsLength);
    if (endStream || (isBodiless && !endStream)) this.#finishStream(endStream);
    this.#deliver(end);
  }

  /** The WebSocket is open: told as the 101 that the handler waits for. */
  #onAgreement(fields: FieldList, endStream: boolean, key: Buffer): void {
    const { input } = this.#upstream.core.reactor;
    const end = writeHttp1Switch(fields, webSocketAccept(key), input.bytes, INPUT_BASE);
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
    if (this.#isPaused || this.#held.length > 0) {
      this.#held.push({ bytes: Buffer.from(bytes.subarray(start, end)), isLast, trailers: NOTHING });
    } else this.#pass(bytes, start, end, isLast, NOTHING);
  }

  onTrailers(fields: FieldList): void {
    if (this.grpcStatus !== NOT_GRPC) this.grpcStatus = grpcStatusOf(fields);
    const lines = Buffer.allocUnsafe(http1RoomFor(fields));
    const trailers = lines.subarray(0, writeHttp1Lines(fields, lines, 0));
    if (trailers.length > (this.#content.web.kind === 'none' ? TRAILERS_MAX_BYTES : WEB_TRAILERS_MAX_BYTES)) {
      // HTTP/1.1 inside allows no more; without them the answer would look whole.
      this.close();
      this.handler.onFailed(-ECONNRESET);
    } else if (this.#isPaused || this.#held.length > 0) this.#held.push({ bytes: NOTHING, isLast: true, trailers });
    else this.#pass(NOTHING, 0, 0, true, trailers);
  }

  /** Gives content to the handler and window back to the server. */
  #pass(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: Uint8Array): void {
    const stream = this.#stream;
    const { input } = this.#upstream.core.reactor;
    const at = this.#content.write(bytes, start, end, isLast, trailers, input.bytes, INPUT_BASE);
    if (stream !== undefined) this.#upstream.http2.consume(stream, end - start);
    if (this.#phase === TUNNEL) {
      if (at > INPUT_BASE) this.#deliver(at);
      if (isLast && this.#isOpen) this.#onTunnelEnd();
      return;
    }
    if (isLast) this.#finishStream(true);
    if (at > INPUT_BASE) this.#deliver(at);
  }

  pauseReading(): void {
    this.#isPaused = true;
  }

  resumeReading(): void {
    this.#isPaused = false;
    while (this.#held.length > 0 && !this.#isPaused && this.#isOpen) {
      const { bytes, isLast, trailers } = this.#held.shift()!;
      this.#pass(bytes, 0, bytes.length, isLast, trailers);
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
    if (this.#held.at(-1)?.isLast === true) return;
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
    if (this.#phase === SENT && this.#stream === undefined && this.#held.length === 0) this.fail(-ECONNRESET);
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
        this.#deliver(copyBytes(BAD_REQUEST, 0, BAD_REQUEST.length, input.bytes, INPUT_BASE));
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
    this.#send(NOTHING, 0, 0, true, NOTHING);
    this.#upstream.flush();
  }

  closeGracefully(): void {
    this.endWriting();
    if (this.#phase !== TUNNEL || this.#sender.queuedBytes === 0 || !this.#isOpen) this.close();
    else {
      this.#isLingering = true;
      this.handler = NO_HANDLER;
      this.setDeadline(this.#upstream.core.reactor.nowMs + LINGER_MS);
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const stream = this.#stream;
    this.#stream = undefined;
    this.#held = [];
    if (stream !== undefined) {
      stream.owner = undefined;
      this.#upstream.http2.reset(stream, CANCEL);
    }
    this.#upstream.close(this);
    this.#upstream.flush();
  }
}
