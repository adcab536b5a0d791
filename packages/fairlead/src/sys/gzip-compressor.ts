// Hot path: one call per step; the stream structure is written in place.

import { checkRange } from './checking.ts';
import type { CompressMode, Compressor } from './compressor.ts';
import { declareOwn } from './libc.ts';
import { NativeStruct } from './native-struct.ts';
import type { PinnedBuffer } from './pinned.ts';
import { SysError } from './sys-error.ts';

/**
 * `z_stream` of zlib.h on 64-bit Linux, 112 bytes:
 *
 *   0 next_in   8 avail_in (32 bits)   16 total_in
 *  24 next_out 32 avail_out (32 bits)  40 total_out   48 msg   56 state …
 *
 * deflateInit2_ compares the size and the major version, and refuses if they are others.
 */
const STREAM_BYTES = 112;
const NEXT_IN = 0;
const AVAIL_IN = 8;
const NEXT_OUT = 24;
const AVAIL_OUT = 32;

const Z_DEFLATED = 8;
/** The largest window, and 16 for the gzip wrapper. */
const WINDOW_BITS = 15 + 16;
const MEMORY_LEVEL = 8;
const MODES: Readonly<Record<CompressMode, number>> = { more: 0, flush: 2, end: 4 };
const Z_STREAM_END = 1;
const Z_BUF_ERROR = -5;

interface Zlib {
  readonly init: (
    stream: number,
    level: number,
    method: number,
    windowBits: number,
    memoryLevel: number,
    strategy: number,
    version: number,
    size: number,
  ) => number;
  readonly deflate: (stream: number, flush: number) => number;
  readonly reset: (stream: number) => number;
  readonly end: (stream: number) => number;
}

let zlib: Zlib | undefined;
/** zlib compares the first character only. */
const VERSION = new NativeStruct(8);

function open(): Zlib {
  VERSION.bytes.write('1.2.11', 'latin1');
  return {
    init: declareOwn('int deflateInit2_(uintptr_t, int, int, int, int, int, uintptr_t, int)'),
    deflate: declareOwn('int deflate(uintptr_t, int)'),
    reset: declareOwn('int deflateReset(uintptr_t)'),
    end: declareOwn('int deflateEnd(uintptr_t)'),
  };
}

/** gzip (RFC 1952) by zlib. */
export class GzipCompressor implements Compressor {
  isDone: boolean = true;
  readonly #zlib: Zlib;
  /** zlib keeps its address. */
  readonly #stream = new NativeStruct(STREAM_BYTES);
  #isFresh = true;

  constructor(level: number) {
    zlib ??= open();
    this.#zlib = zlib;
    const address = this.#stream.address;
    const result = zlib.init(address, level, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, 0, VERSION.address, STREAM_BYTES);
    if (result !== 0) throw new SysError('bad-argument', `deflateInit2: ${result}`);
  }

  begin(): void {
    if (!this.#isFresh) this.#zlib.reset(this.#stream.address);
    this.#isFresh = false;
    this.#stream.set32(AVAIL_IN, 0);
  }

  give(from: PinnedBuffer, start: number, end: number): void {
    checkRange('deflate', from.address + start, end - start);
    this.#stream.setPointer(NEXT_IN, from.address + start);
    this.#stream.set32(AVAIL_IN, end - start);
  }

  step(to: PinnedBuffer, at: number, end: number, mode: CompressMode): number {
    const stream = this.#stream;
    checkRange('deflate', to.address + at, end - at);
    stream.setPointer(NEXT_OUT, to.address + at);
    stream.set32(AVAIL_OUT, end - at);
    const result = this.#zlib.deflate(stream.address, MODES[mode]);
    if (result < 0 && result !== Z_BUF_ERROR) throw new SysError('bad-argument', `deflate: ${result}`);
    const room = stream.get32(AVAIL_OUT);
    this.isDone = mode === 'end' ? result === Z_STREAM_END : room > 0 && stream.get32(AVAIL_IN) === 0;
    return end - room;
  }

  free(): void {
    this.#zlib.end(this.#stream.address);
  }
}
