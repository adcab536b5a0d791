// Hot path: one recvmmsg per batch of datagrams, one pass over the connections per turn.
import { DatagramBatch } from '../sys/datagrams.ts';
import { MSG_DONTWAIT } from '../sys/linux-constants.ts';
import type { QuicConnection } from '../sys/quic-connection.ts';
import { type QuicCertificateChooser, QuicListener } from '../sys/quic-listener.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import { EpollReactor } from './epoll-reactor.ts';
import type { ListeningSocket, Reactor, TurnTask } from './reactor.ts';

const BATCH = 64;
/** Longest UDP payload that is taken; ours are 1,200 to 1,500 bytes. */
const DATAGRAM_MAX_BYTES = 2048;
/** So that one flooded socket does not starve the rest of the worker. */
const BATCHES_PER_EVENT = 4;
/** Peers lie in slots of this size. */
const PEER_BYTES = 32;

/** What a protocol does with one QUIC connection. */
export interface QuicHandler {
  /** Something may have happened on the connection or its streams: look. */
  onEvents(): void;
  /** The connection is over and must not be used any more. */
  onClosed(): void;
}

/** Gives the handler of a new connection, whose handshake goes on; undefined refuses it. */
export type QuicAcceptor = (connection: QuicConnection, peer: SocketAddress) => QuicHandler | undefined;

/** Options of {@link listenQuic}. */
export interface QuicOptions {
  readonly certificates: QuicCertificateChooser;
  /** A connection without packets ends after this. */
  readonly idleMs: number;
  /** Error codes of the protocol above: for an end in order, and for an exception of a handler. */
  readonly codes: { readonly none: number; readonly internal: number };
}

/** A UDP socket with its QUIC connections. */
export interface QuicEndpoint extends ListeningSocket {
  /** Lets the connections be looked at, and what they wrote be sent, at the end of the present turn. */
  wake(): void;
}

/**
 * Serves QUIC on a bound, non-blocking datagram socket, which stays its owner's.
 * @throws Error where the engine has no QUIC, or OpenSSL refuses.
 */
export function listenQuic(reactor: Reactor, fd: number, accept: QuicAcceptor, options: QuicOptions): QuicEndpoint {
  if (!(reactor instanceof EpollReactor)) throw new Error('QUIC needs Linux and FFI');
  return new EpollQuicEndpoint(reactor, fd, accept, options);
}

interface Served {
  readonly connection: QuicConnection;
  readonly handler: QuicHandler;
}

class EpollQuicEndpoint implements QuicEndpoint, TurnTask {
  readonly #reactor: EpollReactor;
  readonly #fd: number;
  readonly #accept: QuicAcceptor;
  readonly #options: QuicOptions;
  readonly #listener: QuicListener;
  readonly #batch = new DatagramBatch(BATCH, DATAGRAM_MAX_BYTES);
  readonly #served = new Set<Served>();
  #watched: number | undefined;
  #isAccepting = true;
  #isAwake = false;
  #cancelTimer: (() => void) | undefined = undefined;
  #timerDueMs = Infinity;

  constructor(reactor: EpollReactor, fd: number, accept: QuicAcceptor, options: QuicOptions) {
    const listener = QuicListener.open(fd, options.certificates);
    if (typeof listener === 'string') throw new Error(`QUIC: ${listener}`);
    this.#reactor = reactor;
    this.#fd = fd;
    this.#accept = accept;
    this.#options = options;
    this.#listener = listener;
    const watched = reactor.watch(fd, { onReadable: () => this.#onReadable(), stop: () => this.#close() });
    if (watched < 0) throw new Error('QUIC: the socket cannot be watched');
    this.#watched = watched;
  }

  #onReadable(): void {
    const batch = this.#batch;
    for (let round = 0; round < BATCHES_PER_EVENT; round++) {
      const count = batch.receive(this.#fd, MSG_DONTWAIT);
      if (count <= 0) break;
      for (let i = 0; i < count; i++) {
        if (!batch.wasTruncated(i)) this.#receive(i);
        batch.resetPeer(i);
      }
      if (count < BATCH) break;
    }
    this.wake();
  }

  #receive(index: number): void {
    const batch = this.#batch;
    const offset = index * DATAGRAM_MAX_BYTES;
    const { data } = batch;
    this.#listener.receive(data, offset, batch.receivedLength(index), batch.peerBytes, index * PEER_BYTES);
    // OpenSSL does not tell a connection's peer. One that begins does so with an Initial packet (RFC 9000 17.2.2):
    // what can be accepted right behind it came from there.
    if ((data.bytes[offset]! & 0xf0) === 0xc0) this.#acceptFrom(index);
  }

  #acceptFrom(index: number): void {
    this.#listener.advance();
    for (let fresh = this.#listener.accept(); fresh !== undefined; fresh = this.#listener.accept()) {
      const peer = this.#batch.peer(index);
      const handler = this.#isAccepting && peer !== undefined ? this.#accept(fresh, peer) : undefined;
      if (handler === undefined) {
        fresh.close(this.#options.codes.none);
        fresh.free();
        continue;
      }
      fresh.setIdleTimeout(this.#options.idleMs);
      this.#served.add({ connection: fresh, handler });
    }
  }

  wake(): void {
    if (this.#isAwake || this.#watched === undefined) return;
    this.#isAwake = true;
    this.#reactor.atTurnEnd(this);
  }

  onTurnEnd(): void {
    this.#isAwake = false;
    if (this.#watched === undefined) return;
    this.#listener.advance();
    for (const served of this.#served) {
      if (served.connection.closed !== undefined) this.#end(served);
      else if (!this.#reactor.contained('a QUIC handler failed', () => served.handler.onEvents())) {
        served.connection.close(this.#options.codes.internal);
        this.#end(served);
      }
    }
    this.#listener.advance();
    this.#setTimer();
    if (!this.#isAccepting && this.#served.size === 0) this.#close();
  }

  #end(served: Served): void {
    this.#served.delete(served);
    served.handler.onClosed();
    served.connection.free();
  }

  #setTimer(): void {
    const dueMs = this.#listener.dueMs();
    const atMs = this.#reactor.nowMs + dueMs;
    if (this.#cancelTimer !== undefined) {
      if (this.#timerDueMs <= atMs) return;
      this.#cancelTimer();
      this.#cancelTimer = undefined;
    }
    if (dueMs === Infinity) return;
    this.#timerDueMs = atMs;
    this.#cancelTimer = this.#reactor.after(dueMs, () => {
      this.#cancelTimer = undefined;
      this.wake();
    });
  }

  /** New connections are refused from now on; the others go on. */
  stop(): void {
    this.#isAccepting = false;
    this.wake();
  }

  #close(): void {
    if (this.#watched === undefined) return;
    for (const served of [...this.#served]) {
      served.connection.close(this.#options.codes.none);
      this.#end(served);
    }
    this.#listener.advance();
    this.#cancelTimer?.();
    this.#reactor.unwatch(this.#fd, this.#watched);
    this.#watched = undefined;
    this.#listener.free();
  }
}
