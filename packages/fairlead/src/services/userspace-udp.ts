import { createSocket, type Socket } from 'node:dgram';
import type { Clock } from '../sys/clock.ts';
import { type EndpointTarget, formatTarget } from './program.ts';
import type { ConnectionRouter, FrontendListener } from './userspace-tcp.ts';

/** A flow without datagrams in either direction ends; conntrack's time for a stream is the same. */
const idleTimeoutMs = 120_000;
const sweepEveryMs = 10_000;
/** Bound per frontend: each flow costs a socket. The oldest goes first. */
const mostFlows = 4096;
/** Datagrams that wait for their flow's socket to be bound. */
const mostWaiting = 64;

interface Flow {
  readonly socket: Socket;
  readonly target: EndpointTarget;
  usedAtMs: number;
  /** Present until the socket is connected. */
  waiting: Uint8Array[] | undefined;
}

function socketType(address: string): 'udp4' | 'udp6' {
  return address.includes(':') ? 'udp6' : 'udp4';
}

class UdpFrontend {
  readonly #socket: Socket;
  readonly #router: ConnectionRouter;
  readonly #clock: Clock;
  readonly #flows = new Map<string, Flow>();
  #cancelSweep: (() => void) | undefined;

  constructor(socket: Socket, router: ConnectionRouter, clock: Clock) {
    this.#socket = socket;
    this.#router = router;
    this.#clock = clock;
    socket.on('message', (message, from) => this.#onClient(message, from.address, from.port));
    socket.on('error', () => undefined);
  }

  #onClient(message: Uint8Array, address: string, port: number): void {
    const key = `${address} ${port}`;
    const flow = this.#flows.get(key) ?? this.#open(key, address, port);
    if (flow === undefined) return;
    flow.usedAtMs = this.#clock.monotonicMs();
    if (flow.waiting === undefined) flow.socket.send(message, () => undefined);
    else if (flow.waiting.length < mostWaiting) flow.waiting.push(message);
  }

  #open(key: string, address: string, port: number): Flow | undefined {
    const target = this.#router.route(address)[0];
    if (target === undefined) return undefined;
    const oldest = this.#flows.size >= mostFlows ? this.#flows.keys().next().value : undefined;
    if (oldest !== undefined) this.#end(oldest);
    const socket = createSocket(socketType(target.ip));
    const flow: Flow = { socket, target, usedAtMs: this.#clock.monotonicMs(), waiting: [] };
    this.#flows.set(key, flow);
    // A refused datagram ends the flow: the client's next one tries another endpoint.
    socket.on('error', () => this.#end(key, flow));
    socket.on('message', (answer) => {
      flow.usedAtMs = this.#clock.monotonicMs();
      this.#socket.send(answer, port, address, () => undefined);
    });
    socket.connect(target.port, target.ip, () => {
      const waiting = flow.waiting ?? [];
      flow.waiting = undefined;
      this.#router.connected(address, target);
      for (const message of waiting) socket.send(message, () => undefined);
    });
    this.#scheduleSweep();
    return flow;
  }

  #end(key: string, only?: Flow): void {
    const flow = this.#flows.get(key);
    if (flow === undefined || (only !== undefined && only !== flow)) return;
    this.#flows.delete(key);
    flow.socket.removeAllListeners('message');
    flow.socket.close();
  }

  #scheduleSweep(): void {
    this.#cancelSweep ??= this.#clock.after(sweepEveryMs, () => {
      this.#cancelSweep = undefined;
      const now = this.#clock.monotonicMs();
      for (const [key, flow] of this.#flows) if (now - flow.usedAtMs >= idleTimeoutMs) this.#end(key);
      if (this.#flows.size > 0) this.#scheduleSweep();
    });
  }

  /** Datagrams have no end of connection: flows to endpoints that are gone move at once. */
  endpointsChanged(targets: readonly EndpointTarget[]): void {
    const usable = new Set(targets.map(formatTarget));
    for (const [key, flow] of this.#flows) if (!usable.has(formatTarget(flow.target))) this.#end(key);
  }

  close(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    for (const key of [...this.#flows.keys()]) this.#end(key);
    this.#socket.close();
  }
}

/** Listens and forwards datagrams. Rejects when the address cannot be bound. */
export async function listenUdp(
  address: string,
  port: number,
  router: ConnectionRouter,
  clock: Clock,
): Promise<FrontendListener> {
  const socket = createSocket(socketType(address));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
  const frontend = new UdpFrontend(socket, router, clock);
  let closed = false;
  const close = (onDrained?: () => void): void => {
    if (closed) return;
    closed = true;
    frontend.close();
    onDrained?.();
  };
  return {
    address,
    port: socket.address().port,
    endpointsChanged: (targets) => frontend.endpointsChanged(targets),
    close,
    destroy: () => close(),
  };
}
