import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '@fairlead/client';
import type { InProcessClient } from '../client/in-process-client.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import type { KubeObject } from '../watch/kube-object.ts';

type Json = Record<string, unknown>;

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** A definition with one version, shaped like those of routing APIs: list maps, unions, transition rules. */
function definition(plural: string, kind: string, spec: Json = {}): Json {
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: {
            hosts: {
              type: 'array',
              'x-kubernetes-list-type': 'set',
              maxItems: 4,
              items: { type: 'string', maxLength: 40 },
            },
            weight: { type: 'integer', default: 1, minimum: 0 },
            className: {
              type: 'string',
              maxLength: 20,
              'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'cannot be changed' }],
            },
            listeners: {
              type: 'array',
              maxItems: 8,
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['name'],
              items: {
                type: 'object',
                required: ['name'],
                properties: {
                  name: { type: 'string', maxLength: 20 },
                  port: {
                    type: 'integer',
                    'x-kubernetes-validations': [
                      {
                        rule: 'self >= oldSelf',
                        messageExpression: "'port %d is below %d'.format([self, oldSelf])",
                      },
                    ],
                  },
                },
              },
              'x-kubernetes-validations': [
                {
                  rule: 'self.all(a, self.exists_one(b, has(a.port) && has(b.port) ? a.port == b.port : a == b))',
                  message: 'ports must be unique',
                },
              ],
            },
          },
        },
        status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  };
  return {
    metadata: { name: `${plural}.test.example.com` },
    spec: {
      group: 'test.example.com',
      scope: 'Namespaced',
      names: { plural, kind, shortNames: [plural.slice(0, 2)] },
      versions: [{ name: 'v1', served: true, storage: true, schema, subresources: { status: {} } }],
      ...spec,
    },
  };
}

describe('custom resources', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-crd-'));
  let server: TestServer;
  let client: InProcessClient;

  before(async () => {
    server = await start();
    client = server.client();
  });
  after(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  function start(): Promise<TestServer> {
    return startTestServer({
      dataDir: directory,
    });
  }

  /** Repeats a request until it succeeds (`served`) or is not found (`gone`). */
  async function until(path: string, wanted: 'served' | 'gone'): Promise<void> {
    const deadline = AbortSignal.timeout(60_000);
    while (!deadline.aborted) {
      const found = await client.request('GET', path).then(
        () => true,
        () => false,
      );
      if (found === (wanted === 'served')) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.fail(`${path} is not ${wanted}`);
  }

  /** Kinds by their plural. */
  const kinds = new Map<string, string>();

  /** Creates a custom resource, whose body must say its kind and version. */
  function post(path: string, body: Json): Promise<unknown> {
    const [, , group = '', version = '', , , plural = ''] = path.split(/[/?]/);
    return client.request('POST', path, { kind: kinds.get(plural), apiVersion: `${group}/${version}`, ...body });
  }

  async function define(body: Json): Promise<string> {
    await client.request('POST', definitions, body);
    const { names, versions } = body.spec as { names: { plural: string; kind: string }; versions: { name: string }[] };
    kinds.set(names.plural, names.kind);
    const path = `/apis/test.example.com/${versions[0]!.name}/namespaces/default/${names.plural}`;
    await until(path, 'served');
    return path;
  }

  async function causes(promise: Promise<unknown>): Promise<string[]> {
    try {
      await promise;
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      const list = error.status?.details?.causes ?? [];
      return list.length === 0
        ? [`${error.code} ${error.message}`]
        : list.map(({ field, message }) => `${field}: ${message}`);
    }
    return [];
  }

  const merge = { 'content-type': 'application/merge-patch+json' };

  test('defaults, pruning, generation and rules over an update', async () => {
    const path = await define(definition('routes', 'Route'));
    const object = {
      metadata: { name: 'a' },
      spec: { className: 'x', unknown: 1, listeners: [{ name: 'h', port: 80 }] },
      status: { z: 1 },
    };
    const created = (await post(path, object)) as { spec: Json; metadata: Json; status?: Json };
    assert.deepEqual(created.spec, { className: 'x', listeners: [{ name: 'h', port: 80 }], weight: 1 });
    assert.equal(created.status, undefined);
    const status = (await client.request('PATCH', `${path}/a/status`, { status: { any: { thing: 1 } } }, merge)) as {
      status: Json;
      metadata: Json;
    };
    assert.deepEqual(status.status, { any: { thing: 1 } });
    assert.equal(status.metadata.generation, 1);
    assert.deepEqual(
      await causes(
        client.request(
          'PATCH',
          `${path}/a`,
          {
            spec: {
              className: 'y',
              listeners: [
                { name: 'new', port: 90 },
                { name: 'h', port: 79 },
              ],
            },
          },
          merge,
        ),
      ),
      [
        'spec.className: Invalid value: "string": cannot be changed',
        'spec.listeners[1].port: Invalid value: "integer": port 79 is below 80',
      ],
    );
    assert.deepEqual(
      await causes(
        client.request(
          'PATCH',
          `${path}/a`,
          {
            spec: {
              listeners: [
                { name: 'h', port: 81 },
                { name: 'i', port: 81 },
              ],
            },
          },
          merge,
        ),
      ),
      ['spec.listeners: Invalid value: "array": ports must be unique'],
    );
    assert.deepEqual(
      await causes(post(`${path}?fieldValidation=Strict`, { metadata: { name: 'b' }, spec: { unknown: 1 } })),
      ['400 Route in version "v1" cannot be handled as a Route: strict decoding error: unknown field "spec.unknown"'],
    );
  });

  test('a schema that grows stricter leaves unchanged parts of old objects alone, and new defaults show on read', async () => {
    const path = await define(definition('ratchets', 'Ratchet'));
    await post(path, { metadata: { name: 'a' }, spec: { weight: 50, hosts: ['h'] } });
    const name = `${definitions}/ratchets.test.example.com`;
    const current = (await client.request('GET', name)) as {
      spec: { versions: { schema: { openAPIV3Schema: Json } }[] };
    };
    const spec = (
      current.spec.versions[0]!.schema.openAPIV3Schema.properties as { spec: { properties: Record<string, Json> } }
    ).spec;
    spec.properties.weight = { type: 'integer', maximum: 10 };
    spec.properties.extra = { type: 'string', default: 'new' };
    await client.request('PUT', name, current);
    const shown = (await client.request('GET', `${path}/a`)) as { spec: Json };
    assert.deepEqual(shown.spec, { weight: 50, hosts: ['h'], extra: 'new' });
    const list = (await client.request('GET', path)) as { items: { spec: Json }[] };
    assert.equal(list.items[0]?.spec.extra, 'new');
    await client.request('PATCH', `${path}/a`, { spec: { hosts: ['i'] } }, merge);
    assert.deepEqual(await causes(client.request('PATCH', `${path}/a`, { spec: { weight: 49 } }, merge)), [
      'spec.weight: Invalid value: 49: spec.weight in body should be less than or equal to 10',
    ]);
  });

  test('several versions: one store, each shows its own; the stored ones are remembered', async () => {
    const schema = {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec: { type: 'object', properties: { a: { type: 'string' } } } },
      },
    };
    const versions = [
      { name: 'v1beta1', served: true, storage: true, schema },
      { name: 'v1', served: true, storage: false, schema },
      { name: 'v1alpha1', served: false, storage: false, schema },
    ];
    const beta = await define(definition('multis', 'Multi', { versions }));
    const ga = beta.replace('/v1beta1/', '/v1/');
    await post(ga, { metadata: { name: 'a' }, spec: { a: '1' } });
    assert.equal(((await client.request('GET', `${beta}/a`)) as Json).apiVersion, 'test.example.com/v1beta1');
    assert.equal(
      ((await client.request('PATCH', `${ga}/a`, { spec: { a: '2' } }, merge)) as Json).apiVersion,
      'test.example.com/v1',
    );
    assert.match((await causes(client.request('GET', ga.replace('/v1/', '/v1alpha1/'))))[0] ?? '', /^404/);
    const name = `${definitions}/multis.test.example.com`;
    await client.request(
      'PATCH',
      name,
      { spec: { versions: versions.map((one) => ({ ...one, storage: one.name === 'v1' })) } },
      merge,
    );
    await until(`${ga}/a`, 'served');
    await client.request('PATCH', `${ga}/a`, { spec: { a: '3' } }, merge);
    const after = (await client.request('GET', name)) as { status: { storedVersions: string[] } };
    assert.deepEqual(after.status.storedVersions, ['v1beta1', 'v1']);
    assert.deepEqual(
      await causes(client.request('PATCH', name, { spec: { versions: [{ ...versions[1], storage: true }] } }, merge)),
      [
        'status.storedVersions[0]: Invalid value: "v1beta1": missing from spec.versions; v1beta1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1beta1 and removes v1beta1 from status.storedVersions',
      ],
    );
  });

  test('a kind that is called like a built-in one is treated by its definition only', async () => {
    const path = await define(definition('podlikes', 'Pod'));
    const created = (await post(path, { metadata: { name: 'a' }, spec: {} })) as {
      status?: Json;
      spec: Json;
    };
    assert.deepEqual([created.spec, created.status], [{ weight: 1 }, undefined]);
    await client.request('DELETE', `${path}/a`);
    await until(`${path}/a`, 'gone');
  });

  test('options of a deletion may be of the group version of the object, as typed clients send them', async () => {
    const path = await define(definition('options', 'Optioned'));
    await post(path, { metadata: { name: 'a' }, spec: {} });
    const options = { kind: 'DeleteOptions', apiVersion: 'test.example.com/v1', propagationPolicy: 'Background' };
    await client.request('DELETE', `${path}/a`, options);
    await until(`${path}/a`, 'gone');
  });

  test('a part that a kind does not have is answered as a missing object', async () => {
    const path = await define(definition('plain', 'Plain'));
    await post(path, { metadata: { name: 'there' } });
    for (const part of ['nope', 'status/more']) {
      assert.match(
        (await causes(client.request('GET', `${path}/there/${part}`)))[0] ?? '',
        /^404 .* "there" not found/,
      );
    }
  });

  test('deleting a definition waits for the finalizers of its objects', async () => {
    const path = await define(definition('held', 'Held'));
    await post(path, { metadata: { name: 'free' } });
    await post(path, { metadata: { name: 'held', finalizers: ['test.example.com/hold'] } });
    const name = `${definitions}/held.test.example.com`;
    const going = (await client.request('DELETE', name)) as KubeObject;
    const conditions = (going.status as { conditions: { type: string; reason: string }[] }).conditions;
    assert.deepEqual(
      conditions.map(({ type, reason }) => `${type} ${reason}`),
      ['NamesAccepted NoConflicts', 'Established InitialNamesAccepted', 'Terminating InstanceDeletionPending'],
    );
    assert.equal(going.metadata.generation, 1);
    assert.equal(going.metadata.deletionGracePeriodSeconds, undefined);
    await until(`${path}/free`, 'gone');
    assert.match(
      (await causes(post(path, { metadata: { name: 'late' } })))[0] ?? '',
      /^403 .*create not allowed while custom resource definition is terminating/,
    );
    await until(name, 'served');
    await client.request('PATCH', `${path}/held`, { metadata: { finalizers: null } }, merge);
    await until(name, 'gone');
    await until(path, 'gone');
  });

  test('definitions with mistakes are refused with all of them', async () => {
    const bad = definition('Bad_Plural', 'bad', { scope: 'World' });
    const version = (bad.spec as { versions: { schema: { openAPIV3Schema: Json } }[] }).versions[0]!;
    version.schema.openAPIV3Schema = {
      type: 'object',
      properties: {
        spec: { type: 'object', 'x-kubernetes-validations': [{ rule: 'self.' }, { rule: 'size(self)' }] },
        list: { type: 'array', items: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] } },
      },
    };
    const found = (await causes(client.request('POST', definitions, bad))).map((text) =>
      text.slice(0, text.indexOf(':')),
    );
    assert.deepEqual(
      [...new Set(found)],
      [
        'metadata.name',
        'spec.scope',
        'spec.names.plural',
        'spec.names.shortNames[0]',
        'spec.validation.openAPIV3Schema.properties[list].items.x-kubernetes-validations[0].rule',
        'spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule',
        'spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[1].rule',
      ],
    );
  });

  test('fuzz: whatever is broken in a definition or an object, the answer is no 500', async () => {
    let state = 11;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    const odd = [null, 0, -1, 1.5, '', 'x', true, [], {}, [null], [{}], { a: null }, 'self.', 'object'];
    const broken = (value: unknown, chance: number): unknown => {
      if (random() < chance) return odd[Math.floor(random() * odd.length)];
      if (Array.isArray(value)) return value.map((item) => broken(item, chance));
      if (typeof value !== 'object' || value === null) return value;
      const kept = Object.entries(value).filter(() => random() > chance / 2);
      return Object.fromEntries(kept.map(([key, inner]) => [key, broken(inner, chance)]));
    };
    const path = await define(definition('fuzzed', 'Fuzzed'));
    const object = {
      metadata: { name: 'f', labels: { a: 'b' } },
      spec: { hosts: ['a'], weight: 2, className: 'c', listeners: [{ name: 'n', port: 1 }] },
      status: {},
    };
    const codes = new Set<number>();
    for (let round = 0; round < 400; round++) {
      const targets: readonly (readonly [string, string, unknown])[] = [
        ['POST', `${definitions}?dryRun=All`, broken(definition(`fuzz${round}`, `Fuzz${round}`), 0.04)],
        ['POST', `${path}?dryRun=All`, broken(object, 0.15)],
      ];
      for (const [method, target, body] of targets) {
        try {
          await client.request(method, target, body);
          codes.add(201);
        } catch (error) {
          assert.ok(error instanceof ApiError, String(error));
          assert.ok(error.code < 500, `round ${round}: ${error.message} for ${JSON.stringify(body)}`);
          codes.add(error.code);
        }
      }
    }
    assert.deepEqual([...codes].sort(), [201, 400, 422]);
  });

  test('definitions and objects survive a restart', async () => {
    const path = await define(definition('kepts', 'Kept'));
    await post(path, { metadata: { name: 'a' }, spec: { weight: 3 } });
    await server.stop();
    server = await start();
    client = server.client();
    assert.deepEqual(((await client.request('GET', `${path}/a`)) as { spec: Json }).spec, { weight: 3 });
  });
});
