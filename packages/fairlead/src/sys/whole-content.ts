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
    return { ok: false, reason: reasonOf(error as Error) };
  }
}

/** The same on the thread pool of the process: for threads with the event loop of Node. */
export function inflateSoon(coding: InflateCoding, content: Uint8Array, maxBytes: number): Promise<Inflated> {
  zlib ??= process.getBuiltinModule('node:zlib');
  const { brotliDecompress, gunzip, zstdDecompress } = zlib;
  const { promise, resolve } = Promise.withResolvers<Inflated>();
  const options = { maxOutputLength: maxBytes };
  const done = (error: Error | null, bytes: Buffer): void =>
    resolve(error === null ? { ok: true, bytes } : { ok: false, reason: reasonOf(error) });
  if (coding === 'br') brotliDecompress(content, options, done);
  else if (coding === 'zstd') zstdDecompress(content, options, done);
  else gunzip(content, options, done);
  return promise;
}

function reasonOf(error: Error): 'broken' | 'too-long' {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too-long' : 'broken';
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
