import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonEqual } from '../../own-property.ts';
import { decodeObject } from '../../schema/decode.ts';
import { applyDefaults } from '../../schema/defaults.ts';
import { type ApplyOutcome, applyPatch } from './apply-patch.ts';
import type { FieldSet } from './field-set.ts';
import { type ManagedFieldsEntry, sameButTimes } from './managed-fields.ts';
import { managedType } from './managed-type.ts';
import { trackUpdate } from './track-update.ts';

type Json = Record<string, unknown>;

const KINDS = {
  ConfigMap: ['v1', 'core.v1.ConfigMap'],
  Service: ['v1', 'core.v1.Service'],
  Ingress: ['networking.k8s.io/v1', 'networking.v1.Ingress'],
  Deployment: ['apps/v1', 'apps.v1.Deployment'],
} as const;
type Kind = keyof typeof KINDS;

/** One object under management: a tiny server, without storage. */
class Managed {
  readonly kind: Kind;
  live: Json | undefined;
  #second = 0;

  constructor(kind: Kind) {
    this.kind = kind;
  }

  get #writer(): { apiVersion: string; type: ReturnType<typeof managedType>; time: string } {
    const [apiVersion, typeId] = KINDS[this.kind];
    this.#second++;
    return {
      apiVersion,
      type: managedType(typeId),
      time: new Date(this.#second * 1000).toISOString().replace('.000', ''),
    };
  }

  #store(object: unknown, managedFields: readonly unknown[] | undefined): void {
    const [apiVersion, typeId] = KINDS[this.kind];
    const decoded = decodeObject(typeId, object).object as { metadata: Json } & Json;
    const { managedFields: _, ...metadata } = decoded.metadata;
    const next = applyDefaults(apiVersion, this.kind, { ...decoded, kind: this.kind, apiVersion, metadata });
    const { managedFields: before, ...old } = (this.live?.metadata ?? {}) as Json;
    const same = jsonEqual({ ...this.live, metadata: old }, next);
    if (same && sameButTimes(before as unknown[] | undefined, managedFields)) return;
    if (managedFields !== undefined) (next.metadata as Json).managedFields = managedFields;
    this.live = next;
  }

  apply(manager: string, config: Json, options: { force?: boolean; subresource?: string } = {}): ApplyOutcome {
    const { metadata, ...rest } = config as { metadata?: Json };
    const [apiVersion] = KINDS[this.kind];
    const outcome = applyPatch({
      ...this.#writer,
      kind: this.kind,
      live: this.live,
      config: { apiVersion, kind: this.kind, metadata: { name: 'x', ...metadata }, ...rest },
      manager,
      force: options.force ?? false,
      subresource: options.subresource ?? '',
      resetFields: options.subresource === 'status' ? { 'f:spec': {} } : { 'f:status': {} },
    });
    if (outcome.ok) this.#store(outcome.object, outcome.managedFields);
    return outcome;
  }

  update(manager: string, change: Json, subresource = ''): void {
    const [apiVersion, typeId] = KINDS[this.kind];
    const after = decodeObject(typeId, { ...this.live, ...change }).object;
    applyDefaults(apiVersion, this.kind, after);
    const managedFields = trackUpdate({
      ...this.#writer,
      before: this.live,
      after,
      liveEntries: this.entries,
      manager,
      subresource,
      resetFields: { 'f:status': {} },
    });
    this.#store(after, managedFields);
  }

  /** As if nobody had ever tracked the object. */
  forget(): void {
    this.#store(this.live, undefined);
  }

  get entries(): ManagedFieldsEntry[] | undefined {
    return (this.live?.metadata as { managedFields?: ManagedFieldsEntry[] } | undefined)?.managedFields;
  }

  owns(manager: string): FieldSet | undefined {
    return this.entries?.find((entry) => entry.manager === manager)?.fieldsV1;
  }

  part(...path: string[]): unknown {
    let value: unknown = this.live;
    for (const step of path) value = (value as Json | undefined)?.[step];
    return value;
  }
}

function ok(outcome: ApplyOutcome): void {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
}

test('list items are owned by their keys, a key left out counts with its default', () => {
  const object = new Managed('Service');
  ok(object.apply('one', { spec: { selector: { a: 'b' }, ports: [{ port: 80 }] } }));
  assert.deepEqual(object.owns('one'), {
    'f:spec': {
      'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } },
      'f:selector': {},
    },
  });
  ok(object.apply('one', { spec: { ports: [{ port: 80, name: 'web' }] } }));
  assert.equal(object.part('spec', 'selector'), undefined);
  assert.deepEqual(object.part('spec', 'ports'), [{ name: 'web', port: 80, protocol: 'TCP', targetPort: 80 }]);
});

test('another port number is another item', () => {
  const object = new Managed('Service');
  object.update('creator', { spec: { ports: [{ port: 80 }] } });
  ok(object.apply('one', { spec: { ports: [{ port: 81 }] } }));
  assert.deepEqual(
    (object.part('spec', 'ports') as Json[]).map(({ port }) => port),
    [80, 81],
  );
});

test('applying the same again changes nothing, not even the time', () => {
  const object = new Managed('Service');
  const config = { spec: { ports: [{ port: 80 }] } };
  ok(object.apply('one', config));
  const before = object.live;
  ok(object.apply('one', config));
  assert.deepEqual(object.live, before);
});

test('a second manager of the same value has no time: it changed nothing', () => {
  const object = new Managed('ConfigMap');
  ok(object.apply('one', { data: { a: '1' } }));
  ok(object.apply('two', { data: { a: '1' } }));
  assert.deepEqual(
    object.entries?.map(({ manager, time }) => [manager, time !== undefined]),
    [
      ['two', false],
      ['one', true],
    ],
  );
});

const conflicts: readonly (readonly [string, Kind, Json, Json, string])[] = [
  [
    'a map entry',
    'ConfigMap',
    { data: { a: '1', b: '2' } },
    { data: { a: '2', c: '3' } },
    'Apply failed with 1 conflict: conflict with "one": .data.a',
  ],
  [
    'an atomic list',
    'Ingress',
    { spec: { rules: [{ host: 'a' }] } },
    { spec: { rules: [{ host: 'b' }] } },
    'Apply failed with 1 conflict: conflict with "one": .spec.rules',
  ],
  [
    'fields of list items',
    'Service',
    { spec: { ports: [{ port: 80, name: 'a', targetPort: 1 }] } },
    { spec: { ports: [{ port: 80, name: 'b', targetPort: 2 }] } },
    'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.ports[port=80,protocol="TCP"].name\n- .spec.ports[port=80,protocol="TCP"].targetPort',
  ],
  [
    'null for a map entry',
    'ConfigMap',
    { data: { a: '1' } },
    { data: { a: null } },
    'Apply failed with 1 conflict: conflict with "one": .data.a',
  ],
];
for (const [name, kind, first, second, message] of conflicts) {
  test(`conflict: ${name}`, () => {
    const object = new Managed(kind);
    ok(object.apply('one', first));
    const before = object.live;
    const refused = object.apply('two', second);
    assert.ok(!refused.ok && refused.reason === 'conflict');
    assert.equal(refused.message, message);
    assert.deepEqual(object.live, before);
    ok(object.apply('two', second, { force: true }));
    const again = object.apply('two', second);
    ok(again);
  });
}

test('ordinary writers are named with their version', () => {
  const object = new Managed('Deployment');
  ok(object.apply('one', { spec: { replicas: 1 } }));
  object.update('scaler', { spec: { ...(object.part('spec') as Json), replicas: 2 } }, 'scale');
  const refused = object.apply('one', { spec: { replicas: 1 } });
  assert.ok(!refused.ok && refused.reason === 'conflict');
  assert.deepEqual(refused.causes, [
    {
      reason: 'FieldManagerConflict',
      field: '.spec.replicas',
      message: 'conflict with "scaler" with subresource "scale" using apps/v1',
    },
  ]);
});

test('sets: each manager owns its own finalizer', () => {
  const object = new Managed('Ingress');
  ok(object.apply('one', { metadata: { finalizers: ['a/1', 'b/2'] } }));
  ok(object.apply('two', { metadata: { finalizers: ['b/2', 'c/3'] } }));
  assert.deepEqual(object.part('metadata', 'finalizers'), ['a/1', 'b/2', 'c/3']);
  ok(object.apply('one', {}));
  assert.deepEqual(object.part('metadata', 'finalizers'), ['b/2', 'c/3']);
  assert.equal(object.owns('one'), undefined);
});

const givenUp: readonly (readonly [string, Json, Json, Json, unknown])[] = [
  ['fields of one manager go', { data: { a: '1' } }, { data: { b: '1' } }, {}, { b: '1' }],
  ['shared fields stay', { data: { a: '1' } }, { data: { a: '1' } }, {}, { a: '1' }],
  ['an emptied map goes', { data: { a: '1' } }, { data: {} }, {}, undefined],
  [
    'others of the map stay',
    { data: { a: '1', c: '3' } },
    { data: { b: '2' } },
    { data: { c: '3' } },
    { b: '2', c: '3' },
  ],
];
for (const [name, one, two, then, expected] of givenUp) {
  test(`given up: ${name}`, () => {
    const object = new Managed('ConfigMap');
    ok(object.apply('one', one));
    ok(object.apply('two', two));
    ok(object.apply('one', then));
    assert.deepEqual(object.part('data'), expected);
  });
}

test('given up: containers, their variables and resources', () => {
  const object = new Managed('Deployment');
  const pod = (containers: Json[]): Json => ({ spec: { template: { spec: { containers } } } });
  ok(object.apply('one', pod([{ name: 'c', image: 'c', env: [{ name: 'A', value: '1' }], args: ['x'] }])));
  ok(
    object.apply(
      'two',
      pod([
        { name: 'c', env: [{ name: 'B', value: '2' }] },
        { name: 'side', image: 's' },
      ]),
    ),
  );
  const containers = (): Json[] => object.part('spec', 'template', 'spec', 'containers') as Json[];
  assert.deepEqual(containers()[0]?.env, [
    { name: 'A', value: '1' },
    { name: 'B', value: '2' },
  ]);
  ok(object.apply('one', pod([{ name: 'c', image: 'c' }])));
  assert.deepEqual(containers()[0]?.env, [{ name: 'B', value: '2' }]);
  assert.equal(containers()[0]?.args, undefined);
  ok(object.apply('two', {}));
  assert.deepEqual(
    containers().map(({ name, env }) => [name, env]),
    [['c', undefined]],
  );
});

test('order: items of both follow the configuration, others keep their place', () => {
  const object = new Managed('Deployment');
  const names = (): string[] =>
    (object.part('spec', 'template', 'spec', 'containers') as { name: string }[]).map(({ name }) => name);
  const apply = (manager: string, ...list: string[]): void =>
    ok(object.apply(manager, { spec: { template: { spec: { containers: list.map((name) => ({ name })) } } } }));
  apply('one', 'a', 'b', 'x');
  apply('two', 'b', 'a', 'n');
  assert.deepEqual(names(), ['b', 'x', 'a', 'n']);
});

const refusals: readonly (readonly [string, Kind, Json, string])[] = [
  [
    'a wrong type',
    'ConfigMap',
    { data: { a: 1 } },
    'failed to create typed patch object (/x; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:1}',
  ],
  [
    'an unknown field',
    'Service',
    { spec: { nope: 1 } },
    'failed to create typed patch object (/x; /v1, Kind=Service): .spec.nope: field not declared in schema',
  ],
  [
    'an item twice',
    'Service',
    { spec: { ports: [{ port: 80 }, { port: 80 }] } },
    'failed to create typed patch object (/x; /v1, Kind=Service): .spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
  ],
  [
    'a list where an object belongs',
    'Deployment',
    { spec: [] },
    'failed to create typed patch object (/x; apps/v1, Kind=Deployment): .spec: expected map, got &{[]}',
  ],
  ['managed fields', 'ConfigMap', { metadata: { managedFields: [] } }, 'metadata.managedFields must be nil'],
  ['another kind', 'ConfigMap', { kind: 'Secret' }, 'invalid object type: /v1, Kind=Secret'],
  ['no kind', 'ConfigMap', { kind: '', apiVersion: '' }, 'invalid object type: /, Kind='],
];
for (const [name, kind, config, message] of refusals) {
  test(`refused: ${name}`, () => {
    const outcome = new Managed(kind).apply('one', config);
    assert.ok(!outcome.ok);
    assert.equal(outcome.message, message);
  });
}

test('status belongs to its own endpoint', () => {
  const object = new Managed('Service');
  object.update('creator', { spec: { ports: [{ port: 80 }] } });
  const condition = { type: 'A', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
  ok(
    object.apply('one', { status: { conditions: [condition] }, spec: { type: 'NodePort' } }, { subresource: 'status' }),
  );
  assert.deepEqual(Object.keys(object.owns('one') ?? {}), ['f:status']);
  ok(object.apply('main', { metadata: { labels: { a: 'b' } }, status: { conditions: [{ ...condition, type: 'Z' }] } }));
  assert.deepEqual(object.owns('main'), { 'f:metadata': { 'f:labels': { 'f:a': {} } } });
});

test('an object nobody tracked: what it has is put down to before-first-apply', () => {
  const object = new Managed('ConfigMap');
  ok(object.apply('one', { data: { a: '1' } }));
  object.forget();
  object.update('x', { data: { a: '1', b: '2' } });
  assert.equal(object.entries, undefined);
  ok(object.apply('two', { data: { c: '3' } }));
  assert.deepEqual(object.owns('before-first-apply'), { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } });
});

test('kubectl takes over what it applied on the client, and keeps the annotation in step', () => {
  const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
  const annotate = (data: Json): Json => ({ annotations: { [lastApplied]: JSON.stringify({ data }) } });
  const object = new Managed('ConfigMap');
  object.update('kubectl-client-side-apply', { metadata: { name: 'x', ...annotate({ a: '1' }) }, data: { a: '1' } });
  const other = object.apply('other', { data: { a: '2' } });
  assert.ok(!other.ok && other.reason === 'conflict');
  ok(object.apply('kubectl', { data: { a: '2' } }));
  assert.equal(
    (object.part('metadata', 'annotations') as Json)[lastApplied],
    '{"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"x"}}\n',
  );
  object.update('editor', { data: { a: '3' } });
  const refused = object.apply('kubectl', { data: { a: '4' } });
  assert.ok(!refused.ok && refused.reason === 'conflict', 'the value is no longer the one applied');
});

const key = fc.constantFrom('a', 'b', 'c', 'd');
const value = fc.constantFrom('1', '2');
// Two empty maps where the object has none do conflict, on a real server too.
const data = fc.dictionary(key, value, { minKeys: 1 });
const labels = fc.option(fc.dictionary(key, value), { nil: undefined });
const finalizers = fc.uniqueArray(fc.constantFrom('x/1', 'x/2', 'x/3'));
const config = fc.record({ metadata: fc.record({ labels, finalizers }), data });

test('any apply is idempotent', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('one', 'two', 'three'), config), { maxLength: 4 }),
      config,
      (before, last) => {
        const object = new Managed('ConfigMap');
        for (const [manager, given] of before) object.apply(manager, given as Json, { force: true });
        ok(object.apply('last', last as Json, { force: true }));
        const then = object.live;
        ok(object.apply('last', last as Json));
        assert.deepEqual(object.live, then);
      },
    ),
  );
});

test('managers of different fields never conflict, and giving up takes nothing from the other', () => {
  fc.assert(
    fc.property(data, data, (left, right) => {
      const rename = (map: Json): Json =>
        Object.fromEntries(Object.entries(map).map(([name, text]) => [`two-${name}`, text]));
      const object = new Managed('ConfigMap');
      ok(object.apply('one', { data: left }));
      ok(object.apply('two', { data: rename(right) }));
      ok(object.apply('one', {}));
      assert.deepEqual(object.part('data') ?? {}, rename(right));
    }),
  );
});

test('giving up never removes what somebody else applied too', () => {
  fc.assert(
    fc.property(config, config, (one, two) => {
      const object = new Managed('ConfigMap');
      ok(object.apply('one', one as Json));
      ok(object.apply('two', two as Json, { force: true }));
      const owned = structuredClone(two) as { data: Json };
      ok(object.apply('one', {}));
      for (const [name, text] of Object.entries(owned.data)) assert.equal((object.part('data') as Json)[name], text);
      for (const finalizer of two.metadata.finalizers) {
        assert.ok((object.part('metadata', 'finalizers') as string[]).includes(finalizer));
      }
    }),
  );
});
