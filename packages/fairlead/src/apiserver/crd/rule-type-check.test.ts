import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonSchema } from '@fairlead/api/crd/index';
import { compileCel } from '../cel/cel-program.ts';
import { undeclaredField } from './rule-type-check.ts';

const text: JsonSchema = { type: 'string' };
const item: JsonSchema = { type: 'object', properties: { name: text, 'to-port': { type: 'integer' } } };
const schema: JsonSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        text,
        items: { type: 'array', items: item },
        byName: { type: 'object', additionalProperties: item },
        any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        either: { 'x-kubernetes-int-or-string': true },
        template: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: item } },
        namespace: text,
      },
    },
  },
};

describe('fields of rules', () => {
  /** Expression and the field it may not read; none: everything is known or may be. */
  const rows: readonly (readonly [expression: string, field?: string])[] = [
    ["self.spec.text == ''"],
    ["self.spec.txet == ''", 'txet'],
    ["has(self.spec.text) && oldSelf.spec.text == ''"],
    ['has(self.spec.txet)', 'txet'],
    ["oldSelf.sepc.text == ''", 'sepc'],
    ["self.metadata.name == '' && self.kind == 'X' && self.apiVersion != ''"],
    ['size(self.metadata.labels) > 0', 'labels'],
    ["self.spec.items.all(i, i.name == '')"],
    ["self.spec.items.all(i, i.nmae == '')", 'nmae'],
    ['self.spec.items.all(i, i.to__dash__port > 0)'],
    ['self.spec.items.all(index, i, i.to_port > 0)', 'to_port'],
    ["self.spec.items.filter(i, i.name != '').exists(i, i.nmae == '')", 'nmae'],
    ["self.spec.items.map(i, i.name).all(n, n.whatever == '')"],
    ["self.spec.items[0].nmae == ''", 'nmae'],
    ["self.spec.byName['a'].name == ''"],
    ["self.spec.byName['a'].nmae == ''", 'nmae'],
    ["self.spec.byName.a.nmae == ''", 'nmae'],
    ["self.spec.byName.all(k, self.spec.byName[k].nmae == '')", 'nmae'],
    ["self.spec.byName.all(k, v, v.nmae == '')", 'nmae'],
    ["self.spec.any.whatever.more == ''"],
    ['self.spec.template.metadata.name == self.spec.template.spec.name'],
    ["self.spec.template.spec.nmae == ''", 'nmae'],
    ['self.spec.__namespace__ == self.spec.namespace'],
    ["self.?spec.text.orValue('') == ''"],
    ['cel.bind(s, self.spec, s.txet == 1)', 'txet'],
    ['cel.bind(s, self.spec, s.text.size() > 0)'],
    ["self.spec.text.matches('a') ? self.spec.items.size() > 1 : self.spec.oops", 'oops'],
    ["self.spec.items.all(self, self.name == '')"],
  ];
  for (const [expression, field] of rows) {
    test(expression, () => {
      const compiled = compileCel(expression, ['self', 'oldSelf']);
      assert.ok(compiled.ok, compiled.ok ? '' : compiled.text);
      const fault = undeclaredField(compiled.program, schema, true, ['self', 'oldSelf']);
      if (field === undefined) assert.equal(fault, undefined);
      else assert.match(fault ?? '', new RegExp(`^ERROR: <input>:1:\\d+: undefined field '${field}'\n | `));
    });
  }

  test('the place is the dot before the field', () => {
    const compiled = compileCel('self.spec.txet', ['self']);
    assert.ok(compiled.ok);
    const fault = undeclaredField(compiled.program, schema, true, ['self']);
    assert.equal(fault, "ERROR: <input>:1:10: undefined field 'txet'\n | self.spec.txet\n | .........^");
  });
});
