import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeRange, decodeTxn, decodeWatch, encodeRange, encodeTxn, rangeEnd } from './messages.ts';
import { MalformedMessage, MessageReader, MessageWriter } from './protobuf.ts';

const field = fc.integer({ min: 1, max: 1_000 });
const values = fc.array(
  fc.oneof(
    fc.record({ field, number: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) }),
    fc.record({ field, bytes: fc.uint8Array({ maxLength: 300 }) }),
  ),
);

test('what is written is read, for all numbers below 2^53', () => {
  fc.assert(
    fc.property(values, (fields) => {
      const writer = new MessageWriter();
      for (const one of fields) {
        if ('number' in one) writer.number(one.field, one.number);
        else writer.bytes(one.field, one.bytes);
      }
      const reader = new MessageReader(writer.finish());
      for (const one of fields) {
        assert.ok(reader.next());
        assert.equal(reader.field, one.field);
        if ('number' in one) assert.equal(reader.number, one.number);
        else assert.deepEqual(new Uint8Array(reader.bytes), one.bytes);
      }
      assert.ok(!reader.next());
    }),
  );
});

test('any bytes are a message or malformed, nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const decode of [decodeRange, decodeTxn, decodeWatch]) {
        try {
          decode(Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof MalformedMessage, String(error));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

// Put together by hand from the field numbers of rpc.proto.
const wire: readonly { readonly name: string; readonly bytes: Buffer; readonly hex: string }[] = [
  { name: 'a read of one key', bytes: encodeRange({ key: '/a' }), hex: '0a022f61' },
  {
    name: 'a read of a range at a revision',
    bytes: encodeRange({ key: '/a/', end: rangeEnd('/a/'), limit: 500, revision: 300 }),
    hex: '0a032f612f12032f613018f40320ac02',
  },
  {
    name: 'a create: the mod revision 0 is said',
    bytes: encodeTxn([{ key: '/a', expect: 0, value: '1' }]),
    hex: '0a0810021a022f61300012091207' + '0a022f61120131' + '1a060a040a022f61',
  },
];
for (const { name, bytes, hex } of wire) test(`on the wire: ${name}`, () => assert.equal(bytes.toString('hex'), hex));
