// Hot path: one selection per request.
import type { Balancer } from '@fairlead/balance';
import type { BackendRuntime, EndpointRuntime } from './backend-runtime.ts';
import type { ClientConnection } from './client-connection.ts';
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

  /** Endpoint tried last, for the access log. */
  get label(): string {
    return this.#endpoint?.label ?? '';
  }

  /** Index to avoid after a failure; -1 when the list of endpoints has changed since. */
  get failedIndex(): number {
    return this.backend!.balancer === this.#balancer ? this.#index : -1;
  }

  /** Picks an endpoint and a connection to it, pooled unless `fresh`. False if there is no endpoint. */
  select(core: ProxyCore, client: ClientConnection, connectMs: number, avoid: number, fresh: boolean): boolean {
    const backend = this.backend!;
    const index = backend.pick(avoid);
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

  /** Gives back the endpoint's share and the connection. Idempotent. */
  release(reusable: boolean): void {
    const { upstream } = this;
    if (upstream === undefined) return;
    this.upstream = undefined;
    this.backend!.finish(this.#balancer!, this.#endpoint!, this.#index);
    upstream.release(reusable);
  }
}
