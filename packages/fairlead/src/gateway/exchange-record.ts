// Hot path: one object per client connection, reused. What is dear to note is noted only where somebody wants it.
import type { Connection } from '../reactor/reactor.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { METRIC, recordLatency } from './gateway-metrics.ts';
import type { LocalReason } from './local-response.ts';
import type { ProxyCore } from './proxy-core.ts';
import type { RequestTries } from './request-tries.ts';
import type { ClientIdentity } from './request-writer.ts';
import { describeRequest, NO_REQUEST, type RequestDescription } from './route-lookup.ts';

/** What is known of the exchange in progress on a client connection, for who counts and logs it. */
export class ExchangeRecord {
  /** Of the final answer; 0: none was sent. */
  status: number = 0;
  /** Monotonic ms, coarse. */
  startedMs: number = 0;
  route: CompiledRoute | undefined = undefined;
  readonly #core: ProxyCore;
  readonly #connection: Connection;
  readonly #identity: ClientIdentity;
  readonly #tries: RequestTries;
  #request: RequestDescription = NO_REQUEST;
  #bytesBefore = 0;

  constructor(core: ProxyCore, connection: Connection, identity: ClientIdentity, tries: RequestTries) {
    this.#core = core;
    this.#connection = connection;
    this.#identity = identity;
    this.#tries = tries;
  }

  /** A request begins. */
  start(): void {
    this.#core.metrics[METRIC.requestsInFlight]! += 1;
    this.startedMs = this.#core.reactor.nowMs;
    this.status = 0;
    this.route = undefined;
    this.#request = NO_REQUEST;
    this.#bytesBefore = this.#connection.bytesWritten;
  }

  noteHead(head: RequestHead): void {
    if (this.#core.accessLog !== undefined) this.#request = describeRequest(head);
  }

  /** The head of the final answer of an endpoint is about to be sent. */
  noteAnswer(status: number): void {
    const { metrics, reactor } = this.#core;
    this.#noteStatus(status);
    recordLatency(metrics, reactor.nowMs - this.startedMs);
  }

  /** The gateway itself answers. */
  noteOwnAnswer(status: number): void {
    this.#noteStatus(status);
  }

  #noteStatus(status: number): void {
    this.status = status;
    this.#core.metrics[METRIC.responses + ((status / 100) | 0)]! += 1;
  }

  /** The exchange is over. `reason`: why the gateway itself answered or broke off. */
  finish(reason: LocalReason | undefined): void {
    const { accessLog, clock, metrics } = this.#core;
    metrics[METRIC.requestsInFlight]! -= 1;
    if (accessLog === undefined) return;
    accessLog.add({
      client: this.#identity.address,
      ...this.#request,
      status: this.status,
      bytesSent: this.#connection.bytesWritten - this.#bytesBefore,
      durationMs: clock.monotonicMs() - this.startedMs,
      ...this.#tries.description,
      ...(this.route === undefined ? {} : { route: this.route.label }),
      ...(reason === undefined ? {} : { reason }),
    });
  }
}
