import type { PinnedBuffer } from '../sys/pinned.ts';
import type { EncodedAddress, SocketAddress } from '../sys/socket-address.ts';
import type { ProxyField } from '../wire/proxy-protocol/proxy-header.ts';
import type { TlsAcceptPolicy, TlsConnectOptions, TlsState } from './tls-transport.ts';

/** Where the reactor puts received bytes within {@link Reactor.input}; retained bytes lie in front of it. */
export const INPUT_BASE: number = 64 * 1024;
/** Most bytes one event delivers, retained ones not counted. */
export const READ_MAX_BYTES: number = 64 * 1024;
/** Most bytes {@link Connection.retain} keeps. */
export const RETAIN_MAX_BYTES: number = INPUT_BASE;
/** Queued output above which {@link Connection.isCongested} holds; the producer should pause. */
export const HIGH_WATER_BYTES: number = 128 * 1024;
/** Queued output below which {@link ConnectionHandler.onDrained} follows. */
export const LOW_WATER_BYTES: number = 32 * 1024;

/**
 * What a protocol does with one connection. Calls never nest: a callback of one connection
 * returns before any other begins, so the shared buffers are the callee's until it returns.
 */
export interface ConnectionHandler {
  /** An outgoing connection is established. Not called for accepted ones. */
  onConnected(): void;
  /** Bytes `[start, end)` of {@link Reactor.input}, valid during the call only. Includes retained ones in front. */
  onData(start: number, end: number): void;
  /** The peer will send nothing more. Writing may go on. */
  onEnd(): void;
  /** Queued output fell below the low watermark after having been above the high one. */
  onDrained(): void;
  /** The deadline passed. It is cleared before the call. */
  onTimeout(): void;
  /** The connection failed and is gone; `error` is a negative errno. Not called after the owner's own close. */
  onFailed(error: number): void;
}

/** Nothing to do: for a connection that has no owner yet, or that its acceptor has closed. */
export const NO_HANDLER: ConnectionHandler = {
  onConnected() {},
  onData() {},
  onEnd() {},
  onDrained() {},
  onTimeout() {},
  onFailed() {},
};

/** A TCP or TLS connection of a {@link Reactor}. Writing to a failed or closed one does nothing. */
export interface Connection {
  handler: ConnectionHandler;
  /** Output is above the high watermark. */
  readonly isCongested: boolean;
  readonly isOpen: boolean;
  /**
   * Input has arrived that nobody has read yet, as far as the engine knows; asks the kernel, so not for every message.
   * Absent where input is handed over at once.
   */
  readonly hasUnread?: boolean;
  /** Of an established TLS connection; undefined on a plain one. */
  readonly tls: TlsState | undefined;
  /** Bytes accepted by {@link write} so far. */
  readonly bytesWritten: number;
  readonly bytesRead: number;
  /** Sends bytes `[start, end)` of a pinned buffer at once; what the kernel does not take is copied and queued. */
  write(from: PinnedBuffer, start: number, end: number): void;
  /** The same for ordinary memory: one copy more. */
  writeBytes(bytes: Uint8Array): void;
  /** Keeps unread input `[start, end)` for the next {@link ConnectionHandler.onData}. */
  retain(start: number, end: number): void;
  /** Delivers retained input again, right after the present callback, without waiting for more. */
  redeliver(): void;
  pauseReading(): void;
  resumeReading(): void;
  /** Monotonic ms at which {@link ConnectionHandler.onTimeout} follows (coarse, never early); Infinity for never. */
  setDeadline(atMs: number): void;
  /** Sends end of stream once the queue is empty. */
  endWriting(): void;
  /**
   * Flushes, sends end of stream, discards input until the peer closes (RFC 9112 9.6) or 2 s pass, then closes.
   *
   * @param isPeerDone the peer has said that it sends nothing more, so once all is sent there is nothing to wait for
   */
  closeGracefully(isPeerDone?: boolean): void;
  /** Closes now, dropping what is queued. */
  close(): void;
}

/** A connection with a socket of its own. */
export interface SocketConnection extends Connection {
  readonly hasUnread: boolean;
  /**
   * What arrives from now on, and what was retained, goes to `target`, unseen by the handler, as fast as
   * the target takes it. The handler still hears of the end, failures and deadlines. Undefined ends it.
   */
  forwardTo(target: SocketConnection | undefined): void;
  /** Closes now, and the peer sees a reset rather than an end. */
  reset(): void;
  /** Where the peer of an accepted connection connected to, before any translation of addresses here. */
  destination(): SocketAddress | undefined;
}

/** Where the datagrams of clients go. */
export interface DatagramRouter {
  /** Endpoint of a new client's flow; undefined drops the datagram. */
  route(client: SocketAddress): EncodedAddress | undefined;
  /** A flow has ended: idle, pushed out by newer ones, refused by its endpoint (`isRefused`), or told to. */
  ended(client: SocketAddress, endpoint: EncodedAddress, isRefused: boolean): void;
}

/** Bounds of a datagram relay. */
export interface DatagramLimits {
  /** A flow without datagrams in either direction ends after this, milliseconds. */
  readonly idleMs: number;
  /** Flows at a time; the one that was idle longest makes room. Each costs a socket. */
  readonly flowsMax: number;
}

/** A datagram socket whose clients' flows go to endpoints and back. */
export interface DatagramRelay {
  readonly flows: number;
  /** Ends the flows to endpoints for which `keeps` is false: the clients' next datagrams are routed anew. */
  review(keeps: (endpoint: EncodedAddress) => boolean): void;
  /** Ends all flows. The listening socket belongs to whoever opened it. */
  stop(): void;
}

/** Counts the accepted connections of listeners, and refuses some. */
export interface ConnectionGate {
  /**
   * Counts a connection, which {@link release} will follow, or refuses it: then it is reset.
   *
   * @param handshakes incoming TLS handshakes in progress in this reactor; of a plain connection 0
   */
  admit(peer: SocketAddress, handshakes: number): boolean;
  release(peer: SocketAddress): void;
}

/** How a listener accepts: a PROXY protocol header first, then the gate, then the handshake. */
export interface AcceptOptions {
  readonly tls?: TlsAcceptPolicy | undefined;
  readonly proxied?: ProxyAcceptPolicy | undefined;
  readonly gate?: ConnectionGate | undefined;
}

/** Which connections begin with a PROXY protocol header, which must then be there. */
export interface ProxyAcceptPolicy {
  /** Whether the peer is a proxy that is believed; of others the header would be data. */
  trusts(peer: SocketAddress): boolean;
  /** From accept to the end of the header, milliseconds. */
  readonly headerMs: number;
  onFailed(reason: string): void;
}

/** What a trusted proxy told of a connection. Its peer is then the client's address, as far as it is known. */
export interface ProxiedConnection {
  /** The proxy itself. */
  readonly proxy: SocketAddress;
  /** Where the client connected to. */
  readonly destination: SocketAddress | undefined;
  readonly fields: readonly ProxyField[];
}

/** Gives the handler of a new connection. */
export type Acceptor = (
  connection: SocketConnection,
  peer: SocketAddress,
  proxied?: ProxiedConnection,
) => ConnectionHandler;

/** Where a reactor that opens its sockets itself is to bind one. */
export interface SocketPlace {
  /** An IP literal. */
  readonly address: string;
  readonly port: number;
  /** Other threads bind it too, and the kernel spreads connections over them. */
  readonly isShared: boolean;
}

/** A bound socket that somebody else opened and will close, as a descriptor; node:net can only be told the place. */
export type BoundSocket = number | SocketPlace;

/** A listening socket. */
export interface ListeningSocket {
  stop(): void;
}

/** Counters of one reactor. */
export interface ReactorStats {
  readonly openConnections: number;
  readonly acceptedConnections: number;
  /** Exceptions that escaped from a handler; each cost its connection. */
  readonly handlerErrors: number;
  /** Batches of events so far, timers not counted: while it stands still, nothing happens. */
  readonly batches: number;
}

/** What waits for the end of a turn. */
export interface TurnTask {
  onTurnEnd(): void;
}

/** Event loop of a data-plane worker. One implementation per kind of system call. */
export interface Reactor {
  /** Shared receive buffer. */
  readonly input: PinnedBuffer;
  /** Scratch for assembling output; free for whoever is in a callback. */
  readonly output: PinnedBuffer;
  /** Monotonic ms when the present batch of events began. */
  readonly nowMs: number;
  /**
   * Accepts on a listening, non-blocking socket. `accept` returns the handler of the new connection;
   * with TLS it is called when the handshake is done.
   */
  listen(socket: BoundSocket, accept: Acceptor, options?: AcceptOptions): ListeningSocket;
  /**
   * Starts a connection. The result comes to the handler, with `tls` after the handshake. The preamble
   * (a PROXY protocol header) is sent first, in clear text.
   */
  connect(
    address: EncodedAddress,
    handler: ConnectionHandler,
    tls?: TlsConnectOptions,
    preamble?: Uint8Array,
  ): SocketConnection;
  /** Relays the datagrams that arrive at a bound, non-blocking socket. */
  relayDatagrams(socket: BoundSocket, router: DatagramRouter, limits: DatagramLimits): DatagramRelay;
  /**
   * Calls back once every socket given to {@link listen} and {@link relayDatagrams} so far is ready, or why one
   * is not: at once where they come open.
   */
  whenListening(callback: (failure: string | undefined) => void): void;
  /** Calls `callback` once after about `delayMs`; the function returned cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls `task` once, when the events at hand are dealt with: for output that is better sent in one piece. */
  atTurnEnd(task: TurnTask): void;
  /** Runs until {@link stop}; where it can it blocks the thread meanwhile. */
  run(): Promise<void>;
  /** Ends {@link run} after the present batch and closes every connection. */
  stop(): void;
  stats(): ReactorStats;
}
