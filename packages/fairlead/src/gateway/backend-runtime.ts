// Hot path: pick() and finish() run once per request.
import { type Balancer, createBalancer, mayEject, type OutlierDetector } from '@fairlead/balance';
import type { TlsConnectOptions } from '../reactor/tls-transport.ts';
import type { RouteBackend, RouteEndpoint } from '../routing/route-table.ts';
import type { Clock, Random } from '../sys/clock.ts';
import { EncodedAddress } from '../sys/socket.ts';
import { socketAddress } from '../sys/socket-address.ts';
import { createClientContext } from '../sys/tls-context.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** How often an ejected endpoint is put back before it is taken after all: panic, in Envoy's words. */
const REPICKS = 8;
/** Most idle connections kept per endpoint and worker. */
const IDLE_MAX = 256;

/** One upstream address of a worker, shared by all backends that name it, with its idle connections. */
export class EndpointRuntime {
  /** Its key in the {@link EndpointRegistry}. */
  readonly key: string;
  /** `address:port`, for logs. */
  readonly label: string;
  readonly address: EncodedAddress;
  /** How to speak TLS to it; undefined for plain TCP. */
  readonly tls: TlsConnectOptions | undefined;
  /** What is spoken with it. */
  readonly protocol: RouteBackend['protocol'];
  /** Its slot in the passive health that all workers share; -1 without. */
  readonly health: number;
  /** Requests of this worker in flight. */
  inFlight: number = 0;
  /** Backends that name it; at 0 it takes no connection back. */
  uses: number = 0;
  readonly #idle: UpstreamConnection[] = [];

  constructor(
    key: string,
    label: string,
    address: EncodedAddress,
    protocol: RouteBackend['protocol'],
    tls: TlsConnectOptions | undefined,
    health: number,
  ) {
    this.key = key;
    this.health = health;
    this.tls = tls;
    this.label = label;
    this.address = address;
    this.protocol = protocol;
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

/** TLS of a backend: connections made with one setting never serve another. */
interface UpstreamTls {
  /** Tells settings apart. */
  readonly key: string;
  readonly options: TlsConnectOptions;
}

/** The same address may be reached by two protocols, and with two TLS settings. */
function keyOf(label: string, protocol: RouteBackend['protocol'], tls: UpstreamTls | undefined): string {
  return tls === undefined ? `${protocol}|${label}` : `${protocol}|${label}|${tls.key}`;
}

/** All endpoints of a worker by protocol, `address:port` and TLS setting. */
export class EndpointRegistry {
  readonly #endpoints: Map<string, EndpointRuntime> = new Map();
  readonly outliers: OutlierDetector;
  readonly #clock: Clock;

  constructor(outliers: OutlierDetector, clock: Clock) {
    this.outliers = outliers;
    this.#clock = clock;
  }

  isEjected(endpoint: EndpointRuntime): boolean {
    return this.outliers.isEjected(endpoint.health, this.#clock.now());
  }

  /** Counts a failure of an endpoint of a backend; true when it has just been ejected. */
  recordFailure(endpoint: EndpointRuntime, backend: readonly EndpointRuntime[]): boolean {
    return this.outliers.recordFailure(endpoint.health, this.#clock.now(), () =>
      mayEject(backend.length, backend.filter((other) => this.isEjected(other)).length),
    );
  }

  /** Counts one more use. Undefined for an address that is no IP literal. */
  acquire(
    endpoint: RouteEndpoint,
    protocol: RouteBackend['protocol'],
    tls: UpstreamTls | undefined,
  ): EndpointRuntime | undefined {
    const label = endpoint.address.includes(':')
      ? `[${endpoint.address}]:${endpoint.port}`
      : `${endpoint.address}:${endpoint.port}`;
    const key = keyOf(label, protocol, tls);
    let runtime = this.#endpoints.get(key);
    if (runtime === undefined) {
      const address = socketAddress(endpoint.address, endpoint.port);
      if (address === undefined) return undefined;
      runtime = new EndpointRuntime(
        key,
        label,
        new EncodedAddress(address),
        protocol,
        tls?.options,
        this.outliers.acquire(label),
      );
      this.#endpoints.set(key, runtime);
    }
    runtime.uses++;
    return runtime;
  }

  /** Counts one use less; the last one closes its idle connections. */
  release(endpoint: EndpointRuntime): void {
    if (--endpoint.uses > 0) return;
    this.#endpoints.delete(endpoint.key);
    this.outliers.release(endpoint.health);
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
  #tls: UpstreamTls | undefined = undefined;
  #tlsRound = 0;
  #tlsText = '';

  constructor(key: string) {
    this.key = key;
  }

  /** Installs the endpoints of a new definition (undefined: none); requests in flight keep theirs. */
  update(backend: RouteBackend | undefined, registry: EndpointRegistry, random: Random): void {
    this.#updateTls(backend);
    const before = this.endpoints;
    const endpoints: EndpointRuntime[] = [];
    const weights: number[] = [];
    for (const endpoint of backend?.endpoints ?? []) {
      const runtime = registry.acquire(endpoint, backend!.protocol, this.#tls);
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

  /**
   * Connections of an older setting end with their endpoints.
   * @throws Error for a CA bundle that cannot be used.
   */
  #updateTls(backend: RouteBackend | undefined): void {
    const text = backend?.protocol === 'https' ? JSON.stringify(backend.tls ?? {}) : '';
    if (text === this.#tlsText) return;
    const old = this.#tls;
    if (text === '') this.#tls = undefined;
    else {
      const { ca, serverName } = backend?.tls ?? {};
      const result = createClientContext({ verify: ca === undefined ? 'off' : { ca } });
      if (!result.ok) throw new Error(`backend ${this.key}: ${result.problem}`);
      const verifyName = ca === undefined ? undefined : serverName;
      this.#tls = {
        key: `${this.key} ${++this.#tlsRound}`,
        options: { context: result.context, serverName, verifyName },
      };
    }
    this.#tlsText = text;
    old?.options.context.free();
  }

  /** Index of the endpoint for a request; -1 without one. An ejected one only if nothing else is found. */
  pick(avoid: number, registry: EndpointRegistry): number {
    const { balancer, endpoints } = this;
    if (balancer === undefined) return -1;
    const first = balancer.pick(avoid);
    if (first < 0 || !registry.isEjected(endpoints[first]!)) return first;
    for (let again = 0, index = first; again < REPICKS; again++) {
      index = balancer.pick(index);
      if (index >= 0 && index !== avoid && !registry.isEjected(endpoints[index]!)) return index;
    }
    return first;
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
