import type { BoundSocket } from '../reactor/reactor.ts';
import type { RouteListener } from '../routing/route-table.ts';
import { engine } from '../sys/engine-kind.ts';

/** The sockets of one listener: one per worker, sharing the port (SO_REUSEPORT). */
export interface ListenerSockets {
  readonly listener: RouteListener;
  /** The port actually bound, when the listener asked for 0. */
  readonly port: number;
  /** By worker index. */
  readonly sockets: readonly BoundSocket[];
  /** UDP sockets for HTTP/3 by worker index; empty without it. */
  readonly quicSockets: readonly number[];
  /** Closes what the main thread holds of it, after all workers stopped using it. */
  close(): void;
}

/**
 * Opens a listener for a number of workers.
 * @throws GatewayError with one clear line.
 */
export type ListenerOpener = (listener: RouteListener, workers: number) => Promise<ListenerSockets>;

/** That of the engine this process runs on. */
export const openListener: ListenerOpener =
  engine.kind === 'epoll'
    ? (await import('./listener-sockets.ts')).openListenerSockets
    : (await import('./listener-places.ts')).openListenerPlaces;
