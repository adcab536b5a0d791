// Hot path: one plan per relayed connection.
import type { Outcome } from '@fairlead/balance';
import { proxyPreamble } from '../../reactor/proxy-preamble.ts';
import type { ConnectionHandler, DatagramRouter, ProxiedConnection, SocketConnection } from '../../reactor/reactor.ts';
import { type RelayPlan, type RelayResult, TcpRelay } from '../../reactor/tcp-relay.ts';
import type { EncodedAddress, SocketAddress } from '../../sys/socket-address.ts';
import type { BackendRuntime } from '../backend-runtime.ts';
import type { EndpointRuntime } from '../endpoint-runtime.ts';
import { METRIC } from '../gateway-metrics.ts';
import type { ProxyCore } from '../proxy-core.ts';
import { type CompiledL4Route, chooseL4Backend, type L4Routes } from './l4-routes.ts';

/** Endpoints tried for one connection. */
const TRIES_MAX = 3;

/** Counts what an endpoint did, for the passive health that HTTP shares. */
function record(core: ProxyCore, backend: BackendRuntime, endpoint: EndpointRuntime, outcome: Outcome): void {
  if (backend.outliers?.record(endpoint.slot, outcome, core.clock.now(), backend.ejectionCounts) === true) {
    core.metrics[METRIC.ejections]! += 1;
  }
}

/** Relays a new connection by a route. Returns its handler. */
export function relayConnection(
  core: ProxyCore,
  route: CompiledL4Route,
  client: SocketConnection,
  peer: SocketAddress,
  proxied: ProxiedConnection | undefined,
): ConnectionHandler {
  const { metrics } = core;
  metrics[METRIC.connectionsAccepted]! += 1;
  metrics[METRIC.connectionsOpen]! += 1;
  metrics[METRIC.tunnels]! += 1;
  const plan = new L4Plan(core, route, client, peer, proxied);
  const { connectMs, idleMs } = route;
  plan.relay = new TcpRelay(core.reactor, client, plan, { connectMs, idleMs });
  if (!plan.relay.isOver) core.relays.add(plan.relay);
  return plan.relay;
}

class L4Plan implements RelayPlan {
  relay: TcpRelay | undefined = undefined;
  readonly #core: ProxyCore;
  readonly #backend: BackendRuntime | undefined;
  readonly #client: SocketConnection;
  readonly #peer: SocketAddress;
  readonly #proxied: ProxiedConnection | undefined;
  #endpoint: EndpointRuntime | undefined = undefined;
  #tries = 0;

  constructor(
    core: ProxyCore,
    route: CompiledL4Route,
    client: SocketConnection,
    peer: SocketAddress,
    proxied: ProxiedConnection | undefined,
  ) {
    this.#core = core;
    this.#backend = chooseL4Backend(route, core.random);
    this.#client = client;
    this.#peer = peer;
    this.#proxied = proxied;
  }

  next(): EncodedAddress | undefined {
    const endpoint = this.#tries++ < TRIES_MAX ? this.#backend?.levels?.pick(this.#endpoint, undefined) : undefined;
    // The one that has just failed is all there is.
    if (endpoint === undefined || endpoint === this.#endpoint) {
      this.#core.metrics[METRIC.noEndpoint]! += 1;
      this.#endpoint = undefined;
      return undefined;
    }
    this.#endpoint = endpoint;
    endpoint.start();
    this.#core.metrics[METRIC.upstreamConnects]! += 1;
    return endpoint.address;
  }

  preamble(): Uint8Array | undefined {
    const version = this.#backend?.proxyProtocol;
    if (version === undefined) return undefined;
    const destination = this.#proxied?.destination ?? this.#client.destination();
    return proxyPreamble(version, this.#peer, destination ?? this.#peer);
  }

  unreachable(): void {
    this.#endpoint!.finish();
    this.#core.metrics[METRIC.upstreamFailures]! += 1;
    record(this.#core, this.#backend!, this.#endpoint!, 'local');
  }

  connected(): void {
    record(this.#core, this.#backend!, this.#endpoint!, 'success');
  }

  ended(_: RelayResult): void {
    this.#endpoint?.finish();
    this.#endpoint = undefined;
    this.#core.metrics[METRIC.connectionsOpen]! -= 1;
    if (this.relay !== undefined) this.#core.relays.delete(this.relay);
  }
}

/** Datagrams of a UDP listener: a flow stays with the endpoint that it got. */
export class L4DatagramRouter implements DatagramRouter {
  readonly #core: ProxyCore;
  readonly #routes: L4Routes;
  /** Of the flows there are. */
  readonly #used = new Map<EncodedAddress, { readonly endpoint: EndpointRuntime; readonly backend: BackendRuntime }>();

  constructor(core: ProxyCore, routes: L4Routes) {
    this.#core = core;
    this.#routes = routes;
  }

  route(): EncodedAddress | undefined {
    const route = this.#routes.find(undefined);
    const backend = route === undefined ? undefined : chooseL4Backend(route, this.#core.random);
    const endpoint = backend?.levels?.pick(undefined, undefined);
    if (backend === undefined || endpoint === undefined) {
      this.#core.metrics[METRIC.noEndpoint]! += 1;
      return undefined;
    }
    endpoint.start();
    this.#used.set(endpoint.address, { endpoint, backend });
    return endpoint.address;
  }

  ended(_: SocketAddress, address: EncodedAddress, isRefused: boolean): void {
    const used = this.#used.get(address);
    if (used === undefined) return;
    used.endpoint.finish();
    if (isRefused) record(this.#core, used.backend, used.endpoint, 'local');
    if (used.endpoint.isUnused) this.#used.delete(address);
  }

  /** Whether a flow may stay: its endpoint is still one of a backend's. */
  keeps(address: EncodedAddress): boolean {
    return this.#used.get(address)?.endpoint.isUnused === false;
  }
}
