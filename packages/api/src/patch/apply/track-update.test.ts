import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeObject } from '../../schema/decode.ts';
import { applyDefaults } from '../../schema/defaults.ts';
import type { ManagedFieldsEntry } from './managed-fields.ts';
import { managedType } from './managed-type.ts';
import { type TrackedUpdate, trackUpdate } from './track-update.ts';

type Json = Record<string, unknown>;

function object(kind: string, typeId: string, content: Json): Json {
  const { object: decoded } = decodeObject(typeId, { apiVersion: 'v1', kind, ...content });
  return applyDefaults('v1', kind, decoded);
}

const service = (content: Json): Json => object('Service', 'core.v1.Service', content);
const configMap = (data: Json): Json => object('ConfigMap', 'core.v1.ConfigMap', { metadata: { name: 'c' }, data });

function track(change: Partial<TrackedUpdate> & Pick<TrackedUpdate, 'after'>): ManagedFieldsEntry[] | undefined {
  return trackUpdate({
    type: managedType('core.v1.ConfigMap'),
    before: undefined,
    liveEntries: undefined,
    manager: 'one',
    subresource: '',
    apiVersion: 'v1',
    time: '2026-01-01T00:00:00Z',
    resetFields: { 'f:status': {} },
    ...change,
  }) as ManagedFieldsEntry[] | undefined;
}

test('the creator owns every field it wrote or that has a default, and nothing of the server', () => {
  const after = service({
    metadata: { name: 's', namespace: 'n', labels: { a: 'b' }, uid: 'u' },
    spec: { ports: [{ port: 80 }] },
    status: { conditions: [{ type: 'A' }] },
  });
  assert.deepEqual(track({ type: managedType('core.v1.Service'), after }), [
    {
      manager: 'one',
      operation: 'Update',
      apiVersion: 'v1',
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
        'f:spec': {
          'f:internalTrafficPolicy': {},
          'f:ports': {
            '.': {},
            'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:protocol': {}, 'f:targetPort': {} },
          },
          'f:sessionAffinity': {},
          'f:type': {},
        },
      },
    },
  ]);
});

const first = configMap({ a: '1', b: '1' });
const created = track({ after: first });

const changes: readonly (readonly [string, Json, readonly (readonly [string, string, unknown])[]])[] = [
  ['nothing', { a: '1', b: '1' }, [['one', '00', { '.': {}, 'f:a': {}, 'f:b': {} }]]],
  [
    'a value',
    { a: '2', b: '1' },
    [
      ['one', '00', { '.': {}, 'f:b': {} }],
      ['two', '05', { 'f:a': {} }],
    ],
  ],
  ['one entry less', { a: '1' }, [['one', '00', { '.': {}, 'f:a': {} }]]],
  [
    'one entry more',
    { a: '1', b: '1', c: '1' },
    [
      ['one', '00', { '.': {}, 'f:a': {}, 'f:b': {} }],
      ['two', '05', { 'f:c': {} }],
    ],
  ],
];
for (const [name, data, expected] of changes) {
  test(`an update of ${name}`, () => {
    const entries = track({
      before: first,
      after: configMap(data),
      liveEntries: created,
      manager: 'two',
      time: '2026-01-01T00:00:05Z',
    });
    assert.deepEqual(
      entries?.map(({ manager, time, fieldsV1 }) => [manager, time?.slice(-3, -1), fieldsV1?.['f:data']]),
      expected,
    );
    if (name === 'nothing') assert.equal(entries, created, 'the same entries, not new ones');
  });
}

test('managed fields may be replaced, forgotten, or sent broken', () => {
  const given = (givenEntries: readonly unknown[]): ManagedFieldsEntry[] | undefined =>
    track({ before: first, after: first, liveEntries: created, givenEntries });
  assert.equal(given([]), undefined);
  assert.equal(given([{}]), undefined);
  const moved = {
    manager: 'm',
    operation: 'Apply',
    apiVersion: 'v1',
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:data': {} },
  };
  assert.deepEqual(given([moved]), [moved]);
  for (const broken of [{ operation: 'Frob' }, { apiVersion: '' }, { fieldsType: 'X' }, { fieldsV1: { a: {} } }]) {
    assert.equal(given([{ ...moved, ...broken }]), created);
  }
});

test('no entry for an object that nobody tracks', () => {
  assert.equal(track({ before: first, after: configMap({ z: '1' }) }), undefined);
});

test('more than ten updaters: the oldest become one', () => {
  let entries = created;
  let before = first;
  for (let writer = 0; writer < 14; writer++) {
    const after = configMap({ ...(before.data as Json), [`w${writer}`]: '1' });
    entries = track({
      before,
      after,
      liveEntries: entries,
      manager: `writer-${writer}`,
      time: `2026-01-01T00:01:${String(writer).padStart(2, '0')}Z`,
    });
    before = after;
  }
  assert.equal(entries?.length, 10);
  const [oldest] = entries ?? [];
  assert.equal(oldest?.manager, 'ancient-changes');
  assert.equal(oldest?.time, '2026-01-01T00:01:04Z');
  assert.deepEqual(Object.keys(oldest?.fieldsV1?.['f:data'] ?? {}), [
    '.',
    'f:a',
    'f:b',
    'f:w0',
    'f:w1',
    'f:w2',
    'f:w3',
    'f:w4',
  ]);
});
