// Hot path: one object per HTTP/2 connection to an endpoint.
import type { Connection, ConnectionHandler } from '../reactor/reactor.ts';
import type { EncodedAddress } from '../sys/socket-address.ts';
import { Http2Connection } from '../wire/http2/connection.ts';
import type { Http2Events } from '../wire/http2/events.ts';
import { NO_ERROR } from '../wire/http2/protocol.ts';
import { DEFAULT_HTTP2_OPTIONS } from '../wire/http2/settings.ts';
import type { AnswerHandler } from './answer-handler.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';
import { Http2Channel } from './http2-channel.ts';
import type { Http2Shared } from './http2-shared.ts';
import { Http2UpstreamExchange } from './http2-upstream-exchange.ts';
import { type ConnectionOwner, type NegotiatedPeers, NegotiatingHandshake, StandIn } from './negotiated-upstream.ts';
import type { ProxyCore } from './proxy-core.ts';

/** Most requests on one connection. */
const STREAMS_MAX = 100;
/** Memory that one response may fill while its client does not read. */
const STREAM_WINDOW_BYTES = 128 * 1024;
/**
 * The connection's window is twice what all streams together may fill (half of it may be on its way
 * back), so clients that do not read never hold up the others.
 */
const OPTIONS = {
  ...DEFAULT_HTTP2_OPTIONS,
  streamWindowBytes: STREAM_WINDOW_BYTES,
  connectionWindowBytes: 2 * STREAMS_MAX * STREAM_WINDOW_BYTES,
};

/** An HTTP/2 connection to one endpoint, in clear text with prior knowledge or over TLS, shared by the requests of a worker. */
export class Http2Upstream implements ConnectionHandler {
  readonly core: ProxyCore;
  readonly shared: Http2Shared;
  readonly connection: Connection;
  readonly http2: Http2Connection<Http2UpstreamExchange>;
  /** The endpoint has answered as an HTTP/2 server. */
  isReady: boolean = false;
  readonly #exchanges: Set<Http2UpstreamExchange> = new Set();
  readonly #onGone: (upstream: Http2Upstream) => void;
  readonly #channel: Http2Channel;
  #deadlineMs = Infinity;

  /** @param connect opens the connection, or hands over one whose handshake led to HTTP/2. */
  constructor(
    core: ProxyCore,
    shared: Http2Shared,
    connect: (handler: ConnectionHandler) => Connection,
    onGone: (upstream: Http2Upstream) => void,
  ) {
    this.core = core;
    this.shared = shared;
    this.#onGone = onGone;
    this.#channel = new Http2Channel(core, shared);
    this.http2 = new Http2Connection('client', OPTIONS, this.#events(), this.#channel.out, shared.scratch);
    this.connection = connect(this);
    this.#channel.connection = this.connection;
    this.http2.start();
    this.flush();
  }

  /** Whether one more request fits. */
  get hasRoom(): boolean {
    const { http2 } = this;
    return (
      this.connection.isOpen &&
      !http2.isGoingAway &&
      this.#exchanges.size < Math.min(STREAMS_MAX, http2.peer.maxConcurrentStreams)
    );
  }

  /** A connection for one request at a time. */
  open(handler: AnswerHandler): Connection {
    const exchange = new Http2UpstreamExchange(this, handler);
    this.#exchanges.add(exchange);
    return exchange;
  }

  /** Called by an exchange that will not be used again. The last one takes the connection with it. */
  close(exchange: Http2UpstreamExchange): void {
    this.#exchanges.delete(exchange);
    if (this.#exchanges.size > 0) return;
    this.http2.finishDrain();
    this.#onGone(this);
    this.#channel.send();
    this.connection.closeGracefully();
  }

  /** Everybody left before the connection could be used. */
  closeUnused(): void {
    if (this.#exchanges.size > 0 || !this.connection.isOpen) return;
    this.connection.closeGracefully();
    this.#onGone(this);
  }

  /** Sends what a command has written, by the end of the turn. */
  flush(): void {
    this.#channel.flush();
  }

  noteDeadline(atMs: number): void {
    if (atMs >= this.#deadlineMs) return;
    this.#deadlineMs = atMs;
    this.connection.setDeadline(atMs);
  }

  onConnected(): void {}

  onData(start: number, end: number): void {
    const { http2 } = this;
    this.#channel.feed(http2, start, end);
    if (http2.isReady && !this.isReady) {
      this.isReady = true;
      for (const exchange of [...this.#exchanges]) exchange.onReady();
      this.flush();
    }
    if (http2.isFailed) {
      this.#channel.send();
      this.connection.closeGracefully();
      this.#fail(0);
    }
  }

  onEnd(): void {
    this.connection.close();
    this.#fail(0);
  }

  onDrained(): void {
    for (const exchange of [...this.#exchanges]) exchange.onConnectionDrained();
  }

  onTimeout(): void {
    const now = this.core.reactor.nowMs;
    this.#deadlineMs = Infinity;
    for (const exchange of [...this.#exchanges]) {
      if (exchange.deadlineMs <= now) exchange.onDeadline();
      else this.noteDeadline(exchange.deadlineMs);
    }
  }

  onFailed(error: number): void {
    this.#fail(error);
  }

  #fail(error: number): void {
    this.#onGone(this);
    this.http2.abandonStreams(NO_ERROR);
    for (const exchange of [...this.#exchanges]) exchange.fail(error);
    this.#exchanges.clear();
  }

  #events(): Http2Events<Http2UpstreamExchange> {
    return {
      onHead: (stream, fields, shape, endStream) => stream.owner?.onHead(fields, shape, endStream),
      onInterim: (stream, fields, shape) => stream.owner?.onInterim(fields, shape),
      onData: (stream, bytes, start, end, endStream) => stream.owner?.onContent(bytes, start, end, endStream),
      onTrailers: (stream, fields) => stream.owner?.onTrailers(fields),
      onWritable: (stream) => stream.owner?.onWritable(),
      onReset: (stream, code) => stream.owner?.onReset(code),
      onGoaway: () => {
        for (const exchange of [...this.#exchanges]) exchange.retire();
      },
      onConnectionError() {},
    };
  }
}

/** The HTTP/2 connections of a worker, by endpoint. */
export class Http2Upstreams implements NegotiatedPeers {
  readonly #shared: Http2Shared;
  readonly #byEndpoint: Map<string, Http2Upstream[]> = new Map();
  readonly #handshakes: Map<string, NegotiatingHandshake[]> = new Map();
  #core: ProxyCore | undefined = undefined;

  constructor(shared: Http2Shared) {
    this.#shared = shared;
  }

  /** A connection for one request at a time, over an HTTP/2 connection with room or a new one, in clear text. */
  connect(core: ProxyCore, label: string, address: EncodedAddress, handler: AnswerHandler): Connection {
    const upstream = this.#withRoom(label) ?? this.#add(core, label, (own) => core.reactor.connect(address, own));
    return upstream.open(handler);
  }

  /** The same over TLS, where the handshake decides; the owner may get another connection later. */
  negotiate(core: ProxyCore, endpoint: EndpointRuntime, owner: ConnectionOwner): Connection {
    this.#core = core;
    const upstream = this.#withRoom(endpoint.key);
    if (upstream !== undefined) return upstream.open(owner);
    const standIn = new StandIn(owner);
    this.#shakeHands(core, endpoint, standIn);
    return standIn;
  }

  /** Whether a connection to the endpoint is there that can carry a WebSocket. */
  mayTunnel(endpoint: EndpointRuntime): boolean {
    const upstream = this.#withRoom(endpoint.key);
    return upstream?.isReady === true && upstream.http2.peer.allowsConnectProtocol;
  }

  #shakeHands(core: ProxyCore, endpoint: EndpointRuntime, standIn: StandIn): void {
    const begun = this.#handshakes.get(endpoint.key) ?? [];
    // With HTTP/1.1 each request needs a connection of its own.
    const shared = endpoint.isHttp2 === false ? undefined : begun.find(({ hasRoom }) => hasRoom);
    if (shared !== undefined) {
      shared.add(standIn);
      return;
    }
    const handshake = new NegotiatingHandshake(core, endpoint, this);
    this.#handshakes.set(endpoint.key, [...begun, handshake]);
    handshake.add(standIn);
  }

  // What handshakes lead to.

  http2(connection: Connection, endpoint: EndpointRuntime, owners: readonly StandIn[]): void {
    const core = this.#core!;
    const upstream = this.#add(core, endpoint.key, (handler) => {
      connection.handler = handler;
      return connection;
    });
    for (const standIn of owners) {
      if (upstream.hasRoom) standIn.settle((owner) => upstream.open(owner));
      else this.dialAgain(endpoint, standIn);
    }
    for (const standIn of owners) standIn.drained();
    upstream.closeUnused();
  }

  dialAgain(endpoint: EndpointRuntime, standIn: StandIn): void {
    if (!standIn.isOpen) return;
    const upstream = this.#withRoom(endpoint.key);
    if (upstream === undefined) this.#shakeHands(this.#core!, endpoint, standIn);
    else standIn.settle((owner) => upstream.open(owner));
  }

  ended(endpoint: EndpointRuntime, handshake: NegotiatingHandshake): void {
    const left = this.#handshakes.get(endpoint.key)?.filter((each) => each !== handshake) ?? [];
    if (left.length === 0) this.#handshakes.delete(endpoint.key);
    else this.#handshakes.set(endpoint.key, left);
  }

  #withRoom(key: string): Http2Upstream | undefined {
    return this.#byEndpoint.get(key)?.find(({ hasRoom }) => hasRoom);
  }

  #add(core: ProxyCore, key: string, connect: (handler: ConnectionHandler) => Connection): Http2Upstream {
    let upstreams = this.#byEndpoint.get(key);
    if (upstreams === undefined) {
      upstreams = [];
      this.#byEndpoint.set(key, upstreams);
    }
    const upstream = new Http2Upstream(core, this.#shared, connect, (gone) => this.#forget(key, gone));
    upstreams.push(upstream);
    return upstream;
  }

  #forget(key: string, gone: Http2Upstream): void {
    const upstreams = this.#byEndpoint.get(key) ?? [];
    const at = upstreams.indexOf(gone);
    if (at >= 0) upstreams.splice(at, 1);
    if (upstreams.length === 0) this.#byEndpoint.delete(key);
  }
}
