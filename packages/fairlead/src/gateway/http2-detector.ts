import type { Connection, ConnectionHandler, Reactor } from '../reactor/reactor.ts';
import { PREFACE } from '../wire/http2/protocol.ts';
import type { ClientConnection } from './client-connection.ts';

/**
 * First handler of a plain connection: HTTP/2 with prior knowledge (RFC 9113 3.3) begins with its
 * preface, anything else is HTTP/1.1. Decides with the first bytes and gets out of the way.
 */
export class Http2Detector implements ConnectionHandler {
  readonly #reactor: Reactor;
  readonly #connection: Connection;
  readonly #client: ClientConnection;
  readonly #startHttp2: () => ConnectionHandler;

  constructor(reactor: Reactor, connection: Connection, client: ClientConnection, startHttp2: () => ConnectionHandler) {
    this.#reactor = reactor;
    this.#connection = connection;
    this.#client = client;
    this.#startHttp2 = startHttp2;
  }

  onConnected(): void {}

  onData(start: number, end: number): void {
    const { bytes } = this.#reactor.input;
    const compared = Math.min(end - start, PREFACE.length);
    let same = 0;
    while (same < compared && bytes[start + same] === PREFACE[same]) same++;
    if (same < compared) {
      this.#connection.handler = this.#client;
      this.#client.onData(start, end);
    } else if (same < PREFACE.length) this.#connection.retain(start, end);
    else {
      // It never was an HTTP/1.1 connection.
      this.#client.onFailed();
      const session = this.#startHttp2();
      this.#connection.handler = session;
      session.onData(start, end);
    }
  }

  onEnd(): void {
    this.#client.onEnd();
  }

  onDrained(): void {
    this.#client.onDrained();
  }

  onTimeout(): void {
    this.#client.onTimeout();
  }

  onFailed(): void {
    this.#client.onFailed();
  }
}
