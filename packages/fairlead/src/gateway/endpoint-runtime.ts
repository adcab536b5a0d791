// Hot path: addInFlight twice per request.
import type { EndpointMemory } from '@fairlead/balance';
import type { TlsConnectOptions } from '../reactor/tls-transport.ts';
import type { RouteBackend, RouteEndpoint } from '../routing/route-table.ts';
import { EncodedAddress, socketAddress } from '../sys/socket-address.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

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
  /** The same without the offer of HTTP/2; undefined where nothing else is wanted. */
  readonly tlsHttp1: TlsConnectOptions | undefined;
  /** The handshake chooses between HTTP/2 and HTTP/1.1. */
  readonly negotiates: boolean;
  /** What the last one chose; undefined before the first. */
  isHttp2: boolean | undefined = undefined;
  /** Monotonic ms of the last line in the log about its TLS. */
  tlsLoggedMs: number = -Infinity;
  /** What is spoken with it. */
  readonly protocol: RouteBackend['protocol'];
  /** Backends that name it. */
  #uses = 0;
  /** Its slot in the memory that all workers share, held while a backend names it or a request is in flight. */
  #slot: number;
  #holdsSlot = true;
  /** It will not be named again: it takes no connection back. */
  #isForgotten = false;
  /** Requests of this worker in flight. */
  #inFlight = 0;
  readonly #memory: EndpointMemory;
  readonly #idle: UpstreamConnection[] = [];

  constructor(
    identity: { readonly key: string; readonly label: string; readonly address: EncodedAddress },
    protocol: RouteBackend['protocol'],
    tls: TlsConnectOptions | undefined,
    memory: EndpointMemory,
  ) {
    this.key = identity.key;
    this.label = identity.label;
    this.address = identity.address;
    this.tls = tls;
    this.negotiates = tls?.alpn?.includes('h2') === true;
    const onlyHttp2 = this.negotiates && tls?.alpn?.includes('http/1.1') !== true;
    this.tlsHttp1 = tls === undefined || onlyHttp2 ? undefined : { ...tls, alpn: ['http/1.1'] };
    this.protocol = protocol;
    this.#memory = memory;
    this.#slot = memory.acquire(identity.label);
  }

  get slot(): number {
    return this.#slot;
  }

  /** Nobody names it at present. */
  get isUnused(): boolean {
    return this.#uses === 0;
  }

  /** One more backend names it. */
  use(): void {
    this.#uses++;
    if (this.#holdsSlot) return;
    this.#holdsSlot = true;
    this.#slot = this.#memory.acquire(this.label);
  }

  /** One backend less names it; its record stays until its last request has ended. */
  unuse(): void {
    this.#uses--;
    this.#releaseSlot();
  }

  #releaseSlot(): void {
    if (this.#uses > 0 || this.#inFlight > 0 || !this.#holdsSlot) return;
    this.#holdsSlot = false;
    this.#memory.release(this.#slot);
  }

  start(): void {
    this.#inFlight++;
    this.#memory.addInFlight(this.#slot, 1);
  }

  finish(): void {
    this.#inFlight--;
    this.#memory.addInFlight(this.#slot, -1);
    this.#releaseSlot();
  }

  /** Nobody will name it again. */
  forget(): void {
    this.#isForgotten = true;
    this.closeIdle();
  }

  /** The idle connection used last, or undefined. */
  takeIdle(): UpstreamConnection | undefined {
    return this.#idle.pop();
  }

  /** Takes a connection back; false when it should be closed instead. */
  putIdle(connection: UpstreamConnection): boolean {
    if (this.#isForgotten || this.#idle.length >= IDLE_MAX) return false;
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
export interface UpstreamTls {
  /** Tells settings apart. */
  readonly key: string;
  readonly options: TlsConnectOptions;
}

/** The same address may be reached by two protocols, and with two TLS settings. */
function keyOf(label: string, protocol: RouteBackend['protocol'], tls: UpstreamTls | undefined): string {
  return tls === undefined ? `${protocol}|${label}` : `${protocol}|${label}|${tls.key}`;
}

/** `address:port`, the name of an endpoint in shared memory. */
export function endpointLabel(endpoint: Pick<RouteEndpoint, 'address' | 'port'>): string {
  return endpoint.address.includes(':')
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;
}

/**
 * All endpoints of a worker by protocol, `address:port` and TLS setting. One that no backend names any more keeps its
 * connections for a moment: it may be back at once, having moved from one slice or Service to another.
 */
export class EndpointRegistry {
  readonly memory: EndpointMemory;
  readonly #endpoints: Map<string, EndpointRuntime> = new Map();
  /** Unused since the last {@link review}, and since the one before. */
  #unused: Set<EndpointRuntime> = new Set();
  #unusedForLong: Set<EndpointRuntime> = new Set();

  constructor(memory: EndpointMemory) {
    this.memory = memory;
  }

  /** Counts one more use. Undefined for an address that is no IP literal. */
  acquire(
    endpoint: RouteEndpoint,
    protocol: RouteBackend['protocol'],
    tls: UpstreamTls | undefined,
  ): EndpointRuntime | undefined {
    const label = endpointLabel(endpoint);
    const key = keyOf(label, protocol, tls);
    let runtime = this.#endpoints.get(key);
    if (runtime === undefined) {
      const address = socketAddress(endpoint.address, endpoint.port);
      if (address === undefined) return undefined;
      const identity = { key, label, address: new EncodedAddress(address) };
      runtime = new EndpointRuntime(identity, protocol, tls?.options, this.memory);
      this.#endpoints.set(key, runtime);
    }
    runtime.use();
    return runtime;
  }

  /** Counts one use less; behind the last one its idle connections close with the {@link review} after the next. */
  release(endpoint: EndpointRuntime): void {
    endpoint.unuse();
    if (endpoint.isUnused) this.#unused.add(endpoint);
  }

  /** Forgets endpoints that nobody has named since the last review. To be called now and then. */
  review(): void {
    for (const endpoint of this.#unusedForLong) {
      if (!endpoint.isUnused || this.#unused.has(endpoint)) continue;
      this.#endpoints.delete(endpoint.key);
      endpoint.forget();
    }
    this.#unusedForLong = this.#unused;
    this.#unused = new Set();
  }

  closeIdle(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.closeIdle();
  }

  get size(): number {
    return this.#endpoints.size;
  }
}
