// Hot path: read() and write() run once per event.
import { bearsName, type CertificateNames, namesProblem } from './certificate-names.ts';
import { EAGAIN, EBADF, ECONNRESET, EINVAL, EPROTO } from './errno.ts';
import { addressOf, currentErrno } from './libc.ts';
import * as ssl from './openssl.ts';
import { PinnedBuffer } from './pinned.ts';
import { type AlpnProtocol, setAlpnChoice } from './tls-alpn.ts';
import type { TlsContext } from './tls-context.ts';

/** Not an errno: the session waits until the socket is writable. */
export const TLS_WANT_WRITE: number = -10_001;

const ALPN = new PinnedBuffer(16);

/** How a client session is set up. */
export interface ClientSessionOptions {
  /** Sent as SNI, unless undefined (an address is never sent). */
  readonly serverName: string | undefined;
  /** Name that the certificate must bear; undefined: any name. */
  readonly verifyName: string | undefined;
  /** Exact names of which the certificate must bear one, besides. */
  readonly names?: CertificateNames | undefined;
  /** Protocols to offer, the preferred one first; absent: no offer. */
  readonly alpn?: readonly AlpnProtocol[] | undefined;
}

/**
 * A TLS session over a non-blocking socket; OpenSSL reads and writes the descriptor itself. Results
 * are as those of `recv` and `send`: bytes, 0 for the peer's end, or a negative errno, where
 * -EAGAIN waits for input, {@link TLS_WANT_WRITE} for room, and -EPROTO means {@link failure}.
 */
export class TlsSession {
  /** What went wrong, for the log; set with -EPROTO. */
  failure: string = '';
  #pointer: number;
  #alpnChoice: AlpnProtocol | 'none' | 'refused' = 'none';
  #established = false;
  #names: CertificateNames | undefined = undefined;

  private constructor(pointer: number) {
    this.#pointer = pointer;
  }

  /** Undefined when out of memory. */
  static accept(context: TlsContext, fd: number, alpn: AlpnProtocol | 'none' | 'refused'): TlsSession | undefined {
    const session = TlsSession.#create(context, fd);
    if (session === undefined) return undefined;
    session.#alpnChoice = alpn;
    ssl.sslSetAcceptState(session.#pointer);
    return session;
  }

  static connect(context: TlsContext, fd: number, options: ClientSessionOptions): TlsSession | undefined {
    const session = TlsSession.#create(context, fd);
    if (session === undefined) return undefined;
    const pointer = session.#pointer;
    if (options.serverName !== undefined) {
      const name = new ssl.NativeText(options.serverName);
      ssl.sslControl(pointer, ssl.SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, name.address);
      name.bytes[name.length] = 0;
    }
    if (options.verifyName !== undefined) {
      const name = new ssl.NativeText(options.verifyName);
      ssl.sslSet1Host(pointer, name.address);
      name.bytes[name.length] = 0;
    }
    if (options.alpn !== undefined) {
      const offer = new ssl.NativeText(
        Buffer.concat(options.alpn.flatMap((name) => [Buffer.of(name.length), Buffer.from(name, 'latin1')])),
      );
      ssl.sslSetAlpn(pointer, offer.address, offer.length);
      offer.bytes[offer.length] = 0;
    }
    session.#names = options.names;
    ssl.sslSetConnectState(pointer);
    return session;
  }

  static #create(context: TlsContext, fd: number): TlsSession | undefined {
    if (context.pointer === 0) return undefined;
    const pointer = ssl.sslNew(context.pointer);
    if (pointer === 0) return undefined;
    if (ssl.sslSetFd(pointer, fd) !== 1) {
      ssl.sslFree(pointer);
      return undefined;
    }
    return new TlsSession(pointer);
  }

  /** Goes on with the handshake: 0 when done. */
  handshake(): number {
    if (this.#pointer === 0) return -EBADF;
    setAlpnChoice(this.#alpnChoice);
    const result = ssl.sslDoHandshake(this.#pointer);
    if (result !== 1) return this.#explain(result);
    this.#established = true;
    if (this.#names === undefined || bearsName(this.peerCertificate() ?? Buffer.alloc(0), this.#names)) return 0;
    this.failure = namesProblem(this.#names);
    return -EPROTO;
  }

  /** Like `recv`; one record at most. */
  read(into: PinnedBuffer, offset: number, length: number): number {
    if (offset < 0 || length < 0 || offset + length > into.length) return -EINVAL;
    if (this.#pointer === 0) return -EBADF;
    const result = ssl.sslRead(this.#pointer, into.address + offset, length);
    return result > 0 ? result : this.#explain(result);
  }

  /**
   * Like `send`, over as many records as the kernel takes. After less than `length` the rest must
   * be offered again, the same bytes first: its record may already be encrypted.
   */
  write(from: PinnedBuffer, offset: number, length: number): number {
    if (offset < 0 || length < 0 || offset + length > from.length) return -EINVAL;
    if (this.#pointer === 0) return -EBADF;
    let done = 0;
    while (done < length) {
      const result = ssl.sslWrite(this.#pointer, from.address + offset + done, length - done);
      if (result <= 0) {
        const error = this.#explain(result);
        if (error !== -EAGAIN && error !== TLS_WANT_WRITE) return error;
        return done > 0 ? done : -EAGAIN;
      }
      done += result;
    }
    return done;
  }

  /** Bytes were received that {@link read} has not given out; the descriptor may stay silent about them. */
  hasPending(): boolean {
    return this.#pointer !== 0 && ssl.sslHasPending(this.#pointer) === 1;
  }

  /** Sends close_notify, as far as the kernel takes it. Not while a write waits. */
  sendEnd(): void {
    if (!this.#established || this.#pointer === 0) return;
    if (ssl.sslShutdown(this.#pointer) < 0) ssl.clearErrors();
  }

  /** Protocol agreed by ALPN, or undefined. */
  get alpn(): AlpnProtocol | undefined {
    if (this.#pointer === 0) return undefined;
    ALPN.bytes.fill(0);
    ssl.sslGetAlpn(this.#pointer, ALPN.address, ALPN.address + 8);
    // The only two names this side ever agrees to differ in length.
    switch (ALPN.bytes.readUInt32LE(8)) {
      case 8:
        return 'http/1.1';
      case 2:
        return 'h2';
      default:
        return undefined;
    }
  }

  /** The handshake was abbreviated by a ticket. */
  get isResumed(): boolean {
    return this.#pointer !== 0 && ssl.sslSessionReused(this.#pointer) === 1;
  }

  /** The peer's certificate as DER, or undefined. Verified if the context verifies. */
  peerCertificate(): Buffer | undefined {
    const certificate = this.#pointer === 0 ? 0 : ssl.sslPeerCertificate(this.#pointer);
    if (certificate === 0) return undefined;
    const length = ssl.certificateToDer(certificate, 0);
    const der = Buffer.from(new ArrayBuffer(Math.max(length, 1)));
    const out = Buffer.from(new ArrayBuffer(8));
    out.writeBigUInt64LE(BigInt(addressOf(der)), 0);
    ssl.certificateToDer(certificate, addressOf(out));
    ssl.certificateFree(certificate);
    return out.readBigUInt64LE(0) > 0n ? der.subarray(0, length) : undefined;
  }

  #explain(result: number): number {
    const errno = currentErrno();
    const error = ssl.sslGetError(this.#pointer, result);
    switch (error) {
      case ssl.SSL_ERROR_WANT_READ:
        return -EAGAIN;
      case ssl.SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
      case ssl.SSL_ERROR_ZERO_RETURN:
        return 0;
      case ssl.SSL_ERROR_SYSCALL:
        ssl.clearErrors();
        this.#established = false;
        this.failure = 'connection lost';
        return errno > 0 ? -errno : -ECONNRESET;
      default: {
        const verified = ssl.sslVerifyResult(this.#pointer);
        const reason = ssl.takeErrorText();
        this.failure = verified === 0 ? reason : `${reason}: ${ssl.verifyText(verified)}`;
        this.#established = false;
        // The peer left without close_notify: truncation or impoliteness, no fault of the protocol.
        return reason === 'unexpected eof while reading' ? -ECONNRESET : -EPROTO;
      }
    }
  }

  /** Releases the session, not the descriptor. Idempotent. */
  free(): void {
    if (this.#pointer !== 0) ssl.sslFree(this.#pointer);
    this.#pointer = 0;
  }
}
