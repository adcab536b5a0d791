import type { CompressionCoding } from './compressor.ts';

/** Loaded where something is inflated or compressed as a whole first. */
let zlib: typeof import('node:zlib') | undefined;

/** What compressed content could be read as. `broken`: not at all; `too-long`: more than it may be. */
export type Inflated =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly reason: 'broken' | 'too-long' };

/** Content codings that {@link inflate} knows (RFC 9110 8.4.1, RFC 7932, RFC 8878); `x-gzip` is gzip. */
export type InflateCoding = 'gzip' | 'x-gzip' | 'br' | 'zstd';

/**
 * Inflates whole content, on this thread: some 5 ms for a megabyte of output. Stops at `maxBytes` of output, however
 * small the input is.
 */
export function inflate(coding: InflateCoding, content: Uint8Array, maxBytes: number): Inflated {
  zlib ??= process.getBuiltinModule('node:zlib');
  const options = { maxOutputLength: maxBytes };
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip':
        return { ok: true, bytes: zlib.gunzipSync(content, options) };
      case 'br':
        return { ok: true, bytes: zlib.brotliDecompressSync(content, options) };
      case 'zstd':
        return { ok: true, bytes: zlib.zstdDecompressSync(content, options) };
    }
  } catch (error) {
    const isTooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    return { ok: false, reason: isTooLong ? 'too-long' : 'broken' };
  }
}

/** Compresses whole content, on this thread; for what is short. */
export function compressWhole(coding: CompressionCoding, level: number, content: Uint8Array): Buffer {
  zlib ??= process.getBuiltinModule('node:zlib');
  const { constants } = zlib;
  switch (coding) {
    case 'gzip':
      return zlib.gzipSync(content, { level });
    case 'br':
      return zlib.brotliCompressSync(content, {
        params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
      });
    case 'zstd':
      return zlib.zstdCompressSync(content, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  }
}
