// Hot path: one attempt per request.
import type { Outcome } from '@fairlead/balance';
import type { BackendRuntime } from './backend-runtime.ts';
import type { CompiledRoute } from './compiled-route.ts';
import type { Level } from './endpoint-levels.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';
import { METRIC } from './gateway-metrics.ts';
import type { ProxyCore } from './proxy-core.ts';
import type { StickySession } from './stickiness/sticky-session.ts';
import type { TrySpan } from './tracing/request-trace.ts';
import type { UpstreamClient } from './upstream-client.ts';
import { UpstreamConnection } from './upstream-connection.ts';

/** How starting a try went. `overflow`: a limit of the backend is reached. */
export type StartResult = 'started' | 'no-endpoint' | 'overflow';

/** One try of a request at one endpoint. Holds the endpoint's share until released. */
export class UpstreamAttempt {
  upstream: UpstreamConnection | undefined = undefined;
  endpoint: EndpointRuntime | undefined = undefined;
  /** It counts among the retries under way. */
  isRetry: boolean = false;
  /** Undefined where nothing is recorded. */
  span: TrySpan | undefined = undefined;
  #level: Level | undefined = undefined;
  #index = -1;
  #startedMs = 0;

  get isLive(): boolean {
    return this.upstream !== undefined;
  }

  /** Picks an endpoint (the session's, and not `avoid` while there is another) and a connection to it, pooled unless `fresh`. */
  start(
    core: ProxyCore,
    client: UpstreamClient,
    backend: BackendRuntime,
    route: CompiledRoute,
    avoid: EndpointRuntime | undefined,
    hash: number | undefined,
    session: StickySession | undefined,
    fresh: boolean,
  ): StartResult {
    const { levels } = backend;
    const own = session === undefined || levels === undefined ? undefined : session.pick(levels, avoid);
    const endpoint = own ?? levels?.pick(avoid, hash);
    if (endpoint === undefined) return 'no-endpoint';
    // A connection that told of one client is not another's.
    const version = backend.proxyProtocol;
    const forTunnel = client.wantsUpgrade;
    const isOwn = version !== undefined || (forTunnel && endpoint.negotiates);
    let upstream = fresh || isOwn ? undefined : endpoint.takeIdle();
    if (upstream === undefined) {
      if (!UpstreamConnection.mayOpen(core, backend)) return 'overflow';
      const preamble = version === undefined ? undefined : client.identity.preamble(version);
      upstream = new UpstreamConnection(core, endpoint, route.connectMs, backend, preamble, forTunnel);
    } else if (!upstream.claim(backend)) {
      endpoint.putIdle(upstream);
      return 'overflow';
    }
    endpoint.start();
    this.endpoint = endpoint;
    this.#level = levels!.pickedLevel;
    this.#index = levels!.pickedIndex;
    this.#startedMs = core.reactor.nowMs;
    this.upstream = upstream;
    upstream.begin(client, this.#startedMs + route.tryMs);
    return 'started';
  }

  /** The head of an answer is here: its latency counts for balancing. */
  noteAnswer(nowMs: number, status: number): void {
    if (this.span !== undefined) this.span.status = status;
    this.#level?.balancer.observe(this.#index, nowMs - this.#startedMs);
  }

  /** Tells the passive health how the endpoint did. */
  record(core: ProxyCore, backend: BackendRuntime, outcome: Outcome): void {
    const { endpoint } = this;
    if (endpoint === undefined || backend.outliers === undefined) return;
    // Successes need no time, and asking for it costs as much as the rest.
    const nowMs = outcome === 'success' ? 0 : core.clock.now();
    if (backend.outliers.record(endpoint.slot, outcome, nowMs, backend.ejectionCounts)) {
      core.metrics[METRIC.ejections]! += 1;
    }
  }

  /** Gives back the endpoint's share and the connection. Idempotent. */
  release(reusable: boolean): void {
    const { upstream } = this;
    if (upstream === undefined) return;
    this.upstream = undefined;
    this.span?.end();
    this.span = undefined;
    this.endpoint!.finish();
    upstream.release(reusable);
  }

  forget(): void {
    this.endpoint = undefined;
    this.#level = undefined;
    this.isRetry = false;
  }
}

/** What a status says about the endpoint that sent it. */
export function outcomeOf(status: number): Outcome {
  if (status < 500) return 'success';
  return status >= 502 && status <= 504 ? 'gateway' : '5xx';
}
