import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApplyOutcome, applyPatch } from './apply-patch.ts';
import type { FieldSet } from './field-set.ts';
import type { ManagedFieldsEntry } from './managed-fields.ts';
import { structureOfOpenApi } from './openapi-structure.ts';

type Json = Record<string, unknown>;

const text = { type: 'string' };
const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port', 'proto'],
          items: {
            type: 'object',
            properties: { port: { type: 'integer' }, proto: { type: 'string', default: 'TCP' }, name: text },
          },
        },
        tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
        plain: { type: 'array', items: text },
        keyed: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['id'],
          items: { type: 'object', properties: { id: text, name: text } },
        },
        whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: text },
        entries: { type: 'object', additionalProperties: text },
        size: { 'x-kubernetes-int-or-string': true },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        half: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: text } },
        pod: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
};

function apply(live: Json | undefined, manager: string, spec: Json, use: Json | undefined = schema): ApplyOutcome {
  return applyPatch({
    type: { structure: structureOfOpenApi(use), emptyObject: {} },
    live,
    config: { apiVersion: 'e.com/v1', kind: 'Widget', metadata: { name: 'a' }, spec },
    manager,
    force: false,
    subresource: '',
    apiVersion: 'e.com/v1',
    kind: 'Widget',
    time: '2026-01-01T00:00:00Z',
    resetFields: {},
  });
}

function stored(outcome: ApplyOutcome): Json & { spec: Json } {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  const { metadata, ...rest } = outcome.object;
  return { spec: {}, ...rest, metadata: { ...(metadata as Json), managedFields: outcome.managedFields } };
}

function fieldsOf(object: Json, manager: string): FieldSet | undefined {
  const { managedFields } = object.metadata as { managedFields: ManagedFieldsEntry[] };
  return managedFields.find((entry) => entry.manager === manager)?.fieldsV1?.['f:spec'];
}

test('custom resources merge by the lists and maps of their schema', () => {
  const first = stored(
    apply(undefined, 'one', {
      ports: [{ port: 80, name: 'http' }],
      tags: ['a', 'b'],
      plain: ['x'],
      whole: { k: '1' },
      entries: { k: '1' },
      size: '50%',
      free: { a: { b: 1 } },
    }),
  );
  assert.deepEqual(fieldsOf(first, 'one'), {
    'f:entries': { 'f:k': {} },
    'f:free': { 'f:a': { '.': {}, 'f:b': {} } },
    'f:plain': {},
    'f:ports': { 'k:{"port":80,"proto":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } },
    'f:size': {},
    'f:tags': { 'v:"a"': {}, 'v:"b"': {} },
    'f:whole': {},
  });
  const second = stored(
    apply(first, 'two', { ports: [{ port: 80, proto: 'UDP', name: 'u' }], tags: ['b', 'c'], entries: { l: '2' } }),
  );
  assert.deepEqual(second.spec.tags, ['a', 'b', 'c']);
  assert.deepEqual(second.spec.entries, { k: '1', l: '2' });
  assert.equal((second.spec.ports as unknown[]).length, 2);
  const refused = apply(second, 'two', { plain: ['y'], whole: { z: '1' }, ports: [{ port: 80, name: 'other' }] });
  assert.ok(!refused.ok && refused.reason === 'conflict');
  assert.deepEqual(
    refused.causes.map(({ field }) => field),
    ['.spec.plain', '.spec.whole', '.spec.ports[port=80,proto="TCP"].name'],
  );
});

const refusals: readonly (readonly [string, Json, string])[] = [
  [
    'no key, and no default of one',
    { keyed: [{ name: 'x' }] },
    '.spec.keyed: element 0: associative list with keys has an element that omits all key fields ["id"] (and doesn\'t have default values for any key fields)',
  ],
  ['a set item twice', { tags: ['a', 'a'] }, '.spec.tags: duplicate entries for key [="a"]'],
  [
    'an object in a set',
    { tags: [{}] },
    ".spec.tags: element 0: associative list without keys has an element that's a map type",
  ],
  ['a field that is not declared', { nope: 1 }, '.spec.nope: field not declared in schema'],
  ['a list for a scalar', { size: [1] }, '.spec.size: expected any scalar, got &{[1]}'],
  ['a text for a list', { plain: 'x' }, '.spec.plain: expected list, got &{x}'],
  [
    'two mistakes',
    { plain: [1], entries: { a: true } },
    'errors:\n  .spec.plain[0]: expected string, got &value.valueUnstructured{Value:1}\n  .spec.entries.a: expected string, got &value.valueUnstructured{Value:true}',
  ],
];
for (const [name, spec, message] of refusals) {
  test(`refused: ${name}`, () => {
    const outcome = apply(undefined, 'one', spec);
    assert.ok(!outcome.ok);
    assert.equal(outcome.message, `failed to create typed patch object (/a; e.com/v1, Kind=Widget): ${message}`);
  });
}

test('open objects take any field beside the declared ones', () => {
  const object = stored(
    apply(undefined, 'one', { half: { known: 'a', other: { x: 1 } }, pod: { kind: 'Pod', spec: { a: 1 } } }),
  );
  assert.deepEqual(fieldsOf(object, 'one'), {
    'f:half': { 'f:known': {}, 'f:other': { '.': {}, 'f:x': {} } },
    'f:pod': { 'f:kind': {}, 'f:spec': { '.': {}, 'f:a': {} } },
  });
});

test('without a schema everything is free-form: objects merge, lists do not', () => {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const first = stored(apply(undefined, 'one', { map: { a: 1 }, list: [1] }, open));
  const second = stored(apply(first, 'two', { map: { b: 2 } }, open));
  assert.deepEqual(second.spec, { map: { a: 1, b: 2 }, list: [1] });
  assert.ok(!apply(second, 'two', { list: [2] }, open).ok);
});
