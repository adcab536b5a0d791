// Hot path: accept() runs once per connection.
import { proxyPreamble } from '../../reactor/proxy-preamble.ts';
import {
  type BoundSocket,
  type ConnectionHandler,
  type ListeningSocket,
  NO_HANDLER,
  type Reactor,
  type SocketConnection,
} from '../../reactor/reactor.ts';
import { type RelayPlan, type RelayResult, type RelayTimes, TcpRelay } from '../../reactor/tcp-relay.ts';
import type { EncodedAddress, SocketAddress } from '../../sys/socket-address.ts';
import type { EndpointSet, PickedEndpoint } from './endpoint-picker.ts';
import { type FrontendPlace, PROXY_METRIC } from './messages.ts';
import type { PortRuntime } from './port-runtime.ts';

/** Idle time as the kernel's connection tracking has it under kube-proxy: a day. */
const TIMES: RelayTimes = { connectMs: 5000, idleMs: 24 * 3_600_000 };
/** Endpoints tried for one connection. */
const TRIES_MAX = 8;

/** A listening TCP frontend in the proxy thread. */
export class TcpFrontend {
  readonly reactor: Reactor;
  readonly metrics: Float64Array;
  readonly place: FrontendPlace;
  /** Relays that go on. */
  readonly relays: Set<TcpRelay> = new Set();
  port: PortRuntime;
  readonly #socket: ListeningSocket;

  constructor(reactor: Reactor, socket: BoundSocket, port: PortRuntime, place: FrontendPlace, metrics: Float64Array) {
    this.reactor = reactor;
    this.port = port;
    this.place = place;
    this.metrics = metrics;
    this.#socket = reactor.listen(socket, (connection, peer) => this.#accept(connection, peer));
  }

  #accept(client: SocketConnection, peer: SocketAddress): ConnectionHandler {
    const { port, metrics } = this;
    metrics[PROXY_METRIC.connections]! += 1;
    const set = port.choose(this.place, peer.address);
    if (set === undefined || this.#isBypass(client) || !port.limiter.admit(peer.address)) {
      metrics[PROXY_METRIC.denied]! += 1;
      client.reset();
      return NO_HANDLER;
    }
    metrics[PROXY_METRIC.openConnections]! += 1;
    const plan = new ConnectionPlan(this, set, peer, client);
    const relay = new TcpRelay(this.reactor, client, plan, TIMES);
    plan.relay = relay;
    if (!relay.isOver) this.relays.add(relay);
    return relay;
  }

  /** A connection to the port that only the kernel uses has passed none of the kernel's checks. */
  #isBypass(client: SocketConnection): boolean {
    const { address, port } = this.place;
    if (port === undefined) return false;
    const wanted = client.destination();
    return wanted === undefined || (wanted.address === address && wanted.port === port);
  }

  /** Stops accepting. */
  close(): void {
    this.#socket.stop();
  }

  /** Resets the connections. */
  drop(): void {
    for (const relay of this.relays) relay.stop();
  }

  /** The endpoints changed: nothing to do, connections stay where they are. */
  review(): void {}
}

/** The endpoints of one connection, in the order to be tried. */
class ConnectionPlan implements RelayPlan {
  relay: TcpRelay | undefined = undefined;
  readonly #frontend: TcpFrontend;
  readonly #port: PortRuntime;
  readonly #set: EndpointSet;
  readonly #client: SocketAddress;
  readonly #connection: SocketConnection;
  #index = -1;
  #tries = 0;

  constructor(frontend: TcpFrontend, set: EndpointSet, client: SocketAddress, connection: SocketConnection) {
    this.#connection = connection;
    this.#frontend = frontend;
    this.#port = frontend.port;
    this.#set = set;
    this.#client = client;
  }

  get #endpoint(): PickedEndpoint {
    return this.#set.endpoints[this.#index]!;
  }

  next(): EncodedAddress | undefined {
    const { endpoints } = this.#set;
    if (this.#tries >= Math.min(TRIES_MAX, endpoints.length)) return undefined;
    this.#index =
      this.#tries++ === 0
        ? this.#port.picker.first(
            this.#set,
            this.#client.address,
            this.#client.port,
            this.#port.program.affinityTimeoutSeconds,
          )
        : (this.#index + 1) % endpoints.length;
    return this.#index < 0 ? undefined : this.#endpoint.address;
  }

  preamble(): Uint8Array | undefined {
    const version = this.#port.program.proxyProtocol;
    if (version === undefined) return undefined;
    return proxyPreamble(version, this.#client, this.#connection.destination() ?? this.#client);
  }

  unreachable(): void {
    this.#frontend.metrics[PROXY_METRIC.unreachable]! += 1;
    this.#port.picker.unreachable(this.#endpoint);
  }

  connected(): void {
    this.#port.picker.reached(this.#endpoint, this.#client.address, this.#port.program.affinityTimeoutSeconds);
  }

  ended({ outcome, fromClientBytes, toClientBytes }: RelayResult): void {
    const { metrics, relays } = this.#frontend;
    metrics[PROXY_METRIC.openConnections]! -= 1;
    metrics[PROXY_METRIC.fromClientBytes]! += fromClientBytes;
    metrics[PROXY_METRIC.toClientBytes]! += toClientBytes;
    if (outcome === 'refused') metrics[PROXY_METRIC.refused]! += 1;
    this.#port.limiter.release(this.#client.address);
    if (this.relay !== undefined) relays.delete(this.relay);
  }
}
