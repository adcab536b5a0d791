import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileRegex } from './linear-regex.ts';

const matches = (pattern: string, text: string): boolean => {
  const result = compileRegex(pattern);
  assert.ok(result.ok, result.ok ? '' : result.problem);
  return result.regex.testText(text);
};

const rows: readonly [pattern: string, yes: readonly string[], no: readonly string[]][] = [
  ['/api/v[0-9]+', ['/api/v1', '/api/v22'], ['/api/v', '/api/v1/', 'x/api/v1']],
  ['/a|/b', ['/a', '/b'], ['/ab', '/']],
  ['/(?:users|groups)/\\d{2,3}', ['/users/12', '/groups/123'], ['/users/1', '/users/1234']],
  ['.*', ['', '/anything'], ['a\nb']],
  ['/x?y*z+?', ['/z', '/xyz', '/yyzz'], ['/xx', '/xy']],
  ['(?i)/Shop', ['/shop', '/SHOP'], ['/shops']],
  ['[^/]+', ['abc'], ['a/b', '']],
  ['[]a-]+', [']', '-a]'], ['b']],
  ['[\\w.-]+@x', ['a.b-c@x'], ['@x', 'a b@x']],
  ['^/a$', ['/a'], ['/a/', '//a']],
  ['^/a|b$', ['/a', 'b'], ['/ab']],
  ['a*$^', [''], ['a', 'aa']],
  ['a^b|c$d', [], ['ab', 'cd', 'a', 'd']],
  ['(?P<name>a)(?<other>b)', ['ab'], ['a']],
  ['\\x41\\.\\/', ['A./'], ['Ax/']],
  ['/caf\u00e9', ['/caf\u00e9'], ['/cafe']],
  ['(a*)*', ['', 'aaa'], ['b']],
  ['a{0}', [''], ['a']],
  ['(?:a{2}){3}', ['aaaaaa'], ['aaaaa']],
];
describe('whole texts', () => {
  for (const [pattern, yes, no] of rows) {
    test(pattern, () => {
      for (const text of yes) assert.equal(matches(pattern, text), true, text);
      for (const text of no) assert.equal(matches(pattern, text), false, text);
    });
  }
});

const refused: readonly [pattern: string, why: RegExp][] = [
  ['(a)\\1', /back-references/],
  ['(?=a)', /look-around/],
  ['(?<!a)b', /look-around/],
  ['a\\b', /\\b is not supported/],
  ['(', /missing \)/],
  ['a)', /unmatched/],
  ['[a', /missing \]/],
  ['[z-a]', /out of order/],
  ['*a', /nothing to repeat/],
  ['a**', /nothing to repeat/],
  ['a{2,1}', /out of range/],
  ['a{9999}', /out of range/],
  ['(?:a{1000}){1000}', /too large/],
  [`${'('.repeat(5000)}${')'.repeat(5000)}`, /too deeply/],
  ['\\', /nothing behind/],
];
describe('refused, with a reason', () => {
  for (const [pattern, why] of refused) {
    test(pattern.slice(0, 40), () => {
      const result = compileRegex(pattern);
      assert.equal(result.ok, false);
      assert.match(result.ok ? '' : result.problem, why);
    });
  }
});

test('the same answers as JavaScript for random patterns and texts', () => {
  const leaf = fc.constantFrom('a', 'b', '/', '.', '[ab]', '[^a]', '\\d', '\\w', '1');
  // Not deeper: JavaScript's own backtracking takes seconds for a text of ten characters, and for ever a little later.
  const pattern = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => a + b),
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
      fc.tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '*?')).map(([a, b]) => `(?:${a})${b}`),
      fc.tuple(tie('node'), fc.constantFrom('^', '$')).map(([a, b]) => (b === '^' ? `^${a}` : `${a}$`)),
    ),
  })).node;
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '1', '\n', 'c'), maxLength: 10 });
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 8 }), (source, texts) => {
      const native = new RegExp(`^(?:${source})$`);
      const result = compileRegex(source);
      assert.ok(result.ok);
      for (const each of texts) assert.equal(result.regex.testText(each), native.test(each), JSON.stringify(each));
    }),
    { numRuns: 2000 },
  );
});

test('patterns that take JavaScript for ever take a step per byte, and states stay bounded', () => {
  // Each would need about 2^100000 steps of backtracking.
  const text = 'a'.repeat(100_000);
  for (const pattern of ['(a+)+b', '(a|a)*b', '(a|aa)+b', '(.*a){20}b', '([a-z]+)*[0-9]']) {
    assert.equal(matches(pattern, text), false);
  }
  // A pattern with 2^20 states: they are forgotten and made again.
  const wide = compileRegex('(?:a|b)*a(?:a|b){20}');
  assert.ok(wide.ok);
  let state = 1;
  const noise = Array.from({ length: 20_000 }, () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (state & 0x10000) === 0 ? 'a' : 'b';
  }).join('');
  assert.equal(wide.regex.testText(noise), noise.at(-21) === 'a');
});
