import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { int64Of, isJsonNumber, parseJson } from './json-number.ts';
import { parseJsonStrict } from './schema/index.ts';

const rows: readonly (readonly [name: string, text: string, value: unknown])[] = [
  ['largest exact', '9007199254740991', 9007199254740991],
  ['one more', '9007199254740993', 9007199254740993n],
  ['negative', '-9007199254740993', -9007199254740993n],
  ['largest of 64 bits', '9223372036854775807', 9223372036854775807n],
  ['smallest of 64 bits', '-9223372036854775808', -9223372036854775808n],
  ['beyond 64 bits', '9223372036854775808', 2 ** 63],
  ['many digits, small', '0.00000000000000001', 1e-17],
  ['exponent', '1e30', 1e30],
  ['digits in a text', '"9007199254740993"', '9007199254740993'],
  ['digits in a name', '{"9007199254740993":1}', { '9007199254740993': 1 }],
  ['inside lists and objects', '{"a":[1,{"b":9007199254740993}]}', { a: [1, { b: 9007199254740993n }] }],
];

for (const [name, text, value] of rows) {
  test(`a number as JSON has it: ${name}`, () => {
    assert.deepEqual(parseJson(text), value);
    assert.deepEqual(parseJsonStrict(text).value, value);
  });
}

test('any integer of 64 bits is written as it was read, wherever it stands', () => {
  const document = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => int64Of(String(value))),
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
      fc.constantFrom(null, true, false),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(
    fc.property(document, (value) => {
      const text = JSON.stringify(value);
      assert.equal(JSON.stringify(parseJson(text)), text);
      assert.equal(JSON.stringify(parseJsonStrict(text).value), text);
    }),
    { numRuns: 300 },
  );
});

test('two readings of one integer are equal', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const read = parseJson(`[${value}]`) as unknown[];
      assert.equal(read[0], int64Of(String(value)));
      assert.ok(isJsonNumber(read[0]));
      assert.equal(typeof read[0] === 'number', Number.isSafeInteger(Number(value)));
    }),
    { numRuns: 300 },
  );
});

test('the texts of numbers that are no plain integers are told by their places', () => {
  const { value, numberTexts } = parseJsonStrict(
    '{"a":1.0,"b":[1e3,{"c":-0.5E-2}],"d":18446744073709551616,"e":12,"f":"1.5"}',
  );
  assert.deepEqual(value, { a: 1, b: [1000, { c: -0.005 }], d: 18446744073709552000, e: 12, f: '1.5' });
  assert.deepEqual(
    [...(numberTexts ?? [])],
    [
      ['a', '1.0'],
      ['b[0]', '1e3'],
      ['b[1].c', '-0.5E-2'],
      ['d', '18446744073709551616'],
    ],
  );
  assert.equal(parseJsonStrict('{"a":1,"b":true,"c":"1.5e3"}').numberTexts, undefined);
});
