// Hot path: frames of one connection, in and out.
import type { Connection, TurnTask } from '../reactor/reactor.ts';
import type { Http2Connection } from '../wire/http2/connection.ts';
import { OutputBuffer } from '../wire/http2/output-buffer.ts';
import type { Http2Shared } from './http2-shared.ts';
import type { ProxyCore } from './proxy-core.ts';

/** Frames of this much leave at once; fewer wait for what else the turn has for this connection. */
const SEND_BYTES = 8 * 1024;

/**
 * What the HTTP/2 connections of clients and of endpoints have in common: input is read by the state machine,
 * and the frames that one turn of the reactor writes for a connection leave in one piece.
 */
export class Http2Channel implements TurnTask {
  /** Where the state machine writes. */
  readonly out: OutputBuffer;
  /** Of whose frames these are. */
  connection: Connection | undefined = undefined;
  readonly #core: ProxyCore;
  readonly #shared: Http2Shared;
  #inFeed = false;
  #isDue = false;

  constructor(core: ProxyCore, shared: Http2Shared) {
    this.#core = core;
    this.#shared = shared;
    this.out = new OutputBuffer(shared.frames);
  }

  /** Lets the state machine read bytes `[start, end)` of the reactor's input. */
  feed<Owner>(http2: Http2Connection<Owner>, start: number, end: number): void {
    const { input, nowMs } = this.#core.reactor;
    this.#shared.takeInput(input.bytes, start, end);
    this.#inFeed = true;
    try {
      http2.feed(this.#shared.input, 0, end - start, nowMs);
    } finally {
      this.#inFeed = false;
      this.flush();
    }
  }

  /** Sends what was written, by the end of the turn. While input is read, it waits for the rest. */
  flush(): void {
    if (this.#inFeed || this.out.length === 0) return;
    if (this.out.length >= SEND_BYTES) this.send();
    else if (!this.#isDue) {
      this.#isDue = true;
      this.#core.reactor.atTurnEnd(this);
    }
  }

  /** Sends what was written now: before the connection is closed. */
  send(): void {
    const { out, connection } = this;
    const { bytes, length } = out;
    if (length === 0) return;
    const piece = this.#shared.frames.pieceOf(bytes);
    // A long piece may drain at once, and its connection's owner flush from within: what is under way must not go twice.
    out.length = 0;
    if (piece !== undefined) connection?.write(piece, 0, length);
    else connection?.writeBytes(bytes.subarray(0, length));
    if (out.length === 0) out.clear();
  }

  onTurnEnd(): void {
    this.#isDue = false;
    this.send();
  }
}
