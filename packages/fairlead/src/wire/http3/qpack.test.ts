import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FieldList } from '../http2/field-list.ts';
import { QpackDecoder } from './qpack-decoder.ts';
import { encodeSection, sectionRoomFor } from './qpack-encoder.ts';
import { QPACK_FIELDS } from './qpack-table.ts';

function encode(pairs: readonly (readonly [string, string])[]): Uint8Array {
  const fields = new FieldList();
  for (const [name, value] of pairs) fields.addText(name, value);
  const to = new Uint8Array(sectionRoomFor(fields));
  return to.subarray(0, encodeSection(fields, to, 0));
}

function decode(bytes: Uint8Array): [string, string][] | undefined {
  const fields = new FieldList();
  return new QpackDecoder().decode(bytes, 0, bytes.length, fields) ? fields.toPairs() : undefined;
}

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('field sections', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  const value = fc.stringMatching(/^[ -~]{0,60}$/);
  const known = fc.constantFrom(...QPACK_FIELDS.map(([a, b]) => [a, b] as [string, string]));

  test('what is encoded is decoded', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(known, fc.tuple(name, value)), { maxLength: 30 }), (pairs) => {
        assert.deepEqual(decode(encode(pairs)), pairs);
      }),
    );
  });

  test('every field of the static table takes its index', () => {
    for (const [index, pair] of QPACK_FIELDS.entries()) {
      const section = encode([pair]);
      assert.deepEqual([...section], index < 63 ? [0, 0, 0xc0 | index] : [0, 0, 0xff, index - 63], pair.join(': '));
      assert.deepEqual(decode(section), [pair]);
    }
  });

  test('nothing throws on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decode(bytes);
        decode(Uint8Array.from([0, 0, ...bytes]));
      }),
      { numRuns: 2000 },
    );
  });

  // The first is the example of RFC 9204 B.1.
  const rows: [what: string, section: string, pairs: [string, string][] | undefined][] = [
    ['a literal with the name of index 1', '0000 510b 2f69 6e64 6578 2e68 746d 6c', [[':path', '/index.html']]],
    ['a literal never to be indexed', '0000 7101 2f', [[':path', '/']]],
    ['a literal name', '0000 2161 0162', [['a', 'b']]],
    ['a literal name in Huffman code', '0000 291f 0162', [['a', 'b']]],
    ['nothing', '', undefined],
    ['half a prefix', '00', undefined],
    ['a required insert count', '0100', undefined],
    ['a reference to the dynamic table', '0000 80', undefined],
    ['a reference behind the base', '0000 10', undefined],
    ['a literal with a dynamic name', '0000 4001 61', undefined],
    ['a literal with a name behind the base', '0000 0001 61', undefined],
    ['index 99 of 99', '0000 ff24', undefined],
    ['an integer that does not end', '0000 ffff ffff ffff', undefined],
    ['a value that is cut off', '0000 5105 2f', undefined],
    ['a name that is cut off', '0000 2761 62', undefined],
    ['a name without value', '0000 2161', undefined],
  ];
  for (const [what, section, pairs] of rows) {
    test(what, () => assert.deepEqual(decode(hex(section)), pairs));
  }
});
