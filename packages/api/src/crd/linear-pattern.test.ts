import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LinearPattern } from './linear-pattern.ts';

function compiled(source: string): LinearPattern {
  const pattern = LinearPattern.compile(source);
  assert.ok(pattern instanceof LinearPattern, String(pattern));
  return pattern;
}

describe('patterns that are the same in JavaScript', () => {
  const sources = [
    'a',
    'a|b',
    '^a$',
    'a*',
    'a+b',
    '(ab)+',
    '(?:a|b)*c',
    '[a-c]+',
    '[^a]',
    'a{2}',
    'a{2,3}',
    'a{2,}',
    '\\d+',
    '\\w\\s\\w',
    '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
    '.b',
    'a?b??',
    '\\bab\\b',
    '[\\d-]',
    '(a*)*',
    '(a|ab)(c|bcd)',
    '',
    '^',
    'x*?y',
    '[]a]'.replace('[]', '[\\]'),
    '\\.',
    'a\\Bb',
    '[\\w.]+@x',
    '^(?:(?:a{1,3}\\.){0,2}b)$',
  ];
  const texts = [
    '',
    'a',
    'b',
    'ab',
    'abc',
    'aab',
    'aaab',
    'a-b',
    'abcd',
    'a b',
    'x1',
    'xxy',
    'ab ab',
    '-',
    '.',
    'a.aa.b',
    'a]',
    'c.c@x',
    '\u{1F600}b',
    'ba\nab',
  ];
  for (const source of sources) {
    test(source, () => {
      const pattern = compiled(source);
      const reference = new RegExp(source, 'u');
      for (const text of texts) {
        const expected = reference.exec(text);
        assert.equal(pattern.test(text), expected !== null, JSON.stringify(text));
        const found = pattern.find(text);
        assert.deepEqual(
          found === undefined ? undefined : [found.start, text.slice(found.start, found.end)],
          expected === null ? undefined : [expected.index, expected[0]],
          JSON.stringify(text),
        );
      }
    });
  }
});

test('RE2 syntax that JavaScript does not have', () => {
  const rows: readonly (readonly [source: string, text: string, matches: boolean])[] = [
    ['(?i)abc', 'xABCx', true],
    ['(?i:a)b', 'AB', false],
    ['\\Aab\\z', 'ab', true],
    ['(?P<n>a)b', 'ab', true],
    ['[[:alpha:]]+[[:digit:]]', 'ab1', true],
    ['[[:^digit:]]', '1', false],
    ['\\Qa.b\\E+', 'a.bb', true],
    ['\\Qa.b\\E', 'axb', false],
    ['(?s)a.b', 'a\nb', true],
    ['(?m)^b$', 'a\nb\nc', true],
    ['\\x{1F600}', '\u{1F600}', true],
    ['\\p{Greek}', 'α', true],
    ['\\pN', '7', true],
    ['(?U)a+', 'aa', true],
  ];
  for (const [source, text, matches] of rows) assert.equal(compiled(source).test(text), matches, source);
});

test('what is no pattern is told in RE2 words', () => {
  const rows: readonly (readonly [source: string, reason: string])[] = [
    ['(', 'error parsing regexp: missing closing ): `(`'],
    ['a)', 'error parsing regexp: unexpected ): `a)`'],
    ['[a', 'error parsing regexp: missing closing ]: `[a`'],
    ['*a', 'error parsing regexp: missing argument to repetition operator: `*`'],
    ['a**', 'error parsing regexp: invalid nested repetition operator: `**`'],
    ['(?=a)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
    ['\\1', 'error parsing regexp: invalid escape sequence: `\\1`'],
    ['[z-a]', 'error parsing regexp: invalid character class range: `z-a`'],
    ['\\', 'error parsing regexp: trailing backslash at end of expression'],
  ];
  for (const [source, reason] of rows) {
    const result = LinearPattern.compile(source);
    assert.ok(!(result instanceof LinearPattern), source);
    assert.equal(result.message, reason);
  }
  assert.ok(!(LinearPattern.compile('((a{1000}){1000}){1000}') instanceof LinearPattern));
});

test('no text makes a pattern explode: thousands of characters against nested repetitions', () => {
  const text = `${'a'.repeat(20_000)}!`;
  for (const source of ['^(a+)+$', '^(a|aa)*$', '(a*)*b', '^(a|a)*$'])
    assert.equal(compiled(source).test(text), false, source);
});
