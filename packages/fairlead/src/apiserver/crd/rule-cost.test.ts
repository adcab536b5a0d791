import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Definition, JsonSchema } from '@fairlead/api/crd/index';
import { definitionRuleCauses } from './definition-rules.ts';

const text: JsonSchema = { type: 'string' };
const list = (items: JsonSchema, maxItems?: number): JsonSchema => ({
  type: 'array',
  items,
  ...(maxItems === undefined ? {} : { maxItems }),
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
    ['two loops over a short list of short texts', { a: ruled(list({ ...text, maxLength: 10 }, 100), twice) }, /^$/],
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
        Array.from({ length: 20 }, (_, index) => [`p${index}`, ruled(list(text), "self.all(x, x != '' && x != 'a')")]),
      ),
      /contributed to estimated rule cost total.*openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of 1\.258290x/s,
    ],
  ];
  for (const [name, properties, expected] of rows) {
    test(name, () => {
      const causes = definitionRuleCauses(definition(properties), undefined);
      assert.match(causes.map(({ field, message }) => `${field}: ${message}`).join('\n'), expected);
    });
  }
});
