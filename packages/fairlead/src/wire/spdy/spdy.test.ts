import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createDeflate, inflateSync, constants as zlib } from 'node:zlib';
import { FrameReader, type SpdyFrame } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { HEADER_DICTIONARY, HeaderReader, HeaderWriter } from './header-block.ts';
import { SpdyError } from './spdy-error.ts';

/** Adler-32, RFC 1950 section 9. */
function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

test('the dictionary is the one whose checksum every SPDY/3 peer sends', () => {
  assert.equal(HEADER_DICTIONARY.length, 1423);
  assert.equal(adler32(HEADER_DICTIONARY), 0xe3c6a7c2);
});

/** What a peer with a real compressor sends: one zlib stream, flushed after each block. */
async function compressedBlocks(blocks: readonly Buffer[]): Promise<Buffer[]> {
  const deflate = createDeflate({ dictionary: HEADER_DICTIONARY, level: 9 });
  const flushMark = Buffer.from([0, 0, 0xff, 0xff]);
  const result: Buffer[] = [];
  for (const block of blocks) {
    deflate.write(block);
    deflate.flush(zlib.Z_SYNC_FLUSH);
    let piece = Buffer.alloc(0);
    while (!piece.subarray(-4).equals(flushMark)) {
      const chunk = deflate.read() as Buffer | null;
      if (chunk === null) await once(deflate, 'readable');
      else piece = Buffer.concat([piece, chunk]);
    }
    result.push(piece);
  }
  return result;
}

function plainBlock(headers: Readonly<Record<string, string>>): Buffer {
  const bytes = new HeaderWriter().write(headers);
  return bytes.subarray(7, 7 + bytes.readUInt16LE(3));
}

test('header blocks of a real compressor, which refer to the dictionary and to each other', async () => {
  const sets = [
    { streamtype: 'error', port: '8080', requestid: '0' },
    { streamtype: 'data', port: '8080', requestid: '0' },
    { 'content-type': 'text/plain', accept: 'gzip,deflate', long: 'x'.repeat(30_000) },
    { streamtype: 'data', port: '8080', requestid: '77', long: `${'x'.repeat(20_000)}y` },
  ];
  const reader = new HeaderReader();
  const blocks = await compressedBlocks(sets.map(plainBlock));
  for (const [index, block] of blocks.entries()) assert.deepEqual(reader.read(block), sets[index]);
});

test('written header blocks are one zlib stream that inflates piece by piece', () => {
  const writer = new HeaderWriter();
  const first = writer.write({ a: '1' });
  const second = writer.write({ b: 'zwei' });
  const options = { finishFlush: zlib.Z_SYNC_FLUSH };
  assert.equal(inflateSync(first, options).toString('latin1'), '\0\0\0\x01\0\0\0\x01a\0\0\0\x011');
  const both = inflateSync(Buffer.concat([first, second]), options).toString('latin1');
  assert.ok(both.endsWith('\0\0\0\x01\0\0\0\x01b\0\0\0\x04zwei'));
});

function frames(): { readonly bytes: Buffer; readonly expected: readonly SpdyFrame[] } {
  const writer = new FrameWriter();
  const hello = Buffer.from('hello');
  const bytes = Buffer.concat([
    writer.synStream(1, { streamtype: 'stdin' }),
    writer.synReply(1),
    writer.dataHead(1, hello.length, false),
    hello,
    writer.ping(5),
    writer.dataHead(1, 0, true),
    writer.reset(3, 5),
    writer.goAway(1),
  ]);
  const expected: SpdyFrame[] = [
    { type: 'syn-stream', stream: 1, headers: { streamtype: 'stdin' }, fin: false },
    { type: 'syn-reply', stream: 1, headers: {}, fin: false },
    { type: 'data', stream: 1, data: hello, fin: false },
    { type: 'ping', id: 5 },
    { type: 'data', stream: 1, data: Buffer.alloc(0), fin: true },
    { type: 'reset', stream: 3, status: 5 },
    { type: 'go-away' },
  ];
  return { bytes, expected };
}

for (const size of [1, 2, 3, 7, 8, 9, 1000]) {
  test(`frames in pieces of ${size} bytes`, () => {
    const { bytes, expected } = frames();
    const seen: SpdyFrame[] = [];
    const reader = new FrameReader((frame) => {
      const last = seen.at(-1);
      // Data may come in pieces; put them together again.
      if (frame.type === 'data' && last?.type === 'data' && !last.fin && frame.data.length > 0) {
        seen[seen.length - 1] = { ...frame, data: Buffer.concat([last.data, frame.data]) };
      } else seen.push(frame.type === 'data' ? { ...frame, data: Buffer.from(frame.data) } : frame);
    });
    for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.subarray(at, at + size));
    assert.deepEqual(seen, expected);
  });
}

const bad: readonly (readonly [string, Buffer])[] = [
  ['another version', Buffer.from([0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1])],
  ['a ping without id', Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 0])],
  ['a huge control frame', Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff])],
  ['headers that are not zlib', Buffer.from([0x80, 3, 0, 2, 0, 0, 0, 8, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])],
];
for (const [name, bytes] of bad) {
  test(`refused: ${name}`, () => {
    const reader = new FrameReader(() => {});
    assert.throws(() => reader.feed(bytes), SpdyError);
  });
}

test('a header block that inflates to too much is refused', async () => {
  const huge = Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.alloc(1 << 20)]);
  const [block] = await compressedBlocks([huge]);
  assert.throws(() => new HeaderReader().read(block!), SpdyError);
});

test('settings and unknown control frames are skipped', () => {
  const seen: SpdyFrame[] = [];
  const reader = new FrameReader((frame) => seen.push(frame));
  reader.feed(Buffer.from([0x80, 3, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 0x80, 3, 0, 99, 0, 0, 0, 0]));
  reader.feed(new FrameWriter().ping(9));
  assert.deepEqual(seen, [{ type: 'ping', id: 9 }]);
});
