import { AF_INET, SOCK_DGRAM, SOCK_NONBLOCK } from '../linux-constants.ts';
import * as ssl from '../openssl.ts';
import * as quic from '../openssl-quic.ts';
import { PinnedBuffer } from '../pinned.ts';
import { QuicConnection } from '../quic-connection.ts';
import { bind, close, socket } from '../socket.ts';

const ADDRESS = new PinnedBuffer(8);
const PROTOCOLS = new ssl.NativeText('\x02h3');

/** A QUIC client of OpenSSL's own, for tests: any certificate is taken. The test calls {@link advance}. */
export class QuicClient {
  readonly connection: QuicConnection;
  readonly #pointer: number;
  readonly #context: number;
  readonly #fd: number;

  /** Begins a connection to 127.0.0.1. */
  constructor(port: number, serverName: string) {
    this.#fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK);
    bind(this.#fd, { family: 'ipv4', address: '127.0.0.1', port: 0 });
    this.#context = ssl.contextNew(quic.quicClientMethod());
    ssl.contextSetVerify(this.#context, ssl.SSL_VERIFY_NONE, 0);
    this.#pointer = ssl.sslNew(this.#context);
    quic.setReadBio(this.#pointer, quic.newDatagramBio(this.#fd, 0));
    quic.setWriteBio(this.#pointer, quic.newDatagramBio(this.#fd, 0));
    quic.setClientProtocols(this.#pointer, PROTOCOLS.address, PROTOCOLS.length);
    const name = new ssl.NativeText(serverName);
    ssl.sslControl(this.#pointer, ssl.SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, name.address);
    ADDRESS.bytes.set([127, 0, 0, 1]);
    const peer = quic.newPeer();
    quic.makePeer(peer, AF_INET, ADDRESS.address, 4, ((port & 255) << 8) | (port >> 8));
    quic.setInitialPeer(this.#pointer, peer);
    quic.freePeer(peer);
    ssl.sslSetConnectState(this.#pointer);
    this.connection = new QuicConnection(this.#pointer);
    ssl.clearErrors();
  }

  /** Reads, works and sends. */
  advance(): void {
    if (!this.connection.isEstablished) ssl.sslDoHandshake(this.#pointer);
    quic.handleEvents(this.#pointer);
    ssl.clearErrors();
  }

  /** DER of the server's certificate. */
  certificate(): Buffer {
    const certificate = ssl.sslPeerCertificate(this.#pointer);
    const der = new ssl.NativeText(new Uint8Array(ssl.certificateToDer(certificate, 0)));
    const out = new ssl.NativeText(new Uint8Array(8));
    out.bytes.writeBigUInt64LE(BigInt(der.address));
    ssl.certificateToDer(certificate, out.address);
    ssl.certificateFree(certificate);
    return der.bytes.subarray(0, der.length);
  }

  /** After its streams. */
  free(): void {
    this.connection.close(0x100);
    this.advance();
    this.connection.free();
    ssl.contextFree(this.#context);
    close(this.#fd);
  }
}
