import type { BoundSocket, DatagramRelay, DatagramRouter, Reactor } from '../../reactor/reactor.ts';
import type { EncodedAddress, SocketAddress } from '../../sys/socket-address.ts';
import { type FrontendPlace, PROXY_METRIC } from './messages.ts';
import type { PortRuntime } from './port-runtime.ts';

/** Idle time of a flow as connection tracking has it for a stream. Each flow costs a socket. */
const LIMITS = { idleMs: 120_000, flowsMax: 4096 };

/** A datagram frontend in the proxy thread. */
export class UdpFrontend implements DatagramRouter {
  readonly metrics: Float64Array;
  readonly place: FrontendPlace;
  port: PortRuntime;
  readonly #relay: DatagramRelay;

  constructor(reactor: Reactor, socket: BoundSocket, port: PortRuntime, place: FrontendPlace, metrics: Float64Array) {
    this.port = port;
    this.place = place;
    this.metrics = metrics;
    this.#relay = reactor.relayDatagrams(socket, this, LIMITS);
  }

  route(client: SocketAddress): EncodedAddress | undefined {
    const { port, metrics } = this;
    const set = port.choose(this.place, client.address);
    if (set === undefined || !port.limiter.admit(client.address)) {
      metrics[PROXY_METRIC.denied]! += 1;
      return undefined;
    }
    const affinity = port.program.affinityTimeoutSeconds;
    const endpoint = set.endpoints[port.picker.first(set, client.address, client.port, affinity)];
    if (endpoint === undefined) {
      port.limiter.release(client.address);
      return undefined;
    }
    metrics[PROXY_METRIC.flows]! += 1;
    port.picker.reached(endpoint, client.address, affinity);
    return endpoint.address;
  }

  ended(client: SocketAddress, endpoint: EncodedAddress, isRefused: boolean): void {
    this.metrics[PROXY_METRIC.flows]! -= 1;
    this.port.limiter.release(client.address);
    if (isRefused) {
      this.metrics[PROXY_METRIC.unreachable]! += 1;
      this.port.suspect(endpoint);
    }
  }

  /** Datagrams have no end of connection: flows to endpoints that are gone move at once. */
  review(): void {
    this.#relay.review((endpoint) => this.port.uses(endpoint));
  }

  close(): void {
    this.#relay.stop();
  }

  drop(): void {}
}
