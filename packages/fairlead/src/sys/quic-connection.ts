// Hot path: read() and write() run for each stream that moves.
import { EAGAIN, EBADF, ECONNRESET, EINVAL } from './errno.ts';
import * as ssl from './openssl.ts';
import * as quic from './openssl-quic.ts';
import { PinnedBuffer } from './pinned.ts';

/** Results that functions write through pointers, and their arguments. */
const OUT = new PinnedBuffer(64);

function outNumber(at: number): number {
  return Number(OUT.bytes.readBigUInt64LE(at));
}

/** Why a connection ended. */
export interface QuicClose {
  /** Of the transport, or of the application (RFC 9000 20). */
  readonly code: number;
  readonly isTransport: boolean;
  /** This side ended it. */
  readonly isLocal: boolean;
}

/** A QUIC connection (RFC 9000). Nothing blocks; what happens comes from the listener's `advance`. */
export class QuicConnection {
  #pointer: number;

  /** Takes the pointer over. Only `sys` calls it. */
  constructor(pointer: number) {
    this.#pointer = pointer;
    quic.setBlockingMode(pointer, 0);
    quic.setDefaultStreamMode(pointer, quic.SSL_DEFAULT_STREAM_MODE_NONE);
  }

  get isEstablished(): boolean {
    return this.#pointer !== 0 && quic.isHandshakeDone(this.#pointer) === 1;
  }

  /** SNI of the client; undefined without one or before the handshake. */
  get serverName(): string | undefined {
    return this.#pointer === 0 ? undefined : (quic.serverNameOf(this.#pointer, 0) ?? undefined);
  }

  /** How it ended, once it has. */
  get closed(): QuicClose | undefined {
    if (this.#pointer === 0) return { code: 0, isTransport: false, isLocal: true };
    if (quic.closeInfo(this.#pointer, OUT.address, 40) !== 1) return undefined;
    const flags = OUT.bytes.readUInt32LE(32);
    return { code: outNumber(0), isLocal: (flags & 1) !== 0, isTransport: (flags & 2) !== 0 };
  }

  /** Milliseconds without a packet after which the connection is given up; of both sides' wishes the smaller counts. */
  setIdleTimeout(milliseconds: number): void {
    const feature = quic.SSL_VALUE_CLASS_FEATURE_REQUEST;
    quic.setValue(this.#pointer, feature, quic.SSL_VALUE_QUIC_IDLE_TIMEOUT, milliseconds);
    ssl.clearErrors();
  }

  /** The next stream that the peer opened, if any. */
  acceptStream(): QuicStream | undefined {
    if (this.#pointer === 0) return undefined;
    const pointer = quic.acceptStream(this.#pointer, quic.NO_BLOCK);
    if (pointer !== 0) return new QuicStream(pointer);
    ssl.clearErrors();
    return undefined;
  }

  /** Opens a stream; undefined while the peer allows none. */
  openStream(kind: 'bidirectional' | 'unidirectional'): QuicStream | undefined {
    if (this.#pointer === 0) return undefined;
    const pointer = quic.newStream(this.#pointer, kind === 'unidirectional' ? quic.SSL_STREAM_FLAG_UNI : 0);
    if (pointer !== 0) return new QuicStream(pointer);
    ssl.clearErrors();
    return undefined;
  }

  /**
   * Tells the peer the end with an application error code: at once, or once what streams have written is out; then
   * call it again after each `advance`, until {@link closed}.
   */
  close(code: number, when: 'at once' | 'flushed' = 'at once'): void {
    if (this.#pointer === 0) return;
    OUT.bytes.fill(0, 0, 16);
    OUT.bytes.writeBigUInt64LE(BigInt(code), 0);
    const flush = when === 'flushed' ? 0 : quic.SSL_SHUTDOWN_FLAG_NO_STREAM_FLUSH;
    const flags = quic.SSL_SHUTDOWN_FLAG_RAPID | quic.SSL_SHUTDOWN_FLAG_NO_BLOCK | flush;
    quic.shutDown(this.#pointer, flags, OUT.address, 16);
    ssl.clearErrors();
  }

  /** Idempotent. After the streams. */
  free(): void {
    if (this.#pointer !== 0) ssl.sslFree(this.#pointer);
    this.#pointer = 0;
  }
}

/** A stream of a connection. Results are as those of `recv` and `send`. */
export class QuicStream {
  readonly id: number;
  /** The peer reads and writes it; else it only writes. */
  readonly isBidirectional: boolean;
  #pointer: number;

  /** Takes the pointer over. Only `sys` calls it. */
  constructor(pointer: number) {
    this.#pointer = pointer;
    this.id = quic.streamId(pointer);
    this.isBidirectional = quic.streamType(pointer) === quic.SSL_STREAM_TYPE_BIDI;
    // Before the first call OpenSSL takes the mode of the context, which has no partial writes for QUIC.
    ssl.sslControl(pointer, ssl.SSL_CTRL_MODE, MODE, 0);
  }

  /** Bytes read, 0 for the peer's end, -EAGAIN, or -ECONNRESET when the stream or the connection broke off. */
  read(into: PinnedBuffer, offset: number, length: number): number {
    if (offset < 0 || length < 0 || offset + length > into.length) return -EINVAL;
    if (this.#pointer === 0) return -EBADF;
    if (quic.readStream(this.#pointer, into.address + offset, length, OUT.address) === 1) return outNumber(0);
    ssl.clearErrors();
    const state = quic.readState(this.#pointer);
    if (state === quic.SSL_STREAM_STATE_OK) return -EAGAIN;
    return state === quic.SSL_STREAM_STATE_FINISHED ? 0 : -ECONNRESET;
  }

  /**
   * Bytes taken, maybe fewer; -EAGAIN for none. `isLast` ends the stream behind them, if all are taken.
   */
  write(from: PinnedBuffer, offset: number, length: number, isLast: boolean): number {
    if (offset < 0 || length < 0 || offset + length > from.length) return -EINVAL;
    if (this.#pointer === 0) return -EBADF;
    const flags = isLast ? quic.SSL_WRITE_FLAG_CONCLUDE : 0;
    if (quic.writeStream(this.#pointer, from.address + offset, length, flags, OUT.address) === 1) return outNumber(0);
    ssl.clearErrors();
    return quic.writeState(this.#pointer) === quic.SSL_STREAM_STATE_OK ? -EAGAIN : -ECONNRESET;
  }

  /** Ends our side. */
  conclude(): void {
    if (this.#pointer === 0) return;
    quic.concludeStream(this.#pointer, 0);
    ssl.clearErrors();
  }

  /** Breaks our side off with an application error code. */
  reset(code: number): void {
    if (this.#pointer === 0) return;
    OUT.bytes.writeBigUInt64LE(BigInt(code), 0);
    quic.resetStream(this.#pointer, OUT.address, 8);
    ssl.clearErrors();
  }

  /** Lets go. What was written still goes out if the stream was concluded; what the peer still sends is not wanted. */
  free(): void {
    if (this.#pointer !== 0) ssl.sslFree(this.#pointer);
    this.#pointer = 0;
  }
}

const MODE = ssl.SSL_MODE_ENABLE_PARTIAL_WRITE | ssl.SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;
