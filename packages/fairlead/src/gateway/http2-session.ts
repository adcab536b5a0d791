// Hot path: one object per HTTP/2 client connection.
import type { Connection, ConnectionHandler } from '../reactor/reactor.ts';
import { Http2Connection } from '../wire/http2/connection.ts';
import type { Http2Events } from '../wire/http2/events.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import type { MessageShape } from '../wire/http2/message-rules.ts';
import { NO_ERROR } from '../wire/http2/protocol.ts';
import { DEFAULT_HTTP2_OPTIONS } from '../wire/http2/settings.ts';
import type { Http2Stream } from '../wire/http2/stream.ts';
import type { ClientConnection } from './client-connection.ts';
import { Http2Channel } from './http2-channel.ts';
import { Http2Exchange } from './http2-exchange.ts';
import type { Http2Shared } from './http2-shared.ts';
import type { ProxyCore } from './proxy-core.ts';

/** Idle exchanges kept for the next streams. */
const SPARE_MAX = 16;
/** How long a client may take to answer the PING of a drain. */
const DRAIN_ANSWER_MS = 1000;

/** Extended CONNECT carries WebSockets (RFC 8441). */
const OPTIONS = { ...DEFAULT_HTTP2_OPTIONS, allowsConnectProtocol: true };

type Stream = Http2Stream<Http2Exchange>;

/**
 * A client's HTTP/2 connection. Each stream looks to the proxy like an HTTP/1.1 connection of its
 * own: routes, retries, timeouts and edits are the same code for both versions.
 */
export class Http2Session implements ConnectionHandler {
  readonly protocol = 'HTTP/2.0';
  readonly connection: Connection;
  readonly core: ProxyCore;
  readonly shared: Http2Shared;
  readonly http2: Http2Connection<Http2Exchange>;
  readonly #newClient: (exchange: Http2Exchange) => ClientConnection;
  readonly #spare: Http2Exchange[] = [];
  readonly #channel: Http2Channel;
  #idleSinceMs: number;
  #deadlineMs = Infinity;
  #drainingSinceMs = -1;

  constructor(
    core: ProxyCore,
    shared: Http2Shared,
    connection: Connection,
    newClient: (exchange: Http2Exchange) => ClientConnection,
  ) {
    this.core = core;
    this.shared = shared;
    this.connection = connection;
    this.#channel = new Http2Channel(core, shared);
    this.#channel.connection = connection;
    this.#newClient = newClient;
    this.#idleSinceMs = core.reactor.nowMs;
    this.http2 = new Http2Connection('server', OPTIONS, this.#events(), this.#channel.out, shared.scratch);
    shared.sessions.add(this);
    this.http2.start();
    this.flush();
    this.noteDeadline(core.reactor.nowMs + core.times.headMs);
  }

  /** Sends what a command has written, by the end of the turn. */
  flush(): void {
    this.#channel.flush();
  }

  /** Makes sure that {@link onTimeout} comes by then. */
  noteDeadline(atMs: number): void {
    if (atMs >= this.#deadlineMs) return;
    this.#deadlineMs = atMs;
    this.connection.setDeadline(atMs);
  }

  /** Takes an exchange back once its stream is over. */
  finished(exchange: Http2Exchange): void {
    if (this.#spare.length < SPARE_MAX) this.#spare.push(exchange);
    if (this.http2.streams.size === 0) {
      this.#idleSinceMs = this.core.reactor.nowMs;
      this.noteDeadline(this.#idleSinceMs + this.core.times.clientIdleMs);
    }
  }

  // From the reactor.

  onConnected(): void {}

  onData(start: number, end: number): void {
    this.#channel.feed(this.http2, start, end);
    if (this.http2.isFailed || this.http2.isDrained) this.#end();
    // A peer that does not read what it asks for is not read from either.
    else if (this.connection.isCongested) this.connection.pauseReading();
  }

  onEnd(): void {
    this.http2.abandonStreams(NO_ERROR);
    this.#end();
  }

  onDrained(): void {
    this.connection.resumeReading();
    for (const stream of [...this.http2.streams.values()]) stream.owner?.onConnectionDrained();
    this.flush();
  }

  onTimeout(): void {
    const now = this.core.reactor.nowMs;
    this.#deadlineMs = Infinity;
    if (!this.http2.isReady) {
      this.#end();
      return;
    }
    for (const stream of [...this.http2.streams.values()]) {
      const exchange = stream.owner;
      if (exchange === undefined) continue;
      if (exchange.deadlineMs <= now) exchange.onDeadline();
      else this.noteDeadline(exchange.deadlineMs);
    }
    if (this.http2.streams.size > 0) return;
    const idleEnd = this.#idleSinceMs + this.core.times.clientIdleMs;
    if (idleEnd > now) this.noteDeadline(idleEnd);
    else {
      this.http2.finishDrain();
      this.#end();
    }
  }

  onFailed(): void {
    this.http2.abandonStreams(NO_ERROR);
    this.#gone();
  }

  /** Part of the worker's drain; called again and again until the connection is gone. */
  drain(): void {
    const now = this.core.reactor.nowMs;
    if (this.#drainingSinceMs < 0) {
      this.#drainingSinceMs = now;
      this.http2.drain();
    } else if (now >= this.#drainingSinceMs + DRAIN_ANSWER_MS) this.http2.finishDrain();
    this.flush();
    if (this.http2.isDrained) this.#end();
  }

  #end(): void {
    this.#channel.send();
    this.connection.closeGracefully();
    this.#gone();
  }

  #gone(): void {
    this.shared.sessions.delete(this);
    for (const exchange of this.#spare.splice(0)) exchange.discard();
  }

  /** What the state machine tells goes to the exchange of its stream. */
  #events(): Http2Events<Http2Exchange> {
    return {
      onHead: (stream, fields, shape, endStream) => this.#onHead(stream, fields, shape, endStream),
      onInterim() {},
      onData: (stream, bytes, start, end, endStream) => stream.owner?.onContent(bytes, start, end, endStream),
      onTrailers: (stream, fields) => stream.owner?.onRequestTrailers(fields),
      onWritable: (stream) => stream.owner?.onWritable(),
      onReset: (stream) => stream.owner?.onReset(),
      onGoaway() {},
      onConnectionError() {},
    };
  }

  #onHead(stream: Stream, fields: FieldList, shape: MessageShape, endStream: boolean): void {
    let exchange = this.#spare.pop();
    while (exchange !== undefined && !exchange.isReusable) {
      exchange.discard();
      exchange = this.#spare.pop();
    }
    exchange ??= new Http2Exchange(this, this.#newClient);
    stream.owner = exchange;
    exchange.begin(stream, fields, shape, endStream);
  }
}
