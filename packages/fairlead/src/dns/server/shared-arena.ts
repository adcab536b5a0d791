import { control, counterStrideWords } from './table-layout.ts';

interface RetiredGroup {
  readonly entries: readonly number[];
  /** Batch counters of the workers when the entries were out of reach. */
  readonly seen: Int32Array;
}

const initialBytes = 1 << 20;
/** Address space that is set aside; memory is only spent on what is used. */
const reservedBytes = [1 << 30, 1 << 28, 1 << 26];

/**
 * Memory for the entries of an answer table: blocks in size classes (four per power of two), freed
 * blocks kept per class. It grows in place, without copying. A retired block returns to its class when
 * no worker can still read it: each worker was between batches, or has finished the batch it was in.
 */
export class SharedArena {
  readonly #control: Int32Array;
  readonly #workers: number;
  readonly #free: Map<number, number[]> = new Map();
  readonly #buffer: SharedArrayBuffer = reserve();
  #retiring: number[] = [];
  #retired: RetiredGroup[] = [];
  #words: Int32Array<SharedArrayBuffer>;
  #bytes: Uint8Array<SharedArrayBuffer>;
  /** Word 0 stays unused: entry 0 means a free slot. */
  #top = 4;

  constructor(controlWords: Int32Array, workers: number) {
    this.#control = controlWords;
    this.#workers = workers;
    this.#words = new Int32Array(this.#buffer, 0, initialBytes / 4);
    this.#bytes = new Uint8Array(this.#buffer, 0, initialBytes);
  }

  get buffer(): SharedArrayBuffer {
    return this.#buffer;
  }

  /** The arena as words; replaced by a longer view when it grows. */
  get words(): Int32Array {
    return this.#words;
  }

  /** The arena as bytes; replaced by a longer view when it grows. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Size of the views. */
  get byteLength(): number {
    return this.#bytes.length;
  }

  get usedBytes(): number {
    return this.#top * 4;
  }

  /** A block of at least `bytes`, as a word index. Its size is in {@link sizeClass}. */
  allocate(bytes: number): number {
    const size = sizeClass(bytes);
    const reused = this.#free.get(size)?.pop();
    if (reused !== undefined) return reused;
    // A block never lies across the end of a view that readers may still have: see QueryAnswerer.
    if (this.#top + size / 4 > this.#words.length) {
      this.#top = this.#words.length;
      this.#grow(this.#top * 4 + size);
    }
    const entry = this.#top;
    this.#top += size / 4;
    return entry;
  }

  /** Gives a block of a size class back once no reader can be on it. It must not be reachable any more. */
  retire(entry: number): void {
    this.#retiring.push(entry);
  }

  /**
   * Ends a change: blocks retired so far wait for the batches that run now, and blocks whose readers
   * are gone return to their class. `isMoved`: readers may still go by older slots, so that the batches
   * that run now count for all retired blocks. `sizeOf` tells a block's size class.
   */
  settle(isMoved: boolean, sizeOf: (entry: number) => number): void {
    const seen = this.#counters();
    if (this.#retiring.length > 0) {
      this.#retired.push({ entries: this.#retiring, seen });
      this.#retiring = [];
    }
    if (isMoved) this.#retired = this.#retired.map(({ entries }) => ({ entries, seen }));
    this.#retired = this.#retired.filter((group) => {
      const isRead = group.seen.some((count, worker) => (count & 1) === 1 && seen[worker] === count);
      if (isRead) return true;
      for (const entry of group.entries) {
        const size = sizeOf(entry);
        const free = this.#free.get(size);
        if (free === undefined) this.#free.set(size, [entry]);
        else free.push(entry);
      }
      return false;
    });
  }

  #counters(): Int32Array {
    return Int32Array.from({ length: this.#workers }, (_, worker) =>
      Atomics.load(this.#control, control.batchCounters + worker * counterStrideWords),
    );
  }

  /** By an eighth, at least to `needed` bytes. */
  #grow(needed: number): void {
    const pages = Math.ceil(Math.max(needed, this.#bytes.length * 1.125) / initialBytes);
    const bytes = Math.min(pages * initialBytes, this.#buffer.maxByteLength);
    if (bytes < needed) throw new RangeError(`answer table is larger than ${this.#buffer.maxByteLength} bytes`);
    this.#buffer.grow(bytes);
    this.#words = new Int32Array(this.#buffer, 0, bytes / 4);
    this.#bytes = new Uint8Array(this.#buffer, 0, bytes);
  }
}

/** The largest growable buffer that the machine's limits on address space allow. */
function reserve(): SharedArrayBuffer {
  for (const maxByteLength of reservedBytes) {
    try {
      return new SharedArrayBuffer(initialBytes, { maxByteLength });
    } catch {
      // Less address space than that (ulimit -v).
    }
  }
  throw new RangeError('no address space for the answer table');
}

/** The smallest of 2^k · {1, 1.25, 1.5, 1.75} that is at least `bytes` and a multiple of 16. */
export function sizeClass(bytes: number): number {
  if (bytes <= 64) return (bytes + 15) & ~15;
  const power = 2 ** (31 - Math.clz32(bytes - 1));
  const step = power / 4;
  return power + Math.ceil((bytes - power) / step) * step;
}
