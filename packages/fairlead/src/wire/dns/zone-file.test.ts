import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nameFromText, nameToText } from './name.ts';
import { parseZoneFile } from './zone-file.ts';

const origin = nameFromText('example.org')!;

/** Records as `owner ttl type hex`, or the problem as `file line: text`. */
function parse(text: string, files: Readonly<Record<string, string>> = {}): string[] | string {
  const parsed = parseZoneFile(text, { origin, file: 'db', include: (name) => files[name] });
  if (!parsed.ok) return `${parsed.file} ${parsed.line}: ${parsed.problem}`;
  return parsed.records.map(
    ({ name, ttl, type, data }) => `${nameToText(name)} ${ttl} ${type} ${Buffer.from(data).toString('hex')}`,
  );
}

const hexName = (text: string): string => Buffer.from(nameFromText(text)!).toString('hex');

test('zone files', async (t) => {
  const rows: readonly (readonly [title: string, text: string, expected: string[] | string])[] = [
    ['a record', 'www 60 IN A 192.0.2.1', ['www.example.org 60 1 c0000201']],
    ['class before TTL, small letters', 'www in 1h a 192.0.2.1', ['www.example.org 3600 1 c0000201']],
    ['no class', '$TTL 1h30m\nwww A 192.0.2.1', ['www.example.org 5400 1 c0000201']],
    [
      'the origin, and the owner before',
      '@ 5 A 192.0.2.1\n   6 A 192.0.2.2',
      ['example.org 5 1 c0000201', 'example.org 6 1 c0000202'],
    ],
    ['the TTL before', 'a 7 A 192.0.2.1\nb A 192.0.2.2', ['a.example.org 7 1 c0000201', 'b.example.org 7 1 c0000202']],
    [
      '$ORIGIN, relative and absolute',
      '$TTL 5\n$ORIGIN sub\na A 192.0.2.1\nb.test. A 192.0.2.2',
      ['a.sub.example.org 5 1 c0000201', 'b.test 5 1 c0000202'],
    ],
    ['comments and blank lines', '; one\n\n  \nwww 5 A 192.0.2.1 ; two\n', ['www.example.org 5 1 c0000201']],
    [
      'carriage returns',
      'www 5 A 192.0.2.1\r\nb 5 A 192.0.2.2\r\n',
      ['www.example.org 5 1 c0000201', 'b.example.org 5 1 c0000202'],
    ],
    [
      'SOA over lines; its last field is the TTL of all',
      '@ IN SOA ns mail (\n 7 ; serial\n 2h 30m 1w\n 60 )\nwww A 192.0.2.1',
      [
        `example.org 60 6 ${hexName('ns.example.org')}${hexName('mail.example.org')}00000007${'00001c20'}${'00000708'}${'00093a80'}0000003c`,
        'www.example.org 60 1 c0000201',
      ],
    ],
    ['a type as an owner', 'mx 5 MX 10 mx', [`mx.example.org 5 15 000a${hexName('mx.example.org')}`]],
    ['a number as an owner', '10 5 A 192.0.2.1', ['10.example.org 5 1 c0000201']],
    [
      'texts: quotes, escapes, several',
      't 5 TXT "a;b" c\\"d "\\065"',
      [`t.example.org 5 16 03613b62${'03632264'}0141`],
    ],
    ['an empty text', 't 5 TXT ""', ['t.example.org 5 16 00']],
    ['a dot in a label', 'a\\.b 5 CNAME c', [`a\\.b.example.org 5 5 ${hexName('c.example.org')}`]],
    ['the root as a target', 'a 5 MX 0 .', ['a.example.org 5 15 000000']],
    ['IPv6', 'a 5 AAAA 2001:db8::1', ['a.example.org 5 28 20010db8000000000000000000000001']],
    ['SRV', '_x._tcp 5 SRV 1 2 80 a', [`_x._tcp.example.org 5 33 000100020050${hexName('a.example.org')}`]],
    ['CAA', '@ 5 CAA 0 issue "ca.test"', ['example.org 5 257 0005697373756563612e74657374']],
    ['NAPTR', '@ 5 NAPTR 1 2 "u" "E2U" "" .', ['example.org 5 35 000100020175034532550000']],
    ['TLSA in pieces', '_443._tcp 5 TLSA 3 1 1 aabb ccdd', ['_443._tcp.example.org 5 52 030101aabbccdd']],
    ['an unknown type', 'a 5 TYPE65280 \\# 3 01 0203', ['a.example.org 5 65280 010203']],
    ['a known type, written as unknown', 'a 5 A \\# 4 c0000201', ['a.example.org 5 1 c0000201']],
    ['no record at all', '', []],
    ['an unknown type without data', 'a 5 TYPE65280 x', 'db 1: data of type 65280 must be written as \\# LENGTH HEX'],
    ['a length that is wrong', 'a 5 A \\# 5 c0000201', 'db 1: has not 5 bytes'],
    ['no TTL', 'a A 192.0.2.1', 'db 1: no TTL: $TTL is missing'],
    ['no owner', '  5 A 192.0.2.1', 'db 1: the first record has no owner'],
    ['no type', 'a 5', 'db 1: a record without a type'],
    ['an unknown word', 'a 5 FOO x', 'db 1: FOO is not a type that is known here'],
    ['another class', 'a 5 CH A 192.0.2.1', 'db 1: only class IN is served'],
    ['no address', '\n\na 5 A 192.0.2.256', 'db 3: "192.0.2.256" is not an IPv4 address'],
    ['too little', 'a 5 MX 10', 'db 1: data is missing'],
    ['too much', 'a 5 A 192.0.2.1 192.0.2.2', 'db 1: "192.0.2.2" is too much'],
    ['a parenthesis that stays open', '\na 5 A (192.0.2.1\n', "db 2: '(' is never closed"],
    ['one that was never open', 'a 5 A 192.0.2.1 )', "db 1: ')' without '('"],
    ['a quote that stays open', 'a 5 TXT "x\n', 'db 1: a quote is never closed'],
    ['an unknown directive', '$GENERATE 1-3 a A 192.0.2.$', 'db 1: $GENERATE has too many values'],
    ['a label that is too long', `${'a'.repeat(64)} 5 A 192.0.2.1`, `db 1: "${'a'.repeat(64)}" is not a name`],
    [
      'a text that is too long',
      `a 5 TXT ${'a'.repeat(256)}`,
      `db 1: "${'a'.repeat(256)}" is not a text of at most 255 bytes`,
    ],
  ];
  for (const [title, text, expected] of rows) await t.test(title, () => assert.deepEqual(parse(text), expected));
});

test('files within files', () => {
  const files = {
    'sub.db': 'a A 192.0.2.1\n$ORIGIN deep\nb A 192.0.2.2',
    'bad.db': '\na 5 A x',
    'self.db': '$INCLUDE self.db',
  };
  assert.deepEqual(parse('$TTL 5\n$INCLUDE sub.db sub\nc A 192.0.2.3', files), [
    'a.sub.example.org 5 1 c0000201',
    'b.deep.sub.example.org 5 1 c0000202',
    // Its origin ends with the file.
    'c.example.org 5 1 c0000203',
  ]);
  assert.deepEqual(parse('$INCLUDE bad.db', files), 'bad.db 2: "x" is not an IPv4 address');
  assert.deepEqual(parse('$INCLUDE none.db', files), 'db 1: none.db cannot be read');
  assert.deepEqual(parse('$INCLUDE self.db', files), 'self.db 1: more than 8 files within files');
});

test('any text is parsed or has a problem with a line of its own', () => {
  const word = fc.constantFrom(
    '$TTL',
    '5',
    '\n',
    ' ',
    '(',
    ')',
    '"',
    ';',
    '\\',
    '\\#',
    '\\300',
    '@',
    'A',
    'IN',
    'TXT',
    'SOA',
    '192.0.2.1',
    'a.',
    '$INCLUDE',
    '$ORIGIN',
    '\t',
    '..',
    '1h',
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.string({ maxLength: 3 })), { maxLength: 30 }),
      fc.constantFrom('', ' '),
      (words, space) => {
        const text = words.join(space);
        const parsed = parseZoneFile(text, { origin, file: 'db' });
        if (parsed.ok) return;
        assert.ok(parsed.line >= 1 && parsed.line <= text.split('\n').length, `line ${parsed.line}`);
      },
    ),
    { numRuns: 1000 },
  );
});
