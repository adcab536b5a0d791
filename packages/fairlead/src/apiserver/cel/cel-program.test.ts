import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CelBudget } from './cel-budget.ts';
import { compileCel } from './cel-program.ts';
import { CelValues } from './cel-value.ts';

function evaluate(expression: string, self: unknown): unknown {
  const compiled = compileCel(expression, ['self', 'oldSelf']);
  assert.ok(compiled.ok, compiled.ok ? '' : `${expression}: ${compiled.text}`);
  const variables = { self: new CelValues().convert(self, undefined), oldSelf: null };
  const result = compiled.program.run(variables, new CelBudget());
  return result.ok ? result.value : `error: ${result.text}`;
}

describe("Kubernetes' functions", () => {
  const rows: readonly (readonly [expression: string, self: unknown, value: unknown])[] = [
    ['isIP(self)', '10.0.0.1', true],
    ['isIP(self)', '10.0.0.01', false],
    ['ip(self).family() == 6', '2001:db8::1', true],
    ['ip(self).isLoopback()', '127.0.0.1', true],
    ['ip.isCanonical(self)', '2001:DB8::1', false],
    ["cidr(self).containsIP('10.1.2.3')", '10.0.0.0/8', true],
    ["cidr(self).containsCIDR('10.1.0.0/16')", '10.0.0.0/8', true],
    ['cidr(self).prefixLength() == 8', '10.0.0.0/8', true],
    ['isCIDR(self)', '10.0.0.0', false],
    ["url(self).getScheme() == 'https' && url(self).getPort() == '8443'", 'https://a.b:8443/c?d=e', true],
    ["url(self).getEscapedPath() == '/c' && url(self).getQuery()['d'] == ['e']", 'https://a.b/c?d=e', true],
    ['isURL(self)', 'no url', false],
    ["quantity(self).isLessThan(quantity('1Gi'))", '500Mi', true],
    ["quantity(self).add(quantity('1')).compareTo(quantity('1500m')) == 0", '500m', true],
    ['isQuantity(self)', '1Xi', false],
    ["semver(self).isLessThan(semver('1.10.0'))", '1.9.0', true],
    ["semver(self).isLessThan(semver('1.0.0'))", '1.0.0-rc.1', true],
    ['!format.dns1123Label().validate(self).hasValue()', 'ab-c', true],
    ['format.dns1123Label().validate(self).hasValue()', 'A_', true],
    ["format.named('nothing').hasValue()", '', false],
    ["self.find('[0-9]+') == '12'", 'ab12', true],
    ["self.findAll('[0-9]') == ['1', '2']", 'a1b2', true],
    ["self.matches('^[a-z]+$')", 'abc', true],
    ["self.replace('a', 'b', 1) == 'baa'", 'aaa', true],
    ["'%s has %d'.format(['x', 2]) == self", 'x has 2', true],
    ['self.isSorted() && self.sum() == 6 && self.max() == 3', [1, 2, 3], true],
    ['self.indexOf(2) == 1 && self.lastIndexOf(9) == -1', [1, 2], true],
    ['sets.contains(self, [1]) && sets.intersects(self, [2, 5]) && !sets.equivalent(self, [1])', [1, 2], true],
    ["self.all(k, k.startsWith('a')) && self['ab'] == 1", { ab: 1 }, true],
    ["self.?missing.orValue('none') == 'none'", {}, true],
    ['has(self[0].a) && !has(self[0].b) && !has(self[1].a.b)', [{ a: 1 }, { a: {} }], true],
    ['self.all(i, v, i < v)', [1, 2, 3], true],
    ['self.all(k, v, k == v)', { a: 'a', b: 'c' }, false],
    ['self.exists(i, v, i == 1 && v == 7)', [5, 7], true],
    ["self.exists(k, v, v == 'x')", {}, false],
    ['self.existsOne(i, v, v > 1)', [1, 2, 1], true],
    ['self.existsOne(v, v > 1)', [1, 2, 3], false],
    ['self.transformList(i, v, i * v) == [0, 2, 6]', [1, 2, 3], true],
    ['self.transformList(i, v, v > 1, v * 10) == [20, 30]', [1, 2, 3], true],
    ["self.transformMap(k, v, v + 1)['a'] == 2", { a: 1 }, true],
    ['self.transformMap(k, v, v > 1, v + 1).size() == 1', { a: 1, b: 2 }, true],
    ["self.transformMapEntry(k, v, {v: k})['x'] == 'a'", { a: 'x' }, true],
    ['self.transformMapEntry(k, v, {v: k}).size()', { a: 'x', b: 'x' }, 'error: insert failed: key x already exists'],
    ['self.all(i, v, self.all(j, w, i <= j || v >= w))', [1, 2, 3], true],
    ['self.all(i, v, v)', [1], 'error: no such overload'],
    ['self.all(i, v, 1 / v > 0)', [0, 2, -1], false],
    ['self.missing == 1', {}, 'error: no such key: missing'],
    [
      "duration(self) > duration('1s')",
      'zzz',
      "error: type conversion error from 'string' to 'google.protobuf.Duration'",
    ],
  ];
  for (const [expression, self, value] of rows) {
    test(`${expression} of ${JSON.stringify(self)}`, () => assert.deepEqual(evaluate(expression, self), value));
  }
});

const operand =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
/** What the parser of cel-go says, as a Kubernetes 1.34 server told it. */
const syntaxFaults: readonly (readonly [expression: string, column: number, text: string])[] = [
  ['self.i >', 9, `mismatched input '<EOF>' expecting ${operand}`],
  ['self.i > > 1', 10, `extraneous input '>' expecting ${operand}`],
  ['&& true', 1, `extraneous input '&&' expecting ${operand}`],
  ['self.i > 1 )', 12, "extraneous input ')' expecting <EOF>"],
  ['self.i > 1 b', 12, "extraneous input 'b' expecting <EOF>"],
  ['a b c', 3, "mismatched input 'b' expecting <EOF>"],
  ['(self.i > 1', 12, "missing ')' at '<EOF>'"],
  ['self..i', 6, "no viable alternative at input '..'"],
  ['[1, 2', 6, "mismatched input '<EOF>' expecting {']', ','}"],
  ["{'a': 1", 8, "mismatched input '<EOF>' expecting {'}', ','}"],
  ['self.i ? 1', 11, "mismatched input '<EOF>' expecting ':'"],
];

test('what does not compile is told with its place', () => {
  const rows: readonly (readonly [expression: string, text: string])[] = [
    ...syntaxFaults.map(([expression, column, text]): readonly [string, string] => [
      expression,
      `ERROR: <input>:1:${column}: Syntax error: ${text}\n | ${expression}\n | ${'.'.repeat(column - 1)}^`,
    ]),
    ['self.', "ERROR: <input>:1:6: Syntax error: no viable alternative at input '.'\n | self.\n | .....^"],
    [
      'self == other',
      "ERROR: <input>:1:9: undeclared reference to 'other' (in container '')\n | self == other\n | ........^",
    ],
  ];
  for (const [expression, text] of rows)
    assert.partialDeepStrictEqual(compileCel(expression, ['self']), { ok: false, text });
});

test('nested loops end with the budget, whatever they are made of', () => {
  const list = Array.from({ length: 3000 }, (_, index) => index);
  for (const expression of [
    'self.all(x, self.all(y, self.all(z, x + y + z >= 0)))',
    'self.map(x, self.map(y, self.map(z, x)))',
    'self.all(x, self.all(y, self.all(z, z.missing)))',
    "self.all(x, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.matches('(a|aa)+b') || self.all(y, true))",
  ]) {
    assert.match(String(evaluate(expression, list)), /running out of cost budget/, expression);
  }
});

test('fuzz: no text makes the compiler throw', () => {
  const parts = [
    'self',
    '.',
    'a',
    '(',
    ')',
    '[',
    ']',
    '==',
    '&&',
    '"',
    "'",
    'all',
    'x',
    ',',
    '1',
    '?',
    ':',
    '{',
    '}',
    'has',
    '!',
    '-',
    '.?',
    '\n',
    'format',
    '\u{1F600}',
  ];
  let state = 7;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let round = 0; round < 5000; round++) {
    let text = '';
    for (let count = Math.floor(random() * 12); count >= 0; count--) text += parts[Math.floor(random() * parts.length)];
    const compiled = compileCel(text, ['self']);
    if (!compiled.ok) assert.match(compiled.text, /^ERROR: <input>:/);
    else compiled.program.run({ self: { a: [1n] } }, new CelBudget(1000));
  }
  assert.equal(compileCel('('.repeat(50_000), ['self']).ok, false);
  assert.equal(compileCel(`self${'.a'.repeat(40_000)}`, ['self']).ok, false);
});
