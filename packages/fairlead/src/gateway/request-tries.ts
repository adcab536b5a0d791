// Hot path: begin, start and end run once per request.
import { type AdmissionControl, backoffMs, type GradientLimit, retryBudget } from '@fairlead/balance';
import type { RetryCondition } from '../routing/route-policies.ts';
import type { PinnedBuffer } from '../sys/pinned.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import type { BackendRuntime } from './backend-runtime.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { ConnectionQueue } from './connection-queue.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';
import { METRIC } from './gateway-metrics.ts';
import { GRPC_PENDING, GRPC_UNKNOWN, httpStatusOf, NOT_GRPC } from './grpc-status.ts';
import type { ProxyCore } from './proxy-core.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import type { StickySession } from './stickiness/sticky-session.ts';
import type { RequestTrace } from './tracing/request-trace.ts';
import { outcomeOf, type StartResult, UpstreamAttempt } from './upstream-attempt.ts';
import type { UpstreamClient } from './upstream-client.ts';
import type { UpstreamConnection, UpstreamFailure } from './upstream-connection.ts';

/** What becomes of a request after a try failed. `waiting`: another try runs or will. */
export type AfterFailure = 'waiting' | 'failed';

/** Retries below this pause start at once. */
const PAUSE_MIN_MS = 1;

/**
 * The tries of one request: the first, its retries one after the other, and a hedge beside one
 * that takes too long. At most two run at a time; the first good answer wins, the other is
 * cancelled. Reused for all requests of a client connection.
 */
export class RequestTries {
  backend: BackendRuntime | undefined = undefined;
  /** Undefined where nothing is traced. */
  trace: RequestTrace | undefined = undefined;
  /** Of the answer that was taken, as a gRPC call: a code, or one of `grpc-status.ts`. */
  grpcStatus: number = NOT_GRPC;
  readonly #core: ProxyCore;
  readonly #client: UpstreamClient;
  readonly #replay: ReplayBuffer;
  /** The one that counts; the only one but for hedging. */
  #current = new UpstreamAttempt();
  /** The slower one of two. */
  #other = new UpstreamAttempt();
  #route: CompiledRoute | undefined = undefined;
  #hash: number | undefined = undefined;
  #session: StickySession | undefined = undefined;
  #isIdempotent = false;
  #startedMs = 0;
  #slot = 0;
  #count = 0;
  #retries = 0;
  #hasRefreshed = false;
  #isCounted = false;
  #gradient: GradientLimit | undefined = undefined;
  #admission: AdmissionControl | undefined = undefined;
  #latencyMs: number | undefined = undefined;
  #isSuccess = false;
  #cancelPause: (() => void) | undefined = undefined;

  constructor(core: ProxyCore, client: UpstreamClient) {
    this.#replay = new ReplayBuffer(core.replayPieces);
    this.#core = core;
    this.#client = client;
  }

  /** The connection that the request's body goes to, and the answer comes from. */
  get upstream(): UpstreamConnection | undefined {
    return this.#current.upstream;
  }

  /** The endpoint tried last. */
  get endpoint(): EndpointRuntime | undefined {
    return this.#current.endpoint;
  }

  /** The endpoint tried last, `address:port`; empty without one. */
  get endpointLabel(): string {
    return this.#current.endpoint?.label ?? '';
  }

  /** The endpoint has agreed to another protocol. */
  noteUpgrade(): void {
    if (this.#current.span !== undefined) this.#current.span.status = 101;
  }

  /** How many tries there were. */
  get count(): number {
    return this.#count;
  }

  /** A new exchange, which may stay without any try. */
  reset(): void {
    this.backend = undefined;
    this.#current.forget();
    this.#other.forget();
    this.#count = 0;
    this.#retries = 0;
    this.#hasRefreshed = false;
    this.#latencyMs = undefined;
    this.#isSuccess = false;
    this.grpcStatus = NOT_GRPC;
  }

  /** Counts a request against the limits of its backend; false when it must be refused. {@link end} follows either way. */
  begin(
    route: CompiledRoute,
    backend: BackendRuntime,
    hash: number | undefined,
    session: StickySession | undefined,
    isIdempotent: boolean,
  ): boolean {
    const core = this.#core;
    this.backend = backend;
    this.#route = route;
    this.#hash = hash;
    this.#session = session;
    this.#isIdempotent = isIdempotent;
    this.#startedMs = core.reactor.nowMs;
    const { admission, gradient } = backend;
    if (admission !== undefined && !admission.tryAdmit(core.machineMs)) return false;
    this.#admission = admission;
    if (gradient !== undefined) {
      if (!gradient.tryAcquire(core.machineMs)) return false;
      this.#gradient = gradient;
    }
    const { memory } = core.program;
    if (!memory.tryEnter(backend.slot, 'requests', backend.policy.limits.requests)) return false;
    this.#slot = backend.hold();
    this.#isCounted = true;
    memory.noteTraffic(this.#slot);
    return true;
  }

  /** Remembers what is about to be sent first. */
  noteHead(bytes: Uint8Array, length: number): void {
    this.#replay.start(bytes, length, this.#route!.retry.replayMaxBytes, this.#waitMs() !== 'off');
  }

  /**
   * The same for a request that goes to an endpoint of HTTP/2 as a message. `isWhole`: it has no content.
   */
  noteMessage(fields: FieldList, isWhole: boolean): void {
    const { replayMaxBytes } = this.#route!.retry;
    this.#replay.startMessage(fields, isWhole, replayMaxBytes, this.#waitMs() !== 'off');
  }

  /** The request goes out as a message: {@link writeContent} takes its content. */
  get isMessage(): boolean {
    return this.#replay.fields !== undefined;
  }

  /** The first try. `waiting`: it begins, and the client goes on, once the backend has a connection for it. */
  start(): StartResult | 'waiting' {
    const result = this.#begin(undefined, false);
    if (result === 'overflow' && this.#queue()) return 'waiting';
    this.#replay.endKeeping();
    return result;
  }

  /** A method: V8 calls into its runtime for private getters. */
  #waitMs(): number | 'off' {
    return this.backend!.policy.limits.waitMs ?? 'off';
  }

  /** Waits for a connection, if the backend's policy has it so; the client is not read meanwhile. */
  #queue(): boolean {
    const backend = this.backend!;
    const waitMs = this.#waitMs();
    if (waitMs === 'off') return false;
    const { pending } = backend.policy.limits;
    backend.queue ??= new ConnectionQueue(this.#core.reactor);
    const tryAgain = (): boolean => {
      const result = this.#begin(undefined, false);
      if (result === 'overflow') return false;
      this.#cancelPause = undefined;
      if (result !== 'started') this.#client.onTriesFailed(result);
      else {
        this.#sendAgain();
        this.#replay.endKeeping();
        this.#client.onUpstreamDrained();
      }
      return true;
    };
    const onLate = (): void => {
      this.#cancelPause = undefined;
      this.#client.onTriesFailed('overflow');
    };
    const { memory } = this.#core.program;
    this.#cancelPause = backend.queue.join(memory, { slot: this.#slot, pending, waitMs }, tryAgain, onLate);
    if (this.#cancelPause === undefined) return false;
    this.#client.connection.pauseReading();
    return true;
  }

  #begin(avoid: EndpointRuntime | undefined, fresh: boolean): StartResult {
    const { backend } = this;
    const result = this.#current.start(
      this.#core,
      this.#client,
      backend!,
      this.#route!,
      avoid,
      this.#hash,
      this.#session,
      fresh,
    );
    if (result !== 'started') return result;
    this.#count++;
    if (this.trace !== undefined) {
      const { nowMs } = this.#core.reactor;
      this.#current.span = this.trace.startTry(this.endpointLabel, backend!.key, nowMs);
    }
    return result;
  }

  /** Sends bytes of the body to the tries that run, and keeps them for others. */
  write(from: PinnedBuffer, start: number, end: number): void {
    this.#replay.append(from.bytes, start, end);
    this.#current.upstream?.connection.write(from, start, end);
    this.#other.upstream?.connection.write(from, start, end);
  }

  /** Sends content of a message to the tries that run, and keeps it for others. */
  writeContent(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void {
    const replay = this.#replay;
    replay.append(bytes, start, end);
    if (isLast) {
      replay.isEnded = true;
      replay.trailers = trailers !== undefined && replay.isComplete ? trailers.compact() : undefined;
    }
    this.#current.upstream?.stream?.sendContent(bytes, start, end, isLast, trailers);
    this.#other.upstream?.stream?.sendContent(bytes, start, end, isLast, trailers);
  }

  // What tries report.

  /**
   * The head of a final answer; true if it is the one for the client. False: it is passed over, the
   * try is released, and another one runs or will.
   */
  takesAnswer(upstream: UpstreamConnection, status: number): boolean {
    const attempt = this.#attemptOf(upstream);
    if (attempt === undefined) return false;
    const core = this.#core;
    const backend = this.backend!;
    const grpc = upstream.grpcStatus;
    const outcome = outcomeOf(grpc > 0 && status < 300 ? httpStatusOf(grpc) : status);
    attempt.noteAnswer(core.reactor.nowMs, status);
    // What a call came to may be known only behind its last message.
    if (grpc !== GRPC_PENDING) attempt.record(core, backend, outcome);
    const route = this.#route!;
    if (outcome !== 'success' || route.retriesStatus || grpc > 0) {
      const isDeclined = grpc > 0 && route.retriesOnGrpc(grpc);
      const isBad = isDeclined || route.retriesOnStatus(status);
      if (isBad && this.#rival(attempt).isLive) {
        this.#drop(attempt);
        return false;
      }
      if (isBad && this.#mayRepeat(isDeclined ? 'declined' : 'answered') && this.#retry(attempt)) return false;
    }
    this.grpcStatus = grpc;
    const rival = this.#rival(attempt);
    if (rival.isLive) this.#drop(rival);
    if (attempt !== this.#current) this.#swap();
    this.#latencyMs = core.reactor.nowMs - this.#startedMs;
    this.#isSuccess = outcome === 'success';
    return true;
  }

  /** The answer that was taken is whole, and its connection kept if it is `reusable`. */
  complete(reusable: boolean): void {
    const { upstream } = this;
    if (this.grpcStatus === GRPC_PENDING && upstream !== undefined) {
      const { grpcStatus } = upstream;
      this.grpcStatus = grpcStatus === GRPC_PENDING ? GRPC_UNKNOWN : grpcStatus;
      const outcome = outcomeOf(httpStatusOf(this.grpcStatus));
      this.#isSuccess = outcome === 'success';
      this.#current.record(this.#core, this.backend!, outcome);
    }
    if (this.#current.span !== undefined) this.#current.span.grpcStatus = this.grpcStatus;
    this.release(reusable);
  }

  /** A try failed before its answer was taken. */
  onFailure(upstream: UpstreamConnection, failure: UpstreamFailure): AfterFailure {
    const attempt = this.#attemptOf(upstream);
    if (attempt === undefined) return 'waiting';
    if (failure === 'try-timeout') return this.#onTryTimeout(attempt);
    const { isReused, isConnected, hasResponseBytes } = upstream;
    // A pooled connection that ended between two requests says nothing about the endpoint.
    const isStale = isReused && !hasResponseBytes && failure === 'reset';
    if (!isStale) attempt.record(this.#core, this.backend!, 'local');
    if (this.#rival(attempt).isLive) {
      this.#drop(attempt);
      return 'waiting';
    }
    if (isStale && this.#isIdempotent && !this.#hasRefreshed && this.#replay.isComplete) {
      // Not counted as a retry: the endpoint closed a connection that was idle, as it may.
      this.#hasRefreshed = true;
      this.#core.metrics[METRIC.retries]! += 1;
      this.#drop(attempt);
      return this.#again(undefined, true) ? 'waiting' : 'failed';
    }
    const condition = conditionOf(failure, isConnected);
    if (
      !this.#route!.retriesOn(condition) ||
      !this.#mayRepeat(isConnected && failure !== 'refused' ? 'sent' : 'unsent')
    )
      return 'failed';
    return this.#retry(attempt, !isConnected || failure === 'refused') ? 'waiting' : 'failed';
  }

  /** A try has taken too long. */
  #onTryTimeout(attempt: UpstreamAttempt): AfterFailure {
    const route = this.#route!;
    const mayRepeat = this.#mayRepeat('sent');
    if (route.retry.hedge) {
      // The slow one goes on; with two under way there is nothing more to do.
      if (!this.#rival(attempt).isLive && mayRepeat) this.#hedge(attempt);
      return 'waiting';
    }
    attempt.record(this.#core, this.backend!, 'local');
    if (!mayRepeat || !route.retriesOn('try-timeout')) return 'failed';
    return this.#retry(attempt) ? 'waiting' : 'failed';
  }

  /** Whether the request can be sent once more, at all. */
  #mayRepeat(state: 'unsent' | 'sent' | 'answered' | 'declined'): boolean {
    const { retry } = this.#route!;
    if (this.#retries >= retry.retries || !this.#replay.isComplete) return false;
    // All gRPC calls are POST: who names a code says that calls which end so may be repeated (gRFC A6).
    return state === 'unsent' || state === 'declined' || this.#isIdempotent || retry.methods === 'any';
  }

  /** Takes a share of the retry budget; those that no endpoint worked on need none. */
  #takeBudget(attempt: UpstreamAttempt): boolean {
    const { memory } = this.#core.program;
    const { limits, retryBudget: budget } = this.backend!.policy;
    const limit =
      limits.retries === 'budget' ? retryBudget(memory.count(this.#slot, 'requests'), budget) : limits.retries;
    if (!memory.tryEnter(this.#slot, 'retries', limit)) return false;
    attempt.isRetry = true;
    return true;
  }

  /** Replaces a failed try by another, after its pause; false if there is no budget or endpoint. */
  #retry(failed: UpstreamAttempt, isFree: boolean = false): boolean {
    const core = this.#core;
    const avoid = failed.endpoint;
    this.#leaveRetries(failed);
    if (!isFree && !this.#takeBudget(failed)) {
      core.metrics[METRIC.retriesRefused]! += 1;
      return false;
    }
    failed.release(false);
    if (failed !== this.#current) this.#swap();
    this.#retries++;
    core.metrics[METRIC.retries]! += 1;
    const { backoffBaseMs, backoffMaxMs } = this.#route!.retry;
    const pauseMs = backoffMs(this.#retries, backoffBaseMs, backoffMaxMs, core.random);
    if (pauseMs < PAUSE_MIN_MS) return this.#again(avoid, false);
    this.#client.connection.pauseReading();
    this.#cancelPause = core.reactor.after(pauseMs, () => {
      this.#cancelPause = undefined;
      if (this.#again(avoid, false)) this.#client.onUpstreamDrained();
      else this.#client.onTriesFailed('no-endpoint');
    });
    return true;
  }

  /** Starts the current try and sends it what is known of the request. */
  #again(avoid: EndpointRuntime | undefined, fresh: boolean): boolean {
    if (!this.#replay.isComplete || this.#begin(avoid, fresh) !== 'started') return false;
    this.#sendAgain();
    return true;
  }

  #sendAgain(): void {
    if (this.isMessage) {
      this.sendMessage();
      return;
    }
    const bytes = this.#replay.bytes();
    if (this.#current.span !== undefined) this.trace!.rename(bytes, this.#current.span);
    this.#current.upstream!.connection.writeBytes(bytes);
  }

  /** Sends what there is of a message to the present try. */
  sendMessage(): void {
    const { fields, trailers, isEnded } = this.#replay;
    const { stream } = this.#current.upstream!;
    const content = this.#replay.bytes();
    const isEmpty = isEnded && content.length === 0 && trailers === undefined;
    stream!.sendRequest(fields!, isEmpty, this.#client.isHead);
    if (content.length > 0 || trailers !== undefined) {
      stream!.sendContent(content, 0, content.length, isEnded, trailers);
    }
  }

  /** A second try beside a slow one. */
  #hedge(slow: UpstreamAttempt): void {
    const next = this.#rival(slow);
    next.forget();
    if (!this.#takeBudget(next)) {
      this.#core.metrics[METRIC.retriesRefused]! += 1;
      return;
    }
    if (next !== this.#current) this.#swap();
    this.#retries++;
    if (this.#again(slow.endpoint, false)) this.#core.metrics[METRIC.hedges]! += 1;
    else {
      this.#leaveRetries(next);
      this.#swap();
    }
  }

  #attemptOf(upstream: UpstreamConnection): UpstreamAttempt | undefined {
    if (this.#current.upstream === upstream) return this.#current;
    return this.#other.upstream === upstream ? this.#other : undefined;
  }

  #rival(attempt: UpstreamAttempt): UpstreamAttempt {
    return attempt === this.#current ? this.#other : this.#current;
  }

  #swap(): void {
    const current = this.#current;
    this.#current = this.#other;
    this.#other = current;
  }

  /** Ends a try that another one outlives. */
  #drop(attempt: UpstreamAttempt): void {
    this.#leaveRetries(attempt);
    attempt.release(false);
    if (attempt === this.#current && this.#other.isLive) this.#swap();
  }

  #leaveRetries(attempt: UpstreamAttempt): void {
    if (!attempt.isRetry) return;
    attempt.isRetry = false;
    this.#core.program.memory.leave(this.#slot, 'retries');
  }

  /** A failure after the answer was taken, or a timeout of the whole request. */
  recordLocalFailure(): void {
    this.#isSuccess = false;
    this.#latencyMs = undefined;
    for (const attempt of [this.#current, this.#other]) {
      if (attempt.isLive) attempt.record(this.#core, this.backend!, 'local');
    }
  }

  /** Ends all tries; the one whose answer was taken keeps its connection if it is `reusable`. Idempotent. */
  release(reusable: boolean): void {
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    this.#leaveRetries(this.#current);
    this.#current.release(reusable);
    if (this.#other.isLive) this.#drop(this.#other);
  }

  /** The exchange is over: gives back what {@link begin} took. Idempotent. */
  end(): void {
    const { backend } = this;
    if (backend === undefined) return;
    this.release(false);
    const { machineMs } = this.#core;
    this.#gradient?.release(machineMs, this.#isSuccess ? this.#latencyMs : undefined);
    this.#gradient = undefined;
    if (this.#isCounted) {
      this.#isCounted = false;
      this.#admission?.record(this.#isSuccess, machineMs);
      this.#core.program.memory.leave(this.#slot, 'requests');
      backend.unhold();
    }
    this.#replay.shrink();
  }
}

function conditionOf(failure: UpstreamFailure, isConnected: boolean): RetryCondition {
  if (failure === 'refused') return 'refused-stream';
  return isConnected ? 'reset' : 'connect-failure';
}
