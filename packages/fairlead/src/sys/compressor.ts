import { engine } from './engine-kind.ts';
import type { PinnedBuffer } from './pinned.ts';
import { SysError } from './sys-error.ts';

/** Content codings that this process can produce (RFC 9110 8.4.1, RFC 7932, RFC 8878). */
export type CompressionCoding = 'gzip' | 'br' | 'zstd';

/** How far a {@link Compressor.step} goes: as much as it likes, all that came so far, or the end of the content. */
export type CompressMode = 'more' | 'flush' | 'end';

/** One stream of compressed content at a time; the buffers are the caller's. */
export interface Compressor {
  /** All input is taken, and of `flush` and `end` all output is out. */
  readonly isDone: boolean;
  /** A new stream. */
  begin(): void;
  /** Gives input `[start, end)`; it stays in place until {@link isDone}. */
  give(from: PinnedBuffer, start: number, end: number): void;
  /** Writes into `to[at, end)`, at least 16 bytes; returns how far. Call again with the same mode until {@link isDone}. */
  step(to: PinnedBuffer, at: number, end: number, mode: CompressMode): number;
  /** Gives its memory back. Nothing may follow. */
  free(): void;
}

/** Memory of one compressor at levels up to 9 (gzip) and 6 (br, zstd), bytes, as measured. */
export const COMPRESSOR_BYTES: Readonly<Record<CompressionCoding, number>> = {
  gzip: 270 * 1024,
  br: 2560 * 1024,
  zstd: 2048 * 1024,
};

/** What makes compressors, by coding. */
export type CompressorFactory = Readonly<Record<CompressionCoding, (level: number) => Compressor>>;

/** Nothing native is loaded where it cannot be, and node:zlib not until something is compressed. */
const native: CompressorFactory | undefined =
  engine.kind === 'node' ? undefined : (await import('./native-compressors.ts')).nativeCompressors;
const byNode: CompressorFactory | undefined =
  engine.kind === 'node' ? (await import('./node-compressors.ts')).nodeCompressors : undefined;

/**
 * A compressor by the libraries inside Node's own binary, called on this thread without the event loop that streams of
 * `node:zlib` need; without FFI by what those are made of.
 *
 * @param level gzip 1 to 9, br 0 to 11, zstd 1 to 19
 * @throws SysError where the binary does not have it
 */
export function openCompressor(coding: CompressionCoding, level: number): Compressor {
  const factory = native ?? byNode;
  if (factory === undefined) throw new SysError('ffi-unavailable', 'nothing here can compress');
  return factory[coding](level);
}

let found: ReadonlySet<CompressionCoding> | undefined;

/** The codings that work in this process: each is tried once. */
export function compressionCodings(): ReadonlySet<CompressionCoding> {
  found ??= new Set((['gzip', 'br', 'zstd'] as const).filter(isThere));
  return found;
}

function isThere(coding: CompressionCoding): boolean {
  try {
    openCompressor(coding, 1).free();
    return true;
  } catch {
    return false;
  }
}
