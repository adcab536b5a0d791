// Hot path: receive() once per datagram.
import { EINVAL } from './errno.ts';
import { callbackAddress, declare } from './libc.ts';
import { AF_INET } from './linux-constants.ts';
import * as ssl from './openssl.ts';
import * as quic from './openssl-quic.ts';
import { PinnedBuffer } from './pinned.ts';
import { QuicConnection } from './quic-connection.ts';
import type { TlsContext } from './tls-context.ts';

const cMemcpy = declare<[number, number, number]>('uintptr_t memcpy(uintptr_t, uintptr_t, size_t)');
const SSL_TLSEXT_ERR_OK = 0;
const SSL_TLSEXT_ERR_ALERT_FATAL = 2;

/** Chooses the certificate of a handshake by SNI (undefined without one); undefined refuses it. */
export type QuicCertificateChooser = (serverName: string | undefined) => TlsContext | undefined;

/** `struct timeval` and an int; a chain pointer. */
const OUT = new PinnedBuffer(32);
const ADDRESS = new PinnedBuffer(32);
const ANSWER = new PinnedBuffer(16);
const PROTOCOL = new ssl.NativeText('h3');

/** Choosers by the number that OpenSSL hands back. */
const choosers = new Map<number, QuicCertificateChooser>();
let lastChooser = 0;
let certificateCallback = 0;
let protocolCallback = 0;

/** Uses certificate, key and chain of the context that was chosen. Must not throw. */
function onCertificate(session: number, chooser: number): number {
  const context = choosers.get(chooser)?.(quic.serverNameOf(session, 0) ?? undefined);
  if (context === undefined || context.pointer === 0) return 0;
  const certificate = quic.contextCertificate(context.pointer);
  const key = quic.contextPrivateKey(context.pointer);
  ssl.contextControl(context.pointer, quic.SSL_CTRL_GET_EXTRA_CHAIN_CERTS, 0, OUT.address + 24);
  const chain = Number(OUT.bytes.readBigUInt64LE(24));
  return quic.useCertificateAndKey(session, certificate, key, chain, 1);
}

/** `h3` if it is among the offered protocols (length-prefixed names at `offered`). */
function onProtocol(_session: number, out: number, outLength: number, offered: number, length: number): number {
  const names = new PinnedNames(length);
  if (!names.holds(offered)) return SSL_TLSEXT_ERR_ALERT_FATAL;
  ANSWER.bytes.writeBigUInt64LE(BigInt(PROTOCOL.address), 0);
  ANSWER.bytes[8] = PROTOCOL.length;
  cMemcpy(out, ANSWER.address, 8);
  cMemcpy(outLength, ANSWER.address + 8, 1);
  return SSL_TLSEXT_ERR_OK;
}

const NAMES = new PinnedBuffer(1024);

/** The client's protocol list, copied out of OpenSSL's memory. */
class PinnedNames {
  readonly #length: number;

  constructor(length: number) {
    this.#length = Math.min(length, NAMES.length);
  }

  holds(address: number): boolean {
    cMemcpy(NAMES.address, address, this.#length);
    for (let at = 0; at < this.#length; at += NAMES.bytes[at]! + 1) {
      if (NAMES.bytes[at] === 2 && NAMES.bytes[at + 1] === 104 && NAMES.bytes[at + 2] === 51) return true;
    }
    return false;
  }
}

/**
 * The server's side of a UDP socket that speaks QUIC (RFC 9000) by OpenSSL, with ALPN `h3`. Datagrams are
 * handed in by {@link receive}; OpenSSL sends by itself. Clients prove their address first (Retry, 8.1.2).
 */
export class QuicListener {
  #pointer: number;
  readonly #context: number;
  readonly #chooser: number;
  readonly #peer: number;

  private constructor(pointer: number, context: number, chooser: number) {
    this.#pointer = pointer;
    this.#context = context;
    this.#chooser = chooser;
    this.#peer = quic.newPeer();
  }

  /** On a bound, non-blocking datagram socket, which stays the caller's. A text says what is wrong. */
  static open(fd: number, choose: QuicCertificateChooser): QuicListener | string {
    ssl.clearErrors();
    const context = ssl.contextNew(quic.quicServerMethod());
    if (context === 0) return ssl.takeErrorText();
    const chooser = ++lastChooser;
    choosers.set(chooser, choose);
    certificateCallback ||= callbackAddress<[number, number]>(
      'int fairlead_quic_cert(uintptr_t, uintptr_t)',
      onCertificate,
    );
    protocolCallback ||= callbackAddress<[number, number, number, number, number, number]>(
      'int fairlead_quic_alpn(uintptr_t, uintptr_t, uintptr_t, uintptr_t, unsigned int, uintptr_t)',
      onProtocol,
    );
    quic.setCertificateCallback(context, certificateCallback, chooser);
    ssl.contextSetAlpnSelect(context, protocolCallback, 0);
    const pointer = quic.newListener(context, 0);
    const listener = new QuicListener(pointer, context, chooser);
    if (pointer !== 0) {
      // Only the write side: what comes is read in batches and handed in.
      quic.setWriteBio(pointer, quic.newDatagramBio(fd, 0));
      quic.setBlockingMode(pointer, 0);
      const generic = quic.SSL_VALUE_CLASS_GENERIC;
      const explicit = quic.SSL_VALUE_EVENT_HANDLING_MODE_EXPLICIT;
      quic.setValue(pointer, generic, quic.SSL_VALUE_EVENT_HANDLING_MODE, explicit);
      ssl.clearErrors();
      if (quic.startListener(pointer) === 1) return listener;
    }
    const problem = ssl.takeErrorText();
    listener.free();
    return problem;
  }

  /**
   * Hands in a datagram `[offset, offset + length)` from a raw sockaddr. Nothing happens before {@link advance}.
   * Returns 0, or -EINVAL for what cannot be a datagram.
   */
  receive(from: PinnedBuffer, offset: number, length: number, sockaddr: Uint8Array, at: number): number {
    if (offset < 0 || length < 0 || offset + length > from.length || this.#pointer === 0) return -EINVAL;
    const family = sockaddr[at]! | (sockaddr[at + 1]! << 8);
    const size = family === AF_INET ? 4 : 16;
    const start = at + (family === AF_INET ? 4 : 8);
    for (let i = 0; i < size; i++) ADDRESS.bytes[i] = sockaddr[start + i]!;
    // In network order, as it lies there.
    const port = sockaddr[at + 2]! | (sockaddr[at + 3]! << 8);
    quic.makePeer(this.#peer, family, ADDRESS.address, size, port);
    const result = quic.injectDatagram(this.#pointer, from.address + offset, length, this.#peer, 0);
    if (result === 1) return 0;
    ssl.clearErrors();
    return -EINVAL;
  }

  /** Works on what came and what is due, of all connections, and sends. */
  advance(): void {
    if (this.#pointer === 0) return;
    quic.handleEvents(this.#pointer);
    ssl.clearErrors();
  }

  /** Milliseconds until {@link advance} is due; Infinity for never. */
  dueMs(): number {
    if (this.#pointer === 0) return Infinity;
    OUT.bytes.fill(0, 0, 24);
    if (quic.eventTimeout(this.#pointer, OUT.address, OUT.address + 16) !== 1) {
      ssl.clearErrors();
      return Infinity;
    }
    if (OUT.bytes.readInt32LE(16) !== 0) return Infinity;
    return Number(OUT.bytes.readBigInt64LE(0)) * 1000 + Math.ceil(Number(OUT.bytes.readBigInt64LE(8)) / 1000);
  }

  /** The next connection that a client has begun, if any; its handshake goes on. */
  accept(): QuicConnection | undefined {
    if (this.#pointer === 0) return undefined;
    const pointer = quic.acceptConnection(this.#pointer, quic.NO_BLOCK);
    if (pointer !== 0) return new QuicConnection(pointer);
    ssl.clearErrors();
    return undefined;
  }

  /** After its connections. Idempotent; the socket stays open. */
  free(): void {
    if (this.#pointer !== 0) ssl.sslFree(this.#pointer);
    this.#pointer = 0;
    if (choosers.delete(this.#chooser)) {
      ssl.contextFree(this.#context);
      quic.freePeer(this.#peer);
    }
  }
}
