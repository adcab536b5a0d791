import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { applySchemaDefaults } from './default.ts';
import { jsonPathValues, parseJsonPath } from './json-path.ts';
import type { JsonSchema } from './json-schema.ts';
import { listTypeCauses } from './list-type.ts';
import { prune } from './prune.ts';
import { structuralCauses } from './structural.ts';
import { valueCauses } from './validate-value.ts';

const widget: JsonSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['n'],
      properties: {
        n: { type: 'integer', minimum: 1, maximum: 10, default: 4 },
        text: { type: 'string', minLength: 2, maxLength: 4, pattern: '^[a-z]+$' },
        when: { type: 'string', format: 'date-time' },
        port: { 'x-kubernetes-int-or-string': true },
        maybe: { type: 'string', nullable: true, default: 'x' },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        half: {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
          properties: { known: { type: 'object', properties: { a: { type: 'string' } } } },
        },
        inner: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object' } } },
        map: {
          type: 'object',
          additionalProperties: { type: 'object', properties: { a: { type: 'string', default: 'd' } } },
        },
        list: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['k'],
          items: { type: 'object', required: ['k'], properties: { k: { type: 'string' }, v: { type: 'integer' } } },
        },
        set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' }, maxItems: 3 },
        one: {
          type: 'object',
          properties: { x: { type: 'string' }, y: { type: 'string' } },
          oneOf: [{ required: ['x'] }, { required: ['y'] }],
        },
        any: { type: 'string', anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] },
        never: { type: 'integer', not: { enum: [7] } },
      },
    },
  },
};

describe('pruning', () => {
  const rows: readonly (readonly [name: string, input: object, output: object, unknown: readonly string[]])[] = [
    ['unknown fields go', { spec: { n: 1, z: 1 }, q: 2 }, { spec: { n: 1 } }, ['spec.z', 'q']],
    [
      'kind and metadata of the object stay',
      { kind: 'W', apiVersion: 'a/v1', metadata: { name: 'x', odd: 1 } },
      { kind: 'W', apiVersion: 'a/v1', metadata: { name: 'x', odd: 1 } },
      [],
    ],
    [
      'preserved fields stay, at any depth',
      { spec: { free: { a: { b: 1 } } } },
      { spec: { free: { a: { b: 1 } } } },
      [],
    ],
    [
      'a known field below preserved ones is pruned',
      { spec: { half: { z: 1, known: { a: 'x', b: 1 } } } },
      { spec: { half: { z: 1, known: { a: 'x' } } } },
      ['spec.half.known.b'],
    ],
    [
      'an embedded resource keeps its own metadata',
      { spec: { inner: { kind: 'X', metadata: { labels: {} }, z: 1 } } },
      { spec: { inner: { kind: 'X', metadata: { labels: {} } } } },
      ['spec.inner.z'],
    ],
    [
      'map values and list items are pruned',
      { spec: { map: { k: { a: '1', b: 1 } }, list: [{ k: 'x', w: 1 }] } },
      { spec: { map: { k: { a: '1' } }, list: [{ k: 'x' }] } },
      ['spec.map.k.b', 'spec.list[0].w'],
    ],
  ];
  for (const [name, input, output, unknown] of rows) {
    test(name, () => {
      const found: string[] = [];
      const before = structuredClone(input);
      assert.deepEqual(prune(input, widget, true, found), output);
      assert.deepEqual(found, unknown);
      assert.deepEqual(input, before, 'the input is left alone');
    });
  }
});

test('defaults: absent fields, null for what is not nullable, map values; not inside absent objects', () => {
  const object = { spec: { n: null, map: { k: {} }, maybe: null, text: null } };
  applySchemaDefaults(object, widget);
  assert.deepEqual(object, { spec: { n: 4, map: { k: { a: 'd' } }, maybe: null } });
  const empty = {};
  applySchemaDefaults(empty, widget);
  assert.deepEqual(empty, {});
});

describe('values', () => {
  const rows: readonly (readonly [name: string, spec: unknown, causes: readonly string[]])[] = [
    ['nothing wrong', { n: 2, text: 'abc', port: 'http', one: { y: '' }, any: '::1', never: 6, maybe: null }, []],
    ['required', {}, ['spec.n FieldValueRequired Required value']],
    [
      'bounds',
      { n: 11 },
      ['spec.n FieldValueInvalid Invalid value: 11: spec.n in body should be less than or equal to 10'],
    ],
    [
      'type',
      { n: 'x' },
      ['spec.n FieldValueTypeInvalid Invalid value: "string": spec.n in body must be of type integer: "string"'],
    ],
    [
      'null',
      { n: null },
      ['spec.n FieldValueTypeInvalid Invalid value: "null": spec.n in body must be of type integer: "null"'],
    ],
    [
      'pattern',
      { n: 1, text: 'AB' },
      ['spec.text FieldValueInvalid Invalid value: "AB": spec.text in body should match \'^[a-z]+$\''],
    ],
    [
      'length counts characters',
      { n: 1, text: '\u{1F600}' },
      ['spec.text FieldValueInvalid Invalid value: "\u{1F600}": spec.text in body should be at least 2 chars long'],
    ],
    [
      'format',
      { n: 1, when: 'x' },
      ['spec.when FieldValueTypeInvalid Invalid value: "x": spec.when in body must be of type date-time: "x"'],
    ],
    [
      'int or string',
      { n: 1, port: true },
      [
        'spec.port FieldValueTypeInvalid Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
      ],
    ],
    [
      'items',
      { n: 1, set: ['a', 'b', 'c', 'd'] },
      ['spec.set FieldValueTooMany Too many: 4: must have at most 3 items'],
    ],
    ['item path', { n: 1, list: [{}] }, ['spec.list[0].k FieldValueRequired Required value']],
    [
      'oneOf: two',
      { n: 1, one: { x: '', y: '' } },
      [
        '<nil> FieldValueInvalid Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    [
      'anyOf',
      { n: 1, any: 'x' },
      [
        '<nil> FieldValueInvalid Invalid value: "": "spec.any" must validate at least one schema (anyOf)',
        'spec.any FieldValueTypeInvalid Invalid value: "x": spec.any in body must be of type ipv4: "x"',
      ],
    ],
    [
      'not',
      { n: 1, never: 7 },
      ['<nil> FieldValueInvalid Invalid value: "": "spec.never" must not validate the schema (not)'],
    ],
  ];
  for (const [name, spec, causes] of rows) {
    test(name, () => {
      const found = valueCauses({ spec }, widget).map((cause) => `${cause.field} ${cause.reason} ${cause.message}`);
      assert.deepEqual(found, causes);
    });
  }
});

test('ratcheting: what did not change is not complained about, what did is', () => {
  const old = { value: { spec: { n: 99, list: [{ k: 'a', v: 'x' }], text: 'TOOLONG' } } };
  const next = {
    spec: {
      n: 99,
      list: [
        { k: 'b', v: 'y' },
        { k: 'a', v: 'x' },
      ],
      text: 'OTHERS',
    },
  };
  assert.deepEqual(
    valueCauses(next, widget, '', old).map(({ field }) => field),
    ['spec.list[0].v', 'spec.text'],
  );
});

test('list types: the second of two equal items or keys', () => {
  const object = {
    spec: {
      set: ['a', 'b', 'a'],
      list: [
        { k: 'x', v: 1 },
        { k: 'x', v: 2 },
      ],
    },
  };
  assert.deepEqual(
    listTypeCauses(object, widget).map(({ field, message }) => `${field}: ${message}`),
    ['spec.set[2]: Duplicate value: "a"', 'spec.list[1]: Duplicate value: {"k":"x"}'],
  );
});

test('a schema that is not structural is told why', () => {
  const schema: JsonSchema = {
    type: 'object',
    properties: {
      spec: {
        properties: {
          a: { type: 'array' },
          b: { type: 'object', properties: {}, additionalProperties: { type: 'string' } },
          c: { type: 'string', pattern: '(' },
          d: { type: 'string', anyOf: [{ type: 'string' }] },
          e: { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } },
          f: { type: 'array', uniqueItems: true, items: { type: 'string' } },
          g: { type: 'integer', default: 'x' },
          h: { type: 'file' },
        },
      },
    },
  };
  const p = 'x.properties[spec]';
  assert.deepEqual(
    structuralCauses(schema, 'x').map(({ field, reason }) => `${field} ${reason}`),
    [
      `${p}.type FieldValueRequired`,
      `${p}.properties[a].items FieldValueRequired`,
      `${p}.properties[b].additionalProperties FieldValueForbidden`,
      `${p}.properties[c].pattern FieldValueInvalid`,
      `${p}.properties[d].anyOf[0].type FieldValueForbidden`,
      `${p}.properties[e].x-kubernetes-list-map-keys FieldValueRequired`,
      `${p}.properties[f].uniqueItems FieldValueForbidden`,
      `${p}.properties[g].default FieldValueTypeInvalid`,
      `${p}.properties[h].type FieldValueNotSupported`,
    ],
  );
  assert.deepEqual(structuralCauses(widget, 'x'), []);
});

test('JSON paths: fields, quoted fields, indexes, wildcards and filters', () => {
  const object = {
    metadata: { annotations: { 'a.b/c': 'q' } },
    status: {
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'Other', status: 'False' },
      ],
      list: [1, 2],
    },
  };
  const rows: readonly (readonly [path: string, values: readonly unknown[]])[] = [
    ['.status.list', [[1, 2]]],
    ['.status.list[1]', [2]],
    ['.status.list[*]', [1, 2]],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".metadata.annotations['a.b/c']", ['q']],
    ['.metadata.annotations.a\\.b/c', ['q']],
    ['.nothing.here', []],
  ];
  for (const [path, values] of rows) assert.deepEqual(jsonPathValues(object, parseJsonPath(path) ?? []), values, path);
  for (const path of ['.a[', '.a b', 'a', '.a[?(@.x)]']) assert.equal(parseJsonPath(path), undefined, path);
});

/** A small generator with a seed, so that a failure can be repeated. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const names = [
  'spec',
  'n',
  'text',
  'free',
  'half',
  'known',
  'inner',
  'map',
  'list',
  'k',
  'a',
  'maybe',
  'metadata',
  '__proto__',
  'z',
];

function anyValue(random: () => number, depth: number): unknown {
  const kind = Math.floor(random() * (depth > 4 ? 6 : 8));
  if (kind === 0) return null;
  if (kind === 1) return random() < 0.5;
  if (kind === 2) return Math.floor(random() * 30) - 5;
  if (kind === 3) return random() * 10;
  if (kind < 6) return ['', 'a', 'abc', 'ABCDEF', '1.2.3.4', '2020-01-01T00:00:00Z'][Math.floor(random() * 6)];
  if (kind === 6) return Array.from({ length: Math.floor(random() * 4) }, () => anyValue(random, depth + 1));
  const object: Record<string, unknown> = {};
  for (let count = Math.floor(random() * 6); count > 0; count--) {
    const name = names[Math.floor(random() * names.length)]!;
    Object.defineProperty(object, name, {
      value: anyValue(random, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}

test('property: pruning and defaulting are idempotent and together stable; no input makes the engine fail', () => {
  for (let seed = 1; seed <= 3000; seed++) {
    const random = generator(seed);
    const input = { spec: anyValue(random, 0) };
    const pruned = prune(input, widget, true) as object;
    assert.deepEqual(prune(pruned, widget, true), pruned, `prune, seed ${seed}`);
    const defaulted = structuredClone(pruned);
    applySchemaDefaults(defaulted, widget);
    const again = structuredClone(defaulted);
    applySchemaDefaults(again, widget);
    assert.deepEqual(again, defaulted, `defaults, seed ${seed}`);
    assert.deepEqual(prune(defaulted, widget, true), defaulted, `defaults fit the schema, seed ${seed}`);
    for (const { field, message } of [...valueCauses(defaulted, widget), ...listTypeCauses(defaulted, widget)]) {
      assert.ok(field !== '' && message !== '');
    }
    assert.deepEqual(
      valueCauses(defaulted, widget, '', { value: defaulted }),
      [],
      `unchanged is ratcheted, seed ${seed}`,
    );
  }
});

test('fuzz: the walker of definitions takes any schema', () => {
  const keys = [
    'type',
    'properties',
    'items',
    'allOf',
    'not',
    'default',
    'pattern',
    'required',
    'x-kubernetes-list-type',
    'x-kubernetes-list-map-keys',
    'additionalProperties',
    'spec',
    'enum',
  ];
  const anySchema = (random: () => number, depth: number): JsonSchema => {
    const schema: Record<string, unknown> = {};
    for (let count = Math.floor(random() * 5); count > 0; count--) {
      const key = keys[Math.floor(random() * keys.length)]!;
      if (key === 'properties') schema.properties = { a: depth > 4 ? {} : anySchema(random, depth + 1) };
      else if (key === 'items' || key === 'not' || key === 'additionalProperties')
        schema[key] = depth > 4 ? {} : anySchema(random, depth + 1);
      else if (key === 'allOf') schema.allOf = [depth > 4 ? {} : anySchema(random, depth + 1)];
      else if (key === 'required' || key === 'x-kubernetes-list-map-keys') schema[key] = ['a'];
      else if (key === 'type') schema.type = ['object', 'array', 'string', 'integer', 'odd'][Math.floor(random() * 5)];
      else if (key === 'pattern') schema.pattern = ['a+', '(', '[z-a]', 'a{1001}'][Math.floor(random() * 4)];
      else if (key === 'enum') schema.enum = [anyValue(random, 3)];
      else if (key === 'default') schema.default = anyValue(random, 3);
      else schema[key] = ['set', 'map', 'odd'][Math.floor(random() * 3)];
    }
    return schema as JsonSchema;
  };
  for (let seed = 1; seed <= 2000; seed++) {
    for (const { field } of structuralCauses(anySchema(generator(seed), 0), 'root'))
      assert.ok(field.startsWith('root'));
  }
});
