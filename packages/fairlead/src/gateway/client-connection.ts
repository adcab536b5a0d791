// Hot path: one object per client connection, reused for all its requests.
import type { Connection, ConnectionHandler } from '../reactor/reactor.ts';
import { HEAD, type RequestHead } from '../wire/http1/request-head.ts';
import type { ResponseFraming, ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { AnswerHeading } from './answer-heading.ts';
import { ACTIVE, DONE, IDLE, TUNNEL, WAITING } from './client-state.ts';
import { ClientTunnel } from './client-tunnel.ts';
import type { CompiledRoute } from './compiled-route.ts';
import type { ResponseEncoder } from './compression/response-encoder.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';
import type { AnswerFrom } from './error-pages/error-pages.ts';
import type { ErrorPage } from './error-pages/page-choice.ts';
import { ExchangeRecord } from './exchange-record.ts';
import { ExchangeFilters, FILTERS_MAX_MS } from './filters/exchange-filters.ts';
import type { FinalVerdict } from './filters/filter.ts';
import type { FilterRun } from './filters/filter-run.ts';
import { METRIC } from './gateway-metrics.ts';
import { takeGrpcTimeout } from './grpc-timeout.ts';
import { HeadReader } from './head-reader.ts';
import { Http2Exchange } from './http2-exchange.ts';
import { errorBody, FAILURE_REASONS, type LocalReason, OWN, type OwnAnswer } from './local-response.ts';
import type { ProxyCore } from './proxy-core.ts';
import { BODY_TOO_LONG, type RequestBody } from './request-body.ts';
import { requestHash } from './request-hash.ts';
import { RequestTries } from './request-tries.ts';
import { RequestUpload } from './request-upload.ts';
import type { ClientIdentity } from './request-writer.ts';
import * as lookup from './route-lookup.ts';
import { screenUnderscores } from './underscore-fields.ts';
import type { UpstreamClient } from './upstream-client.ts';
import type { UpstreamConnection, UpstreamFailure } from './upstream-connection.ts';

/** A client's connection: reads requests, finds their route and drives one exchange at a time. */
export class ClientConnection implements ConnectionHandler, UpstreamClient {
  readonly connection: Connection;
  /** The connection, if it is a stream of one. */
  readonly answers: Http2Exchange | undefined;
  isHead: boolean = false;
  isHttp10: boolean = false;
  /** The request asks for an upgrade that may be passed on. */
  wantsUpgrade: boolean = false;
  readonly #core: ProxyCore;
  readonly #frontend: lookup.Frontend;
  readonly identity: ClientIdentity;
  #state = IDLE;
  readonly #heads = new HeadReader();
  readonly #tries: RequestTries;
  /** Made by the first request that meets filters. */
  #filters: ExchangeFilters | undefined = undefined;
  /** The present request's; undefined when its route has none. */
  #run: FilterRun | undefined = undefined;
  readonly #record: ExchangeRecord;
  #activeMs = 0;
  #requestMs = Infinity;
  #keepAlive = false;
  /** The client has said that no request follows the present one. */
  #isLast = false;
  readonly #upload: RequestUpload;
  readonly #heading: AnswerHeading;
  readonly #body: RequestBody;
  #responseStarted = false;
  #clientEnded = false;
  /** Made by the upgrade of the last request. */
  #tunnel: ClientTunnel | undefined = undefined;
  /** A finished exchange left input behind that waits for the output to drain. */
  #redeliverWhenDrained = false;

  constructor(core: ProxyCore, connection: Connection, frontend: lookup.Frontend, identity: ClientIdentity) {
    this.#core = core;
    this.connection = connection;
    this.answers = connection instanceof Http2Exchange ? connection : undefined;
    this.#frontend = frontend;
    this.identity = identity;
    this.#tries = new RequestTries(core, this);
    this.#record = new ExchangeRecord(core, connection, identity, this.#tries);
    this.#upload = new RequestUpload(core, connection, this.#tries);
    this.#body = this.#upload.body;
    this.#heading = new AnswerHeading(core, frontend);
    core.enter(this);
    this.#activeMs = core.reactor.nowMs;
    connection.setDeadline(this.#activeMs + core.times.headMs);
  }

  get isIdle(): boolean {
    return this.#state === IDLE && !this.#heads.isPartial;
  }

  onConnected(): void {}

  onData(start: number, end: number): void {
    switch (this.#state) {
      case IDLE:
        this.#onRequestBytes(start, end);
        return;
      case ACTIVE:
        this.#activeMs = this.#core.reactor.nowMs;
        if (this.#body.isDone) this.#upload.hold(start, end);
        else this.#checkBody(this.#upload.pass(start, end));
        return;
      case WAITING:
        this.#filters!.hold(start, end);
        return;
      case TUNNEL:
        this.#activeMs = this.#core.reactor.nowMs;
        this.#tunnel!.pass(start, end);
    }
  }

  #onRequestBytes(start: number, end: number): void {
    const core = this.#core;
    const length = this.#heads.read(core, this.connection, start, end);
    if (length === 0) return;
    this.#startExchange();
    if (length < 0) this.#respondError(-length, 'bad-request');
    else this.#onHead(core.requestHead, start + length, end);
  }

  /** A request of a stream; its content follows. */
  onRequest(head: RequestHead): void {
    this.#startExchange();
    if (screenUnderscores(head, this.#core.underscoreFields)) this.#onHead(head, 0, 0);
    else this.#respondError(400, 'bad-request');
  }

  /** Content of the request, and with its last piece the trailers. */
  onContent(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void {
    if (this.#state === WAITING) this.#filters!.holdContent(bytes, start, end, isLast);
    if (this.#state !== ACTIVE || this.#body.isDone) return;
    this.#activeMs = this.#core.reactor.nowMs;
    this.#checkBody(this.#upload.passContent(bytes, start, end, isLast, trailers));
  }

  #startExchange(): void {
    this.#record.start();
    this.#state = ACTIVE;
    this.#activeMs = this.#core.reactor.nowMs;
    this.#tries.reset();
    this.#keepAlive = false;
    this.#isLast = false;
    this.#body.reset();
    this.#responseStarted = false;
    this.#run = undefined;
    this.isHead = false;
    this.isHttp10 = false;
  }

  #onHead(head: RequestHead, bodyStart: number, end: number): void {
    const core = this.#core;
    this.isHead = head.method === HEAD;
    this.isHttp10 = head.minorVersion === 0;
    this.#isLast = head.hasClose || (this.isHttp10 && !head.hasKeepAlive);
    this.#keepAlive = !this.#isLast && !core.draining;
    this.#body.start(head, core.reactor.nowMs);
    this.#record.noteHead(head);
    const path = lookup.changedPath(head);
    if (path === 'refused') {
      this.#respondError(400, 'bad-request');
      return;
    }
    const route = lookup.locate(head, this.#frontend, path, this.identity.certificate);
    if (typeof route === 'string') {
      this.#endLocally(bodyStart, end, lookup.unrouted(route, core.metrics));
      return;
    }
    this.#record.route = route;
    if (route.filters === undefined) this.#act(route, head, path, bodyStart, end);
    else this.#filter(route, head, path, bodyStart, end);
  }

  #filter(route: CompiledRoute, head: RequestHead, path: Buffer | undefined, bodyStart: number, end: number): void {
    this.#filters ??= new ExchangeFilters(this.#core, this.#record, this.#frontend, this.#upload, this.connection);
    this.#run = this.#filters.run;
    const verdict = this.#filters.begin(route.filters!, head, path, (late, again, latePath) => {
      this.#state = ACTIVE;
      this.#activeMs = this.#core.reactor.nowMs;
      this.#onVerdict(late, again, latePath, 0, 0);
      if (this.#state === ACTIVE && !this.#body.isDone) this.connection.redeliver();
      if (this.#state === ACTIVE && this.#tries.upstream?.connection.isCongested === false)
        this.connection.resumeReading();
    });
    if (verdict !== 'waiting') this.#onVerdict(verdict, head, path, bodyStart, end);
    else {
      this.#wait();
      this.#filters.hold(bodyStart, end);
    }
  }

  #onVerdict(verdict: FinalVerdict, head: RequestHead, path: Buffer | undefined, at: number, end: number): void {
    if (verdict === 'pass') this.#act(this.#record.route!, head, path, at, end);
    else this.#endLocally(at, end, verdict);
  }

  #act(route: CompiledRoute, head: RequestHead, path: Buffer | undefined, bodyStart: number, end: number): void {
    if (this.#run !== undefined) this.#body.maxBytes = this.#run.bodyMaxBytes;
    if (route.action.type === 'forward') this.#forward(route, head, path, bodyStart, end);
    else this.#endLocally(bodyStart, end, lookup.directAnswer(route.action, route, head, this.#frontend, path));
  }

  #forward(route: CompiledRoute, head: RequestHead, path: Buffer | undefined, bodyStart: number, end: number): void {
    const core = this.#core;
    const session = this.#run?.session;
    const backend = session?.chooseBackend(route, core.random) ?? lookup.chooseBackend(route, core.random);
    if (backend === undefined || !backend.hasEndpoints) {
      core.metrics[METRIC.noEndpoint]! += 1;
      this.#endLocally(bodyStart, end, OWN.noEndpoints);
      return;
    }
    const hash = requestHash(head, backend.policy.hashBy, this.identity.address);
    if (!this.#tries.begin(route, backend, hash, session, head.isIdempotent)) {
      core.metrics[METRIC.overflows]! += 1;
      this.#endLocally(bodyStart, end, OWN.tooMany);
      return;
    }
    this.wantsUpgrade = lookup.wantsTunnel(head);
    this.#requestMs = backend.protocol === 'h2c' ? takeGrpcTimeout(head, route.requestMs) : route.requestMs;
    const routed = { head, route, path, run: this.#run, trace: this.#record.trace };
    const length = this.#upload.begin(this, routed, bodyStart, end);
    if (length < 0) {
      this.#checkBody(length);
      return;
    }
    this.connection.setDeadline(this.#record.startedMs + Math.min(this.#requestMs, route.idleMs));
    const result = this.#upload.start(length, this.#run?.content);
    if (result !== 'started' && result !== 'waiting') this.onTriesFailed(result);
  }

  onTriesFailed(reason: 'no-endpoint' | 'overflow'): void {
    this.#core.metrics[reason === 'overflow' ? METRIC.overflows : METRIC.noEndpoint]! += 1;
    this.#respondError(503, reason);
  }

  /** Of a body that is refused (negative) the endpoint must not take what it got for the whole. */
  #checkBody(result: number): void {
    if (result >= 0) return;
    const reason = result === BODY_TOO_LONG ? 'too-large' : 'bad-request';
    this.#tries.release(false);
    if (!this.#responseStarted) this.#respondError(reason === 'too-large' ? 413 : 400, reason);
    else {
      if (reason === 'bad-request') this.#core.metrics[METRIC.badRequests]! += 1;
      this.#abort(reason);
    }
  }

  noteActivity(): void {
    this.#activeMs = this.#core.reactor.nowMs;
  }

  /** Passes a 1xx on; HTTP/1.0 does not know them. */
  sendInterim(head: ResponseHead): void {
    if (this.isHttp10 || this.#responseStarted) return;
    this.#core.metrics[METRIC.responses + 1]! += 1;
    this.#heading.sendInterim(this.connection, head);
  }

  takesAnswer(upstream: UpstreamConnection, status: number): boolean {
    return this.#tries.takesAnswer(upstream, status);
  }

  /** Sees the final head before it is written; returns what compresses its content, if anything does. */
  beginAnswer(from: EndpointRuntime, head: ResponseHead, framing: ResponseFraming): ResponseEncoder | undefined {
    return this.#run === undefined ? undefined : this.#filters!.onAnswer(from, head, framing, this);
  }

  /** Writes the final head into the output buffer; returns its length. The caller sends it with the body. */
  writeHead(head: ResponseHead, chunked: boolean, closes: boolean): number {
    this.#noteAnswer(head.status, closes);
    const field = !this.#keepAlive ? 'close' : this.isHttp10 ? 'keep-alive' : 'none';
    this.#record.headBytes = this.#heading.write(head, this.#record.route!, this.#run, chunked, field);
    return this.#record.headBytes;
  }

  #noteAnswer(status: number, closes: boolean): void {
    this.#responseStarted = true;
    this.#record.noteAnswer(status);
    this.#activeMs = this.#core.reactor.nowMs;
    if (closes || this.#core.draining || !this.#body.isDone) this.#keepAlive = false;
  }

  sendHead(head: ResponseHead, isEmpty: boolean): void {
    this.#noteAnswer(head.status, false);
    const fields = this.#heading.fill(head, this.#record.route!, this.#run);
    this.#record.headBytes = this.answers!.sendHead(head.status, fields, isEmpty);
  }

  /** Turns both connections into a tunnel after 101; false if nobody asked for it. */
  startTunnel(head: ResponseHead): boolean {
    if (!this.wantsUpgrade || !this.#body.isDone) return false;
    const { metrics, reactor } = this.#core;
    metrics[METRIC.tunnels]! += 1;
    this.#record.noteUpgrade();
    this.#responseStarted = true;
    this.#heading.sendUpgrade(this.connection, head, this.#run, this.#tries.endpoint);
    this.#state = TUNNEL;
    this.#tunnel = new ClientTunnel(this.#core, this.connection, this.#tries, this.#clientEnded);
    this.#activeMs = reactor.nowMs;
    // An upgraded connection lives as long as it is used.
    this.connection.setDeadline(reactor.nowMs + this.#record.route!.idleMs);
    this.connection.resumeReading();
    this.connection.redeliver();
    return true;
  }

  onResponseComplete(upstreamReusable: boolean): void {
    this.#tries.complete(upstreamReusable && this.#body.isDone);
    this.#finish(undefined);
  }

  onUpstreamFailed(upstream: UpstreamConnection, failure: UpstreamFailure): void {
    const { metrics } = this.#core;
    metrics[METRIC.upstreamFailures]! += 1;
    if (failure === 'malformed') metrics[METRIC.badResponses]! += 1;
    if (this.#responseStarted) {
      if (this.#tries.upstream !== upstream) return;
      if (this.#state === TUNNEL) this.#finish('upstream-reset');
      else {
        this.#tries.recordLocalFailure();
        // The client must not take what it got for the whole: no last chunk, no further request.
        this.#abort('upstream-reset');
      }
      return;
    }
    if (this.#tries.onFailure(upstream, failure) === 'waiting') return;
    const timedOut = failure === 'connect-timeout' || failure === 'try-timeout';
    if (timedOut) metrics[METRIC.timeouts]! += 1;
    this.#respondError(timedOut ? 504 : 502, FAILURE_REASONS[failure]);
  }

  onUpstreamDrained(): void {
    if (this.#state === TUNNEL || !this.#body.isDone) this.connection.resumeReading();
  }

  onTunnelEnd(): void {
    if (this.#tunnel!.endOfUpstream()) this.#finish(undefined);
  }

  onEnd(): void {
    this.#clientEnded = true;
    switch (this.#state) {
      case IDLE:
        this.#close();
        return;
      case ACTIVE:
      case WAITING:
        // A client may send its last request and half-close; without the whole request nothing can follow.
        if (!this.#body.isDone) this.#abort('bad-request');
        else this.#keepAlive = false;
        return;
      case TUNNEL:
        if (this.#tunnel!.endOfClient()) this.#finish(undefined);
    }
  }

  onDrained(): void {
    this.#activeMs = this.#core.reactor.nowMs;
    this.#tries.upstream?.connection.resumeReading();
    if (this.#redeliverWhenDrained) {
      this.#redeliverWhenDrained = false;
      this.connection.resumeReading();
      this.connection.redeliver();
    }
  }

  onTimeout(): void {
    const { metrics, reactor } = this.#core;
    if (this.#state === IDLE) {
      if (!this.#heads.isPartial) this.#close();
      else {
        this.#startExchange();
        metrics[METRIC.timeouts]! += 1;
        this.#respondError(408, 'request-timeout');
      }
      return;
    }
    if (this.#state === DONE) return;
    if (this.#state === WAITING) {
      if (this.#filters?.isGathering === true) this.#respondError(408, 'request-timeout');
      else this.#respondError(503, 'auth-failed');
      return;
    }
    const route = this.#record.route!;
    const whole = this.#state === TUNNEL ? Infinity : this.#record.startedMs + this.#requestMs;
    const due = Math.min(whole, this.#activeMs + route.idleMs);
    if (due > reactor.nowMs && (this.#state === TUNNEL || !this.#body.isTooSlow(reactor.nowMs))) {
      this.connection.setDeadline(due);
      return;
    }
    metrics[METRIC.timeouts]! += 1;
    if (this.#body.isDone) this.#tries.recordLocalFailure();
    this.#tries.release(false);
    if (this.#responseStarted) this.#abort('upstream-timeout');
    else if (this.#body.isDone) this.#respondError(504, 'upstream-timeout');
    else this.#respondError(408, 'request-timeout');
  }

  onFailed(): void {
    this.#tries.release(false);
    if (this.#state === TUNNEL) this.#account(undefined);
    else if (this.#state === ACTIVE || this.#state === WAITING) this.#account('client-reset');
    this.#gone();
  }

  /** Closes a connection that has been idle since `idleSinceMs` at the latest, unless its next request has just come. */
  drain(idleSinceMs: number): void {
    if (this.isIdle && this.#activeMs <= idleSinceMs && this.connection.hasUnread !== true) this.#close();
  }

  /** Answers without an upstream. The connection stays usable unless a body is still to come. */
  #endLocally(at: number, end: number, answer: OwnAnswer): void {
    if (!this.#body.isNone) this.#keepAlive = false;
    else if (at < end) this.#upload.hold(at, end);
    this.#respond(answer, 'gateway');
  }

  #respondError(status: number, reason: LocalReason): void {
    if (reason === 'bad-request') this.#core.metrics[METRIC.badRequests]! += 1;
    this.#keepAlive = false;
    this.#respond({ status, body: errorBody(status), reason }, 'gateway');
  }

  replacesAnswer(head: ResponseHead, isReusable: boolean): boolean {
    if (this.#run?.replaces(head, this.#record.route!.responseEdit) !== true) return false;
    if (!this.#body.isDone) this.#keepAlive = false;
    this.#tries.release(isReusable && this.#body.isDone);
    const { status } = head;
    this.#respond({ status, body: errorBody(status), reason: undefined }, 'endpoint');
    return true;
  }

  #respond(answer: OwnAnswer, from: AnswerFrom): void {
    const send = (page?: ErrorPage): void => this.#send(page === undefined ? answer : { ...answer, body: page });
    const found = this.#run?.findPage(answer.status, from, send) ?? 'none';
    if (found === 'none') send();
    else if (found === 'waiting') this.#wait();
  }

  /** Nothing happens until a filter, or a page, is ready. */
  #wait(): void {
    this.#tries.release(false);
    this.#state = WAITING;
    this.connection.setDeadline(this.#core.reactor.nowMs + FILTERS_MAX_MS);
  }

  #send(answer: OwnAnswer): void {
    this.#record.noteOwnAnswer(answer.status);
    this.#responseStarted = true;
    const bytes = this.#heading.own(answer, this, this.#run, this.#keepAlive);
    this.#record.headBytes = bytes.indexOf('\r\n\r\n') + 4;
    this.connection.writeBytes(bytes);
    this.#finish(answer.reason);
  }

  /** Ends an exchange whose response is complete. */
  #finish(reason: LocalReason | undefined): void {
    // Only a tunnel still has its upstream here.
    this.#tries.release(false);
    this.#account(reason);
    if (!this.#keepAlive || this.#state === TUNNEL) {
      this.connection.closeGracefully(this.#isLast && this.#body.isDone && this.#state !== TUNNEL);
      this.#gone();
      return;
    }
    this.#state = IDLE;
    this.#activeMs = this.#core.reactor.nowMs;
    this.connection.setDeadline(this.#activeMs + this.#core.times.clientIdleMs);
    if (this.connection.isCongested) this.#redeliverWhenDrained = true;
    else {
      this.connection.resumeReading();
      this.connection.redeliver();
    }
  }

  /** Breaks off: the client sees that the response is incomplete. */
  #abort(reason: LocalReason): void {
    this.#tries.release(false);
    this.#account(reason);
    this.#close();
  }

  #close(): void {
    this.connection.close();
    this.#gone();
  }

  #gone(): void {
    if (this.#state === DONE) return;
    this.#state = DONE;
    this.#heads.forget(this.#core);
    this.#core.leave(this);
  }

  #account(reason: LocalReason | undefined): void {
    this.#filters?.end();
    this.#record.finish(reason);
    this.#tries.end();
  }
}
