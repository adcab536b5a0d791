import type { CompressionCoding, CompressMode, Compressor, CompressorFactory } from './compressor.ts';
import type { PinnedBuffer } from './pinned.ts';
import { SysError } from './sys-error.ts';

/**
 * What a stream of node:zlib does its work with, on this thread and at once; its own streams answer from the event loop,
 * which is too late for who writes an answer. Not documented: where it is another, there is no compression.
 */
interface ZlibHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputStart: number,
    inputLength: number,
    output: Uint8Array,
    outputStart: number,
    outputLength: number,
  ): void;
}
interface ZlibStream {
  readonly _handle: ZlibHandle | null;
  /** Behind a write: room left in the output, input left. */
  readonly _writeState: Uint32Array;
  reset(): void;
  close(): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** As the native ones have it: bounds the memory on both sides. */
const WINDOW_LOG = 18;
const zlib = process.getBuiltinModule('node:zlib');
const { constants } = zlib;
const MODES: Readonly<Record<CompressionCoding, Readonly<Record<CompressMode, number>>>> = {
  gzip: { more: constants.Z_NO_FLUSH, flush: constants.Z_SYNC_FLUSH, end: constants.Z_FINISH },
  br: {
    more: constants.BROTLI_OPERATION_PROCESS,
    flush: constants.BROTLI_OPERATION_FLUSH,
    end: constants.BROTLI_OPERATION_FINISH,
  },
  zstd: { more: constants.ZSTD_e_continue, flush: constants.ZSTD_e_flush, end: constants.ZSTD_e_end },
};

const STREAMS: Readonly<Record<CompressionCoding, (level: number) => unknown>> = {
  gzip: (level) => zlib.createGzip({ level }),
  br: (level) =>
    zlib.createBrotliCompress({
      params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_LGWIN]: WINDOW_LOG },
    }),
  zstd: (level) =>
    zlib.createZstdCompress({
      params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: WINDOW_LOG },
    }),
};

class NodeCompressor implements Compressor {
  isDone: boolean = true;
  readonly #stream: ZlibStream;
  readonly #modes: Readonly<Record<CompressMode, number>>;
  #isFresh = true;
  #input: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #error: Error | undefined = undefined;

  constructor(coding: CompressionCoding, level: number) {
    this.#modes = MODES[coding];
    this.#stream = STREAMS[coding](level) as ZlibStream;
    this.#stream.on('error', (error) => {
      this.#error = error;
    });
    const { _handle, _writeState } = this.#stream;
    if (typeof _handle?.writeSync !== 'function' || !(_writeState instanceof Uint32Array)) {
      throw new SysError('ffi-unavailable', `node:zlib cannot compress ${coding} at once`);
    }
  }

  begin(): void {
    if (!this.#isFresh) this.#stream.reset();
    this.#isFresh = false;
    this.#start = this.#end;
  }

  give(from: PinnedBuffer, start: number, end: number): void {
    this.#input = from.bytes;
    this.#start = start;
    this.#end = end;
  }

  step(to: PinnedBuffer, at: number, end: number, mode: CompressMode): number {
    const { _handle, _writeState } = this.#stream;
    const length = this.#end - this.#start;
    _handle!.writeSync(this.#modes[mode], this.#input, this.#start, length, to.bytes, at, end - at);
    if (this.#error !== undefined) throw new SysError('bad-argument', this.#error.message);
    const [room = 0, left = 0] = _writeState;
    this.#start = this.#end - left;
    this.isDone = left === 0 && room > 0;
    return end - room;
  }

  free(): void {
    this.#stream.close();
  }
}

/** Compressors of node:zlib, where there is no FFI. */
export const nodeCompressors: CompressorFactory = {
  gzip: (level) => new NodeCompressor('gzip', level),
  br: (level) => new NodeCompressor('br', level),
  zstd: (level) => new NodeCompressor('zstd', level),
};
