// Hot path: once per request, and once more for each piece that a head comes in.
import type { Connection } from '../reactor/reactor.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { ProxyCore } from './proxy-core.ts';
import { screenUnderscores } from './underscore-fields.ts';

/** Reads the heads of a connection's requests: in the worker's own head, or in one of its own while it is incomplete. */
export class HeadReader {
  #partial: RequestHead | undefined = undefined;

  get isPartial(): boolean {
    return this.#partial !== undefined;
  }

  /**
   * Reads the input's bytes `[start, end)`. Returns the head's length, minus a status if it is malformed, 0 when
   * more is needed: the bytes are retained then. `core.requestHead` holds what was read.
   */
  read(core: ProxyCore, connection: Connection, start: number, end: number): number {
    const head = this.#partial ?? core.requestHead;
    if (this.#partial === undefined) head.reset();
    const length = head.parse(core.reactor.input.bytes, start, end);
    if (length === 0) {
      if (this.#partial === undefined) {
        this.#partial = core.keepRequestHead();
        connection.setDeadline(core.reactor.nowMs + core.times.headMs);
      }
      connection.retain(start, end);
      return 0;
    }
    if (this.#partial !== undefined) {
      this.#partial = undefined;
      core.swapRequestHead(head);
    }
    // Malformed heads are refused as they are.
    if (length < 0 || screenUnderscores(head, core.underscoreFields)) return length;
    return -400;
  }

  /** Gives the head back. */
  forget(core: ProxyCore): void {
    if (this.#partial === undefined) return;
    core.returnRequestHead(this.#partial);
    this.#partial = undefined;
  }
}
