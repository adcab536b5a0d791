import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH } from '../sys/errno.ts';
import { decodeSocketAddress, type EncodedAddress, type SocketAddress } from '../sys/socket-address.ts';
import { negativeErrno } from './node-errors.ts';
import { type NodeReactor, type NodeSocket, nodeAddress } from './node-reactor.ts';
import type { DatagramLimits, DatagramRelay, DatagramRouter, SocketPlace } from './reactor.ts';

/** Datagrams kept for a flow whose socket is not connected yet; more are lost, as on any full link. */
const EARLY_MAX = 64;

/** One client's flow: a socket of its own, connected to the endpoint, so that answers find their way back. */
interface Flow {
  readonly key: string;
  readonly client: SocketAddress;
  readonly endpoint: EncodedAddress;
  readonly socket: Socket;
  /** Undefined once connected. */
  early: Buffer[] | undefined;
  usedMs: number;
}

/** Datagrams relayed one by one through node:dgram. */
export class NodeDatagramRelay implements DatagramRelay, NodeSocket {
  readonly #reactor: NodeReactor;
  readonly #router: DatagramRouter;
  readonly #limits: DatagramLimits;
  readonly #socket: Socket;
  /** By client. */
  readonly #flows = new Map<string, Flow>();
  #cancelSweep: (() => void) | undefined = undefined;
  #isStopped = false;

  constructor(reactor: NodeReactor, place: SocketPlace, router: DatagramRouter, limits: DatagramLimits) {
    this.#reactor = reactor;
    this.#router = router;
    this.#limits = limits;
    const { address, port, isShared } = place;
    const isIpv6 = address.includes(':');
    this.#socket = createSocket({
      type: isIpv6 ? 'udp6' : 'udp4',
      reusePort: isShared,
      ipv6Only: isIpv6 && address !== '::',
    });
    reactor.keep(this);
    reactor.opening();
    let isOpen = false;
    const opened = (failure: string | undefined): void => {
      if (isOpen) return;
      isOpen = true;
      reactor.turn(undefined, () => reactor.opened(failure));
    };
    this.#socket.on('listening', () => opened(undefined));
    this.#socket.on('close', () => opened(undefined));
    // Once it listens, a refusal (ICMP) of an answer to a client that is gone says nothing to the others.
    this.#socket.on('error', (error) => opened(`${address} port ${port}: ${error.message}`));
    this.#socket.on('message', (message, from) => reactor.turn(undefined, () => this.#onMessage(message, from)));
    this.#socket.bind({ address, port, exclusive: true });
  }

  get flows(): number {
    return this.#flows.size;
  }

  #onMessage(message: Buffer, from: RemoteInfo): void {
    if (this.#isStopped) return;
    const key = `${from.address} ${from.port}`;
    const flow = this.#flows.get(key) ?? this.#open(key, from);
    if (flow === undefined) return;
    flow.usedMs = this.#reactor.nowMs;
    if (flow.early === undefined) this.#send(flow, message);
    else if (flow.early.length < EARLY_MAX) flow.early.push(message);
  }

  #send(flow: Flow, message: Buffer): void {
    flow.socket.send(message, (error) => {
      if (error !== null) this.#reactor.turn(undefined, () => this.#onError(flow, error));
    });
  }

  #open(key: string, from: RemoteInfo): Flow | undefined {
    const client = nodeAddress(from.address, from.port);
    const endpoint = client === undefined ? undefined : this.#router.route(client);
    if (client === undefined || endpoint === undefined) return undefined;
    if (this.#flows.size >= this.#limits.flowsMax) this.#endOldest();
    const { family, address, port } = decodeSocketAddress(endpoint.buffer)!;
    const socket = createSocket(family === 'ipv4' ? 'udp4' : 'udp6');
    const flow: Flow = { key, client, endpoint, socket, early: [], usedMs: this.#reactor.nowMs };
    this.#flows.set(key, flow);
    socket.on('error', (error) => this.#reactor.turn(undefined, () => this.#onError(flow, error)));
    socket.on('message', (message) => this.#reactor.turn(undefined, () => this.#onAnswer(flow, message)));
    socket.connect(port, address, () => this.#reactor.turn(undefined, () => this.#onConnected(flow)));
    this.#cancelSweep ??= this.#sweepLater();
    return flow;
  }

  #onConnected(flow: Flow): void {
    if (this.#flows.get(flow.key) !== flow) return;
    const early = flow.early ?? [];
    flow.early = undefined;
    for (const message of early) this.#send(flow, message);
  }

  #onAnswer(flow: Flow, message: Buffer): void {
    if (this.#flows.get(flow.key) !== flow) return;
    flow.usedMs = this.#reactor.nowMs;
    this.#socket.send(message, flow.client.port, flow.client.address, () => {});
  }

  /** A refusal ends the flow: the client's next datagram tries another endpoint. What else is lost is lost. */
  #onError(flow: Flow, error: Error): void {
    const errno = -negativeErrno(error);
    const isRefused = errno === ECONNREFUSED || errno === ENETUNREACH || errno === EHOSTUNREACH;
    if (isRefused || flow.early !== undefined) this.#end(flow, isRefused);
  }

  #endOldest(): void {
    let oldest: Flow | undefined;
    for (const flow of this.#flows.values()) if (oldest === undefined || flow.usedMs < oldest.usedMs) oldest = flow;
    if (oldest !== undefined) this.#end(oldest, false);
  }

  #end(flow: Flow, isRefused: boolean): void {
    if (this.#flows.get(flow.key) !== flow) return;
    this.#flows.delete(flow.key);
    flow.socket.close();
    this.#router.ended(flow.client, flow.endpoint, isRefused);
  }

  #sweepLater(): () => void {
    return this.#reactor.after(Math.max(this.#limits.idleMs / 8, 16), () => {
      this.#cancelSweep = undefined;
      const limit = this.#reactor.nowMs - this.#limits.idleMs;
      for (const flow of this.#flows.values()) if (flow.usedMs <= limit) this.#end(flow, false);
      if (this.#flows.size > 0) this.#cancelSweep = this.#sweepLater();
    });
  }

  review(keeps: (endpoint: EncodedAddress) => boolean): void {
    for (const flow of this.#flows.values()) if (!keeps(flow.endpoint)) this.#end(flow, false);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#cancelSweep?.();
    this.#reactor.drop(this);
    for (const flow of this.#flows.values()) this.#end(flow, false);
    this.#socket.close();
  }
}
