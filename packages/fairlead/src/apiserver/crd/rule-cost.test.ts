import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Definition, JsonSchema } from '@fairlead/api/crd/index';
import { compileCel } from '../cel/cel-program.ts';
import { definitionRuleCauses } from './definition-rules.ts';
import { leastWorstCost, longest } from './rule-cost.ts';

const text: JsonSchema = { type: 'string' };
const list = (items: JsonSchema, maxItems?: number): JsonSchema => ({
  type: 'array',
  items,
  ...(maxItems === undefined ? {} : { maxItems }),
});

describe('the most a list can hold', () => {
  const rows: readonly (readonly [string, JsonSchema, number])[] = [
    ['a bound', list(text, 7), 7],
    ['texts', list(text), 1_048_575],
    ['numbers', list({ type: 'integer' }), 1_572_863],
    ['objects with a field they need', list({ type: 'object', required: ['a'], properties: { a: text } }), 314_572],
    ['a map of texts', { type: 'object', additionalProperties: text }, 393_215],
    ['no list', text, 1],
  ];
  for (const [name, schema, expected] of rows) test(name, () => assert.equal(longest(schema), expected));
});

test('loops multiply, sides that may be skipped do not count', () => {
  const self: JsonSchema = { type: 'object', properties: { a: list(text, 10), b: list(list(text, 5), 4) } };
  const cost = (expression: string): number => {
    const compiled = compileCel(expression, ['self', 'oldSelf']);
    assert.ok(compiled.ok, compiled.ok ? '' : compiled.text);
    return leastWorstCost(compiled.program, self);
  };
  assert.ok(cost('self.a.all(x, true)') < cost("self.a.all(x, x == 'a')"));
  const one = cost("self.a.all(x, x == 'a')");
  const nested = cost('self.a.all(x, self.a.all(y, x == y))');
  assert.ok(nested > one * 8, `${nested} ${one}`);
  assert.ok(cost("self.b.all(x, x.all(y, y == ''))") < nested);
  assert.equal(cost("has(self.a) && self.a.all(x, x == 'a')"), cost('has(self.a)'));
});

describe('definitions', () => {
  const definition = (properties: Readonly<Record<string, JsonSchema>>): Definition =>
    ({
      spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: { type: 'object', properties } } }] },
    }) as unknown as Definition;
  const ruled = (schema: JsonSchema, rule: string): JsonSchema => ({
    ...schema,
    'x-kubernetes-validations': [{ rule }],
  });
  const twice = 'self.all(x, self.all(y, x == y))';
  const rows: readonly (readonly [string, Readonly<Record<string, JsonSchema>>, RegExp])[] = [
    ['one loop over a list without a bound', { a: ruled(list(text), "self.all(x, x != '')") }, /^$/],
    ['two loops over a short list', { a: ruled(list(text, 100), twice) }, /^$/],
    [
      'two loops over a list without a bound',
      { a: ruled(list(text), twice) },
      /properties\[a\]\.x-kubernetes-validations\[0\]\.rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x \(try simplifying the rule, or adding maxItems/,
    ],
    [
      'a loop in every item of a list without a bound',
      { a: list({ type: 'object', properties: { b: ruled(list(text), "self.all(x, x != '')") } }) },
      /items\.properties\[b\]\.x-kubernetes-validations\[0\]\.rule: Forbidden: estimated rule cost exceeds/,
    ],
    [
      'the same with bounds',
      { a: list({ type: 'object', properties: { b: ruled(list(text, 16), "self.all(x, x != '')") } }, 16) },
      /^$/,
    ],
    [
      'many rules that are dear together',
      Object.fromEntries(
        Array.from({ length: 60 }, (_, index) => [`p${index}`, ruled(list(text), "self.all(x, x != '' && x != 'a')")]),
      ),
      /contributed to estimated rule cost total.*openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of 1\.\d{6}x/s,
    ],
  ];
  for (const [name, properties, expected] of rows) {
    test(name, () => {
      const causes = definitionRuleCauses(definition(properties), undefined);
      assert.match(causes.map(({ field, message }) => `${field}: ${message}`).join('\n'), expected);
    });
  }
});
