import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonPatch, mergePatch, SchemaError, strategicMergePatch } from '../schema/index.ts';

// RFC 7386, appendix A.
const mergeCases: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];
test('merge patch: the cases of RFC 7386', () => {
  for (const [original, patch, expected] of mergeCases) assert.deepEqual(mergePatch(original, patch), expected);
});

test('merge patch: applying twice is applying once, and inputs stay', () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(json, json, (original, patch) => {
      const before = JSON.stringify(original);
      const once = mergePatch(original, patch);
      assert.deepEqual(mergePatch(once, patch), once);
      assert.equal(JSON.stringify(original), before);
    }),
  );
});

type Operation = { op: string; path?: string; from?: string; value?: unknown };
const document = { a: { b: 1, 'x/y': 2, 'm~n': 3 }, list: [1, 2, 3] };
const jsonCases: readonly (readonly [string, Operation[], unknown])[] = [
  ['add to an object', [{ op: 'add', path: '/a/c', value: 9 }], { ...document, a: { ...document.a, c: 9 } }],
  ['append', [{ op: 'add', path: '/list/-', value: 4 }], { ...document, list: [1, 2, 3, 4] }],
  ['insert', [{ op: 'add', path: '/list/0', value: 0 }], { ...document, list: [0, 1, 2, 3] }],
  ['insert at the end', [{ op: 'add', path: '/list/3', value: 4 }], { ...document, list: [1, 2, 3, 4] }],
  ['remove from a list', [{ op: 'remove', path: '/list/1' }], { ...document, list: [1, 3] }],
  ['replace', [{ op: 'replace', path: '/a/b', value: 7 }], { ...document, a: { ...document.a, b: 7 } }],
  [
    'replace of an absent member adds it',
    [{ op: 'replace', path: '/a/new', value: 7 }],
    { ...document, a: { ...document.a, new: 7 } },
  ],
  [
    'escapes',
    [
      { op: 'remove', path: '/a/x~1y' },
      { op: 'remove', path: '/a/m~0n' },
    ],
    { ...document, a: { b: 1 } },
  ],
  [
    'copy, then move',
    [
      { op: 'copy', from: '/a/b', path: '/c' },
      { op: 'move', from: '/c', path: '/d' },
    ],
    { ...document, d: 1 },
  ],
  ['test passes', [{ op: 'test', path: '/a', value: { 'm~n': 3, 'x/y': 2, b: 1 } }], document],
  ['whole document', [{ op: 'replace', path: '', value: {} }], {}],
  ['nothing', [], document],
];
for (const [name, patch, expected] of jsonCases) {
  test(`JSON patch: ${name}`, () => {
    const before = structuredClone(document);
    assert.deepEqual(jsonPatch(document, patch), expected);
    assert.deepEqual(document, before);
  });
}

const REJECTED = 'the server rejected our request due to an error in our request';
const refused: readonly (readonly [string, unknown, string, string])[] = [
  ['failed test', [{ op: 'test', path: '/a/b', value: 2 }], 'patch-test', REJECTED],
  ['test of an absent path', [{ op: 'test', path: '/no/such', value: 2 }], 'patch-test', REJECTED],
  ['remove of an absent member', [{ op: 'remove', path: '/a/absent' }], 'patch', REJECTED],
  ['absent parent', [{ op: 'add', path: '/x/y/z', value: 1 }], 'patch', REJECTED],
  ['list index out of range', [{ op: 'add', path: '/list/9', value: 1 }], 'patch', REJECTED],
  ['leading zero', [{ op: 'remove', path: '/list/01' }], 'patch', REJECTED],
  ['unknown operation', [{ op: 'nope', path: '/a' }], 'patch', REJECTED],
  ['absent source', [{ op: 'move', from: '/absent', path: '/a/q' }], 'patch', REJECTED],
  [
    'not a list',
    { not: 'a list' },
    'json',
    'json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
  ],
  [
    'copies that double',
    Array.from({ length: 40 }, () => ({ op: 'copy', from: '/list', path: '/list/-' })),
    'patch',
    REJECTED,
  ],
];
for (const [name, patch, code, message] of refused) {
  test(`JSON patch refused: ${name}`, () => {
    assert.throws(
      () => jsonPatch(document, patch),
      (error: unknown) => error instanceof SchemaError && error.code === code && error.message === message,
    );
  });
}

test('JSON patch: random operations throw nothing but SchemaError', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'list', '0', '-', '1', '~', '__proto__'), { maxLength: 3 })
    .map((parts) => parts.map((part) => `/${part}`).join(''));
  const operation = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
    path,
    from: path,
    value: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (patch) => {
      try {
        jsonPatch(document, patch);
      } catch (error) {
        assert.ok(error instanceof SchemaError, String(error));
      }
      assert.equal(Object.getPrototypeOf({}), Object.prototype);
    }),
  );
});

const deployment = {
  spec: {
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2 } },
    template: {
      spec: {
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 'w', configMap: { name: 'c' } },
        ],
        containers: [
          {
            name: 'c',
            image: 'c:1',
            env: [
              { name: 'A', value: '1' },
              { name: 'B', value: '2' },
            ],
            args: ['x', 'y'],
          },
          { name: 'side', image: 's:1' },
        ],
      },
    },
  },
};
type PodParts = { containers?: unknown; volumes?: unknown };
const pod = (spec: object): object => ({ spec: { template: { spec } } });
const strategicCases: readonly (readonly [string, object, (spec: PodParts) => unknown, unknown])[] = [
  [
    'items merge by name; the patch comes first where the order is open',
    pod({
      containers: [
        {
          name: 'c',
          image: 'c:2',
          env: [
            { name: 'C', value: '3' },
            { name: 'A', value: 'one' },
          ],
        },
      ],
    }),
    (spec) => spec.containers,
    [
      {
        name: 'c',
        image: 'c:2',
        env: [
          { name: 'C', value: '3' },
          { name: 'A', value: 'one' },
          { name: 'B', value: '2' },
        ],
        args: ['x', 'y'],
      },
      { name: 'side', image: 's:1' },
    ],
  ],
  [
    '$setElementOrder and $patch: delete',
    pod({
      '$setElementOrder/containers': [{ name: 'side' }, { name: 'c' }],
      containers: [{ name: 'c', '$setElementOrder/env': [{ name: 'A' }], env: [{ name: 'B', $patch: 'delete' }] }],
    }),
    (spec) => spec.containers,
    [
      { name: 'side', image: 's:1' },
      { name: 'c', image: 'c:1', env: [{ name: 'A', value: '1' }], args: ['x', 'y'] },
    ],
  ],
  [
    'atomic lists are replaced',
    pod({ containers: [{ name: 'c', args: ['z'] }] }),
    (spec) => (spec.containers as { args: unknown }[])[0]?.args,
    ['z'],
  ],
  [
    '$retainKeys drops the other volume source',
    pod({ volumes: [{ name: 'v', $retainKeys: ['name', 'configMap'], configMap: { name: 'other' } }] }),
    (spec) => spec.volumes,
    [
      { name: 'v', configMap: { name: 'other' } },
      { name: 'w', configMap: { name: 'c' } },
    ],
  ],
  [
    '$patch: delete in a list',
    pod({ containers: [{ name: 'side', $patch: 'delete' }] }),
    (spec) => (spec.containers as unknown[]).length,
    1,
  ],
  [
    '$patch: replace in a list',
    pod({ containers: [{ $patch: 'replace' }, { name: 'f', image: 'f' }] }),
    (spec) => spec.containers,
    [{ name: 'f', image: 'f' }],
  ],
  ['$patch: replace of an object', pod({ $patch: 'replace', volumes: [] }), (spec) => spec, { volumes: [] }],
  ['null removes', pod({ containers: null }), (spec) => spec.containers, undefined],
];
for (const [name, patch, part, expected] of strategicCases) {
  test(`strategic merge: ${name}`, () => {
    const before = structuredClone(deployment);
    const result = strategicMergePatch('apps.v1.Deployment', deployment, patch) as typeof deployment;
    assert.deepEqual(part(result.spec.template.spec as PodParts), expected);
    assert.deepEqual(deployment, before);
  });
}

test('strategic merge: Service ports merge by port', () => {
  const service = {
    spec: {
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81 },
      ],
    },
  };
  const patch = {
    spec: {
      '$setElementOrder/ports': [{ port: 82 }, { port: 80 }],
      ports: [
        { port: 82, name: 'c' },
        { port: 81, $patch: 'delete' },
      ],
    },
  };
  assert.deepEqual(strategicMergePatch('core.v1.Service', service, patch), {
    spec: {
      ports: [
        { name: 'c', port: 82 },
        { name: 'a', port: 80 },
      ],
    },
  });
});

test('strategic merge: finalizers are a set; $deleteFromPrimitiveList', () => {
  const object = { metadata: { finalizers: ['a/1', 'b/2'] } };
  const merged = strategicMergePatch('core.v1.Service', object, { metadata: { finalizers: ['c/3', 'b/2'] } });
  assert.deepEqual(merged, { metadata: { finalizers: ['c/3', 'a/1', 'b/2'] } });
  const deleted = strategicMergePatch('core.v1.Service', object, {
    metadata: { '$deleteFromPrimitiveList/finalizers': ['a/1'] },
  });
  assert.deepEqual(deleted, { metadata: { finalizers: ['b/2'] } });
});

test('strategic merge: malformed directives are refused', () => {
  for (const patch of [
    pod({ $patch: 'nope' }),
    pod({ containers: [{ image: 'x' }] }),
    { spec: { strategy: { $retainKeys: ['type'], rollingUpdate: {} } } },
  ]) {
    assert.throws(() => strategicMergePatch('apps.v1.Deployment', deployment, patch), SchemaError);
  }
});
