// Hot path: frames are written here and leave in one piece.

const GROWTH_MIN_BYTES = 512;
const KEPT_BYTES = 4096;

/** Bytes to send, in the order of writing. The owner of the connection takes them after each call. */
export class OutputBuffer {
  bytes: Uint8Array;
  length: number = 0;
  readonly #initial: Uint8Array;

  /** @param initial memory to use while it suffices; may be memory the kernel can read. */
  constructor(initial: Uint8Array = new Uint8Array(16 * 1024)) {
    this.#initial = initial;
    this.bytes = initial;
  }

  /** Makes room for `size` bytes behind {@link length}. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, needed, GROWTH_MIN_BYTES));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Forgets what was taken and returns to the initial memory; without one, a small piece is kept. */
  clear(): void {
    this.length = 0;
    if (this.#initial.length > 0 || this.bytes.length > KEPT_BYTES) this.bytes = this.#initial;
  }
}
