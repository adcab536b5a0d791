// Hot path for upgraded connections: pass() runs for every piece of what their clients send.
import type { Connection } from '../reactor/reactor.ts';
import type { ProxyCore } from './proxy-core.ts';
import type { RequestTries } from './request-tries.ts';

/** A client's connection behind its upgrade: bytes go both ways, unread, and each direction ends by itself. */
export class ClientTunnel {
  readonly #core: ProxyCore;
  readonly #connection: Connection;
  readonly #tries: RequestTries;
  #isClientOver: boolean;
  #isUpstreamOver = false;

  /** @param isClientOver the client has ended its direction already, with the request. */
  constructor(core: ProxyCore, connection: Connection, tries: RequestTries, isClientOver: boolean) {
    this.#core = core;
    this.#connection = connection;
    this.#tries = tries;
    this.#isClientOver = isClientOver;
  }

  /** Sends the endpoint bytes `[start, end)` of the input. */
  pass(start: number, end: number): void {
    const upstream = this.#tries.upstream!.connection;
    upstream.write(this.#core.reactor.input, start, end);
    if (upstream.isCongested) this.#connection.pauseReading();
  }

  /** The client sends no more. Returns whether both directions are over. */
  endOfClient(): boolean {
    this.#isClientOver = true;
    if (!this.#isUpstreamOver) this.#tries.upstream!.connection.endWriting();
    return this.#isUpstreamOver;
  }

  /** The endpoint sends no more. Returns whether both directions are over. */
  endOfUpstream(): boolean {
    this.#isUpstreamOver = true;
    if (!this.#isClientOver) this.#connection.endWriting();
    return this.#isClientOver;
  }
}
