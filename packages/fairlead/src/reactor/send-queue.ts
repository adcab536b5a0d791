// Hot path: only for output that the kernel did not take at once.
import type { PinnedBuffer } from '../sys/pinned.ts';

/** What the queues of one reactor hold together. */
export interface QueuedTotal {
  bytes: number;
}

/** Bytes that wait to be sent, in order. */
export class SendQueue {
  /** How many wait. */
  bytes: number = 0;
  readonly #chunks: Buffer[] = [];
  readonly #total: QueuedTotal;
  /** Sent bytes of the first chunk. */
  #offset = 0;

  constructor(total: QueuedTotal) {
    this.#total = total;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
    this.#total.bytes += chunk.length;
  }

  /** Drops everything. */
  drop(): void {
    this.#total.bytes -= this.bytes;
    this.bytes = 0;
    this.#chunks.length = 0;
  }

  /** Copies the first bytes into pinned memory: one send for many small writes. Returns how many. */
  gather(into: PinnedBuffer): number {
    let filled = 0;
    let offset = this.#offset;
    for (const chunk of this.#chunks) {
      const take = Math.min(chunk.length - offset, into.length - filled);
      chunk.copy(into.bytes, filled, offset, offset + take);
      filled += take;
      offset = 0;
      if (filled === into.length) break;
    }
    return filled;
  }

  /** Forgets the first `sent` bytes. */
  consume(sent: number): void {
    const chunks = this.#chunks;
    this.bytes -= sent;
    this.#total.bytes -= sent;
    let left = sent + this.#offset;
    let done = 0;
    while (done < chunks.length && left >= chunks[done]!.length) {
      left -= chunks[done]!.length;
      done++;
    }
    if (done > 0) chunks.splice(0, done);
    this.#offset = left;
  }
}
