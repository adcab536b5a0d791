import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type FieldSet,
  fieldPaths,
  fieldsBelow,
  hasField,
  intersectFields,
  isEmptySet,
  noFields,
  orderedFields,
  parseFieldSet,
  sameSet,
  subtractFields,
  subtractTrees,
  unionFields,
} from './field-set.ts';

const element = fc.constantFrom('f:a', 'f:b', 'f:c', 'k:{"port":80,"protocol":"TCP"}', 'v:"x"', 'i:3');
/** A set as the list of its paths, the plainest model there is. */
const paths = fc.array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 8 });

function setOf(list: readonly (readonly string[])[]): FieldSet {
  let set: FieldSet = noFields;
  for (const path of list) {
    const one = [...path].reverse().reduce<FieldSet>((node, step) => ({ [step]: node }), noFields);
    set = unionFields(set, one);
  }
  return set;
}

/** The model: the set as texts of its paths. */
const model = (list: readonly (readonly string[])[]): Set<string> => new Set(list.map((path) => path.join('\n')));
const membersOf = (set: FieldSet, above: readonly string[] = []): string[] =>
  Object.keys(set).flatMap((step) => {
    if (step === '.') return above.length > 0 ? [above.join('\n')] : [];
    const node = set[step]!;
    const path = [...above, step];
    return Object.keys(node).length === 0 ? [path.join('\n')] : membersOf(node, path);
  });

test('union, difference and intersection agree with plain sets of paths', () => {
  fc.assert(
    fc.property(paths, paths, (a, b) => {
      const [left, right] = [model(a), model(b)];
      const sorted = (list: Iterable<string>): string[] => [...list].sort();
      assert.deepEqual(membersOf(unionFields(setOf(a), setOf(b))).sort(), sorted(left.union(right)));
      assert.deepEqual(membersOf(subtractFields(setOf(a), setOf(b))).sort(), sorted(left.difference(right)));
      assert.deepEqual(membersOf(intersectFields(setOf(a), setOf(b))).sort(), sorted(left.intersection(right)));
      const outside = a.filter((path) => !b.some((other) => other.every((step, index) => path[index] === step)));
      assert.deepEqual(membersOf(subtractTrees(setOf(a), setOf(b))).sort(), sorted(model(outside)));
      for (const path of b) assert.equal(hasField(setOf(a), path), left.has(path.join('\n')));
    }),
  );
});

test('operations change neither argument and keep what does not change', () => {
  fc.assert(
    fc.property(paths, paths, (a, b) => {
      const [left, right] = [setOf(a), setOf(b)];
      const before = JSON.stringify([left, right]);
      unionFields(left, right);
      subtractFields(left, right);
      subtractTrees(left, right);
      intersectFields(left, right);
      assert.equal(JSON.stringify([left, right]), before);
      assert.equal(unionFields(left, left), left);
      assert.equal(subtractFields(left, noFields), left);
    }),
  );
});

test('what is written can be read, in any order of keys', () => {
  fc.assert(
    fc.property(paths, (list) => {
      const set = setOf(list);
      const text = JSON.stringify(orderedFields(set));
      const read = parseFieldSet(JSON.parse(text));
      assert.ok(read !== undefined && sameSet(read, set));
      assert.equal(JSON.stringify(orderedFields(read)), text);
    }),
  );
});

const readings: readonly (readonly [string, unknown, FieldSet | undefined])[] = [
  ['nothing', {}, {}],
  ['a field', { 'f:a': {} }, { 'f:a': {} }],
  ['a lone dot says nothing new', { 'f:a': { '.': {} } }, { 'f:a': {} }],
  ['a dot at the root is ignored', { '.': {}, 'f:a': {} }, { 'f:a': {} }],
  ['keys in another order', { 'k:{"protocol":"TCP", "port":80}': {} }, { 'k:{"port":80,"protocol":"TCP"}': {} }],
  ['a value with spaces', { 'v: "x"': {} }, { 'v:"x"': {} }],
  ['a position', { 'i:07': {} }, { 'i:7': {} }],
  ['a field called __proto__', JSON.parse('{"f:__proto__":{}}'), JSON.parse('{"f:__proto__":{}}')],
  ['a bare name', { a: {} }, undefined],
  ['__proto__ itself', JSON.parse('{"__proto__":{}}'), undefined],
  ['broken keys', { 'k:{': {} }, undefined],
  ['keys that are no object', { 'k:[1]': {} }, undefined],
  ['a broken position', { 'i:x': {} }, undefined],
  ['a text below', { 'f:a': 'x' }, undefined],
  ['a list', [], undefined],
];
for (const [name, document, expected] of readings) {
  test(`FieldsV1: ${name}`, () => assert.deepEqual(parseFieldSet(document), expected));
}

test('FieldsV1: too deep', () => {
  let document: object = {};
  for (let depth = 0; depth < 200; depth++) document = { 'f:a': document };
  assert.equal(parseFieldSet(document), undefined);
});

test('paths are written as messages show them', () => {
  const set: FieldSet = {
    'f:spec': {
      '.': {},
      'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {} } },
      'f:a': {},
    },
    'f:finalizers': { 'v:"x/y"': {}, 'i:2': {} },
  };
  assert.deepEqual(fieldPaths(set), [
    '.spec',
    '.finalizers[="x/y"]',
    '.finalizers[2]',
    '.spec.a',
    '.spec.ports[port=80,protocol="TCP"]',
    '.spec.ports[port=80,protocol="TCP"].name',
  ]);
  assert.deepEqual(fieldsBelow(set, 'f:finalizers'), { 'v:"x/y"': {}, 'i:2': {} });
  assert.ok(isEmptySet(fieldsBelow(set, 'f:nope')));
});
