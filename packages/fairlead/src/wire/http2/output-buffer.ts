// Hot path: frames are written here and leave in one piece.

const GROWTH_MIN_BYTES = 512;
const NOTHING = new Uint8Array(0);

/** Lends memory to output buffers, each piece to one at a time. */
export interface OutputMemory {
  take(): Uint8Array;
  /** Takes a piece back; what it did not lend it ignores. */
  give(bytes: Uint8Array): void;
}

/** Bytes to send, in the order of writing. The owner of the connection takes them after each call. */
export class OutputBuffer {
  bytes: Uint8Array;
  length: number = 0;
  readonly #initial: Uint8Array;
  readonly #memory: OutputMemory | undefined;

  /** @param memory own memory to use while it suffices, or a lender: then there is none until something is written. */
  constructor(memory: Uint8Array | OutputMemory = new Uint8Array(16 * 1024)) {
    const isOwn = memory instanceof Uint8Array;
    this.#initial = isOwn ? memory : NOTHING;
    this.#memory = isOwn ? undefined : memory;
    this.bytes = this.#initial;
  }

  /** Makes room for `size` bytes behind {@link length}. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    if (this.bytes.length === 0 && this.#memory !== undefined) {
      this.bytes = this.#memory.take();
      if (needed <= this.bytes.length) return;
    }
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, needed, GROWTH_MIN_BYTES));
    grown.set(this.bytes.subarray(0, this.length));
    this.#memory?.give(this.bytes);
    this.bytes = grown;
  }

  /** Forgets what was taken and returns to the initial memory. */
  clear(): void {
    this.length = 0;
    this.#memory?.give(this.bytes);
    this.bytes = this.#initial;
  }
}
