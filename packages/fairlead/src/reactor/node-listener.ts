import { createServer, type Server, type Socket } from 'node:net';
import type { SocketAddress } from '../sys/socket-address.ts';
import { socketAddress } from '../sys/socket-address.ts';
import {
  PROXY_HEADER_MAX_BYTES,
  type ProxyEnd,
  type ProxyHeader,
  parseProxyHeader,
} from '../wire/proxy-protocol/proxy-header.ts';
import { NodeConnection } from './node-connection.ts';
import { readPreface } from './node-preface.ts';
import { type NodeReactor, type NodeSocket, nodeAddress } from './node-reactor.ts';
import { acceptTls } from './node-tls-handshake.ts';
import {
  type AcceptOptions,
  type Acceptor,
  type ListeningSocket,
  NO_HANDLER,
  type ProxiedConnection,
  type ProxyAcceptPolicy,
  type SocketPlace,
} from './reactor.ts';

/** Longest accept queue; the kernel may cap it. */
const BACKLOG = 4096;

/** A listening socket of the {@link NodeReactor}, which it opens itself. */
export class NodeListener implements ListeningSocket, NodeSocket {
  readonly #reactor: NodeReactor;
  readonly #accept: Acceptor;
  readonly #options: AcceptOptions;
  readonly #server: Server;
  /** Incoming TLS handshakes in progress. */
  #handshakes = 0;
  /** Sockets whose PROXY protocol header is still to come. */
  readonly #prefaces = new Set<Socket>();

  constructor(reactor: NodeReactor, place: SocketPlace, accept: Acceptor, options: AcceptOptions) {
    this.#reactor = reactor;
    this.#accept = accept;
    this.#options = options;
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    this.#server = server;
    server.on('connection', (socket) => this.#onSocket(socket));
    reactor.keep(this);
    reactor.opening();
    let isOpen = false;
    const opened = (failure: string | undefined): void => {
      if (isOpen) return;
      isOpen = true;
      reactor.turn(undefined, () => reactor.opened(failure));
    };
    server.on('listening', () => opened(undefined));
    server.on('error', (error) => opened(`${place.address} port ${place.port}: ${error.message}`));
    server.on('close', () => opened(undefined));
    const { address, port, isShared } = place;
    server.listen({
      host: address,
      port,
      backlog: BACKLOG,
      exclusive: true,
      reusePort: isShared,
      ipv6Only: address !== '::',
    });
  }

  #onSocket(socket: Socket): void {
    // Whoever takes it listens for errors too; until then there is nobody to tell.
    socket.on('error', () => {});
    if (this.#reactor.isOver) {
      socket.destroy();
      return;
    }
    this.#reactor.turn(undefined, () => {
      const peer = nodeAddress(socket.remoteAddress, socket.remotePort);
      const { proxied } = this.#options;
      if (peer === undefined) socket.destroy();
      else if (proxied?.trusts(peer) !== true) this.#accepted(socket, peer);
      else this.#readProxied(socket, peer, proxied);
    });
  }

  #readProxied(socket: Socket, proxy: SocketAddress, policy: ProxyAcceptPolicy): void {
    this.#prefaces.add(socket);
    const done = (): void => {
      cancelDeadline();
      this.#prefaces.delete(socket);
    };
    const refuse = (reason: string): void => {
      done();
      leave();
      policy.onFailed(reason);
      socket.destroy();
    };
    const cancelDeadline = this.#reactor.after(policy.headerMs, () => refuse('timeout'));
    const leave = readPreface(
      this.#reactor,
      undefined,
      socket,
      (bytes) => {
        const result = parseProxyHeader(bytes.subarray(0, PROXY_HEADER_MAX_BYTES));
        if (result.type === 'incomplete') return undefined;
        if (result.type === 'malformed') {
          refuse(result.reason);
          return undefined;
        }
        done();
        const { header, lengthBytes } = result;
        return { takenBytes: lengthBytes, next: () => this.#proxied(socket, proxy, header) };
      },
      () => refuse('ended within the header'),
    );
  }

  #proxied(socket: Socket, proxy: SocketAddress, header: ProxyHeader): void {
    const source = endAddress(header.source);
    this.#accepted(socket, source ?? proxy, {
      proxy,
      destination: source === undefined ? undefined : endAddress(header.destination),
      fields: header.fields,
    });
  }

  #accepted(socket: Socket, peer: SocketAddress, proxied?: ProxiedConnection): void {
    const { tls, gate } = this.#options;
    const reactor = this.#reactor;
    reactor.countAccepted();
    if (gate?.admit(peer, tls === undefined ? 0 : this.#handshakes) === false) {
      socket.resetAndDestroy();
      return;
    }
    const connection = new NodeConnection(reactor, socket, NO_HANDLER, false);
    reactor.add(connection);
    let isShakingHands = tls !== undefined;
    const endHandshake = (): void => {
      if (isShakingHands) this.#handshakes--;
      isShakingHands = false;
    };
    connection.onClosed = () => {
      endHandshake();
      gate?.release(peer);
    };
    reactor.turn(connection, () => {
      if (tls === undefined) {
        this.#install(connection, this.#accept, peer, proxied);
        connection.establish(socket, undefined);
        return;
      }
      this.#handshakes++;
      acceptTls(reactor, connection, socket, tls, (stream, state, instead) => {
        endHandshake();
        connection.setDeadline(Infinity);
        connection.onHandshakeTimeout = undefined;
        connection.tls = state;
        this.#install(connection, instead ?? this.#accept, peer, proxied);
        connection.establish(stream, state);
      });
    });
  }

  #install(connection: NodeConnection, accept: Acceptor, peer: SocketAddress, proxied?: ProxiedConnection): void {
    connection.handler = accept(connection, peer, proxied);
  }

  stop(): void {
    this.#reactor.drop(this);
    // A turn of Node's loop takes what waits in the accept queue, which closing would reset.
    setImmediate(() => setImmediate(() => this.#server.close()));
    for (const socket of this.#prefaces) socket.destroy();
    this.#prefaces.clear();
  }
}

function endAddress(end: ProxyEnd | undefined): SocketAddress | undefined {
  return end === undefined ? undefined : socketAddress(end.address, end.port);
}
