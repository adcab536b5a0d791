import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createListReader } from './list-reader.ts';

/** The items of a list that arrives in pieces, and its metadata. */
function read(text: string, pieceBytes: number): { readonly items: unknown[]; readonly metadata: unknown } {
  const items: unknown[] = [];
  const reader = createListReader((item) => void items.push(item));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  return { items, metadata: reader.end().metadata };
}

/** Text of a list, of which the items are those that parsing it gives. */
const rows: readonly (readonly [name: string, text: string])[] = [
  ['no items', '{"items":[],"metadata":{"resourceVersion":"7"}}'],
  ['no array of them', '{"items":null,"metadata":{}}'],
  ['none at all', '{"metadata":{"continue":"x"}}'],
  [
    'as servers write them',
    '{"kind":"L","metadata":{"continue":"x"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}\n',
  ],
  ['metadata behind them', '{"items":[{"a":1},{"a":[{}]}],"metadata":{"a":[1]}}'],
  ['white space', ' {\n "items" : [\n {"a": 1} ,\n {} ] }\n'],
  ['white space between items alone', '{"items":[{"a":1}, {"a":2},{"a":3}]}'],
  ['items that begin in other ways', '{"items":[{"a":1},{"b":1},{"a":2},{},{"a":3}]}'],
  ['what looks like a border within an item', '{"items":[{"a":[{"a":1},{"a":2}]},{"a":[{"a":3},{"a":4}]}]}'],
  ['the same in texts', '{"items":[{"a":"},{\\"a\\":"},{"a":"}]}"}]}'],
  ['another field of that name', '{"metadata":{"items":[{"a":1}]},"items":[{"b":2}]}'],
  ['the same without one', '{"metadata":{"items":[{"a":1},{"a":2}]}}'],
  ['another array behind', '{"items":[{"a":2}],"more":[{"a":1},{"a":2}]}'],
  ['characters of several bytes', '{"ü":"ä","items":[{"ö":"€"},{"ö":"€"}]}'],
  ['the field twice: the last one counts', '{"items":null,"items":[{"a":1},{"a":2}]}'],
];

describe('a list read while it arrives', () => {
  for (const [name, text] of rows) {
    test(name, () => {
      const list = JSON.parse(text) as { readonly items?: unknown[] | null; readonly metadata?: unknown };
      for (let piece = 1; piece <= text.length + 1; piece++) {
        const { items, metadata } = read(text, piece);
        assert.deepEqual({ piece, items, metadata }, { piece, items: list.items ?? [], metadata: list.metadata });
      }
    });
  }

  test('items come before the list is whole', () => {
    const items: unknown[] = [];
    const reader = createListReader((item) => void items.push(item));
    for (const [piece, count] of [
      ['{"items":[{"a":1', 0],
      ['},{"a":', 1],
      ['2},{"a":3}', 2],
      [']}', 2],
    ] as const) {
      reader.push(Buffer.from(piece));
      assert.equal(items.length, count, piece);
    }
    reader.end();
    assert.deepEqual(items, [{ a: 1 }, { a: 2 }, { a: 3 }]);
  });

  test('what is cut off or none is an error', () => {
    for (const text of [
      '',
      '{"items":[{"a":1},',
      '{"items":[{}]',
      '{"items":[]}}',
      '{"items":[{"a":1},{"a":2}]',
      'Service Unavailable',
    ]) {
      for (let piece = 1; piece <= text.length + 1; piece++) assert.throws(() => read(text, piece), SyntaxError, text);
    }
  });

  test('any list, in pieces of any size, is what parsing it gives', () => {
    const object = fc.dictionary(fc.constantFrom('a', 'items', 'metadata', 'ü'), fc.jsonValue({ maxDepth: 3 }));
    const list = fc.record({
      before: fc.jsonValue({ maxDepth: 2 }),
      items: fc.array(object, { maxLength: 6 }),
      metadata: fc.dictionary(fc.constantFrom('items', 'continue', 'a"b'), fc.jsonValue({ maxDepth: 1 })),
    });
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 64 }), fc.boolean(), (given, pieceBytes, isIndented) => {
        const text = JSON.stringify(given, null, isIndented ? 2 : undefined);
        const { items, metadata } = JSON.parse(text) as typeof given;
        assert.deepEqual(read(text, pieceBytes), { items, metadata });
      }),
      { numRuns: 500 },
    );
  });
});
