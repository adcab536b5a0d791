import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileCondition, type ViewFacts } from './view-condition.ts';
import { parseViewExpression, type ViewExpression } from './view-expression.ts';

/** A query for `www.example.org`, type A, over UDP, from 10.1.2.3 to 192.0.2.53. */
const texts = {
  name: 'www.example.org.',
  type: 'A',
  class: 'IN',
  proto: 'udp',
  client_ip: '10.1.2.3',
  port: '40000',
  server_ip: '192.0.2.53',
  server_port: '53',
};
const numbers = { size: 33, bufsize: 1232, id: 77, opcode: 0 };
const truths = { rd: true, do: false };
const facts: ViewFacts = {
  text: (fact) => texts[fact],
  number: (fact) => numbers[fact],
  truth: (fact) => truths[fact],
  address: (of) => Uint8Array.from(texts[of].split('.').map(Number)),
};

function holds(source: string): boolean {
  const parsed = parseViewExpression(source);
  assert.ok(parsed.ok, parsed.ok ? '' : `${source}: ${parsed.problem}`);
  return compileCondition(parsed.expression)(facts);
}

const rows: readonly (readonly [source: string, expected: boolean])[] = [
  ["incidr(client_ip(), '10.0.0.0/8')", true],
  ["incidr(client_ip(), '10.2.0.0/16')", false],
  ["incidr(client_ip(), 'fd00::/8')", false],
  ["incidr(server_ip(), '192.0.2.0/24')", true],
  ["incidr('10.9.9.9', '10.0.0.0/8')", true],
  ["incidr('fd00::1', 'fd00::/8')", true],
  ["incidr(name(), '10.0.0.0/8')", false],
  ["client_ip() == '10.1.2.3'", true],
  ["client_ip()=='10.1.2.3'", true],
  ["client_ip() != '10.1.2.3'", false],
  ["type() in ['A', 'AAAA']", true],
  ["type() not in ['A', 'AAAA']", false],
  ["not (type() in ['AAAA'])", true],
  ['type() in []', false],
  ["class() == 'IN' && proto() == 'udp'", true],
  ["class() == 'CH' || proto() == 'udp'", true],
  ["class() == 'CH' or proto() == 'udp' and rd()", true],
  ["(class() == 'CH' || proto() == 'udp') && do()", false],
  ['rd()', true],
  ['!do()', true],
  ['not do()', true],
  ['!!rd()', true],
  ['rd() == true', true],
  ['do() != rd()', true],
  ['true', true],
  ['false', false],
  ["name() matches '^www\\\\..*\\\\.org\\\\.$'", true],
  ["name() matches 'example'", true],
  ["name() matches '^example'", false],
  ["name() matches '^WWW'", false],
  ["name() matches '(?i)^WWW'", true],
  ["name() matches 'org\\\\.$'", true],
  ["name() matches 'org$'", false],
  ["name() matches '^nothing|example'", true],
  ["name() matches ''", true],
  ["name() startsWith 'www.'", true],
  ["name() endsWith '.org'", false],
  ["name() endsWith '.org.'", true],
  ["name() contains 'xampl'", true],
  ["!(name() contains 'xampl')", false],
  ['size() < 40 && size() >= 33 && size() <= 33 && size() > 32', true],
  ['size() in 30..40', true],
  ['size() in 34..40', false],
  ['id() in [1, 77]', true],
  ['bufsize() == 1232', true],
  ['opcode() == 0', true],
  ["port() == '40000' && server_port() == '53'", true],
  ["name() < 'x'", true],
  ["'it\\'s' == \"it's\"", true],
  ["`a\\b` == 'a\\\\b'", true],
];

describe('conditions', () => {
  for (const [source, expected] of rows) test(source, () => assert.equal(holds(source), expected));
});

const refused: readonly (readonly [source: string, problem: RegExp])[] = [
  ['', /a value is expected, not the end/],
  ['name()', /true or false, not a text/],
  ['size() + 1 == 2', /"\+ 1 == 2" is not known/],
  ["size() == '1'", /== compares a number with a text/],
  ["name() matches '(a)\\\\1'", /back-references/],
  ['name() matches name()', /a pattern is a text in quotes/],
  ["incidr(client_ip(), '10.0.0.0')", /is not a network/],
  ['incidr(client_ip(), server_ip())', /is not a network/],
  ["incidr(size(), '10.0.0.0/8')", /a text is expected/],
  ["metadata('a/b') == 'c'", /no metadata/],
  ['client_port() == 1', /client_port\(\) is not known/],
  ['name == 1', /\( is missing before ==/],
  ["name( == 'a'", /\) is missing before ==/],
  ['(rd()', /\) is missing before the end/],
  ['rd() do()', /do is not expected/],
  ["type() in ['A', 1]", /1 is not a text that a list may have/],
  ['type() in 1..2', /a range has numbers/],
  ["type() not 'A'", /in is missing/],
  ["name() == 'a\\.b'", /a backslash is written/],
  ["name() == 'a", /is not known/],
  ['rd() < do()', /< is for numbers and texts/],
  ['!name()', /true or false, not a text/],
  [`${'('.repeat(100)}rd()${')'.repeat(100)}`, /nested too deeply/],
  [`${'!'.repeat(100)}rd()`, /nested too deeply/],
  [`rd() || ${'x'.repeat(20_000)}`, /too long/],
];

describe('refused, with a reason', () => {
  for (const [source, problem] of refused) {
    test(source.slice(0, 40), () => {
      const parsed = parseViewExpression(source);
      assert.equal(parsed.ok, false);
      assert.match(parsed.ok ? '' : parsed.problem, problem);
    });
  }
});

test('a pattern is found where JavaScript finds it, also over lines', () => {
  const pattern = fc.stringMatching(/^\^?(?:[ab.\n]|a\*|b\+|\(a\|b\)){0,6}\$?$/);
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\n', 'c'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (source, value) => {
      const expression: ViewExpression = { kind: 'matches', of: { kind: 'literal', value }, pattern: source };
      assert.equal(
        compileCondition(expression)(facts),
        new RegExp(source).test(value),
        JSON.stringify([source, value]),
      );
    }),
    { numRuns: 1000 },
  );
});

test('whatever the text: a condition or a problem', () => {
  const piece = fc.constantFrom(
    ...['name()', 'size()', 'rd()', "'a'", '1', '(', ')', '[', ']', ',', '&&', '||', '!', 'not', 'in', '..', '=='],
    ...['matches', 'startsWith', 'incidr(', ' ', "'", '"', '`', '\\', 'true', '{', 'é'],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const parsed = parseViewExpression(pieces.join(' '));
      if (parsed.ok) assert.equal(typeof compileCondition(parsed.expression)(facts), 'boolean');
      else assert.notEqual(parsed.problem, '');
    }),
    { numRuns: 2000 },
  );
});
