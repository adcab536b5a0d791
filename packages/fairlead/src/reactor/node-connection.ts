import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ECONNABORTED, ETIMEDOUT } from '../sys/errno.ts';
import type { PinnedBuffer } from '../sys/pinned.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import { negativeErrno } from './node-errors.ts';
import { type NodeReactor, nodeAddress } from './node-reactor.ts';
import {
  type ConnectionHandler,
  HIGH_WATER_BYTES,
  INPUT_BASE,
  READ_MAX_BYTES,
  RETAIN_MAX_BYTES,
  type SocketConnection,
} from './reactor.ts';
import { WheelTimer } from './timer-wheel.ts';
import type { TlsState } from './tls-transport.ts';

/** How long a gracefully closed connection waits for the peer. */
const LINGER_MS = 2000;

/**
 *     opening ──establish──▶ open ──closeGracefully──▶ lingering
 *        └──────────┬─────────┴───── fail ──▶ broken ──told──▶ closed
 */
type State = 'opening' | 'open' | 'lingering' | 'broken' | 'closed';

/** A connection of the {@link NodeReactor}. */
export class NodeConnection implements SocketConnection {
  handler: ConnectionHandler;
  bytesWritten: number = 0;
  bytesRead: number = 0;
  isCongested: boolean = false;
  tls: TlsState | undefined = undefined;
  onClosed: (() => void) | undefined = undefined;
  /** Called when the handshake of an incoming connection takes too long. */
  onHandshakeTimeout: (() => void) | undefined = undefined;
  readonly #reactor: NodeReactor;
  readonly #raw: Socket;
  readonly #isOutgoing: boolean;
  readonly #timer: WheelTimer;
  /** What carries the bytes: the raw socket or a TLS socket over it. */
  #stream: Socket | undefined = undefined;
  /** A TLS socket whose handshake goes on. */
  #securing: TLSSocket | undefined = undefined;
  #state: State = 'opening';
  /** Written before there was a stream. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #wantsRead = true;
  /** Received while reading paused, or more than one delivery takes. */
  #backlog: Buffer[] = [];
  #peerEnded = false;
  #endTold = false;
  #endAsked = false;
  #retained: Buffer | undefined = undefined;
  /** Where what arrives here goes, unseen by the handler; and whose bytes come here. */
  #target: NodeConnection | undefined = undefined;
  #feeder: NodeConnection | undefined = undefined;

  constructor(reactor: NodeReactor, raw: Socket, handler: ConnectionHandler, isOutgoing: boolean) {
    this.#reactor = reactor;
    this.#raw = raw;
    this.handler = handler;
    this.#isOutgoing = isOutgoing;
    this.#timer = new WheelTimer(() => this.#onDeadline());
    raw.on('error', (error) => reactor.turn(this, () => this.fail(negativeErrno(error))));
    raw.on('close', () => reactor.turn(this, () => this.#onClose()));
  }

  get isOpen(): boolean {
    return this.#state === 'opening' || this.#state === 'open';
  }

  /** The connection can carry data, over `stream`. Of an incoming one the handler is in place. */
  establish(stream: Socket, tls: TlsState | undefined): void {
    if (this.#state !== 'opening') return;
    const reactor = this.#reactor;
    this.#state = 'open';
    this.#stream = stream;
    this.tls = tls;
    if (stream !== this.#raw) {
      stream.on('error', (error) => reactor.turn(this, () => this.fail(negativeErrno(error))));
      stream.on('close', () => reactor.turn(this, () => this.#onClose()));
    }
    stream.on('data', (chunk: Buffer) => reactor.turn(this, () => this.#onChunk(chunk)));
    stream.on('end', () => reactor.turn(this, () => this.#onEnd()));
    stream.on('drain', () => reactor.turn(this, () => this.#onDrain()));
    for (const chunk of this.#early.splice(0)) stream.write(chunk);
    this.#earlyBytes = 0;
    if (this.#wantsRead) stream.resume();
    else stream.pause();
    if (this.#endAsked) stream.end();
    if (this.#isOutgoing) this.handler.onConnected();
    if (this.isCongested && stream.writableLength === 0) this.#onDrain();
  }

  /** Goes on over a TLS socket that is still shaking hands with its server. */
  secure(socket: TLSSocket, stateOf: (socket: TLSSocket) => TlsState): void {
    const reactor = this.#reactor;
    this.#securing = socket;
    socket.on('error', (error) =>
      reactor.turn(this, () => {
        this.tls = this.tls === undefined ? failedTls(error.message) : { ...this.tls, failure: error.message };
        this.fail(negativeErrno(error));
      }),
    );
    socket.once('secureConnect', () => reactor.turn(this, () => this.establish(socket, stateOf(socket))));
  }

  write(from: PinnedBuffer, start: number, end: number): void {
    this.writeBytes(from.bytes.subarray(start, end));
  }

  writeBytes(bytes: Uint8Array): void {
    if (!this.isOpen || this.#endAsked || bytes.length === 0) return;
    // The caller's memory is the caller's again when this returns.
    const chunk = Buffer.from(bytes);
    this.bytesWritten += chunk.length;
    if (this.#stream === undefined) {
      this.#early.push(chunk);
      this.#earlyBytes += chunk.length;
    } else this.#stream.write(chunk);
    if (this.#earlyBytes + (this.#stream?.writableLength ?? 0) > HIGH_WATER_BYTES) this.isCongested = true;
  }

  #onDrain(): void {
    this.isCongested = false;
    if (this.#state !== 'open') return;
    if (this.#feeder === undefined) this.handler.onDrained();
    else this.#feeder.resumeReading();
  }

  #onChunk(chunk: Buffer): void {
    if (this.#state !== 'open') return;
    this.#backlog.push(chunk);
    this.#deliver();
  }

  /** Hands over what has arrived, as long as it is wanted; then the end. */
  #deliver(): void {
    while (this.#wantsRead && this.#state === 'open' && this.#backlog.length > 0) {
      const chunk = this.#backlog.shift()!;
      const piece = chunk.subarray(0, READ_MAX_BYTES);
      if (piece.length < chunk.length) this.#backlog.unshift(chunk.subarray(piece.length));
      this.bytesRead += piece.length;
      if (this.#target === undefined) {
        this.#reactor.input.bytes.set(piece, INPUT_BASE);
        this.handler.onData(this.#unretain(), INPUT_BASE + piece.length);
      } else this.#passOn(this.#target, piece);
    }
    if (this.#peerEnded && !this.#endTold && this.#backlog.length === 0 && this.#state === 'open') {
      this.#endTold = true;
      this.handler.onEnd();
    }
  }

  #passOn(target: NodeConnection, bytes: Uint8Array): void {
    target.writeBytes(bytes);
    if (target.isCongested) this.pauseReading();
  }

  #onEnd(): void {
    this.#peerEnded = true;
    this.#deliver();
  }

  /** Puts retained bytes in front of INPUT_BASE and returns where they start. */
  #unretain(): number {
    const retained = this.#retained;
    if (retained === undefined) return INPUT_BASE;
    this.#retained = undefined;
    this.#reactor.input.bytes.set(retained, INPUT_BASE - retained.length);
    return INPUT_BASE - retained.length;
  }

  retain(start: number, end: number): void {
    if (end - start > RETAIN_MAX_BYTES) throw new RangeError(`${end - start} bytes are too many to retain`);
    this.#retained = end > start ? Buffer.from(this.#reactor.input.bytes.subarray(start, end)) : undefined;
  }

  redeliver(): void {
    this.#reactor.defer(this, () => {
      if (this.#state === 'open' && this.#retained !== undefined) this.handler.onData(this.#unretain(), INPUT_BASE);
    });
  }

  pauseReading(): void {
    if (!this.#wantsRead) return;
    this.#wantsRead = false;
    this.#stream?.pause();
  }

  resumeReading(): void {
    if (this.#wantsRead) return;
    this.#wantsRead = true;
    this.#stream?.resume();
    if (this.#backlog.length > 0 || this.#peerEnded) this.#reactor.defer(this, () => this.#deliver());
  }

  forwardTo(target: SocketConnection | undefined): void {
    const before = this.#target;
    if (before !== undefined && before.#feeder === this) before.#feeder = undefined;
    this.#target = target instanceof NodeConnection ? target : undefined;
    if (this.#target === undefined) return;
    this.#target.#feeder = this;
    if (this.#retained === undefined) return;
    const retained = this.#retained;
    this.#retained = undefined;
    this.#passOn(this.#target, retained);
  }

  setDeadline(atMs: number): void {
    if (this.#state !== 'closed') this.#reactor.setTimer(this.#timer, atMs);
  }

  #onDeadline(): void {
    try {
      if (this.#state === 'lingering') this.close();
      else if (this.#state === 'opening' && this.onHandshakeTimeout !== undefined) {
        this.onHandshakeTimeout();
        this.fail(-ETIMEDOUT);
      } else if (this.isOpen) this.handler.onTimeout();
    } catch (error) {
      this.#reactor.contain(this, error);
    }
  }

  endWriting(): void {
    if (!this.isOpen || this.#endAsked) return;
    this.#endAsked = true;
    this.#stream?.end();
  }

  closeGracefully(): void {
    if (!this.isOpen) return;
    const stream = this.#stream;
    const nothingLeft = this.#endTold && this.tls === undefined && stream?.writableLength === 0;
    if (stream === undefined || nothingLeft) {
      this.close();
      return;
    }
    this.#state = 'lingering';
    this.#retained = undefined;
    this.#backlog = [];
    this.#reactor.setTimer(this.#timer, this.#reactor.nowMs + LINGER_MS);
    stream.end();
    // What still arrives is dropped, until the peer has ended too: then the stream closes by itself.
    stream.resume();
  }

  /** The sockets are gone: of themselves, since both directions have ended, or by an error that was told. */
  #onClose(): void {
    if (this.#state === 'lingering') this.close();
    else if (this.#state === 'opening') this.fail(-ECONNABORTED);
  }

  /** Marks the connection as failed; its handler hears of it when the running callback has returned. */
  fail(error: number): void {
    if (this.#state === 'lingering') this.close();
    if (this.#state === 'broken' || this.#state === 'closed') return;
    this.#state = 'broken';
    this.#reactor.defer(this, () => {
      if (this.#state !== 'broken') return;
      this.close();
      this.handler.onFailed(error);
    });
  }

  /** After an exception: the owner is told, so that a peer connection is released too; if that throws as well, only close. */
  failOrClose(): void {
    if (this.isOpen) this.fail(-ECONNABORTED);
    else this.close();
  }

  reset(): void {
    if (this.#state === 'closed') return;
    if (this.#raw.connecting) this.#raw.destroy();
    else this.#raw.resetAndDestroy();
    this.close();
  }

  /** Without the translations of a kernel, of which node:net does not tell. */
  destination(): SocketAddress | undefined {
    return nodeAddress(this.#raw.localAddress, this.#raw.localPort);
  }

  get hasUnread(): boolean {
    return this.#backlog.length > 0 || (this.#stream?.readableLength ?? 0) > 0;
  }

  close(): void {
    if (this.#state === 'closed') return;
    const wasOpen = this.#state === 'open';
    const isUnread = !this.#wantsRead && this.hasUnread;
    this.#state = 'closed';
    this.#early = [];
    this.#backlog = [];
    this.#retained = undefined;
    this.forwardTo(undefined);
    this.#feeder?.forwardTo(undefined);
    this.#reactor.removeTimer(this.#timer);
    this.#reactor.forget(this);
    // What the handler has not read, a kernel would not have taken: then closing is a reset.
    if (wasOpen && isUnread) this.#raw.resetAndDestroy();
    (this.#stream ?? this.#securing)?.destroy();
    this.#raw.destroy();
  }
}

function failedTls(failure: string): TlsState {
  return { serverName: undefined, alpn: undefined, choice: undefined, failure, peerCertificate: () => undefined };
}
