/** How a stream came to its end. */
export const ENDED = 1;
/** We reset it: what the peer had under way is ignored. */
export const RESET_BY_US = 2;
export const RESET_BY_PEER = 3;

const REMEMBERED = 64;

/** The streams closed last, so that late frames can be told from wrong ones (RFC 9113 5.1, "closed"). */
export class ClosedStreams {
  readonly #ids = new Int32Array(REMEMBERED);
  readonly #how = new Uint8Array(REMEMBERED);
  #next = 0;

  add(id: number, how: number): void {
    this.#ids[this.#next] = id;
    this.#how[this.#next] = how;
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  /** How the stream ended; 0 if it is not remembered. */
  find(id: number): number {
    const at = this.#ids.indexOf(id);
    return at < 0 ? 0 : this.#how[at]!;
  }
}
