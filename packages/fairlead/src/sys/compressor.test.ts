import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { type CompressionCoding, type CompressMode, compressionCodings, openCompressor } from './compressor.ts';
import { nodeCompressors } from './node-compressors.ts';
import { PinnedBuffer } from './pinned.ts';

const CODINGS: readonly CompressionCoding[] = ['gzip', 'br', 'zstd'];
const UNPACK: Readonly<Record<CompressionCoding, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => zlib.gunzipSync(bytes),
  br: (bytes) => zlib.brotliDecompressSync(bytes),
  zstd: (bytes) => zlib.zstdDecompressSync(bytes),
};

const input = new PinnedBuffer(64 * 1024);
const output = new PinnedBuffer(64 * 1024);

/** One piece of content and what is asked of the compressor behind it. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly mode: CompressMode;
}

/** Compresses pieces with output windows of `window` bytes. */
function pack(compressor: ReturnType<typeof openCompressor>, pieces: readonly Piece[], window: number): Buffer[] {
  compressor.begin();
  return pieces.map(({ bytes, mode }) => {
    const written: Buffer[] = [];
    input.bytes.set(bytes, 0);
    compressor.give(input, 0, bytes.length);
    do {
      const end = compressor.step(output, 100, 100 + window, mode);
      written.push(Buffer.from(output.bytes.subarray(100, end)));
    } while (!compressor.isDone);
    return Buffer.concat(written);
  });
}

const piece = fc.record({
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 20_000 }).map((text) => Buffer.from(text)),
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.alloc(60_000, bytes)),
  ),
  mode: fc.constantFrom<CompressMode>('more', 'more', 'flush'),
});

const MAKERS: readonly (readonly [name: string, open: typeof openCompressor])[] = [
  ['of this process', openCompressor],
  ['of node:zlib', (coding, level) => nodeCompressors[coding](level)],
];
for (const [coding, [maker, open]] of CODINGS.flatMap((each) => MAKERS.map((made) => [each, made] as const))) {
  const skip = compressionCodings().has(coding) ? false : 'not in this binary';
  describe(`compressor ${maker}: ${coding}`, { skip }, () => {
    test('any pieces, flushes and windows come back as they were, also from a compressor used before', () => {
      const levels = new Map([1, 4, 9].map((level) => [level, open(coding, level)]));
      fc.assert(
        fc.property(
          fc.array(piece, { maxLength: 6 }),
          fc.integer({ min: 16, max: 5000 }),
          fc.constantFrom(1, 4, 9),
          (pieces, window, level) => {
            const parts = pack(levels.get(level)!, [...pieces, { bytes: Buffer.alloc(0), mode: 'end' }], window);
            assert.deepEqual(UNPACK[coding](Buffer.concat(parts)), Buffer.concat(pieces.map(({ bytes }) => bytes)));
          },
        ),
        { numRuns: 60 },
      );
      for (const compressor of levels.values()) compressor.free();
    });

    test('what a flush gave is enough to read all that came before it', async () => {
      const compressor = open(coding, 4);
      const text = Buffer.from('data: the first event\n\n');
      const [first] = pack(compressor, [{ bytes: text, mode: 'flush' }], 4000);
      const unpack =
        coding === 'gzip'
          ? zlib.createGunzip()
          : coding === 'br'
            ? zlib.createBrotliDecompress()
            : zlib.createZstdDecompress();
      const read = new Promise<Buffer>((resolve) => unpack.once('data', resolve));
      unpack.write(first);
      assert.deepEqual(await read, text);
      unpack.destroy();
      compressor.free();
    });

    test('text becomes less', () => {
      const compressor = open(coding, 4);
      const text = Buffer.from('{"name":"value","other":[1,2,3]}'.repeat(300));
      const packed = Buffer.concat(pack(compressor, [{ bytes: text, mode: 'end' }], 4000));
      assert.ok(packed.length < text.length / 10, `${packed.length} of ${text.length}`);
      compressor.free();
    });
  });
}
