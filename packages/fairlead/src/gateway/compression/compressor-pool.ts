import { COMPRESSOR_BYTES, type CompressionCoding, type Compressor, openCompressor } from '../../sys/compressor.ts';

/** Most memory of the compressors of one worker, used and kept ones. */
const POOL_MAX_BYTES = 64 * 1024 * 1024;
/** Most that are kept for the next answer, of one kind. */
const IDLE_MAX = 8;

/** A compressor in use, to be given back. */
export interface PooledCompressor {
  readonly key: string;
  readonly coding: CompressionCoding;
  readonly compressor: Compressor;
}

/** The compressors of a worker: some are kept, and there is an end to their memory. */
export class CompressorPool {
  readonly #open: typeof openCompressor;
  readonly #idle: Map<string, PooledCompressor[]> = new Map();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(open: typeof openCompressor = openCompressor, maxBytes: number = POOL_MAX_BYTES) {
    this.#open = open;
    this.#maxBytes = maxBytes;
  }

  /** Memory that its compressors take, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** One that is ready for a new stream; undefined when there is no memory for it. */
  take(coding: CompressionCoding, level: number): PooledCompressor | undefined {
    const key = `${coding} ${level}`;
    let pooled = this.#idle.get(key)?.pop();
    if (pooled === undefined) {
      if (this.#bytes + COMPRESSOR_BYTES[coding] > this.#maxBytes && !this.#makeRoom(coding)) return undefined;
      pooled = { key, coding, compressor: this.#open(coding, level) };
      this.#bytes += COMPRESSOR_BYTES[coding];
    }
    pooled.compressor.begin();
    return pooled;
  }

  giveBack(pooled: PooledCompressor): void {
    const idle = this.#idle.get(pooled.key) ?? [];
    this.#idle.set(pooled.key, idle);
    if (idle.length < IDLE_MAX) idle.push(pooled);
    else this.#free(pooled);
  }

  /** Lets go of kept ones of other kinds. */
  #makeRoom(coding: CompressionCoding): boolean {
    for (const idle of this.#idle.values()) {
      for (const pooled of idle.splice(0)) this.#free(pooled);
    }
    return this.#bytes + COMPRESSOR_BYTES[coding] <= this.#maxBytes;
  }

  #free({ coding, compressor }: PooledCompressor): void {
    compressor.free();
    this.#bytes -= COMPRESSOR_BYTES[coding];
  }
}
