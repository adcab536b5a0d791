// Hot path: one object per HTTP/3 client connection.
import type { QuicHandler } from '../../reactor/quic-endpoint.ts';
import { EAGAIN } from '../../sys/errno.ts';
import { PinnedBuffer } from '../../sys/pinned.ts';
import type { QuicConnection, QuicStream } from '../../sys/quic-connection.ts';
import { type FieldList, LIST_MAX_BYTES } from '../../wire/http2/field-list.ts';
import { OutputBuffer } from '../../wire/http2/output-buffer.ts';
import * as http2 from '../../wire/http2/protocol.ts';
import { Http3Connection } from '../../wire/http3/connection.ts';
import { writeDataHead, writeHeaders } from '../../wire/http3/frame-writer.ts';
import * as h3 from '../../wire/http3/protocol.ts';
import type { Http3UniStream } from '../../wire/http3/stream.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { ExchangeSession, ExchangeStream, StreamCommands } from '../exchange-session.ts';
import { Http2Exchange } from '../http2-exchange.ts';
import type { Http2Shared } from '../http2-shared.ts';
import type { ProxyCore } from '../proxy-core.ts';
import { RequestStream } from './request-stream.ts';

/** Idle exchanges kept for the next streams. */
const SPARE_MAX = 16;
/** Content of one DATA frame. */
const FRAME_MAX_BYTES = 16 * 1024;
/** Less than the reactor's input, where content lies as a chunk of HTTP/1.1. */
const INPUT = new PinnedBuffer(32 * 1024);
const FRAMES = new OutputBuffer(new Uint8Array(FRAME_MAX_BYTES + 64));

/** What a session needs of its listener. */
export interface SessionSurroundings {
  readonly core: ProxyCore;
  readonly shared: Http2Shared;
  readonly newClient: (exchange: Http2Exchange) => ClientConnection;
  /** Lets {@link Http3Session.onEvents} come and the output go, at the end of the turn. */
  readonly wake: () => void;
  readonly onEstablished: () => void;
  readonly onGone: (session: Http3Session, wasEstablished: boolean) => void;
}

interface UniStream {
  readonly quic: QuicStream;
  readonly wire: Http3UniStream;
}

/** A client's HTTP/3 connection (RFC 9114). As in HTTP/2 each stream looks to the proxy like an HTTP/1.1 connection. */
export class Http3Session implements QuicHandler, ExchangeSession, StreamCommands {
  readonly protocol = 'HTTP/3.0';
  readonly core: ProxyCore;
  readonly shared: Http2Shared;
  /** Congestion is each stream's own: OpenSSL takes what the connection's window allows. */
  readonly connection: ExchangeSession['connection'] = { tls: undefined, isCongested: false };
  readonly http2: StreamCommands = this;
  readonly #quic: QuicConnection;
  readonly #around: SessionSurroundings;
  readonly #wire: Http3Connection<RequestStream>;
  readonly #streams: Set<RequestStream> = new Set();
  readonly #unis: UniStream[] = [];
  readonly #spare: Http2Exchange[] = [];
  #control: QuicStream | undefined = undefined;
  #deadlineMs = Infinity;
  #cancelTimer: (() => void) | undefined = undefined;
  #idleSinceMs: number;
  #isDraining = false;

  constructor(quic: QuicConnection, around: SessionSurroundings) {
    this.#quic = quic;
    this.#around = around;
    this.core = around.core;
    this.shared = around.shared;
    this.#idleSinceMs = this.core.reactor.nowMs;
    this.#wire = new Http3Connection(
      {
        onHead: (stream, fields, shape, endStream) => {
          const carrier = stream.owner!;
          carrier.owner = this.#exchange();
          carrier.owner.begin(carrier, fields, shape, endStream);
        },
        onData: (stream, bytes, start, end, endStream) => {
          const carrier = stream.owner!;
          carrier.unconsumedBytes += end - start;
          carrier.owner?.onContent(bytes, start, end, endStream);
        },
        onTrailers: (stream, fields) => stream.owner!.owner?.onRequestTrailers(fields),
        onStreamError: (stream, code) => this.#break(stream.owner!, code),
      },
      this.shared.scratch,
    );
    this.noteDeadline(this.core.reactor.nowMs + this.core.times.handshakeMs);
  }

  #exchange(): Http2Exchange {
    for (let spare = this.#spare.pop(); spare !== undefined; spare = this.#spare.pop()) {
      if (spare.isReusable) return spare;
      spare.discard();
    }
    return new Http2Exchange(this, this.#around.newClient);
  }

  // From the endpoint.

  onEvents(): void {
    try {
      if (this.#control === undefined && !this.#start()) return;
      this.#acceptStreams();
      for (const uni of this.#unis) this.#readUni(uni);
      for (const stream of this.#streams) this.#serve(stream);
    } catch (error) {
      if (!(error instanceof h3.Http3Error)) throw error;
      this.#quic.close(error.code);
      this.#around.wake();
    }
    if (this.#isDraining && this.#streams.size === 0) this.#quic.close(h3.H3_NO_ERROR, 'flushed');
  }

  onClosed(): void {
    this.#cancelTimer?.();
    for (const stream of this.#streams) {
      stream.owner?.onReset();
      stream.quic.free();
    }
    this.#streams.clear();
    for (const uni of this.#unis) uni.quic.free();
    this.#control?.free();
    for (const exchange of this.#spare.splice(0)) exchange.discard();
    this.#around.onGone(this, this.#control !== undefined);
  }

  #start(): boolean {
    if (!this.#quic.isEstablished) return false;
    const control = this.#quic.openStream('unidirectional');
    if (control === undefined) return false;
    this.#control = control;
    this.#around.onEstablished();
    this.#sendControl(Http3Connection.opening(LIST_MAX_BYTES));
    this.noteDeadline(this.core.reactor.nowMs + this.core.times.headMs);
    return true;
  }

  /** A few bytes on a new stream: OpenSSL has room for them. */
  #sendControl(bytes: Uint8Array): void {
    INPUT.bytes.set(bytes);
    this.#control?.write(INPUT, 0, bytes.length, false);
  }

  #acceptStreams(): void {
    for (let quic = this.#quic.acceptStream(); quic !== undefined; quic = this.#quic.acceptStream()) {
      if (!quic.isBidirectional) this.#unis.push({ quic, wire: this.#wire.openUni() });
      else if (this.#isDraining) {
        quic.reset(h3.H3_REQUEST_REJECTED);
        quic.free();
      } else this.#streams.add(new RequestStream(quic, this.#wire.openRequest(quic.id)));
    }
  }

  #readUni({ quic, wire }: UniStream): void {
    for (;;) {
      const length = quic.read(INPUT, 0, INPUT.length);
      if (length > 0) this.#wire.receiveUni(wire, INPUT.bytes, 0, length, false);
      else {
        if (length !== -EAGAIN) this.#wire.receiveUni(wire, INPUT.bytes, 0, 0, true);
        return;
      }
    }
  }

  #serve(stream: RequestStream): void {
    if (stream.isQueued && !stream.resume()) this.#drop(stream);
    else if (stream.isBlocked && !stream.isQueued) {
      stream.isBlocked = false;
      stream.owner?.onWritable();
    }
    while (stream.mayRead && this.#read(stream));
    if (stream.isOver) this.#forget(stream);
  }

  /** Reads once, and whether that was the end, because a request without content is another one. */
  #read(stream: RequestStream): boolean {
    let length = 0;
    let result = 1;
    while (length < INPUT.length) {
      result = stream.quic.read(INPUT, length, INPUT.length - length);
      if (result <= 0) break;
      length += result;
    }
    if (result < 0 && result !== -EAGAIN) {
      this.#drop(stream);
      return false;
    }
    if (result === 0) stream.readEnded = true;
    if (length > 0 || result === 0) this.#wire.receiveRequest(stream.wire, INPUT.bytes, 0, length, result === 0);
    return result > 0;
  }

  /** The peer broke the stream off. */
  #drop(stream: RequestStream): void {
    stream.owner?.onReset();
    stream.reset(h3.H3_REQUEST_REJECTED);
    this.#forget(stream);
  }

  /** The peer broke a rule of the exchange. */
  #break(stream: RequestStream, code: number): void {
    stream.owner?.onReset();
    stream.reset(code);
  }

  #forget(stream: RequestStream): void {
    if (!this.#streams.delete(stream)) return;
    stream.quic.free();
    if (this.#streams.size > 0) return;
    this.#idleSinceMs = this.core.reactor.nowMs;
    this.noteDeadline(this.#idleSinceMs + this.core.times.clientIdleMs);
  }

  // Commands of exchanges.

  sendHeaders(stream: ExchangeStream, fields: FieldList, endStream: boolean): void {
    FRAMES.clear();
    writeHeaders(fields, FRAMES);
    this.#write(stream as RequestStream, endStream);
  }

  #write(stream: RequestStream, endStream: boolean): void {
    if (!stream.write(FRAMES.bytes, 0, FRAMES.length, endStream)) stream.reset(h3.H3_REQUEST_REJECTED);
    this.#around.wake();
  }

  sendData(to: ExchangeStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): number {
    const stream = to as RequestStream;
    let at = start;
    while (at < end && !stream.isQueued && !stream.writeEnded) {
      const length = Math.min(end - at, FRAME_MAX_BYTES);
      FRAMES.clear();
      writeDataHead(length, FRAMES);
      FRAMES.reserve(length);
      FRAMES.bytes.set(bytes.subarray(at, at + length), FRAMES.length);
      FRAMES.length += length;
      at += length;
      this.#write(stream, endStream && at === end);
    }
    // Nobody is left to tell of a stream that broke: its exchange hears of it at the end of the turn.
    if (stream.writeEnded) return end - start;
    if (at < end) stream.isBlocked = true;
    else if (start === end && endStream) {
      FRAMES.clear();
      this.#write(stream, true);
    }
    return at - start;
  }

  consume(to: ExchangeStream, length: number): void {
    const stream = to as RequestStream;
    const mayRead = stream.mayRead;
    stream.unconsumedBytes -= length;
    if (!mayRead) this.#around.wake();
  }

  reset(to: ExchangeStream, code: number): void {
    const stream = to as RequestStream;
    stream.wire.remoteEnded = true;
    // After a whole answer the rest of the request is not wanted; the answer stays.
    if (code === http2.NO_ERROR) stream.readEnded = true;
    else stream.reset(code === http2.ENHANCE_YOUR_CALM ? h3.H3_EXCESSIVE_LOAD : h3.H3_INTERNAL_ERROR);
    this.#around.wake();
  }

  flush(): void {
    this.#around.wake();
  }

  finished(exchange: Http2Exchange): void {
    if (this.#spare.length < SPARE_MAX) this.#spare.push(exchange);
  }

  // Time.

  noteDeadline(atMs: number): void {
    if (atMs >= this.#deadlineMs) return;
    this.#deadlineMs = atMs;
    this.#cancelTimer?.();
    this.#cancelTimer = this.core.reactor.after(Math.max(0, atMs - this.core.reactor.nowMs), () => this.#onDeadline());
  }

  #onDeadline(): void {
    this.#cancelTimer = undefined;
    this.#deadlineMs = Infinity;
    const now = this.core.reactor.nowMs;
    for (const stream of this.#streams) {
      const exchange = stream.owner;
      if (exchange === undefined) continue;
      if (exchange.deadlineMs <= now) exchange.onDeadline();
      else this.noteDeadline(exchange.deadlineMs);
    }
    if (this.#streams.size === 0) {
      const idleEnd = this.#idleSinceMs + this.core.times.clientIdleMs;
      if (idleEnd > now && this.#control !== undefined) this.noteDeadline(idleEnd);
      else this.#quic.close(h3.H3_NO_ERROR);
    }
    this.#around.wake();
  }

  /** Part of the worker's drain; called again and again until the connection is gone. */
  drain(): void {
    if (!this.#isDraining) this.#sendControl(this.#wire.goaway());
    this.#isDraining = true;
    this.#around.wake();
  }
}
