// Hot path of compressed answers: content goes from the input buffer to the output buffer, and out.
import type { Connection } from '../../reactor/reactor.ts';
import type { CompressMode } from '../../sys/compressor.ts';
import { writeChunkSize } from '../../wire/http1/chunked.ts';
import { copyBytes } from '../../wire/http1/head-writer.ts';
import { METRIC } from '../gateway-metrics.ts';
import type { ProxyCore } from '../proxy-core.ts';
import type { PooledCompressor } from './compressor-pool.ts';

/** Most bytes of one chunk, so that its size has at most four digits. */
const CHUNK_MAX_BYTES = 0xffff;
/** Size line of such a chunk. */
const SIZE_LINE_BYTES = 6;
/** With less room than this what is assembled goes out first. */
const ROOM_MIN_BYTES = 1024;
/** Content that came, and is not followed by more, is not kept back longer. */
const FLUSH_MS = 20;
const LAST_CHUNK = Buffer.from('0\r\n', 'latin1');

/** Compresses the content of one answer, and frames it for the client. */
export class ResponseEncoder {
  readonly #core: ProxyCore;
  readonly #pooled: PooledCompressor;
  readonly #connection: Connection;
  /** The client gets chunks; else the content ends with the connection. */
  readonly #chunked: boolean;
  readonly #flushesEach: boolean;
  #isReleased = false;
  #cancelFlush: (() => void) | undefined = undefined;

  constructor(
    core: ProxyCore,
    pooled: PooledCompressor,
    connection: Connection,
    options: { readonly chunked: boolean; readonly flushesEach: boolean },
  ) {
    this.#core = core;
    this.#pooled = pooled;
    this.#connection = connection;
    this.#chunked = options.chunked;
    this.#flushesEach = options.flushesEach;
    core.metrics[METRIC.compressed]! += 1;
  }

  /**
   * Takes content `[start, end)` of the input buffer. The output buffer holds `at` bytes to be sent; returns how many
   * it holds then, for the caller to send.
   */
  content(start: number, end: number, at: number): number {
    if (start === end) return at;
    this.#give(start, end);
    const sent = this.#run(at, this.#flushesEach ? 'flush' : 'more');
    if (!this.#flushesEach) this.#flushSoon();
    return sent;
  }

  /** The last content, which may be none, and trailer lines. */
  end(start: number, end: number, trailers: Uint8Array, at: number): number {
    this.#give(start, end);
    let sent = this.#run(at, 'end');
    if (this.#chunked) {
      const { bytes } = this.#core.reactor.output;
      if (sent + trailers.length + ROOM_MIN_BYTES > bytes.length) sent = this.#send(sent);
      sent = copyBytes(LAST_CHUNK, 0, LAST_CHUNK.length, bytes, sent);
      sent = copyBytes(trailers, 0, trailers.length, bytes, sent);
      bytes[sent++] = 13;
      bytes[sent++] = 10;
    }
    this.release();
    return sent;
  }

  /** The answer is over, whole or not. Idempotent. */
  release(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#core.compressors.giveBack(this.#pooled);
  }

  #give(start: number, end: number): void {
    this.#core.metrics[METRIC.compressionInBytes]! += end - start;
    this.#pooled.compressor.give(this.#core.reactor.input, start, end);
  }

  #run(at: number, mode: CompressMode): number {
    const { output } = this.#core.reactor;
    const { compressor } = this.#pooled;
    let filled = at;
    do {
      if (filled + ROOM_MIN_BYTES > output.length) filled = this.#send(filled);
      const start = this.#chunked ? filled + SIZE_LINE_BYTES : filled;
      const end = compressor.step(output, start, Math.min(output.length - 2, start + CHUNK_MAX_BYTES), mode);
      this.#core.metrics[METRIC.compressionOutBytes]! += end - start;
      if (!this.#chunked) filled = end;
      else if (end > start) filled = this.#frame(filled, start, end);
    } while (!compressor.isDone);
    return filled;
  }

  /** Makes a chunk of compressed bytes; a short size line moves them to the front. */
  #frame(at: number, start: number, end: number): number {
    const { bytes } = this.#core.reactor.output;
    const dataStart = writeChunkSize(bytes, at, end - start);
    if (dataStart !== start) bytes.copyWithin(dataStart, start, end);
    const dataEnd = dataStart + end - start;
    bytes[dataEnd] = 13;
    bytes[dataEnd + 1] = 10;
    return dataEnd + 2;
  }

  #send(filled: number): number {
    this.#connection.write(this.#core.reactor.output, 0, filled);
    return 0;
  }

  #flushSoon(): void {
    this.#cancelFlush ??= this.#core.reactor.after(FLUSH_MS, () => {
      this.#cancelFlush = undefined;
      this.#send(this.#run(0, 'flush'));
    });
  }
}
