import { EAGAIN, ECONNRESET, EPROTO } from '../sys/errno.ts';
import { EPOLLIN, EPOLLOUT, MSG_PEEK, SO_RCVLOWAT, SOL_SOCKET } from '../sys/linux-constants.ts';
import type { PinnedBuffer } from '../sys/pinned.ts';
import { recv, send, setSocketOption } from '../sys/socket.ts';
import type { AlpnProtocol } from '../sys/tls-alpn.ts';
import { TlsContext } from '../sys/tls-context.ts';
import type { AnyTlsContext } from '../sys/tls-contexts.ts';
import { type ClientSessionOptions, TLS_WANT_WRITE, TlsSession } from '../sys/tls-session.ts';
import { CLIENT_HELLO_MAX_BYTES, type ClientHello, parseClientHello } from '../wire/tls-client-hello/client-hello.ts';
import { isInputOver } from './peeked-input.ts';
import type { Acceptor } from './reactor.ts';

/** Result of {@link TlsTransport.advance}: no interest of epoll, but to look away for a while (see peeked-input.ts). */
export const HANDSHAKE_PAUSE = 0x4000_0000;

/** What a listener answers to a ClientHello. */
export interface TlsChoice {
  readonly context: AnyTlsContext;
  /** Protocol to agree to if the client offers any; `refused` ends the handshake with an alert. */
  readonly alpn: AlpnProtocol | 'none' | 'refused';
  /** The listener's own note, for {@link TlsState.choice}. */
  readonly note?: unknown;
}

/** A connection that is not for this machine to decipher: it goes on as it came, ClientHello included. */
export interface TlsPassthrough {
  readonly accept: Acceptor;
}

/** How a listener accepts TLS connections. */
export interface TlsAcceptPolicy {
  /** Undefined refuses the connection. */
  choose(hello: ClientHello): TlsChoice | TlsPassthrough | undefined;
  /** From accept to the end of the handshake, milliseconds. */
  readonly handshakeMs: number;
  onEstablished(isResumed: boolean): void;
  onFailed(reason: string): void;
}

/** How to speak TLS to an upstream. */
export interface TlsConnectOptions extends ClientSessionOptions {
  readonly context: AnyTlsContext;
}

/** What is known of an established TLS connection. */
export interface TlsState {
  /** SNI of the client; undefined without one, and on outgoing connections. */
  readonly serverName: string | undefined;
  readonly alpn: AlpnProtocol | undefined;
  /** {@link TlsChoice.note} of the choice that was made. */
  readonly choice: unknown;
  /** Why the handshake failed; empty if it did not, or nobody knows. */
  readonly failure: string;
  /** DER of the peer's certificate, which the context has verified if it verifies. */
  peerCertificate(): Buffer | undefined;
}

/** The TLS part of a connection: from the ClientHello over the handshake to the session. */
export class TlsTransport implements TlsState {
  session: TlsSession | undefined = undefined;
  serverName: string | undefined = undefined;
  choice: unknown = undefined;
  /** Who takes the connection as it came; then there is no session. */
  passthrough: Acceptor | undefined = undefined;
  readonly policy: TlsAcceptPolicy | undefined;
  readonly #connect: TlsConnectOptions | undefined;
  readonly #preamble: Uint8Array | undefined;
  #lowWater = 1;
  #failure = '';

  /** @param preamble goes out in clear text before the handshake of an outgoing connection. */
  constructor(
    policy: TlsAcceptPolicy | undefined,
    connect: TlsConnectOptions | undefined,
    preamble: Uint8Array | undefined = undefined,
  ) {
    this.policy = policy;
    this.#preamble = preamble;
    this.#connect = connect;
  }

  get alpn(): AlpnProtocol | undefined {
    return this.session?.alpn;
  }

  /** Why the handshake failed. */
  get failure(): string {
    return this.#failure === '' ? (this.session?.failure ?? '') : this.#failure;
  }

  peerCertificate(): Buffer | undefined {
    return this.session?.peerCertificate();
  }

  /** One step of the handshake: 0 when it is done, the epoll interest to wait for, {@link HANDSHAKE_PAUSE}, or a negative errno. */
  advance(fd: number, scratch: PinnedBuffer): number {
    if (this.session === undefined) {
      const result = this.#connect === undefined ? this.#readHello(fd, scratch) : this.#startClient(fd, scratch);
      if (result !== 0) return result;
    }
    if (this.passthrough !== undefined) return 0;
    const result = this.session!.handshake();
    if (result === -EAGAIN) return EPOLLIN;
    if (result === TLS_WANT_WRITE) return EPOLLOUT;
    return result;
  }

  #startClient(fd: number, scratch: PinnedBuffer): number {
    if (this.#preamble !== undefined) {
      scratch.bytes.set(this.#preamble);
      const sent = send(fd, scratch, 0, this.#preamble.length);
      // A new connection's buffer holds it; if not, there is nothing to go on from.
      if (sent !== this.#preamble.length) return sent < 0 ? sent : this.#fail('preamble not sent');
    }
    this.session = TlsSession.connect(nativeContext(this.#connect!.context), fd, this.#connect!);
    return this.session === undefined ? this.#fail('no TLS session') : 0;
  }

  /** Looks at the ClientHello without taking it from the socket: OpenSSL will read it. */
  #readHello(fd: number, scratch: PinnedBuffer): number {
    const length = recv(fd, scratch, 0, Math.min(scratch.length, CLIENT_HELLO_MAX_BYTES * 2), MSG_PEEK);
    if (length === -EAGAIN) return EPOLLIN;
    if (length === 0) return -ECONNRESET;
    if (length < 0) return length;
    const result = parseClientHello(scratch.bytes.subarray(0, length));
    if (result.type === 'malformed') return this.#fail(result.reason);
    if (result.type === 'incomplete') {
      // What was only looked at keeps the socket readable: let epoll wait for more than that.
      if (this.#lowWater === result.needBytes) {
        return isInputOver(fd) ? this.#fail('ended within the ClientHello') : HANDSHAKE_PAUSE;
      }
      this.#lowWater = result.needBytes;
      setSocketOption(fd, SOL_SOCKET, SO_RCVLOWAT, result.needBytes);
      return EPOLLIN;
    }
    if (this.#lowWater > 1) setSocketOption(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
    const choice = this.policy!.choose(result.hello);
    if (choice === undefined) return this.#fail('no certificate');
    if ('accept' in choice) {
      this.passthrough = choice.accept;
      return 0;
    }
    this.serverName = result.hello.serverName;
    this.choice = choice.note;
    this.session = TlsSession.accept(nativeContext(choice.context), fd, choice.alpn);
    return this.session === undefined ? this.#fail('no TLS session') : 0;
  }

  #fail(reason: string): number {
    this.#failure = reason;
    return -EPROTO;
  }

  free(): void {
    this.session?.free();
  }
}

function nativeContext(context: AnyTlsContext): TlsContext {
  if (context instanceof TlsContext) return context;
  throw new TypeError('a TLS context of another engine');
}
