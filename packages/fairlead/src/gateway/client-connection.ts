// Hot path: one object per client connection, reused for all its requests.
import type { Balancer } from '@fairlead/balance';
import type { Connection, ConnectionHandler } from '../reactor/reactor.ts';
import { CHUNK_DATA, CHUNK_END, CHUNK_ERROR, ChunkedDecoder, writeChunkSize } from '../wire/http1/chunked.ts';
import { copyBytes } from '../wire/http1/head-writer.ts';
import { normalizePath, pathIsPlain } from '../wire/http1/path.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import * as request from '../wire/http1/request-head.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { BackendRuntime, EndpointRuntime } from './backend-runtime.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { METRIC, recordLatency } from './gateway-metrics.ts';
import type { HostIndex } from './host-index.ts';
import { errorBody, type LocalReason, localResponse } from './local-response.ts';
import type { CompiledHost } from './program.ts';
import type { ProxyCore } from './proxy-core.ts';
import { redirectLocation } from './redirect.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import { type ClientIdentity, writeRequestHead } from './request-writer.ts';
import { writeInterimHead, writeResponseHead } from './response-writer.ts';
import { UpstreamConnection, type UpstreamFailure } from './upstream-connection.ts';

/** Tries of one request, the first included. */
const ATTEMPTS_MAX = 3;

const IDLE = 0;
const ACTIVE = 1;
const TUNNEL = 2;
const DONE = 3;

const NO_BODY = 0;
const LENGTH = 1;
const CHUNKED = 2;

const CRLF = Buffer.from('\r\n', 'latin1');
const LAST_CHUNK = Buffer.from('0\r\n', 'latin1');

/** Where a client connected to. */
export interface Frontend {
  readonly hosts: HostIndex<CompiledHost>;
  readonly scheme: 'http' | 'https';
  readonly port: number;
}

/** A client's connection: reads requests, finds their route and drives one exchange at a time. */
export class ClientConnection implements ConnectionHandler {
  readonly connection: Connection;
  isHead: boolean = false;
  isHttp10: boolean = false;
  readonly #core: ProxyCore;
  readonly #frontend: Frontend;
  readonly #identity: ClientIdentity;
  #state = IDLE;
  #partialHead: RequestHead | undefined = undefined;
  // The exchange in progress.
  #route: CompiledRoute | undefined = undefined;
  #backend: BackendRuntime | undefined = undefined;
  #balancer: Balancer | undefined = undefined;
  #endpoint: EndpointRuntime | undefined = undefined;
  #endpointIndex = -1;
  #upstream: UpstreamConnection | undefined = undefined;
  #attempts = 0;
  #startedMs = 0;
  #activeMs = 0;
  #keepAlive = false;
  #wantsUpgrade = false;
  #isIdempotent = false;
  #body = NO_BODY;
  #bodyRemaining = 0;
  #requestDone = false;
  #responseStarted = false;
  #status = 0;
  #bytesBefore = 0;
  #clientEnded = false;
  #upstreamEnded = false;
  /** A finished exchange left input behind that waits for the output to drain. */
  #redeliverWhenDrained = false;
  #chunks: ChunkedDecoder | undefined = undefined;
  readonly #replay = new ReplayBuffer();
  #logged: { method: string; host: string; target: string } | undefined = undefined;

  constructor(core: ProxyCore, connection: Connection, frontend: Frontend, identity: ClientIdentity) {
    this.#core = core;
    this.connection = connection;
    this.#frontend = frontend;
    this.#identity = identity;
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
        if (this.#requestDone) this.#hold(start, end);
        else this.#onBodyBytes(start, end);
        return;
      case TUNNEL: {
        const upstream = this.#upstream!.connection;
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
    this.#attempts = 0;
    this.#keepAlive = false;
    this.#requestDone = false;
    this.#responseStarted = false;
    this.#route = undefined;
    this.#backend = undefined;
    this.#upstream = undefined;
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
    this.#isIdempotent = head.isIdempotent;
    this.#body = head.isChunked ? CHUNKED : head.contentLength > 0 ? LENGTH : NO_BODY;
    this.#bodyRemaining = head.contentLength;
    this.#requestDone = this.#body === NO_BODY;
    if (core.accessLog !== undefined) this.#noteForLog(head);

    let path: Buffer | undefined;
    let pathBytes = head.bytes;
    let pathStart = head.base + head.pathStart;
    let pathEnd = head.base + head.pathEnd;
    if (pathStart === pathEnd) path = ROOT_PATH;
    else if (head.pathNeedsCare && !pathIsPlain(pathBytes, pathStart, pathEnd)) {
      const normal = normalizePath(pathBytes.subarray(pathStart, pathEnd));
      if (!normal.ok) {
        core.metrics[METRIC.badRequests]! += 1;
        this.#respondError(400, 'bad-request');
        return;
      }
      path = normal.path;
    } else if (head.pathStart !== head.targetStart) path = Buffer.from(pathBytes.subarray(pathStart, pathEnd));
    if (path !== undefined) {
      pathBytes = path;
      pathStart = 0;
      pathEnd = path.length;
    }
    const host = this.#frontend.hosts.find(head.bytes, head.base + head.hostStart, head.base + head.hostEnd);
    const route = host === undefined ? undefined : findRoute(host, head, pathBytes, pathStart, pathEnd);
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
        const { bytes, base } = head;
        const slice = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString('latin1');
        const location = redirectLocation(route.action, route.matchedPrefix, {
          scheme: this.#frontend.scheme,
          host: slice(base + head.hostStart, base + head.hostEnd),
          port: this.#frontend.port,
          path: Buffer.from(pathBytes.subarray(pathStart, pathEnd)).toString('latin1'),
          query: slice(base + head.pathEnd, base + head.targetEnd),
        });
        this.#endLocally(bodyStart, end, route.action.status, '', 'redirect', location);
      }
    }
  }

  #forward(route: CompiledRoute, head: RequestHead, path: Buffer | undefined, bodyStart: number, end: number): void {
    const core = this.#core;
    const backend = this.#chooseBackend(route);
    if (backend === undefined || backend.balancer === undefined) {
      core.metrics[METRIC.noEndpoint]! += 1;
      this.#endLocally(bodyStart, end, 503, errorBody(503, 'no endpoints'), 'no-endpoint');
      return;
    }
    this.#backend = backend;
    this.#wantsUpgrade = head.hasUpgradeToken && head.upgradeField >= 0 && !this.isHttp10 && !upgradesToH2c(head);
    const { output } = core.reactor;
    let at = writeRequestHead(head, output.bytes, route, this.#identity, path, this.#wantsUpgrade);
    if (this.#body === NO_BODY) {
      if (bodyStart < end) this.#hold(bodyStart, end);
    } else {
      at = this.#writeBody(bodyStart, end, at);
      if (at < 0) {
        this.#respondError(400, 'bad-request');
        return;
      }
    }
    this.#replay.start(output.bytes, at);
    this.connection.setDeadline(this.#startedMs + Math.min(route.requestMs, route.idleMs));
    if (this.#selectUpstream(-1, false)) this.#upstream!.connection.write(output, 0, at);
    this.#slowDown();
  }

  #chooseBackend(route: CompiledRoute): BackendRuntime | undefined {
    const { backends, weightSums } = route;
    if (backends.length <= 1) return backends[0];
    const at = this.#core.random() * weightSums[weightSums.length - 1]!;
    let index = 0;
    while (index < backends.length - 1 && at >= weightSums[index]!) index++;
    return backends[index];
  }

  /** Picks an endpoint and a connection to it; answers 503 and returns false if there is none. */
  #selectUpstream(avoid: number, fresh: boolean): boolean {
    const core = this.#core;
    const backend = this.#backend!;
    const index = backend.pick(avoid);
    if (index < 0) {
      core.metrics[METRIC.noEndpoint]! += 1;
      this.#respondError(503, 'no-endpoint');
      return false;
    }
    const endpoint = backend.start(index);
    this.#endpoint = endpoint;
    this.#endpointIndex = index;
    this.#balancer = backend.balancer;
    this.#attempts++;
    let upstream = fresh ? undefined : endpoint.takeIdle();
    upstream ??= new UpstreamConnection(core, endpoint, this.#route!.connectMs);
    this.#upstream = upstream;
    upstream.begin(this);
    return true;
  }

  /** Releases the endpoint's share and the connection. */
  #releaseUpstream(reusable: boolean): void {
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    this.#upstream = undefined;
    this.#backend!.finish(this.#balancer!, this.#endpoint!, this.#endpointIndex);
    upstream.release(reusable);
  }

  /** Appends the part of the request's body in `input[start, end)` to the output; minus 1 if it is malformed. */
  #writeBody(start: number, end: number, at: number): number {
    const { input, output } = this.#core.reactor;
    if (this.#body === LENGTH) {
      const stop = Math.min(end, start + this.#bodyRemaining);
      this.#bodyRemaining -= stop - start;
      if (this.#bodyRemaining === 0) {
        this.#requestDone = true;
        if (stop < end) this.#hold(stop, end);
      }
      return copyBytes(input.bytes, start, stop, output.bytes, at);
    }
    this.#chunks ??= new ChunkedDecoder();
    const chunks = this.#chunks;
    let position = start;
    for (;;) {
      const event = chunks.next(input.bytes, position, end);
      position = chunks.position;
      if (event === CHUNK_DATA) {
        at = writeChunkSize(output.bytes, at, chunks.dataEnd - chunks.dataStart);
        at = copyBytes(input.bytes, chunks.dataStart, chunks.dataEnd, output.bytes, at);
        at = copyBytes(CRLF, 0, 2, output.bytes, at);
      } else if (event === CHUNK_END) {
        at = copyBytes(LAST_CHUNK, 0, LAST_CHUNK.length, output.bytes, at);
        at = copyBytes(chunks.trailers, 0, chunks.trailers.length, output.bytes, at);
        at = copyBytes(CRLF, 0, 2, output.bytes, at);
        chunks.reset();
        this.#requestDone = true;
        if (position < end) this.#hold(position, end);
        return at;
      } else return event === CHUNK_ERROR ? -1 : at;
    }
  }

  #onBodyBytes(start: number, end: number): void {
    const { input, output } = this.#core.reactor;
    const upstream = this.#upstream!;
    if (this.#body === LENGTH && end - start <= this.#bodyRemaining) {
      // The common case of an upload needs no copy.
      this.#bodyRemaining -= end - start;
      this.#requestDone = this.#bodyRemaining === 0;
      this.#replay.append(input.bytes, start, end);
      upstream.connection.write(input, start, end);
    } else {
      const at = this.#writeBody(start, end, 0);
      if (at < 0) {
        this.#core.metrics[METRIC.badRequests]! += 1;
        this.#releaseUpstream(false);
        this.#respondError(400, 'bad-request');
        return;
      }
      this.#replay.append(output.bytes, 0, at);
      upstream.connection.write(output, 0, at);
    }
    this.#slowDown();
  }

  #slowDown(): void {
    if (this.#upstream?.connection.isCongested === true) this.connection.pauseReading();
  }

  // From the upstream connection.

  /** Passes a 1xx on; HTTP/1.0 does not know them. */
  sendInterim(head: ResponseHead): void {
    if (this.isHttp10 || this.#responseStarted) return;
    this.#core.metrics[METRIC.responses + 1]! += 1;
    const { output } = this.#core.reactor;
    this.connection.write(output, 0, writeInterimHead(head, output.bytes));
  }

  /** Writes the final head into the output buffer; returns its length. The caller sends it with the body. */
  writeHead(head: ResponseHead, chunked: boolean, closes: boolean): number {
    const { metrics, reactor } = this.#core;
    this.#responseStarted = true;
    this.#status = head.status;
    this.#activeMs = reactor.nowMs;
    metrics[METRIC.responses + ((head.status / 100) | 0)]! += 1;
    recordLatency(metrics, reactor.nowMs - this.#startedMs);
    if (closes || this.#core.draining || !this.#requestDone) this.#keepAlive = false;
    const field = !this.#keepAlive ? 'close' : this.isHttp10 ? 'keep-alive' : 'none';
    return writeResponseHead(head, reactor.output.bytes, this.#route!.responseEdit, chunked, field);
  }

  /** Turns both connections into a tunnel after 101; false if nobody asked for it. */
  startTunnel(head: ResponseHead): boolean {
    if (!this.#wantsUpgrade || !this.#requestDone) return false;
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
    this.#releaseUpstream(upstreamReusable && this.#requestDone);
    this.#finish(undefined);
  }

  onUpstreamFailed(upstream: UpstreamConnection, failure: UpstreamFailure): void {
    if (this.#upstream !== upstream) return;
    const { metrics } = this.#core;
    metrics[METRIC.upstreamFailures]! += 1;
    if (failure === 'malformed') metrics[METRIC.badResponses]! += 1;
    const avoid = this.#endpointIndex;
    const sameList = this.#backend!.balancer === this.#balancer;
    const { isReused, isConnected, hasResponseBytes } = upstream;
    this.#releaseUpstream(false);
    if (this.#state === TUNNEL) {
      this.#finish('upstream-reset');
      return;
    }
    if (this.#responseStarted) {
      // The client must not take what it got for the whole: no last chunk, no further request.
      this.#abort('upstream-reset');
      return;
    }
    // Safe to send again: nothing was sent, or a pooled connection closed on us before answering.
    const unsent = !isConnected;
    const stale = isReused && !hasResponseBytes && this.#isIdempotent && failure === 'reset';
    if ((unsent || stale) && this.#replay.isComplete && this.#attempts < ATTEMPTS_MAX) {
      metrics[METRIC.retries]! += 1;
      if (this.#selectUpstream(sameList && unsent ? avoid : -1, stale)) {
        this.#upstream!.connection.writeBytes(this.#replay.bytes());
      }
      return;
    }
    const timedOut = failure === 'connect-timeout';
    if (timedOut) metrics[METRIC.timeouts]! += 1;
    const reasons = {
      connect: 'upstream-connect',
      'connect-timeout': 'upstream-timeout',
      reset: 'upstream-reset',
      malformed: 'upstream-malformed',
    } as const;
    this.#respondError(timedOut ? 504 : 502, reasons[failure]);
  }

  onUpstreamDrained(): void {
    if (this.#state === TUNNEL || !this.#requestDone) this.connection.resumeReading();
  }

  /** The upstream ended its half of a tunnel. */
  onTunnelEnd(): void {
    this.#upstreamEnded = true;
    if (this.#clientEnded) this.#finish(undefined);
    else this.connection.endWriting();
  }

  // From the client connection.

  onEnd(): void {
    this.#clientEnded = true;
    switch (this.#state) {
      case IDLE:
        this.#close();
        return;
      case ACTIVE:
        // A client may send its last request and half-close; without the whole request nothing can follow.
        if (!this.#requestDone) this.#abort('bad-request');
        else this.#keepAlive = false;
        return;
      case TUNNEL:
        if (this.#upstreamEnded) this.#finish(undefined);
        else this.#upstream!.connection.endWriting();
    }
  }

  onDrained(): void {
    this.#upstream?.connection.resumeReading();
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
    const whole = this.#state === TUNNEL ? Infinity : this.#startedMs + route.requestMs;
    const due = Math.min(whole, this.#activeMs + route.idleMs);
    if (due > now) {
      this.connection.setDeadline(due);
      return;
    }
    metrics[METRIC.timeouts]! += 1;
    this.#releaseUpstream(false);
    if (this.#responseStarted) this.#abort('upstream-timeout');
    else if (this.#requestDone) this.#respondError(504, 'upstream-timeout');
    else this.#respondError(408, 'request-timeout');
  }

  onFailed(): void {
    this.#releaseUpstream(false);
    if (this.#state === ACTIVE || this.#state === TUNNEL) this.#account(undefined);
    this.#gone();
  }

  /** Closes an idle connection; called when the worker drains. */
  drain(): void {
    if (this.isIdle) this.#close();
  }

  // Ends.

  /** Answers without an upstream. The connection stays usable unless a body is still to come. */
  #endLocally(
    bodyStart: number,
    end: number,
    status: number,
    body: string,
    reason: LocalReason,
    location?: string,
  ): void {
    if (this.#body !== NO_BODY) this.#keepAlive = false;
    else if (bodyStart < end) this.#hold(bodyStart, end);
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
    this.#account(reason);
    if (!this.#keepAlive || this.#state === TUNNEL) {
      this.connection.closeGracefully();
      this.#gone();
      return;
    }
    this.#state = IDLE;
    this.#replay.shrink();
    this.connection.setDeadline(this.#core.reactor.nowMs + this.#core.times.clientIdleMs);
    if (this.connection.isCongested) this.#redeliverWhenDrained = true;
    else {
      this.connection.resumeReading();
      this.connection.redeliver();
    }
  }

  /** Breaks off: the client sees that the response is incomplete. */
  #abort(reason: LocalReason): void {
    this.#releaseUpstream(false);
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
    if (core.accessLog === undefined) return;
    const source = this.#route?.source;
    core.accessLog.add({
      client: this.#identity.address,
      method: this.#logged?.method ?? '',
      host: this.#logged?.host ?? '',
      target: this.#logged?.target ?? '',
      status: this.#status,
      bytesSent: this.connection.bytesWritten - this.#bytesBefore,
      durationMs: core.clock.monotonicMs() - this.#startedMs,
      ...(this.#backend === undefined
        ? {}
        : { backend: this.#backend.key, upstream: this.#endpoint?.label ?? '', attempts: this.#attempts }),
      ...(source === undefined ? {} : { route: `${source.kind} ${source.namespace}/${source.name}` }),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  #noteForLog(head: RequestHead): void {
    const { base } = head;
    const slice = (start: number, end: number): string =>
      Buffer.from(head.bytes.subarray(base + start, base + end)).toString('latin1');
    this.#logged = {
      method: slice(head.methodStart, head.methodEnd),
      host: slice(head.hostStart, head.hostEnd),
      target: slice(head.targetStart, head.targetEnd),
    };
  }
}

const ROOT_PATH = Buffer.from('/');

function findRoute(
  host: CompiledHost,
  head: RequestHead,
  path: Uint8Array,
  start: number,
  end: number,
): CompiledRoute | undefined {
  const { routes } = host;
  for (let i = 0; i < routes.length; i++) {
    const route = routes[i]!;
    if (route.matches(head, path, start, end)) return route;
  }
  return undefined;
}

/** `Upgrade: h2c` would let a client smuggle requests past the routes. */
function upgradesToH2c(head: RequestHead): boolean {
  const start = head.valueStart(head.upgradeField);
  return /(^|,)\s*h2c/i.test(
    Buffer.from(head.bytes.subarray(start, head.valueEnd(head.upgradeField))).toString('latin1'),
  );
}
