// Hot path: one call per step.
import { checkRange } from './checking.ts';
import type { CompressMode, Compressor } from './compressor.ts';
import { declareOwn } from './libc.ts';
import { NativeStruct } from './native-struct.ts';
import type { PinnedBuffer } from './pinned.ts';
import { SysError } from './sys-error.ts';

/** BrotliEncoderParameter and BrotliEncoderOperation of brotli/encode.h. */
const PARAM_QUALITY = 1;
const PARAM_LGWIN = 2;
const MODES: Readonly<Record<CompressMode, number>> = { more: 0, flush: 1, end: 2 };
/** A window of 256 KiB bounds the memory on both sides; pages are rarely larger. */
const WINDOW_LOG = 18;

/** The four values that BrotliEncoderCompressStream changes: available_in, next_in, available_out, next_out. */
const AVAIL_IN = 0;
const NEXT_IN = 8;
const AVAIL_OUT = 16;
const NEXT_OUT = 24;

interface Brotli {
  readonly create: (alloc: number, free: number, opaque: number) => number;
  readonly destroy: (state: number) => number;
  readonly set: (state: number, parameter: number, value: number) => number;
  readonly compress: (
    state: number,
    operation: number,
    availableIn: number,
    nextIn: number,
    availableOut: number,
    nextOut: number,
    totalOut: number,
  ) => number;
  readonly hasMore: (state: number) => number;
  readonly isFinished: (state: number) => number;
}

let brotli: Brotli | undefined;

function open(): Brotli {
  return {
    create: declareOwn('uintptr_t BrotliEncoderCreateInstance(uintptr_t, uintptr_t, uintptr_t)'),
    destroy: declareOwn('void BrotliEncoderDestroyInstance(uintptr_t)'),
    set: declareOwn('int BrotliEncoderSetParameter(uintptr_t, int, uint32_t)'),
    compress: declareOwn(
      'int BrotliEncoderCompressStream(uintptr_t, int, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
    ),
    hasMore: declareOwn('int BrotliEncoderHasMoreOutput(uintptr_t)'),
    isFinished: declareOwn('int BrotliEncoderIsFinished(uintptr_t)'),
  };
}

/** br (RFC 7932). Its encoder cannot be used twice: each stream has one of its own. */
export class BrotliCompressor implements Compressor {
  isDone: boolean = true;
  readonly #brotli: Brotli;
  readonly #level: number;
  readonly #fields = new NativeStruct(32);
  #state = 0;

  constructor(level: number) {
    brotli ??= open();
    this.#brotli = brotli;
    this.#level = level;
  }

  begin(): void {
    this.free();
    const { create, set } = this.#brotli;
    this.#state = create(0, 0, 0);
    if (this.#state === 0) throw new SysError('bad-argument', 'BrotliEncoderCreateInstance: no memory');
    set(this.#state, PARAM_QUALITY, this.#level);
    set(this.#state, PARAM_LGWIN, WINDOW_LOG);
    this.#fields.setPointer(AVAIL_IN, 0);
  }

  give(from: PinnedBuffer, start: number, end: number): void {
    checkRange('BrotliEncoderCompressStream', from.address + start, end - start);
    this.#fields.setPointer(NEXT_IN, from.address + start);
    this.#fields.setPointer(AVAIL_IN, end - start);
  }

  step(to: PinnedBuffer, at: number, end: number, mode: CompressMode): number {
    const fields = this.#fields;
    const { address } = fields;
    checkRange('BrotliEncoderCompressStream', to.address + at, end - at);
    fields.setPointer(NEXT_OUT, to.address + at);
    fields.setPointer(AVAIL_OUT, end - at);
    const { compress, hasMore, isFinished } = this.#brotli;
    const state = this.#state;
    if (compress(state, MODES[mode], address, address + NEXT_IN, address + AVAIL_OUT, address + NEXT_OUT, 0) === 0) {
      throw new SysError('bad-argument', 'BrotliEncoderCompressStream failed');
    }
    this.isDone = mode === 'end' ? isFinished(state) !== 0 : fields.getPointer(AVAIL_IN) === 0 && hasMore(state) === 0;
    return end - fields.getPointer(AVAIL_OUT);
  }

  free(): void {
    if (this.#state !== 0) this.#brotli.destroy(this.#state);
    this.#state = 0;
  }
}
