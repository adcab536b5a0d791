// Hot path: one object per client connection, reused. What is dear to note is noted only where somebody wants it.
import type { Connection } from '../reactor/reactor.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { fieldText } from './filters/field-text.ts';
import { METRIC, recordLatency } from './gateway-metrics.ts';
import { Http2Exchange } from './http2-exchange.ts';
import type { LocalReason } from './local-response.ts';
import type { ProxyCore } from './proxy-core.ts';
import type { RequestTries } from './request-tries.ts';
import type { ClientIdentity } from './request-writer.ts';
import { describeRequest, NO_REQUEST, type RequestDescription } from './route-lookup.ts';
import { RequestTrace } from './tracing/request-trace.ts';
import { recordTraffic } from './traffic/traffic-memory.ts';

const NO_HEADERS: readonly (string | undefined)[] = [];

/** What is known of the exchange in progress on a client connection, for who counts and logs it. */
export class ExchangeRecord {
  /** Of the final answer; 0: none was sent. */
  status: number = 0;
  /** Monotonic ms, coarse. */
  startedMs: number = 0;
  route: CompiledRoute | undefined = undefined;
  readonly identity: ClientIdentity;
  readonly tries: RequestTries;
  /** Where the request comes from, trusted proxies left out; without a log the connection's peer. */
  client: string;
  /** Empty texts unless there is a log. */
  request: RequestDescription = NO_REQUEST;
  /** Values of the request headers that the log needs. */
  headerValues: readonly (string | undefined)[] = NO_HEADERS;
  /** Of the answer's head, as it was sent. */
  headBytes: number = 0;
  /** Why the gateway itself answered or broke off. */
  reason: LocalReason | undefined = undefined;
  /** Undefined where nothing is traced. */
  readonly trace: RequestTrace | undefined;
  readonly #core: ProxyCore;
  readonly #connection: Connection;
  #minorVersion = 1;
  #answeredMs = Number.NaN;
  #sentBefore = 0;
  #receivedBefore = 0;

  constructor(core: ProxyCore, connection: Connection, identity: ClientIdentity, tries: RequestTries) {
    this.#core = core;
    this.#connection = connection;
    this.identity = identity;
    this.client = identity.address;
    this.tries = tries;
    this.trace = core.tracing === undefined ? undefined : new RequestTrace(core.tracing);
    tries.trace = this.trace;
  }

  /** A request begins. */
  start(): void {
    this.#core.metrics[METRIC.requestsInFlight]! += 1;
    this.startedMs = this.#core.reactor.nowMs;
    this.status = 0;
    this.route = undefined;
    this.client = this.identity.address;
    this.request = NO_REQUEST;
    this.headBytes = 0;
    this.#answeredMs = Number.NaN;
    this.trace?.reset();
    this.#sentBefore = this.#connection.bytesWritten;
  }

  noteHead(head: RequestHead): void {
    const { accessLog, tap } = this.#core;
    const { trace } = this;
    if (accessLog === undefined && trace === undefined && tap === undefined) return;
    trace?.start(head);
    this.client = this.identity.told?.(head).address ?? this.client;
    this.request = describeRequest(head);
    this.#minorVersion = head.minorVersion;
    if (accessLog === undefined || accessLog.headers.length === 0) return;
    this.headerValues = accessLog.headers.map((name) => fieldText(head, name));
  }

  /** The head of the final answer of an endpoint is about to be sent. */
  noteAnswer(status: number): void {
    const { metrics, reactor } = this.#core;
    this.#noteStatus(status);
    this.#answeredMs = reactor.nowMs;
    recordLatency(metrics, reactor.nowMs - this.startedMs);
  }

  /** The gateway itself answers. */
  noteOwnAnswer(status: number): void {
    this.#noteStatus(status);
  }

  /** Bytes of another protocol follow. */
  noteUpgrade(): void {
    this.#noteStatus(101);
    this.tries.noteUpgrade();
  }

  #noteStatus(status: number): void {
    this.status = status;
    this.#core.metrics[METRIC.responses + ((status / 100) | 0)]! += 1;
  }

  /** The exchange is over. `reason`: why the gateway itself answered or broke off. */
  finish(reason: LocalReason | undefined): void {
    const { accessLog, metrics, reactor, tap, traffic } = this.#core;
    metrics[METRIC.requestsInFlight]! -= 1;
    if (reason === 'no-route') metrics[METRIC.noRoute]! += 1;
    const { route, status } = this;
    if (route !== undefined) {
      recordTraffic(traffic, route.seriesOf(this.tries.backend), status, reactor.nowMs - this.startedMs);
    }
    if (accessLog === undefined && this.trace === undefined && tap === undefined) return;
    this.reason = reason;
    this.trace?.end(this);
    accessLog?.add(this);
    // Of a good request that began before somebody listened nothing is known.
    if (this.request !== NO_REQUEST || status >= 400) tap?.add(this);
    this.headerValues = NO_HEADERS;
    this.#receivedBefore = this.#connection.bytesRead;
  }

  // For the log, once the exchange is over.

  get isTls(): boolean {
    return this.identity.certificate !== undefined;
  }

  /** `HTTP/1.0`, `HTTP/1.1`, `HTTP/2.0` or `HTTP/3.0`, as nginx writes them. */
  get protocol(): string {
    if (this.#connection instanceof Http2Exchange) return this.#connection.protocol;
    return this.#minorVersion === 0 ? 'HTTP/1.0' : 'HTTP/1.1';
  }

  /** Head and body as HTTP/1.1 has them, what is still queued included. */
  get bytesSent(): number {
    return this.#connection.bytesWritten - this.#sentBefore;
  }

  /** Since the exchange before. */
  get bytesReceived(): number {
    return this.#connection.bytesRead - this.#receivedBefore;
  }

  get durationMs(): number {
    return this.#core.clock.monotonicMs() - this.startedMs;
  }

  /** From the request's head to that of an endpoint's answer; undefined without one. */
  get upstreamMs(): number | undefined {
    return Number.isNaN(this.#answeredMs) ? undefined : this.#answeredMs - this.startedMs;
  }
}
