import { control, counterStrideWords } from './table-layout.ts';

interface Retired {
  readonly entry: number;
  /** Batch counters of the workers when the entry was taken out. */
  readonly seen: Int32Array;
}

const initialBytes = 1 << 20;

/**
 * Memory for the entries of an answer table: blocks in size classes (four per power of two), freed
 * blocks kept per class. A retired block returns to its class when no worker can still read it: each
 * worker was between batches, or has finished the batch it was in.
 */
export class SharedArena {
  readonly #control: Int32Array;
  readonly #workers: number;
  readonly #free: Map<number, number[]> = new Map();
  /** Size class of a block by its first word index. */
  readonly #sizes: Map<number, number> = new Map();
  #retired: Retired[] = [];
  #words: Int32Array<SharedArrayBuffer>;
  #bytes: Uint8Array<SharedArrayBuffer>;
  /** Word 0 stays unused: entry 0 means a free slot. */
  #top = 4;

  constructor(controlWords: Int32Array, workers: number) {
    this.#control = controlWords;
    this.#workers = workers;
    const buffer = new SharedArrayBuffer(initialBytes);
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  get buffer(): SharedArrayBuffer {
    return this.#words.buffer;
  }

  /** The arena as words; replaced when it grows. */
  get words(): Int32Array {
    return this.#words;
  }

  /** The arena as bytes; replaced when it grows. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get usedBytes(): number {
    return this.#top * 4;
  }

  /** A block of at least `bytes`, as a word index. */
  allocate(bytes: number): number {
    const size = sizeClass(bytes);
    const reused = this.#free.get(size)?.pop();
    if (reused !== undefined) return reused;
    const entry = this.#top;
    this.#top += size / 4;
    if (this.#top > this.#words.length) this.#grow();
    this.#sizes.set(entry, size);
    return entry;
  }

  /** Gives a block back once no reader can be on it. It must not be reachable any more. */
  retire(entry: number): void {
    this.#retired.push({ entry, seen: this.#counters() });
  }

  /** Counts the batches that run now as possible readers of all retired blocks. */
  renewRetired(): void {
    const seen = this.#counters();
    this.#retired = this.#retired.map(({ entry }) => ({ entry, seen }));
  }

  /** Returns retired blocks whose readers are gone to their class. */
  reclaim(): void {
    this.#retired = this.#retired.filter(({ entry, seen }) => {
      const isRead = seen.some((count, worker) => (count & 1) === 1 && this.#counter(worker) === count);
      if (isRead) return true;
      const size = this.#sizes.get(entry)!;
      const free = this.#free.get(size);
      if (free === undefined) this.#free.set(size, [entry]);
      else free.push(entry);
      return false;
    });
  }

  #counters(): Int32Array {
    return Int32Array.from({ length: this.#workers }, (_, worker) => this.#counter(worker));
  }

  #counter(worker: number): number {
    return Atomics.load(this.#control, control.batchCounters + worker * counterStrideWords);
  }

  #grow(): void {
    let bytes = this.#words.length * 4;
    while (bytes < this.#top * 4) bytes *= 2;
    const buffer = new SharedArrayBuffer(bytes);
    const words = new Int32Array(buffer);
    words.set(this.#words);
    this.#words = words;
    this.#bytes = new Uint8Array(buffer);
  }
}

/** The smallest of 2^k · {1, 1.25, 1.5, 1.75} that is at least `bytes` and a multiple of 16. */
export function sizeClass(bytes: number): number {
  if (bytes <= 64) return (bytes + 15) & ~15;
  const power = 2 ** (31 - Math.clz32(bytes - 1));
  const step = power / 4;
  return power + Math.ceil((bytes - power) / step) * step;
}
