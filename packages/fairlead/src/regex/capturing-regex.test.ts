import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type CapturingRegex, compileCapturingRegex } from './capturing-regex.ts';

function compiled(pattern: string): CapturingRegex {
  const result = compileCapturingRegex(pattern);
  assert.ok(result.ok, result.ok ? '' : result.problem);
  return result.regex;
}

const rows: readonly (readonly [pattern: string, text: string, groups: readonly string[] | undefined])[] = [
  ['a', 'bab', ['a']],
  ['^a', 'ba', undefined],
  ['a$', 'ab', undefined],
  ['', 'x', ['']],
  ['(.*)-(us-[a-z]+-1)\\.test\\.$', 'db-us-west-1.test.', ['db-us-west-1.test.', 'db', 'us-west-1']],
  ['^ip-(?P<a>\\d+)-(?P<b>\\d+)\\.', 'ip-10-42.x.', ['ip-10-42.', '10', '42']],
  ['(a+)(a*)', 'xaaa', ['aaa', 'aaa', '']],
  ['(a+?)(a*)', 'xaaa', ['aaa', 'a', 'aa']],
  ['(a|ab)(c|bcd)', 'abcd', ['abcd', 'a', 'bcd']],
  ['(a)|(b)', 'b', ['b', '', 'b']],
  ['(a*)*', 'b', ['', '']],
  // The last round counts, as in RE2.
  ['(?:(\\w)\\.)+', 'a.b.c.', ['a.b.c.', 'c']],
  ['b|ab|abc', 'abc', ['ab']],
  ['(?i)WEB', 'xweb', ['web']],
  ['(\u00fc)', 'x\u00fc', ['\u00fc', '\u00fc']],
  ['x{2,3}', 'xxxx', ['xxx']],
  ['x{2,3}?', 'xxxx', ['xx']],
];

describe('the leftmost match and its groups', () => {
  for (const [pattern, text, groups] of rows) {
    test(`${pattern} in ${text}`, () => assert.deepEqual(compiled(pattern).match(text)?.groups, groups));
  }
  test('groups by name', () => {
    const regex = compiled('(?P<host>[^.]+)\\.(?<zone>.+)');
    assert.deepEqual([...regex.names], ['host', 'zone']);
    assert.deepEqual(
      [...regex.match('web.test')!.named],
      [
        ['host', 'web'],
        ['zone', 'test'],
      ],
    );
  });
  test('refused', () => {
    for (const pattern of ['(?P<a>x)(?P<a>y)', '(a)\\1', '(?=a)', '(?:a{1000}){1000}']) {
      assert.equal(compileCapturingRegex(pattern).ok, false, pattern);
    }
  });
});

test('the same match and groups as JavaScript for random patterns and texts', () => {
  const leaf = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '1');
  const quantifier = fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '*?', '+?', '??', '{0,2}?');
  // Only what consumes something is repeated: of rounds that consume nothing the two think differently.
  const { node } = fc.letrec<{ node: string; solid: string }>((tie) => ({
    solid: fc.oneof(
      { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.tuple(tie('solid'), tie('node')).map(([a, b]) => a + b),
      fc.tuple(tie('solid'), tie('solid')).map(([a, b]) => `(?:${a}|${b})`),
    ),
    node: fc.oneof(
      { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => a + b),
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
      fc.tuple(tie('solid'), quantifier).map(([a, b]) => `(?:${a})${b}`),
      fc.tuple(tie('node'), fc.constantFrom('^', '$')).map(([a, b]) => (b === '^' ? `^${a}` : `${a}$`)),
    ),
  }));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', '\n', 'c'), maxLength: 10 });
  // Groups inside a repetition are left out: JavaScript empties them in each round, RE2 does not.
  const pattern = fc.tuple(node, node, node).map(([a, b, c]) => `(${a})(${b})|(${c})b`);
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 8 }), (source, texts) => {
      const regex = compiled(source);
      for (const each of texts) {
        const native = new RegExp(source).exec(each);
        const expected = native === null ? undefined : [...native].map((group) => group ?? '');
        assert.deepEqual(regex.match(each)?.groups, expected, JSON.stringify(each));
      }
    }),
    { numRuns: 2000 },
  );
});

test('patterns that take JavaScript for ever take time by the length of the text', () => {
  const text = 'a'.repeat(2000);
  for (const pattern of ['(a+)+b$', '(a|a)*b', '(a|aa)+b$', '(.*a){20}b', '([a-z]+)*[0-9]']) {
    assert.equal(compiled(pattern).match(text), undefined, pattern);
  }
});
