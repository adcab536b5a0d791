import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldName, nameFromText, nameKey, nameToText, readName, skipName } from './name.ts';

const label63 = 'a'.repeat(63);

test('names from text', async (t) => {
  const rows: readonly (readonly [title: string, text: string, hex: string | undefined])[] = [
    ['root', '.', '00'],
    ['empty is the root', '', '00'],
    ['plain', 'a.bc', '0161026263' + '00'],
    ['trailing dot', 'a.bc.', '0161026263' + '00'],
    ['case is kept', 'A.b', '0141016200'],
    ['escaped dot', 'a\\.b', '03612e6200'],
    ['escaped backslash', 'a\\\\', '02615c00'],
    ['escaped byte', '\\000\\255', '0200ff00'],
    ['label of 63', label63, `3f${'61'.repeat(63)}00`],
    ['label of 64', `${label63}a`, undefined],
    ['empty label', 'a..b', undefined],
    ['leading dot', '.a', undefined],
    ['byte over 255', '\\256', undefined],
    ['short escape', '\\1', undefined],
    ['lone backslash', 'a\\', undefined],
    ['character outside latin-1', 'ż', undefined],
    ['name of 255 bytes', `${label63}.${label63}.${label63}.${'a'.repeat(61)}`, undefined],
    ['name of 256 bytes', `${label63}.${label63}.${label63}.${'a'.repeat(62)}`, undefined],
  ];
  for (const [title, text, hex] of rows) {
    await t.test(title, () => {
      const name = nameFromText(text);
      if (title === 'name of 255 bytes') assert.equal(name?.length, 255);
      else assert.equal(name && Buffer.from(name).toString('hex'), hex);
    });
  }
});

/** A message with 12 header bytes, then `hex`. */
function message(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(`${'00'.repeat(12)}${hex.replaceAll(' ', '')}`, 'hex'));
}

test('names from messages', async (t) => {
  const rows: readonly (readonly [title: string, hex: string, at: number, text: string | undefined, next?: number])[] =
    [
      ['plain', '0161 0162 00', 12, 'a.b', 17],
      ['pointer back', '0161 00 0162 c00c', 15, 'b.a', 19],
      ['pointer to pointer', '0161 00 c00c c00f', 17, 'a', 19],
      ['pointer to itself', 'c00c', 12, undefined],
      ['pointer forward', 'c00e 00', 12, undefined],
      ['two pointers in a ring', 'c00e c00c', 14, undefined],
      ['pointer to the label before it', '0161 c00c', 12, undefined],
      ['pointer into the header', '0161 c000', 12, undefined],
      ['end inside a label', '0361', 12, undefined],
      ['end before the root', '0161', 12, undefined],
      ['half a pointer', 'c0', 12, undefined],
      ['reserved label type 01', '4161 00', 12, undefined],
      ['reserved label type 10', '8161 00', 12, undefined],
      ['any bytes in a label', '03 00ff2e 00', 12, '\\000\\255\\.', 17],
    ];
  for (const [title, hex, at, text, next] of rows) {
    await t.test(title, () => {
      const bytes = message(hex);
      const read = readName(bytes, at, bytes.length);
      assert.equal(read && nameToText(read.name), text);
      if (read !== undefined) {
        assert.equal(read.next, next);
        assert.equal(skipName(bytes, at, bytes.length), next);
      }
    });
  }
  await t.test('a chain of pointers may not build a name over 255 bytes', () => {
    const label = `3f${'61'.repeat(63)}`;
    const bytes = message(`${label}${label}${label}00 ${label}c00c`);
    const start = 12 + 64 * 3 + 1;
    assert.equal(readName(bytes, start, bytes.length), undefined);
  });
});

test('a name survives text and back; keys ignore ASCII case only', () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(label, { maxLength: 8 }), (labels) => {
      const name = Uint8Array.from([...labels.flatMap((bytes) => [bytes.length, ...bytes]), 0]);
      assert.deepEqual(nameFromText(nameToText(name)), name);
      assert.equal(nameKey(foldName(name)), nameKey(name));
      assert.equal(foldName(name).length, name.length);
    }),
  );
});

test('reading a name from any bytes ends and stays inside', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 13, maxLength: 80 }), fc.nat(79), (bytes, at) => {
      const read = readName(bytes, at, bytes.length);
      if (read === undefined) return;
      assert.ok(read.next > at && read.next <= bytes.length);
      assert.ok(read.name.length <= 255 && read.name.at(-1) === 0);
    }),
    { numRuns: 2000 },
  );
});
