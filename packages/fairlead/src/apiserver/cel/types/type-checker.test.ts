import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonSchema } from '@fairlead/api/crd/index';
import type { CelType } from './cel-type.ts';
import { typeOfBuiltIn, typeOfSchema } from './schema-types.ts';
import { typedProgram } from './typed-program.ts';

const text: JsonSchema = { type: 'string' };
const number: JsonSchema = { type: 'integer' };
const item: JsonSchema = { type: 'object', properties: { k: text, v: number, 'to-port': number } };
const schema: JsonSchema = {
  type: 'object',
  properties: {
    i: number,
    n: { type: 'number' },
    s: text,
    b: { type: 'boolean' },
    l: { type: 'array', items: text },
    li: { type: 'array', items: number },
    m: { type: 'object', additionalProperties: text },
    o: item,
    lo: { type: 'array', items: item },
    byName: { type: 'object', additionalProperties: item },
    t: { type: 'string', format: 'date-time' },
    d: { type: 'string', format: 'duration' },
    by: { type: 'string', format: 'byte' },
    ios: { 'x-kubernetes-int-or-string': true },
    any: { 'x-kubernetes-preserve-unknown-fields': true },
    template: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: item } },
    namespace: text,
  },
};
const self = typeOfSchema(schema, true)!;

/** Every fault as `column: text`; `undefined` when there is none. */
function faultsOf(expression: string, types: ReadonlyMap<string, CelType>): string[] | undefined {
  const typed = typedProgram(expression, [...types.keys()], types);
  if (typed.ok) return undefined;
  return [...typed.text.matchAll(/ERROR: <input>:1:(\d+): (.*)/g)].map(([, column, fault]) => `${column}: ${fault}`);
}

describe('rules: fits', () => {
  const rows = [
    "self.s == '' && has(self.s) && self.metadata.name == '' && self.kind == 'X'",
    'self.i > 1.5 && self.n > 1',
    "self.ios == 1 || self.ios == 'a' || self.ios > 1",
    "self.m.x == 'a' && 'a' in self.m && self.m.all(k, v, v == k)",
    'self.lo.all(x, x.v > 1 && x.to__dash__port > 0)',
    "self.lo.filter(x, x.v > 1)[0].k == 'a'",
    "self.byName['a'].k == '' && self.byName.all(k, self.byName[k].v > 0)",
    "self.l.map(x, x + 'a') == ['a']",
    'self.t + self.d > self.t && self.t - self.t > self.d',
    "self.?o.?k.orValue('a') == 'b'",
    "ip(self.s).family() == 4 && cidr(self.s).containsIP('1.2.3.4')",
    "quantity(self.s).isGreaterThan(quantity('1Gi')) && isSemver(self.s)",
    'format.dns1123Label().validate(self.s).hasValue()',
    "self.s.matches('^a') && self.s.split(',')[0].size() > 1",
    'sets.contains(self.l, [self.s]) && self.li.sum() > self.li.max()',
    'self.o == null || self.template.spec.v == self.template.spec.v',
    'self.__namespace__ == self.namespace',
    "dyn(self.i) == 'a'",
    "'%s %d'.format([self.s, self.i]) == strings.quote(self.s)",
    "quantity(self.s) == quantity('1') && url(self.s) == url('/a')",
    "self.?s.optMap(x, x + 'a').orValue('') == ''",
  ];
  for (const expression of rows) {
    test(expression, () => assert.equal(faultsOf(expression, new Map([['self', self]])), undefined));
  }
});

describe('rules: refused as by a Kubernetes 1.34 server', () => {
  const rows: readonly (readonly [expression: string, ...faults: string[]])[] = [
    ["self.i > 'a'", "8: found no matching overload for '_>_' applied to '(int, string)'"],
    ['self.i == 1.0', "8: found no matching overload for '_==_' applied to '(int, double)'"],
    ["self.s + 1 == 'a1'", "8: found no matching overload for '_+_' applied to '(string, int)'"],
    ['self.b && self.i', "15: expected type 'bool' but found 'int'"],
    ["self.b || 'x'", "11: expected type 'bool' but found 'string'"],
    ['!self.s', "1: found no matching overload for '!_' applied to '(string)'"],
    ["self.b ? 1 : 'a'", "8: found no matching overload for '_?_:_' applied to '(bool, int, string)'"],
    ['size(self.i) > 1', "5: found no matching overload for 'size' applied to '(int)'"],
    ["self.l['a'] == 'a'", "7: found no matching overload for '_[_]' applied to '(list(string), string)'"],
    ["self.m[0] == 'a'", "7: found no matching overload for '_[_]' applied to '(map(string, string), int)'"],
    ['self.l.all(x, x > 1)', "17: found no matching overload for '_>_' applied to '(string, int)'"],
    ['self.l.all(x, x)', "15: expected type 'bool' but found 'string'"],
    [
      'self.l.filter(x, x) == []',
      "14: found no matching overload for '_?_:_' applied to '(string, list(string), list(string))'",
    ],
    ['self.l.sum() > 1', "11: found no matching overload for 'sum' applied to 'list(string).()'"],
    ['1 in self.l', "3: found no matching overload for '@in' applied to '(int, list(string))'"],
    ['has(self.nope)', "4: undefined field 'nope'"],
    ['self.nope.size() > 1', "5: undefined field 'nope'"],
    ['self.any == 1', "5: undefined field 'any'"],
    ['size(self.metadata.labels) > 0', "19: undefined field 'labels'"],
    ['self.lo.all(index, x, x.to_port > 0)', "24: undefined field 'to_port'"],
    ["self.byName.a.kk == ''", "14: undefined field 'kk'"],
    ["self.t == '2020'", "8: found no matching overload for '_==_' applied to '(timestamp, string)'"],
    ["self.by == 'abc'", "9: found no matching overload for '_==_' applied to '(bytes, string)'"],
    ["self.s.matches('[')", '16: invalid matches argument'],
    ["duration('1x') > duration('1s')", '10: invalid duration argument'],
    ['self.s.contains(1)', "16: found no matching overload for 'contains' applied to 'string.(int)'"],
    ["{'a': 1, 'b': 'x'}.b == 'x'", "15: expected type 'int' but found 'string'"],
    ["[1, 'a'].size() == 2", "5: expected type 'int' but found 'string'"],
    ['[1, 2] + self.l == [3]', "8: found no matching overload for '_+_' applied to '(list(int), list(string))'"],
    ['self.i == null', "8: found no matching overload for '_==_' applied to '(int, null)'"],
    ['foo(self.i)', "4: undeclared reference to 'foo' (in container '')"],
    ["self.s.foo('a')", "11: undeclared reference to 'foo' (in container '')"],
    // What newer versions have, or none.
    [
      'cel.bind(x, self.i, x > 1)',
      "1: undeclared reference to 'cel' (in container '')",
      "9: undeclared reference to 'bind' (in container '')",
      "10: undeclared reference to 'x' (in container '')",
      "21: undeclared reference to 'x' (in container '')",
    ],
    [
      'self.lo.sortBy(x, x.v).size() == 1',
      "15: undeclared reference to 'sortBy' (in container '')",
      "16: undeclared reference to 'x' (in container '')",
      "19: undeclared reference to 'x' (in container '')",
    ],
    ["self.s.reverse() == ''", "15: undeclared reference to 'reverse' (in container '')"],
    ['quantity(self.s).sign() > 0', "22: found no matching overload for 'sign' applied to 'kubernetes.Quantity.()'"],
    ['self.i == 99999999999999999999', '11: invalid int literal'],
    ['self.i.x == 1', "7: type 'int' does not support field selection"],
    [
      'self.i.all(x, x > 1)',
      "5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
    ],
    [
      'math.abs(self.i) == 1',
      "1: undeclared reference to 'math' (in container '')",
      "9: undeclared reference to 'abs' (in container '')",
    ],
  ];
  for (const [expression, ...faults] of rows) {
    test(expression, () => assert.deepEqual(faultsOf(expression, new Map([['self', self]])), faults));
  }
});

test('objects of built-in kinds have the types of their schema', () => {
  const types = new Map([['object', typeOfBuiltIn('apps.v1.Deployment')]]);
  assert.equal(faultsOf("object.spec.replicas > 1 && object.metadata.labels['a'] == 'b'", types), undefined);
  assert.deepEqual(faultsOf("object.spec.replicas > '1'", types), [
    "22: found no matching overload for '_>_' applied to '(int, string)'",
  ]);
  assert.deepEqual(faultsOf('object.spec.template.spec.containers.all(c, c.imag == 1)', types), [
    "46: undefined field 'imag'",
  ]);
});
