import type { Reactor } from '../reactor/reactor.ts';
import type { TcpRelay } from '../reactor/tcp-relay.ts';
import { type Clock, machineMonotonicMs, type Random } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import { RequestHead } from '../wire/http1/request-head.ts';
import { ResponseHead } from '../wire/http1/response-head.ts';
import type { AccessLog } from './access-log/access-log.ts';
import type { ClientConnection } from './client-connection.ts';
import { CompressorPool } from './compression/compressor-pool.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';
import { METRIC } from './gateway-metrics.ts';
import { Http2Shared } from './http2-shared.ts';
import { Http2Upstreams } from './http2-upstream.ts';
import type { GatewayProgram } from './program.ts';
import { ReplayPieces } from './replay-buffer.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { UnderscoreRule } from './underscore-fields.ts';

/** Limits and times that are no part of a route. Milliseconds. */
export interface ProxyTimes {
  /** From a request's first byte (or the connection's start) to the end of its head. */
  readonly headMs: number;
  /** From accept to the end of a TLS handshake. */
  readonly handshakeMs: number;
  /** Between requests of a client. */
  readonly clientIdleMs: number;
  /** Between requests on a pooled upstream connection. */
  readonly upstreamIdleMs: number;
  /**
   * How long a draining worker waits for the next request of a connection, to announce the end in its answer: who is closed
   * instead may have sent one in that very moment.
   */
  readonly drainIdleMs: number;
}

/** Times unless configured otherwise. */
export const DEFAULT_PROXY_TIMES: ProxyTimes = {
  headMs: 60_000,
  handshakeMs: 15_000,
  clientIdleMs: 75_000,
  upstreamIdleMs: 60_000,
  drainIdleMs: 5000,
};

/** Between two lines of the log about the TLS of one endpoint. */
const TLS_LOG_MS = 10_000;

/** What all connections of one worker share. */
export class ProxyCore {
  readonly reactor: Reactor;
  readonly program: GatewayProgram;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Float64Array;
  /** Counts by route and backend. */
  readonly traffic: Float64Array;
  readonly times: ProxyTimes;
  readonly underscoreFields: UnderscoreRule;
  readonly accessLog: AccessLog | undefined;
  /** Requests for who listens right now; undefined: nobody does. */
  tap: AccessLog | undefined = undefined;
  /** Undefined: nothing is traced. */
  readonly tracing: Tracing | undefined;
  readonly log: Log;
  /** Shared by the HTTP/2 connections of this worker. */
  readonly http2: Http2Shared = new Http2Shared();
  readonly http2Upstreams: Http2Upstreams = new Http2Upstreams(this.http2);
  readonly compressors: CompressorPool = new CompressorPool();
  /** Open client connections. */
  readonly clients: Set<ClientConnection> = new Set();
  /** Connections that are relayed and not read. */
  readonly relays: Set<TcpRelay> = new Set();
  /** Content of requests that filters look at, kept as a whole, of all connections. */
  gatheredBytes: number = 0;
  /** Set once the worker drains: every response closes its connection. */
  draining: boolean = false;
  /** Head being parsed by whoever is in a callback. A connection that stops midway keeps it and leaves a spare. */
  requestHead: RequestHead = new RequestHead();
  responseHead: ResponseHead = new ResponseHead();
  /** What requests under way are kept in, in case they are sent again. */
  readonly replayPieces: ReplayPieces = new ReplayPieces();
  readonly #spareRequestHeads: RequestHead[] = [];
  readonly #spareResponseHeads: ResponseHead[] = [];
  /** Threads count milliseconds from their own starts. */
  readonly #threadStartMs: number;

  constructor(options: {
    readonly reactor: Reactor;
    readonly program: GatewayProgram;
    readonly clock: Clock;
    readonly random: Random;
    readonly metrics: Float64Array;
    readonly traffic: Float64Array;
    readonly times: ProxyTimes;
    readonly underscoreFields: UnderscoreRule;
    readonly accessLog: AccessLog | undefined;
    readonly tracing: Tracing | undefined;
    readonly log: Log;
  }) {
    this.reactor = options.reactor;
    this.program = options.program;
    this.clock = options.clock;
    this.random = options.random;
    this.metrics = options.metrics;
    this.traffic = options.traffic;
    this.times = options.times;
    this.underscoreFields = options.underscoreFields;
    this.accessLog = options.accessLog;
    this.tracing = options.tracing;
    this.log = options.log;
    this.#threadStartMs = machineMonotonicMs() - options.clock.monotonicMs();
  }

  /** The reactor's time, as all threads have it. */
  get machineMs(): number {
    return this.#threadStartMs + this.reactor.nowMs;
  }

  /** A client's connection has begun. */
  enter(client: ClientConnection): void {
    this.clients.add(client);
    this.metrics[METRIC.connectionsAccepted]! += 1;
    this.metrics[METRIC.connectionsOpen]! += 1;
  }

  /** It is over. Once for each that has entered. */
  leave(client: ClientConnection): void {
    this.clients.delete(client);
    this.metrics[METRIC.connectionsOpen]! -= 1;
  }

  /** Says why the handshake with an endpoint failed, at most once in a while for each. */
  noteTlsFailure(endpoint: EndpointRuntime, reason: string): void {
    if (this.reactor.nowMs < endpoint.tlsLoggedMs + TLS_LOG_MS) return;
    endpoint.tlsLoggedMs = this.reactor.nowMs;
    this.log('warn', 'TLS handshake with an endpoint failed', { endpoint: endpoint.label, reason });
  }

  /** Hands the shared head to a connection whose head is incomplete. */
  keepRequestHead(): RequestHead {
    const kept = this.requestHead;
    this.requestHead = this.#spareRequestHeads.pop() ?? new RequestHead();
    return kept;
  }

  /** Makes a head that was kept the shared one again. */
  swapRequestHead(head: RequestHead): void {
    this.returnRequestHead(this.requestHead);
    this.requestHead = head;
  }

  returnRequestHead(head: RequestHead): void {
    if (this.#spareRequestHeads.length < 64) this.#spareRequestHeads.push(head);
  }

  keepResponseHead(): ResponseHead {
    const kept = this.responseHead;
    this.responseHead = this.#spareResponseHeads.pop() ?? new ResponseHead();
    return kept;
  }

  returnResponseHead(head: ResponseHead): void {
    if (this.#spareResponseHeads.length < 64) this.#spareResponseHeads.push(head);
  }
}
