// Hot path: one selection per request.
import type { Balancer } from '@fairlead/balance';
import type { AccessRecord } from './access-log.ts';
import type { BackendRuntime, EndpointRuntime } from './backend-runtime.ts';
import type { ClientConnection } from './client-connection.ts';
import { METRIC } from './gateway-metrics.ts';
import type { ProxyCore } from './proxy-core.ts';
import { UpstreamConnection } from './upstream-connection.ts';

/** Tries of one request, the first included. */
const ATTEMPTS_MAX = 3;

/** Which endpoint a request is at, and how often it was tried. Holds the endpoint's share until released. */
export class UpstreamAttempt {
  backend: BackendRuntime | undefined = undefined;
  upstream: UpstreamConnection | undefined = undefined;
  count: number = 0;
  #balancer: Balancer | undefined = undefined;
  #endpoint: EndpointRuntime | undefined = undefined;
  #index = -1;

  reset(): void {
    this.backend = undefined;
    this.upstream = undefined;
    this.count = 0;
    this.#endpoint = undefined;
    this.#index = -1;
  }

  get mayRetry(): boolean {
    return this.count < ATTEMPTS_MAX;
  }

  /** What the access log says about it: the endpoint tried last, and how many were. */
  get description(): Pick<AccessRecord, 'backend' | 'upstream' | 'attempts'> {
    const { backend, count } = this;
    return backend === undefined
      ? {}
      : { backend: backend.key, upstream: this.#endpoint?.label ?? '', attempts: count };
  }

  /** Index to avoid after a failure; -1 when the list of endpoints has changed since. */
  get failedIndex(): number {
    return this.backend!.balancer === this.#balancer ? this.#index : -1;
  }

  /** Picks an endpoint and a connection to it, pooled unless `fresh`. False if there is no endpoint. */
  select(core: ProxyCore, client: ClientConnection, connectMs: number, avoid: number, fresh: boolean): boolean {
    const backend = this.backend!;
    const index = backend.pick(avoid, core.program.endpoints);
    if (index < 0) return false;
    const endpoint = backend.start(index);
    this.#endpoint = endpoint;
    this.#index = index;
    this.#balancer = backend.balancer;
    this.count++;
    let upstream = fresh ? undefined : endpoint.takeIdle();
    upstream ??= new UpstreamConnection(core, endpoint, connectMs);
    this.upstream = upstream;
    upstream.begin(client);
    return true;
  }

  /** Tells the passive health how the endpoint did. */
  recordOutcome(core: ProxyCore, isFailure: boolean): void {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    const { endpoints } = core.program;
    if (!isFailure) endpoints.outliers.recordSuccess(endpoint.health);
    else if (endpoints.recordFailure(endpoint, this.backend!.endpoints)) core.metrics[METRIC.ejections]! += 1;
  }

  /** Gives back the endpoint's share and the connection. Idempotent. */
  release(reusable: boolean): void {
    const { upstream } = this;
    if (upstream === undefined) return;
    this.upstream = undefined;
    this.backend!.finish(this.#balancer!, this.#endpoint!, this.#index);
    upstream.release(reusable);
  }
}
