import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { engine } from '../../sys/engine-kind.ts';
import { FieldList } from './field-list.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import * as h2 from './protocol.ts';
import { CONFORMANCE_CASES } from './test-rig/conformance-cases.ts';
import { EchoServer } from './test-rig/echo-server.ts';
import { settings } from './test-rig/frames.ts';
import { mutateInput, seeded } from './test-rig/mutations.ts';

const skip = engine.kind === 'node' ? 'needs FFI' : false;
const { Nghttp2Deflater, Nghttp2Inflater, Nghttp2Server } =
  skip === false ? await import('../../sys/testing/nghttp2.ts') : ({} as typeof import('../../sys/testing/nghttp2.ts'));

type Field = readonly [string, string];

const name = fc.oneof(
  fc.constantFrom(':path', ':method', ':status', 'cookie', 'content-type', 'x-a', 'x-b', 'authorization', 'date'),
  fc.stringMatching(/^[a-z0-9-]{1,30}$/),
);
const value = fc.oneof(
  fc.constantFrom('', '/', 'GET', '200', 'same', 'gzip, deflate'),
  fc.stringMatching(/^[\x20-\x7e]{0,200}$/),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);
const list = fc.array(fc.tuple(name, value), { maxLength: 20 });

const listOf = (fields: readonly Field[]): FieldList => {
  const made = new FieldList();
  for (const [key, text] of fields) made.addText(key, text);
  return made;
};

describe('HPACK against nghttp2', { skip }, () => {
  test('what we encode, nghttp2 reads, over a connection with a changing table', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(list, fc.option(fc.constantFrom(0, 64, 300, 4096), { nil: undefined })), { maxLength: 12 }),
        (blocks) => {
          const encoder = new HpackEncoder();
          const inflater = new Nghttp2Inflater();
          try {
            for (const [fields, size] of blocks) {
              if (size !== undefined) {
                inflater.resize(size);
                encoder.setMaxTableBytes(size);
              }
              const given = listOf(fields);
              const to = Buffer.alloc(HpackEncoder.roomFor(given));
              const block = to.subarray(0, encoder.encode(given, to, 0));
              assert.deepEqual(inflater.decode(block), fields);
            }
          } finally {
            inflater.free();
          }
        },
      ),
    );
  });

  test('what nghttp2 encodes, we read, over a connection with a changing table', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(list, fc.option(fc.constantFrom(0, 64, 300, 4096), { nil: undefined }), fc.nat(7)), {
          maxLength: 12,
        }),
        (blocks) => {
          const deflater = new Nghttp2Deflater();
          const decoder = new HpackDecoder();
          try {
            for (const [fields, size, secret] of blocks) {
              if (size !== undefined) deflater.resize(size);
              const block = deflater.encode(fields, (index) => index % 8 === secret);
              const read = new FieldList();
              assert.ok(decoder.decode(block, 0, block.length, read));
              assert.deepEqual(read.toPairs(), fields);
            }
          } finally {
            deflater.free();
          }
        },
      ),
    );
  });

  test('broken blocks: both refuse, or both read the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(list, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 3 }), fc.nat(400)), {
          minLength: 1,
          maxLength: 4,
        }),
        (blocks) => {
          const deflater = new Nghttp2Deflater();
          const inflater = new Nghttp2Inflater();
          const decoder = new HpackDecoder();
          try {
            for (const [fields, edits, cut] of blocks) {
              const block = deflater.encode(fields);
              for (const [at, byte] of edits) if (at < block.length) block[at] = byte;
              const broken = cut < block.length && edits.length > 0 ? block.subarray(0, cut) : block;
              const theirs = inflater.decode(broken);
              const read = new FieldList();
              const ours = decoder.decode(broken, 0, broken.length, read);
              // A list beyond our limit is read to its end, but not kept.
              if (read.isTooLarge) return;
              assert.deepEqual(ours ? read.toPairs() : undefined, theirs, broken.toString('hex'));
              // A connection ends with its first malformed block.
              if (theirs === undefined) return;
            }
          } finally {
            deflater.free();
            inflater.free();
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

const OPENING = Buffer.concat([h2.PREFACE, settings()]);

/** Requests of a connection as we read them: whole heads by stream. */
function readHere(input: Buffer): {
  readonly server: EchoServer;
  readonly heads: ReadonlyMap<number, [string, string][]>;
} {
  const server = new EchoServer({ maxConcurrentStreams: 1000 });
  server.exchange(input);
  return { server, heads: new Map(server.requests.map(({ id, fields }) => [id, fields])) };
}

/** Fields of which nghttp2 has another opinion, that nobody behind us can be misled by. */
function isOwnOpinion(fields: readonly Field[]): boolean {
  return fields.some(([key]) => key === 'priority');
}

/** Where nghttp2 ends the connection, and we the stream (RFC 9113 5.4.2 leaves the choice), or count the frame as noise. */
const DIFFERING: readonly string[] = [
  '5.1 half-closed streams: DATA',
  '5.1 half-closed streams: HEADERS',
  '5.1 closed streams: DATA after its end',
  '5.3 priority: stream depends on itself in HEADERS',
  '6.3 PRIORITY: too short',
  '6.3 PRIORITY: too long',
  '6.5 SETTINGS: second ACK',
  '6.9 WINDOW_UPDATE: of 0 on a stream',
  '6.9 WINDOW_UPDATE: beyond 2^31-1 on a stream',
];

describe('connections against nghttp2', { skip }, () => {
  const rounds = Number(process.env.FAIRLEAD_FUZZ_ROUNDS ?? 3000);
  test(`${rounds} mutated connections: a request that we take, nghttp2 takes too, and reads the same`, () => {
    const random = seeded(77_003);
    let compared = 0;
    for (let round = 0; round < rounds; round++) {
      const input = mutateInput(random);
      const { heads } = readHere(input);
      const other = new Nghttp2Server();
      try {
        other.feed(input);
        for (const [id, fields] of heads) {
          if (isOwnOpinion(fields)) continue;
          const theirs = other.streams.get(id);
          const label = `round ${round}, stream ${id}: ${input.toString('hex')}`;
          // It had ended the connection before: the test below says for what.
          if (theirs?.hasHead !== true && other.failed) continue;
          assert.ok(theirs !== undefined, `nghttp2 did not see it; ${label}`);
          assert.deepEqual(fields, theirs.fields, label);
          compared++;
        }
      } finally {
        other.free();
      }
    }
    assert.ok(compared > rounds / 10, `${compared} requests were compared`);
  });

  test('the conformance table: nghttp2 ends no connection that we keep', () => {
    const differing: string[] = [];
    for (const { name: row, input, raw, expected } of CONFORMANCE_CASES) {
      const other = new Nghttp2Server();
      other.feed(raw === true ? input : Buffer.concat([OPENING, input]));
      if (other.failed && !('goaway' in expected)) differing.push(row);
      other.free();
    }
    assert.deepEqual(differing, DIFFERING);
  });
});
