// Hot path: reads responses and hands them to the client connection.

import type { BackendMemory } from '@fairlead/balance';
import type { Connection } from '../reactor/reactor.ts';
import { ECONNREFUSED, EPROTO, ETIMEDOUT } from '../sys/errno.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import type { AnswerHandler } from './answer-handler.ts';
import { AnswerTransfer, type TransferResult } from './answer-transfer.ts';
import type { BackendRuntime } from './backend-runtime.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';
import { METRIC } from './gateway-metrics.ts';
import { NOT_GRPC } from './grpc-status.ts';
import { Http2UpstreamExchange } from './http2-upstream-exchange.ts';
import type { ProxyCore } from './proxy-core.ts';
import type { UpstreamClient } from './upstream-client.ts';

/** How an upstream failed a request. `refused`: it declined without working on it. */
export type UpstreamFailure = 'connect' | 'connect-timeout' | 'try-timeout' | 'refused' | 'reset' | 'malformed';

const HEAD = 0;
const CONTENT = 1;
const TUNNEL = 2;

/** One connection to an endpoint: busy with one request, or idle in the endpoint's pool. */
export class UpstreamConnection implements AnswerHandler {
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
  #keepsAlive = false;
  readonly #transfer: AnswerTransfer;
  #partialHead: ResponseHead | undefined = undefined;

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
    this.#transfer = new AnswerTransfer(core);
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

  /** The stream it is, for messages; undefined where requests are written as HTTP/1.1. */
  get stream(): Http2UpstreamExchange | undefined {
    return this.connection instanceof Http2UpstreamExchange ? this.connection : undefined;
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
      if (client.connection.isCongested) this.connection.pauseReading();
    } else this.#settle(client, this.#transfer.onBytes(client, start, end, 0));
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

  onAnswer(head: ResponseHead): void {
    const { client } = this;
    if (client === undefined) {
      this.#dropIdle();
      return;
    }
    this.hasResponseBytes = true;
    client.noteActivity();
    if (head.status < 200) client.sendInterim(head);
    else this.#onFinalHead(client, head, 0, 0);
  }

  onContent(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void {
    const { client } = this;
    if (client === undefined) {
      // The end of an answer that was whole by its length.
      if (start < end) this.#dropIdle();
      return;
    }
    client.noteActivity();
    this.#settle(client, this.#transfer.onContent(client, bytes, start, end, isLast, trailers));
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
    const framing = head.framing(client.isHead);
    const transfer = this.#transfer;
    this.#phase = CONTENT;
    transfer.begin(head, framing);
    this.#keepsAlive = head.keepsAlive && !transfer.isUntilClose;
    // Connections are kept where the content that nobody wants has come with the head.
    if (client.replacesAnswer(head, this.#keepsAlive && transfer.isWholeWith(end - start))) return;
    const encoder = client.beginAnswer(this.endpoint, head, framing);
    this.#settle(client, transfer.sendHead(client, head, framing, encoder, start, end));
  }

  /** What to do after content was passed on. */
  #settle(client: UpstreamClient, result: TransferResult): void {
    if (result === 'more') {
      if (client.connection.isCongested) this.connection.pauseReading();
    } else if (result === 'malformed') client.onUpstreamFailed(this, 'malformed');
    else client.onResponseComplete(this.#keepsAlive && result === 'whole' && this.connection.isOpen);
  }

  onEnd(): void {
    const { client } = this;
    if (client === undefined) this.#dropIdle();
    else if (this.#phase === TUNNEL) client.onTunnelEnd();
    else if (this.#phase === CONTENT && this.#transfer.isUntilClose) {
      this.#settle(client, this.#transfer.onEnd(client));
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
