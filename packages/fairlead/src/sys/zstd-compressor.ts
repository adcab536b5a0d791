// Hot path: one call per step.
import { checkRange } from './checking.ts';
import type { CompressMode, Compressor } from './compressor.ts';
import { declareOwn } from './libc.ts';
import { NativeStruct } from './native-struct.ts';
import type { PinnedBuffer } from './pinned.ts';
import { SysError } from './sys-error.ts';

/** ZSTD_cParameter, ZSTD_ResetDirective and ZSTD_EndDirective of zstd.h. */
const PARAM_LEVEL = 100;
const PARAM_WINDOW_LOG = 101;
const RESET_SESSION = 1;
const MODES: Readonly<Record<CompressMode, number>> = { more: 0, flush: 1, end: 2 };
/** A window of 256 KiB; RFC 9659 allows 8 MiB. */
const WINDOW_LOG = 18;
/** A size_t beyond this is an error code. */
const SIZE_MAX = 2 ** 53;

/** Two structures of three words: ZSTD_inBuffer and ZSTD_outBuffer, each pointer, size, position. */
const INPUT = 0;
const OUTPUT = 24;
const SIZE = 8;
const POSITION = 16;

interface Zstd {
  readonly create: () => number;
  readonly free: (context: number) => number;
  readonly set: (context: number, parameter: number, value: number) => number;
  readonly reset: (context: number, directive: number) => number;
  readonly compress: (context: number, output: number, input: number, directive: number) => number;
}

let zstd: Zstd | undefined;

function open(): Zstd {
  return {
    create: declareOwn('uintptr_t ZSTD_createCCtx()'),
    free: declareOwn('size_t ZSTD_freeCCtx(uintptr_t)'),
    set: declareOwn('size_t ZSTD_CCtx_setParameter(uintptr_t, int, int)'),
    reset: declareOwn('size_t ZSTD_CCtx_reset(uintptr_t, int)'),
    compress: declareOwn('size_t ZSTD_compressStream2(uintptr_t, uintptr_t, uintptr_t, int)'),
  };
}

/** zstd (RFC 8878). */
export class ZstdCompressor implements Compressor {
  isDone: boolean = true;
  readonly #zstd: Zstd;
  readonly #buffers = new NativeStruct(48);
  #context: number;

  constructor(level: number) {
    zstd ??= open();
    this.#zstd = zstd;
    this.#context = zstd.create();
    if (this.#context === 0) throw new SysError('bad-argument', 'ZSTD_createCCtx: no memory');
    this.#check(zstd.set(this.#context, PARAM_LEVEL, level));
    this.#check(zstd.set(this.#context, PARAM_WINDOW_LOG, WINDOW_LOG));
  }

  begin(): void {
    this.#check(this.#zstd.reset(this.#context, RESET_SESSION));
    this.#buffers.setPointer(INPUT + SIZE, 0);
    this.#buffers.setPointer(INPUT + POSITION, 0);
  }

  give(from: PinnedBuffer, start: number, end: number): void {
    checkRange('ZSTD_compressStream2', from.address + start, end - start);
    this.#buffers.setPointer(INPUT, from.address + start);
    this.#buffers.setPointer(INPUT + SIZE, end - start);
    this.#buffers.setPointer(INPUT + POSITION, 0);
  }

  step(to: PinnedBuffer, at: number, end: number, mode: CompressMode): number {
    const buffers = this.#buffers;
    checkRange('ZSTD_compressStream2', to.address + at, end - at);
    buffers.setPointer(OUTPUT, to.address + at);
    buffers.setPointer(OUTPUT + SIZE, end - at);
    buffers.setPointer(OUTPUT + POSITION, 0);
    const { address } = buffers;
    const left = this.#check(this.#zstd.compress(this.#context, address + OUTPUT, address + INPUT, MODES[mode]));
    this.isDone =
      mode === 'more' ? buffers.getPointer(INPUT + POSITION) === buffers.getPointer(INPUT + SIZE) : left === 0;
    return at + buffers.getPointer(OUTPUT + POSITION);
  }

  /** koffi makes a bigint of what no number can hold exactly. */
  #check(result: number): number {
    if (result < SIZE_MAX) return result;
    throw new SysError('bad-argument', `zstd: error ${BigInt.asIntN(64, BigInt(result))}`);
  }

  free(): void {
    if (this.#context !== 0) this.#zstd.free(this.#context);
    this.#context = 0;
  }
}
