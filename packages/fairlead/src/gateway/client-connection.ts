// Hot path: one object per client connection, reused for all its requests.
import type { Connection, ConnectionHandler } from '../reactor/reactor.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import * as request from '../wire/http1/request-head.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { METRIC, recordLatency } from './gateway-metrics.ts';
import { takeGrpcTimeout } from './grpc-timeout.ts';
import { errorBody, FAILURE_REASONS, type LocalReason, localResponse } from './local-response.ts';
import type { ProxyCore } from './proxy-core.ts';
import { RequestBody } from './request-body.ts';
import { requestHash } from './request-hash.ts';
import { RequestTries } from './request-tries.ts';
import { type ClientIdentity, writeRequestHead } from './request-writer.ts';
import { writeInterimHead, writeResponseHead } from './response-writer.ts';
import type { Frontend, RequestDescription } from './route-lookup.ts';
import * as lookup from './route-lookup.ts';
import type { UpstreamConnection, UpstreamFailure } from './upstream-connection.ts';

const IDLE = 0;
const ACTIVE = 1;
const TUNNEL = 2;
const DONE = 3;

/** A client's connection: reads requests, finds their route and drives one exchange at a time. */
export class ClientConnection implements ConnectionHandler {
  readonly connection: Connection;
  isHead: boolean = false;
  isHttp10: boolean = false;
  readonly #core: ProxyCore;
  readonly #frontend: Frontend;
  readonly identity: ClientIdentity;
  #state = IDLE;
  #partialHead: RequestHead | undefined = undefined;
  // The exchange in progress.
  #route: CompiledRoute | undefined = undefined;
  readonly #tries: RequestTries;
  #startedMs = 0;
  #activeMs = 0;
  #requestMs = Infinity;
  #keepAlive = false;
  #wantsUpgrade = false;
  readonly #body = new RequestBody();
  #responseStarted = false;
  #status = 0;
  #bytesBefore = 0;
  #clientEnded = false;
  #upstreamEnded = false;
  /** A finished exchange left input behind that waits for the output to drain. */
  #redeliverWhenDrained = false;
  #logged: RequestDescription | undefined = undefined;

  constructor(core: ProxyCore, connection: Connection, frontend: Frontend, identity: ClientIdentity) {
    this.#core = core;
    this.connection = connection;
    this.#frontend = frontend;
    this.identity = identity;
    this.#tries = new RequestTries(core, this);
    core.metrics[METRIC.connectionsAccepted]! += 1;
    core.metrics[METRIC.connectionsOpen]! += 1;
    connection.setDeadline(core.reactor.nowMs + core.times.headMs);
  }

  get isIdle(): boolean {
    return this.#state === IDLE && this.#partialHead === undefined;
  }

  onConnected(): void {}

  onData(start: number, end: number): void {
    switch (this.#state) {
      case IDLE:
        this.#onRequestBytes(start, end);
        return;
      case ACTIVE:
        this.#activeMs = this.#core.reactor.nowMs;
        if (this.#body.isDone) this.#hold(start, end);
        else this.#onBodyBytes(start, end);
        return;
      case TUNNEL: {
        const upstream = this.#tries.upstream!.connection;
        this.#activeMs = this.#core.reactor.nowMs;
        upstream.write(this.#core.reactor.input, start, end);
        if (upstream.isCongested) this.connection.pauseReading();
      }
    }
  }

  /** Keeps pipelined bytes for later; the kernel keeps the rest. */
  #hold(start: number, end: number): void {
    this.connection.retain(start, end);
    this.connection.pauseReading();
  }

  #onRequestBytes(start: number, end: number): void {
    const core = this.#core;
    const head = this.#partialHead ?? core.requestHead;
    if (this.#partialHead === undefined) head.reset();
    const length = head.parse(core.reactor.input.bytes, start, end);
    if (length === 0) {
      if (this.#partialHead === undefined) {
        this.#partialHead = core.keepRequestHead();
        this.connection.setDeadline(core.reactor.nowMs + core.times.headMs);
      }
      this.connection.retain(start, end);
      return;
    }
    if (this.#partialHead !== undefined) {
      this.#partialHead = undefined;
      core.returnRequestHead(head);
    }
    this.#startExchange();
    if (length < 0) {
      core.metrics[METRIC.badRequests]! += 1;
      this.#respondError(-length, 'bad-request');
      return;
    }
    this.#onHead(head, start + length, end);
  }

  #startExchange(): void {
    const { metrics, reactor } = this.#core;
    metrics[METRIC.requestsInFlight]! += 1;
    this.#state = ACTIVE;
    this.#startedMs = reactor.nowMs;
    this.#activeMs = reactor.nowMs;
    this.#tries.reset();
    this.#keepAlive = false;
    this.#body.reset();
    this.#responseStarted = false;
    this.#route = undefined;
    this.#status = 0;
    this.isHead = false;
    this.isHttp10 = false;
    this.#bytesBefore = this.connection.bytesWritten;
    this.#logged = undefined;
  }

  #onHead(head: RequestHead, bodyStart: number, end: number): void {
    const core = this.#core;
    this.isHead = head.method === request.HEAD;
    this.isHttp10 = head.minorVersion === 0;
    this.#keepAlive = (this.isHttp10 ? head.hasKeepAlive && !head.hasClose : !head.hasClose) && !core.draining;
    this.#body.start(head, core.reactor.nowMs);
    if (core.accessLog !== undefined) this.#logged = lookup.describeRequest(head);

    const path = lookup.changedPath(head);
    if (path === 'refused') {
      core.metrics[METRIC.badRequests]! += 1;
      this.#respondError(400, 'bad-request');
      return;
    }
    if (lookup.isMisdirected(head, this.#frontend, this.identity.certificate)) {
      core.metrics[METRIC.misdirected]! += 1;
      this.#endLocally(bodyStart, end, 421, errorBody(421), 'misdirected');
      return;
    }
    const route = lookup.findRoute(head, this.#frontend, path);
    if (route === undefined) {
      core.metrics[METRIC.noRoute]! += 1;
      this.#endLocally(bodyStart, end, 404, errorBody(404), 'no-route');
      return;
    }
    this.#route = route;
    switch (route.action.type) {
      case 'forward':
        this.#forward(route, head, path, bodyStart, end);
        return;
      case 'respond':
        this.#endLocally(bodyStart, end, route.action.status, route.action.body, 'respond');
        return;
      case 'redirect': {
        const location = lookup.locationFor(route, head, this.#frontend, path);
        this.#endLocally(bodyStart, end, route.action.status, '', 'redirect', location);
      }
    }
  }

  #forward(route: CompiledRoute, head: RequestHead, path: Buffer | undefined, bodyStart: number, end: number): void {
    const core = this.#core;
    const backend = lookup.chooseBackend(route, core.random);
    if (backend === undefined || !backend.hasEndpoints) {
      core.metrics[METRIC.noEndpoint]! += 1;
      this.#endLocally(bodyStart, end, 503, errorBody(503, 'no endpoints'), 'no-endpoint');
      return;
    }
    const { hashBy } = backend.policy;
    const hash = hashBy.length === 0 ? undefined : requestHash(head, hashBy, this.identity.address);
    if (!this.#tries.begin(route, backend, hash, head.isIdempotent)) {
      core.metrics[METRIC.overflows]! += 1;
      this.#endLocally(bodyStart, end, 503, errorBody(503, 'too many requests'), 'overflow');
      return;
    }
    this.#wantsUpgrade = lookup.wantsTunnel(head);
    const { output } = core.reactor;
    this.#requestMs = backend.protocol === 'h2c' ? takeGrpcTimeout(head, route.requestMs) : route.requestMs;
    let at = writeRequestHead(head, output.bytes, route, this.identity, path, this.#wantsUpgrade);
    at = this.#encodeBody(bodyStart, end, at);
    if (at < 0) {
      core.metrics[METRIC.badRequests]! += 1;
      this.#respondError(400, 'bad-request');
      return;
    }
    this.#tries.noteHead(output.bytes, at);
    this.connection.setDeadline(this.#startedMs + Math.min(this.#requestMs, route.idleMs));
    const result = this.#tries.start();
    if (result !== 'started') {
      this.onTriesFailed(result);
      return;
    }
    this.#tries.upstream!.connection.write(output, 0, at);
    this.#slowDown();
  }

  /** No try can be made (any more). */
  onTriesFailed(reason: 'no-endpoint' | 'overflow'): void {
    this.#core.metrics[reason === 'overflow' ? METRIC.overflows : METRIC.noEndpoint]! += 1;
    this.#respondError(503, reason);
  }

  /** Appends body bytes to the output and keeps what follows the body; minus 1 if it is malformed. */
  #encodeBody(start: number, end: number, at: number): number {
    const { input, output } = this.#core.reactor;
    const result = this.#body.encode(input.bytes, start, end, output.bytes, at);
    if (this.#body.isDone && this.#body.position < end) this.#hold(this.#body.position, end);
    return result;
  }

  #onBodyBytes(start: number, end: number): void {
    const { input, output } = this.#core.reactor;
    // The common case of an upload needs no copy.
    if (this.#body.takeWhole(end - start)) this.#tries.write(input, start, end);
    else {
      const at = this.#encodeBody(start, end, 0);
      if (at < 0) {
        this.#core.metrics[METRIC.badRequests]! += 1;
        this.#tries.release(false);
        this.#respondError(400, 'bad-request');
        return;
      }
      this.#tries.write(output, 0, at);
    }
    this.#slowDown();
  }

  #slowDown(): void {
    if (this.#tries.upstream?.connection.isCongested !== true) return;
    this.#body.noteHeldBack();
    this.connection.pauseReading();
  }

  // From the upstream connection.

  /** Something moved: the idle time starts again. */
  noteActivity(): void {
    this.#activeMs = this.#core.reactor.nowMs;
  }

  /** Passes a 1xx on; HTTP/1.0 does not know them. */
  sendInterim(head: ResponseHead): void {
    if (this.isHttp10 || this.#responseStarted) return;
    this.#core.metrics[METRIC.responses + 1]! += 1;
    const { output } = this.#core.reactor;
    this.connection.write(output, 0, writeInterimHead(head, output.bytes));
  }

  /** Whether a final answer goes to the client; else its try is over and another one runs. */
  takesAnswer(upstream: UpstreamConnection, status: number): boolean {
    return this.#tries.takesAnswer(upstream, status);
  }

  /** Writes the final head into the output buffer; returns its length. The caller sends it with the body. */
  writeHead(head: ResponseHead, chunked: boolean, closes: boolean): number {
    const { metrics, reactor } = this.#core;
    this.#responseStarted = true;
    this.#status = head.status;
    this.#activeMs = reactor.nowMs;
    metrics[METRIC.responses + ((head.status / 100) | 0)]! += 1;
    recordLatency(metrics, reactor.nowMs - this.#startedMs);
    if (closes || this.#core.draining || !this.#body.isDone) this.#keepAlive = false;
    const field = !this.#keepAlive ? 'close' : this.isHttp10 ? 'keep-alive' : 'none';
    return writeResponseHead(head, reactor.output.bytes, this.#route!.responseEdit, chunked, field);
  }

  /** Turns both connections into a tunnel after 101; false if nobody asked for it. */
  startTunnel(head: ResponseHead): boolean {
    if (!this.#wantsUpgrade || !this.#body.isDone) return false;
    const { metrics, reactor } = this.#core;
    metrics[METRIC.tunnels]! += 1;
    metrics[METRIC.responses + 1]! += 1;
    this.#responseStarted = true;
    this.#status = 101;
    this.connection.write(reactor.output, 0, writeInterimHead(head, reactor.output.bytes));
    this.#state = TUNNEL;
    this.#activeMs = reactor.nowMs;
    // An upgraded connection lives as long as it is used.
    this.connection.setDeadline(reactor.nowMs + this.#route!.idleMs);
    this.connection.resumeReading();
    this.connection.redeliver();
    return true;
  }

  onResponseComplete(upstreamReusable: boolean): void {
    this.#tries.release(upstreamReusable && this.#body.isDone);
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

  /** The upstream ended its half of a tunnel. */
  onTunnelEnd(): void {
    this.#upstreamEnded = true;
    if (this.#clientEnded) this.#finish(undefined);
    else this.connection.endWriting();
  }

  onEnd(): void {
    this.#clientEnded = true;
    switch (this.#state) {
      case IDLE:
        this.#close();
        return;
      case ACTIVE:
        // A client may send its last request and half-close; without the whole request nothing can follow.
        if (!this.#body.isDone) this.#abort('bad-request');
        else this.#keepAlive = false;
        return;
      case TUNNEL:
        if (this.#upstreamEnded) this.#finish(undefined);
        else this.#tries.upstream!.connection.endWriting();
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
    const now = this.#core.reactor.nowMs;
    const { metrics } = this.#core;
    if (this.#state === IDLE) {
      if (this.#partialHead === undefined) this.#close();
      else {
        this.#startExchange();
        metrics[METRIC.timeouts]! += 1;
        this.#respondError(408, 'request-timeout');
      }
      return;
    }
    if (this.#state === DONE) return;
    const route = this.#route!;
    const whole = this.#state === TUNNEL ? Infinity : this.#startedMs + this.#requestMs;
    const due = Math.min(whole, this.#activeMs + route.idleMs);
    if (due > now && (this.#state === TUNNEL || !this.#body.isTooSlow(now))) {
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
    if (this.#state === ACTIVE || this.#state === TUNNEL) this.#account(undefined);
    this.#gone();
  }

  /** Closes an idle connection; called when the worker drains. */
  drain(): void {
    if (this.isIdle) this.#close();
  }

  // Ends.

  /** Answers without an upstream. The connection stays usable unless a body is still to come. */
  #endLocally(at: number, end: number, status: number, body: string, reason: LocalReason, location?: string): void {
    if (!this.#body.isNone) this.#keepAlive = false;
    else if (at < end) this.#hold(at, end);
    this.#respond(status, body, reason, location);
  }

  #respondError(status: number, reason: LocalReason): void {
    this.#keepAlive = false;
    this.#respond(status, errorBody(status), reason);
  }

  #respond(status: number, body: string, reason: LocalReason, location?: string): void {
    const { metrics, clock } = this.#core;
    metrics[METRIC.responses + ((status / 100) | 0)]! += 1;
    this.#status = status;
    this.#responseStarted = true;
    const bytes = localResponse({
      status,
      body,
      toHead: this.isHead,
      close: !this.#keepAlive,
      keepAliveHttp10: this.isHttp10,
      nowMs: clock.now(),
      ...(location === undefined ? {} : { location }),
    });
    this.connection.writeBytes(bytes);
    this.#finish(reason);
  }

  /** Ends an exchange whose response is complete. */
  #finish(reason: LocalReason | undefined): void {
    // Only a tunnel still has its upstream here.
    this.#tries.release(false);
    this.#account(reason);
    if (!this.#keepAlive || this.#state === TUNNEL) {
      this.connection.closeGracefully();
      this.#gone();
      return;
    }
    this.#state = IDLE;
    this.connection.setDeadline(this.#core.reactor.nowMs + this.#core.times.clientIdleMs);
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
    this.#core.metrics[METRIC.connectionsOpen]! -= 1;
    if (this.#partialHead !== undefined) {
      this.#core.returnRequestHead(this.#partialHead);
      this.#partialHead = undefined;
    }
    this.#core.clients.delete(this);
  }

  #account(reason: LocalReason | undefined): void {
    const core = this.#core;
    core.metrics[METRIC.requestsInFlight]! -= 1;
    this.#tries.end();
    if (core.accessLog === undefined) return;
    core.accessLog.add({
      client: this.identity.address,
      ...(this.#logged ?? lookup.NO_REQUEST),
      status: this.#status,
      bytesSent: this.connection.bytesWritten - this.#bytesBefore,
      durationMs: core.clock.monotonicMs() - this.#startedMs,
      ...this.#tries.description,
      ...(this.#route === undefined ? {} : { route: this.#route.label }),
      ...(reason === undefined ? {} : { reason }),
    });
  }
}
