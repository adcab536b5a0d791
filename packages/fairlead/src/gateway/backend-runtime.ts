// Hot path: pick() and finish() run once per request.
import { type Balancer, createBalancer } from '@fairlead/balance';
import type { RouteBackend, RouteEndpoint } from '../routing/route-table.ts';
import type { Random } from '../sys/clock.ts';
import { EncodedAddress } from '../sys/socket.ts';
import { socketAddress } from '../sys/socket-address.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** Most idle connections kept per endpoint and worker. */
const IDLE_MAX = 256;

/** One upstream address of a worker, shared by all backends that name it, with its idle connections. */
export class EndpointRuntime {
  /** `address:port`, for logs. */
  readonly label: string;
  readonly address: EncodedAddress;
  /** Requests of this worker in flight. */
  inFlight: number = 0;
  /** Backends that name it; at 0 it takes no connection back. */
  uses: number = 0;
  readonly #idle: UpstreamConnection[] = [];

  constructor(label: string, address: EncodedAddress) {
    this.label = label;
    this.address = address;
  }

  /** The idle connection used last, or undefined. */
  takeIdle(): UpstreamConnection | undefined {
    return this.#idle.pop();
  }

  /** Takes a connection back; false when it should be closed instead. */
  putIdle(connection: UpstreamConnection): boolean {
    if (this.uses === 0 || this.#idle.length >= IDLE_MAX) return false;
    this.#idle.push(connection);
    return true;
  }

  /** An idle connection has closed. */
  dropIdle(connection: UpstreamConnection): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }
}

/** All endpoints of a worker by `address:port`. */
export class EndpointRegistry {
  readonly #endpoints: Map<string, EndpointRuntime> = new Map();

  /** Counts one more use. Undefined for an address that is no IP literal. */
  acquire(endpoint: RouteEndpoint): EndpointRuntime | undefined {
    const label = endpoint.address.includes(':')
      ? `[${endpoint.address}]:${endpoint.port}`
      : `${endpoint.address}:${endpoint.port}`;
    let runtime = this.#endpoints.get(label);
    if (runtime === undefined) {
      const address = socketAddress(endpoint.address, endpoint.port);
      if (address === undefined) return undefined;
      runtime = new EndpointRuntime(label, new EncodedAddress(address));
      this.#endpoints.set(label, runtime);
    }
    runtime.uses++;
    return runtime;
  }

  /** Counts one use less; the last one closes its idle connections. */
  release(endpoint: EndpointRuntime): void {
    if (--endpoint.uses > 0) return;
    this.#endpoints.delete(endpoint.label);
    endpoint.closeIdle();
  }

  closeIdle(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.closeIdle();
  }

  get size(): number {
    return this.#endpoints.size;
  }
}

/** A backend of the route table in one worker. Routes hold it; its endpoints change under them. */
export class BackendRuntime {
  readonly key: string;
  endpoints: readonly EndpointRuntime[] = [];
  balancer: Balancer | undefined = undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** Installs the endpoints of a new definition (undefined: none); requests in flight keep theirs. */
  update(backend: RouteBackend | undefined, registry: EndpointRegistry, random: Random): void {
    const before = this.endpoints;
    const endpoints: EndpointRuntime[] = [];
    const weights: number[] = [];
    for (const endpoint of backend?.endpoints ?? []) {
      const runtime = registry.acquire(endpoint);
      if (runtime === undefined) continue;
      endpoints.push(runtime);
      weights.push(endpoint.weight);
    }
    const inFlight = Int32Array.from(endpoints, (endpoint) => endpoint.inFlight);
    this.endpoints = endpoints;
    this.balancer =
      backend === undefined || endpoints.length === 0
        ? undefined
        : createBalancer(backend.balance, { weights, random, inFlight });
    for (const endpoint of before) registry.release(endpoint);
  }

  /** Index of the endpoint for a request; -1 without one. */
  pick(avoid: number): number {
    return this.balancer === undefined ? -1 : this.balancer.pick(avoid);
  }

  /** Counts a request that {@link finish} will end. */
  start(index: number): EndpointRuntime {
    const endpoint = this.endpoints[index]!;
    endpoint.inFlight++;
    this.balancer!.start(index);
    return endpoint;
  }

  /** Ends a request that began under `balancer`, perhaps an older one. */
  finish(balancer: Balancer, endpoint: EndpointRuntime, index: number): void {
    endpoint.inFlight--;
    if (balancer === this.balancer) {
      balancer.done(index);
      return;
    }
    const now = this.endpoints.indexOf(endpoint);
    if (now >= 0) this.balancer!.done(now);
  }
}
