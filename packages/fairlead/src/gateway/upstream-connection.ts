// Hot path: reads responses and hands them to the client connection.

import type { BackendMemory } from '@fairlead/balance';
import type { Connection, ConnectionHandler } from '../reactor/reactor.ts';
import { ECONNREFUSED, EPROTO, ETIMEDOUT } from '../sys/errno.ts';
import { CHUNK_DATA, CHUNK_END, CHUNK_ERROR, ChunkedDecoder, writeChunkSize } from '../wire/http1/chunked.ts';
import { copyBytes } from '../wire/http1/head-writer.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { BackendRuntime } from './backend-runtime.ts';
import type { ResponseEncoder } from './compression/response-encoder.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';
import { METRIC } from './gateway-metrics.ts';
import { NOT_GRPC } from './grpc-status.ts';
import { Http2UpstreamExchange } from './http2-upstream-exchange.ts';
import type { ProxyCore } from './proxy-core.ts';
import type { UpstreamClient } from './upstream-client.ts';

/** How an upstream failed a request. `refused`: it declined without working on it. */
export type UpstreamFailure = 'connect' | 'connect-timeout' | 'try-timeout' | 'refused' | 'reset' | 'malformed';

const HEAD = 0;
const LENGTH = 1;
const CHUNKED = 2;
const UNTIL_CLOSE = 3;
const TUNNEL = 4;

const LAST_CHUNK = Buffer.from('0\r\n', 'latin1');
const CRLF = Buffer.from('\r\n', 'latin1');
const NOTHING = Buffer.alloc(0);
const LAST_CHUNK_PLAIN = Buffer.from('0\r\n\r\n', 'latin1');

/** One connection to an endpoint: busy with one request, or idle in the endpoint's pool. */
export class UpstreamConnection implements ConnectionHandler {
  readonly endpoint: EndpointRuntime;
  /** Another one once a TLS handshake has chosen the protocol ({@link StandIn}). */
  connection: Connection;
  /** The request it works for; undefined when idle. */
  client: UpstreamClient | undefined = undefined;
  isConnected: boolean = false;
  /** It has served a request before, so the peer may be about to close it. */
  isReused: boolean = false;
  /** Bytes of the present response have arrived. */
  hasResponseBytes: boolean = false;
  readonly #core: ProxyCore;
  /** Whose limits it counts against. */
  #backend: BackendRuntime;
  readonly #memory: BackendMemory;
  #slot: number;
  readonly #connectDeadlineMs: number;
  /** May serve any client's requests. */
  readonly #isShared: boolean;
  #isPending = true;
  #isGone = false;
  /** It counts among the backend's connections in use. */
  #isCounted = true;
  /** The present try must have its answer by then. */
  #tryDeadlineMs = Infinity;
  #phase = HEAD;
  #remaining = 0;
  #keepsAlive = false;
  /** The client gets the body chunked. */
  #encodeChunks = false;
  /** Compresses the present answer. */
  #encoder: ResponseEncoder | undefined = undefined;
  #partialHead: ResponseHead | undefined = undefined;
  #chunks: ChunkedDecoder | undefined = undefined;

  /** Counts one more connection against the backend's limits; the constructor must follow. */
  static mayOpen(core: ProxyCore, backend: BackendRuntime): boolean {
    const { memory } = core.program;
    const { slot } = backend;
    const { connections, pending } = backend.policy.limits;
    if (!memory.tryEnter(slot, 'connections', connections)) return false;
    if (memory.tryEnter(slot, 'pending', pending)) return true;
    memory.leave(slot, 'connections');
    return false;
  }

  /**
   * @param preamble a PROXY protocol header; the connection then serves one request.
   * @param forTunnel the request asks for an upgrade, which not every HTTP/2 connection can carry.
   */
  constructor(
    core: ProxyCore,
    endpoint: EndpointRuntime,
    connectMs: number,
    backend: BackendRuntime,
    preamble: Uint8Array | undefined,
    forTunnel: boolean,
  ) {
    this.#isShared = preamble === undefined;
    this.#core = core;
    this.endpoint = endpoint;
    this.#backend = backend;
    this.#memory = core.program.memory;
    this.#slot = backend.hold();
    core.metrics[METRIC.upstreamConnects]! += 1;
    this.connection = this.#dial(preamble, forTunnel);
    this.#connectDeadlineMs = core.reactor.nowMs + connectMs;
    if (connectMs !== Infinity) this.connection.setDeadline(this.#connectDeadlineMs);
  }

  #dial(preamble: Uint8Array | undefined, forTunnel: boolean): Connection {
    const core = this.#core;
    const { endpoint } = this;
    const { address, tls, tlsHttp1 } = endpoint;
    if (endpoint.protocol === 'h2c') return core.http2Upstreams.connect(core, endpoint.label, address, this);
    if (!endpoint.negotiates) return core.reactor.connect(address, this, tls, preamble);
    // A connection that begins with a header is one request's, so it has no use for streams.
    const isOwn = preamble !== undefined || (forTunnel && !core.http2Upstreams.mayTunnel(endpoint));
    if (isOwn && tlsHttp1 !== undefined) {
      return core.reactor.connect(address, this, tlsHttp1, preamble);
    }
    return core.http2Upstreams.negotiate(core, endpoint, this);
  }

  /** Takes on a request; the caller writes it. Its answer must begin by `tryDeadlineMs`. */
  begin(client: UpstreamClient, tryDeadlineMs: number): void {
    this.client = client;
    this.#phase = HEAD;
    this.hasResponseBytes = false;
    this.#tryDeadlineMs = tryDeadlineMs;
    if (this.isReused) this.connection.setDeadline(tryDeadlineMs);
    else if (tryDeadlineMs < this.#connectDeadlineMs) this.connection.setDeadline(tryDeadlineMs);
  }

  /** Of the present answer: a gRPC code, or one of `grpc-status.ts`. */
  get grpcStatus(): number {
    return this.connection instanceof Http2UpstreamExchange ? this.connection.grpcStatus : NOT_GRPC;
  }

  onConnected(): void {
    this.isConnected = true;
    this.#endPending();
    this.connection.setDeadline(this.#tryDeadlineMs);
  }

  #endPending(): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    this.#memory.leave(this.#slot, 'pending');
  }

  /** It counts no more. Idempotent. */
  #uncount(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#endPending();
    this.#endUse();
    this.#backend.unhold();
  }

  /**
   * Takes an idle connection into use; false if the limit of `backend` is reached, and it stays idle. Endpoints may be of
   * several backends: it counts against the one that uses it.
   */
  claim(backend: BackendRuntime): boolean {
    if (backend !== this.#backend || backend.slot !== this.#slot) {
      this.#slot = backend.hold();
      this.#backend.unhold();
      this.#backend = backend;
    }
    const { connections } = backend.policy.limits;
    this.#isCounted = this.#memory.tryEnter(this.#slot, 'connections', connections);
    return this.#isCounted;
  }

  /** Idle connections count no more: one worker's must not shut out another. */
  #endUse(): void {
    if (!this.#isCounted) return;
    this.#isCounted = false;
    this.#memory.leave(this.#slot, 'connections');
    this.#backend.queue?.wake();
  }

  onData(start: number, end: number): void {
    const { client } = this;
    if (client === undefined) {
      // Nobody asked: the framing of the previous response was wrong, or the peer is.
      this.#dropIdle();
      return;
    }
    this.hasResponseBytes = true;
    client.noteActivity();
    if (this.#phase === HEAD) this.#onHeadBytes(client, start, end);
    else if (this.#phase === TUNNEL) {
      client.connection.write(this.#core.reactor.input, start, end);
      this.#slowDown(client);
    } else this.#onBodyBytes(client, start, end, 0);
  }

  #onHeadBytes(client: UpstreamClient, start: number, end: number): void {
    const core = this.#core;
    const { input } = core.reactor;
    for (;;) {
      const head = this.#partialHead ?? core.responseHead;
      if (this.#partialHead === undefined) head.reset();
      const length = head.parse(input.bytes, start, end);
      if (length === 0) {
        this.#partialHead ??= core.keepResponseHead();
        this.connection.retain(start, end);
        return;
      }
      if (this.#partialHead !== undefined) {
        this.#partialHead = undefined;
        core.returnResponseHead(head);
      }
      if (length < 0) {
        client.onUpstreamFailed(this, 'malformed');
        return;
      }
      start += length;
      if (head.status >= 200) {
        this.#onFinalHead(client, head, start, end);
        return;
      }
      if (head.status === 101) {
        this.#onSwitch(client, head, start, end);
        return;
      }
      client.sendInterim(head);
      if (start === end) return;
    }
  }

  #onSwitch(client: UpstreamClient, head: ResponseHead, start: number, end: number): void {
    if (!client.startTunnel(head)) {
      client.onUpstreamFailed(this, 'malformed');
      return;
    }
    this.#phase = TUNNEL;
    if (start < end) client.connection.write(this.#core.reactor.input, start, end);
  }

  #onFinalHead(client: UpstreamClient, head: ResponseHead, start: number, end: number): void {
    if (!client.takesAnswer(this, head.status)) return;
    if (this.#tryDeadlineMs !== Infinity) {
      this.#tryDeadlineMs = Infinity;
      this.connection.setDeadline(Infinity);
    }
    this.#keepsAlive = head.keepsAlive;
    const framing = head.framing(client.isHead);
    switch (framing) {
      case 'none':
        this.#phase = LENGTH;
        this.#remaining = 0;
        break;
      case 'length':
        this.#phase = LENGTH;
        this.#remaining = head.contentLength;
        break;
      case 'chunked':
        this.#phase = CHUNKED;
        this.#chunks ??= new ChunkedDecoder();
        this.#chunks.reset();
        break;
      case 'until-close':
        this.#phase = UNTIL_CLOSE;
        this.#keepsAlive = false;
        break;
    }
    // Connections are kept where the content that nobody wants has come with the head.
    const isWhole = this.#phase === LENGTH && this.#remaining === end - start;
    if (client.replacesAnswer(head, this.#keepsAlive && isWhole)) return;
    this.#encoder = client.beginAnswer(this.endpoint, head, framing);
    const unsized = framing === 'chunked' || framing === 'until-close' || this.#encoder !== undefined;
    this.#encodeChunks = unsized && !client.isHttp10;
    // A HEAD answer keeps saying how the GET would be framed.
    const announceChunks = this.#encodeChunks || (head.isChunked && client.isHead && !client.isHttp10);
    const written = client.writeHead(head, announceChunks, unsized && client.isHttp10);
    this.#onBodyBytes(client, start, end, written);
  }

  /** Forwards body bytes; the output buffer already holds `written` bytes of head. */
  #onBodyBytes(client: UpstreamClient, start: number, end: number, written: number): void {
    if (this.#encoder !== undefined) {
      this.#compress(this.#encoder, client, start, end, written);
      return;
    }
    switch (this.#phase) {
      case LENGTH: {
        const stop = Math.min(end, start + this.#remaining);
        this.#remaining -= stop - start;
        this.#forward(client, start, stop, written);
        if (this.#remaining === 0) this.#complete(client, stop === end);
        else this.#slowDown(client);
        return;
      }
      case CHUNKED:
        this.#onChunkedBytes(client, start, end, written);
        return;
      default:
        if (this.#encodeChunks && start < end) {
          const { output, input } = this.#core.reactor;
          let at = writeChunkSize(output.bytes, written, end - start);
          at = copyBytes(input.bytes, start, end, output.bytes, at);
          at = copyBytes(CRLF, 0, 2, output.bytes, at);
          client.connection.write(output, 0, at);
        } else this.#forward(client, start, end, written);
        this.#slowDown(client);
    }
  }

  /** The same through a compressor. */
  #compress(encoder: ResponseEncoder, client: UpstreamClient, start: number, end: number, written: number): void {
    const { output, input } = this.#core.reactor;
    let at = written;
    let position = start;
    let event = CHUNK_DATA;
    if (this.#phase === LENGTH) {
      position = Math.min(end, start + this.#remaining);
      this.#remaining -= position - start;
      if (this.#remaining === 0) {
        at = encoder.end(start, position, NOTHING, at);
        event = CHUNK_END;
      } else at = encoder.content(start, position, at);
    } else if (this.#phase === UNTIL_CLOSE) at = encoder.content(start, end, at);
    else {
      const chunks = this.#chunks!;
      do {
        event = chunks.next(input.bytes, position, end);
        position = chunks.position;
        if (event === CHUNK_DATA) at = encoder.content(chunks.dataStart, chunks.dataEnd, at);
        else if (event === CHUNK_END) at = encoder.end(position, position, chunks.trailers, at);
      } while (event === CHUNK_DATA);
    }
    client.connection.write(output, 0, at);
    if (event === CHUNK_END) this.#complete(client, position === end);
    else if (event === CHUNK_ERROR) client.onUpstreamFailed(this, 'malformed');
    else this.#slowDown(client);
  }

  /** Sends head (if any) and unencoded body, in one piece when there is a head. */
  #forward(client: UpstreamClient, start: number, end: number, written: number): void {
    const { output, input } = this.#core.reactor;
    if (written === 0) {
      client.connection.write(input, start, end);
      return;
    }
    const at = copyBytes(input.bytes, start, end, output.bytes, written);
    client.connection.write(output, 0, at);
  }

  #onChunkedBytes(client: UpstreamClient, start: number, end: number, written: number): void {
    const { output, input } = this.#core.reactor;
    const chunks = this.#chunks!;
    let position = start;
    let at = written;
    for (;;) {
      const event = chunks.next(input.bytes, position, end);
      position = chunks.position;
      if (event === CHUNK_DATA) {
        if (this.#encodeChunks) at = writeChunkSize(output.bytes, at, chunks.dataEnd - chunks.dataStart);
        at = copyBytes(input.bytes, chunks.dataStart, chunks.dataEnd, output.bytes, at);
        if (this.#encodeChunks) at = copyBytes(CRLF, 0, 2, output.bytes, at);
      } else if (event === CHUNK_END) {
        if (this.#encodeChunks) at = this.#writeLastChunk(chunks.trailers, at);
        client.connection.write(output, 0, at);
        this.#complete(client, position === end);
        return;
      } else {
        client.connection.write(output, 0, at);
        if (event === CHUNK_ERROR) client.onUpstreamFailed(this, 'malformed');
        else this.#slowDown(client);
        return;
      }
    }
  }

  #writeLastChunk(trailers: Buffer, at: number): number {
    const { bytes } = this.#core.reactor.output;
    at = copyBytes(LAST_CHUNK, 0, LAST_CHUNK.length, bytes, at);
    at = copyBytes(trailers, 0, trailers.length, bytes, at);
    return copyBytes(CRLF, 0, 2, bytes, at);
  }

  #complete(client: UpstreamClient, exact: boolean): void {
    client.onResponseComplete(this.#keepsAlive && exact && this.connection.isOpen);
  }

  #slowDown(client: UpstreamClient): void {
    if (client.connection.isCongested) this.connection.pauseReading();
  }

  onEnd(): void {
    const { client } = this;
    if (client === undefined) this.#dropIdle();
    else if (this.#phase === TUNNEL) client.onTunnelEnd();
    else if (this.#phase === UNTIL_CLOSE) {
      const { output } = this.#core.reactor;
      if (this.#encoder !== undefined) client.connection.write(output, 0, this.#encoder.end(0, 0, NOTHING, 0));
      else if (this.#encodeChunks) client.connection.writeBytes(LAST_CHUNK_PLAIN);
      this.#complete(client, true);
    } else client.onUpstreamFailed(this, 'reset');
  }

  onDrained(): void {
    this.client?.onUpstreamDrained();
  }

  onTimeout(): void {
    const { client } = this;
    if (client === undefined) this.#dropIdle();
    else if (this.#core.reactor.nowMs >= this.#tryDeadlineMs) {
      this.#tryDeadlineMs = Infinity;
      // A hedged try goes on, and may still fail to connect in time.
      if (!this.isConnected) this.connection.setDeadline(this.#connectDeadlineMs);
      client.onUpstreamFailed(this, 'try-timeout');
    } else if (!this.isConnected) client.onUpstreamFailed(this, 'connect-timeout');
  }

  #dropIdle(): void {
    this.endpoint.dropIdle(this);
    this.close();
  }

  onFailed(error: number): void {
    const { client } = this;
    // A server of TLS 1.3 refuses our certificate after the handshake has ended for us.
    const tlsFailure = this.isConnected && error !== -EPROTO ? '' : (this.connection.tls?.failure ?? '');
    if (tlsFailure !== '') this.#core.noteTlsFailure(this.endpoint, tlsFailure);
    this.#uncount();
    if (client === undefined) this.endpoint.dropIdle(this);
    else if (this.isConnected) client.onUpstreamFailed(this, error === -ECONNREFUSED ? 'refused' : 'reset');
    else client.onUpstreamFailed(this, error === -ETIMEDOUT ? 'connect-timeout' : 'connect');
  }

  /** Ends the work for a client: back into the pool, or closed. */
  release(reusable: boolean): void {
    this.client = undefined;
    if (this.#partialHead !== undefined) {
      this.#core.returnResponseHead(this.#partialHead);
      this.#partialHead = undefined;
    }
    if (this.#phase === TUNNEL) {
      // What the client sent last may still be queued.
      this.#uncount();
      this.connection.closeGracefully();
      return;
    }
    if (!reusable || !this.#isShared || !this.connection.isOpen || !this.endpoint.putIdle(this)) {
      this.close();
      return;
    }
    this.isReused = true;
    this.#endUse();
    this.connection.resumeReading();
    this.connection.setDeadline(this.#core.reactor.nowMs + this.#core.times.upstreamIdleMs);
  }

  close(): void {
    this.#uncount();
    this.connection.close();
  }
}
