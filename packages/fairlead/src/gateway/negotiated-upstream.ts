// Once per new connection to an endpoint that may speak HTTP/2 over TLS; requests on pooled ones do not come here.
import { type Connection, type ConnectionHandler, HIGH_WATER_BYTES } from '../reactor/reactor.ts';
import { EPROTO } from '../sys/errno.ts';
import type { PinnedBuffer } from '../sys/pinned.ts';
import type { AnswerHandler } from './answer-handler.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';
import type { ProxyCore } from './proxy-core.ts';

/** Who asks for a connection: it gets another one in its place once the protocol is known. */
export interface ConnectionOwner extends AnswerHandler {
  connection: Connection;
}

/** Makes the connections that a handshake has led to. */
export interface NegotiatedPeers {
  /** The connection is HTTP/2: gives each owner its own stream of it. */
  http2(connection: Connection, endpoint: EndpointRuntime, owners: readonly StandIn[]): void;
  /** Those for whom the connection has no room dial again. */
  dialAgain(endpoint: EndpointRuntime, owner: StandIn): void;
  /** The handshake is over. */
  ended(endpoint: EndpointRuntime, handshake: NegotiatingHandshake): void;
}

/** Stands for a connection whose protocol its TLS handshake decides; keeps what is written until then. */
export class StandIn implements Connection {
  handler: ConnectionHandler;
  bytesWritten: number = 0;
  readonly bytesRead: number = 0;
  isOpen: boolean = true;
  deadlineMs: number = Infinity;
  readonly #owner: ConnectionOwner;
  #handshake: NegotiatingHandshake | undefined = undefined;
  #written: Buffer[] = [];
  #isPaused = false;
  #wasCongested = false;

  constructor(owner: ConnectionOwner) {
    this.#owner = owner;
    this.handler = owner;
  }

  get isCongested(): boolean {
    const isCongested = this.bytesWritten > HIGH_WATER_BYTES;
    if (isCongested) this.#wasCongested = true;
    return isCongested;
  }

  /** Of the handshake it waits for, which may have failed. */
  get tls(): Connection['tls'] {
    return this.#handshake?.connection.tls;
  }

  waitFor(handshake: NegotiatingHandshake): void {
    this.#handshake = handshake;
    handshake.noteDeadline(this.deadlineMs);
  }

  /** Gives the owner its connection, and that what was written. `make` is told whom it is for. */
  settle(make: (owner: ConnectionOwner) => Connection): void {
    if (!this.isOpen) return;
    const connection = make(this.#owner);
    this.isOpen = false;
    this.#owner.connection = connection;
    connection.setDeadline(this.deadlineMs);
    if (this.#isPaused) connection.pauseReading();
    for (const chunk of this.#written.splice(0)) connection.writeBytes(chunk);
  }

  /** What the owner waits for, if it was told to wait. Behind {@link settle}. */
  drained(): void {
    if (this.#wasCongested && !this.#owner.connection.isCongested) this.#owner.onDrained();
  }

  fail(error: number): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.handler.onFailed(error);
  }

  write(from: PinnedBuffer, start: number, end: number): void {
    this.writeBytes(from.bytes.subarray(start, end));
  }

  writeBytes(bytes: Uint8Array): void {
    if (!this.isOpen || bytes.length === 0) return;
    this.#written.push(Buffer.from(bytes));
    this.bytesWritten += bytes.length;
  }

  pauseReading(): void {
    this.#isPaused = true;
  }

  resumeReading(): void {
    this.#isPaused = false;
  }

  setDeadline(atMs: number): void {
    this.deadlineMs = atMs;
    this.#handshake?.noteDeadline(atMs);
  }

  /** Nothing has come yet. */
  retain(): void {}
  redeliver(): void {}
  endWriting(): void {}

  closeGracefully(): void {
    this.close();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#handshake?.leave(this);
  }
}

/** Most requests that wait for one handshake: as many as one HTTP/2 connection takes. */
const WAITING_MAX = 100;

/**
 * A TLS handshake that offers HTTP/2, and the requests that wait for it:
 *
 *     h2        → all of them, on one connection
 *     http/1.1  → the first; each other one dials for itself
 *     neither   → failure, if HTTP/1.1 was not offered
 */
export class NegotiatingHandshake implements ConnectionHandler {
  readonly connection: Connection;
  readonly #core: ProxyCore;
  readonly #endpoint: EndpointRuntime;
  readonly #peers: NegotiatedPeers;
  readonly #waiting: StandIn[] = [];
  #deadlineMs = Infinity;

  constructor(core: ProxyCore, endpoint: EndpointRuntime, peers: NegotiatedPeers) {
    this.#core = core;
    this.#endpoint = endpoint;
    this.#peers = peers;
    this.connection = core.reactor.connect(endpoint.address, this, endpoint.tls);
  }

  get hasRoom(): boolean {
    return this.connection.isOpen && this.#waiting.length < WAITING_MAX;
  }

  add(standIn: StandIn): void {
    this.#waiting.push(standIn);
    standIn.waitFor(this);
  }

  /** Nobody needs it: its connection goes too. */
  leave(standIn: StandIn): void {
    const at = this.#waiting.indexOf(standIn);
    if (at >= 0) this.#waiting.splice(at, 1);
    if (this.#waiting.length > 0 || !this.connection.isOpen) return;
    this.#peers.ended(this.#endpoint, this);
    this.connection.close();
  }

  noteDeadline(atMs: number): void {
    if (atMs >= this.#deadlineMs) return;
    this.#deadlineMs = atMs;
    this.connection.setDeadline(atMs);
  }

  onConnected(): void {
    const { connection } = this;
    const waiting = this.#waiting.splice(0);
    this.#peers.ended(this.#endpoint, this);
    connection.setDeadline(Infinity);
    if (connection.tls?.alpn === 'h2') {
      this.#endpoint.isHttp2 = true;
      this.#peers.http2(connection, this.#endpoint, waiting);
      return;
    }
    if (this.#endpoint.tlsHttp1 === undefined) {
      this.#core.noteTlsFailure(this.#endpoint, 'the endpoint does not agree to HTTP/2');
      connection.close();
      for (const standIn of waiting) standIn.fail(-EPROTO);
      return;
    }
    this.#endpoint.isHttp2 = false;
    const [first, ...others] = waiting;
    first?.settle((owner) => {
      connection.handler = owner;
      return connection;
    });
    connection.handler.onConnected();
    first?.drained();
    for (const standIn of others) this.#peers.dialAgain(this.#endpoint, standIn);
  }

  onTimeout(): void {
    const now = this.#core.reactor.nowMs;
    this.#deadlineMs = Infinity;
    for (const standIn of [...this.#waiting]) {
      if (standIn.deadlineMs > now) this.noteDeadline(standIn.deadlineMs);
      else {
        standIn.deadlineMs = Infinity;
        standIn.handler.onTimeout();
      }
    }
  }

  onFailed(error: number): void {
    this.#peers.ended(this.#endpoint, this);
    for (const standIn of this.#waiting.splice(0)) standIn.fail(error);
  }

  // Before the handshake is over there is no data.
  onData(): void {}
  onEnd(): void {}
  onDrained(): void {}
}
