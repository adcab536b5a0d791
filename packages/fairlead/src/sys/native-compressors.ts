import { BrotliCompressor } from './brotli-compressor.ts';
import type { CompressorFactory } from './compressor.ts';
import { GzipCompressor } from './gzip-compressor.ts';
import { ZstdCompressor } from './zstd-compressor.ts';

/** zlib, brotli and zstd of Node's own binary. Importing this needs FFI. */
export const nativeCompressors: CompressorFactory = {
  gzip: (level) => new GzipCompressor(level),
  br: (level) => new BrotliCompressor(level),
  zstd: (level) => new ZstdCompressor(level),
};
