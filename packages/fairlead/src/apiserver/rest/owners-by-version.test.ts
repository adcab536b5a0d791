import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '@fairlead/client';
import type { InProcessClient } from '../client/in-process-client.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import type { KubeObject } from '../watch/kube-object.ts';

type Json = Record<string, unknown>;

/** A manager owns fields of the version it wrote; how others change them is seen in that version. */
describe('owners of fields, by version', () => {
  let server: TestServer;
  let client: InProcessClient;

  before(async () => {
    server = await startTestServer();
    client = server.client('owner/1');
  });
  after(() => server.stop());

  const send = async (method: string, path: string, body: Json, type = 'application/json'): Promise<KubeObject> =>
    (await client.request(method, path, body, { 'content-type': type })) as KubeObject;
  const apply = (path: string, manager: string, body: Json, force = false): Promise<KubeObject> =>
    send('PATCH', `${path}?fieldManager=${manager}&force=${force}`, body, 'application/apply-patch+yaml');

  /** Who owns what of the specification, and in which version: `manager version field field`. */
  function ownersOf(object: KubeObject, part: string): string[] {
    return ((object.metadata.managedFields ?? []) as { manager: string; apiVersion: string; fieldsV1: Json }[])
      .map(({ manager, apiVersion, fieldsV1 }) => {
        const fields = Object.keys((fieldsV1[`f:${part}`] ?? {}) as Json).sort();
        return [manager, apiVersion, ...fields].join(' ');
      })
      .sort();
  }

  const scalers = (version: string): string =>
    `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
  const scaler = (version: string, name: string, spec: Json): Json => ({
    apiVersion: `autoscaling/${version}`,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3, ...spec },
  });
  const onCpu = (averageUtilization: number): Json => ({
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }],
  });

  test('a field of one version is taken by a field of another', async () => {
    await apply(`${scalers('v1')}/taken`, 'old', scaler('v1', 'taken', { targetCPUUtilizationPercentage: 60 }));
    const conflict = apply(`${scalers('v2')}/taken`, 'new', scaler('v2', 'taken', onCpu(50)));
    await assert.rejects(conflict, (error) => {
      assert.ok(error instanceof ApiError && error.code === 409);
      assert.equal(error.status?.details?.causes?.[0]?.field, '.spec.targetCPUUtilizationPercentage');
      return true;
    });
    const forced = await apply(`${scalers('v2')}/taken`, 'new', scaler('v2', 'taken', onCpu(50)), true);
    assert.deepEqual(ownersOf(forced, 'spec'), [
      'new autoscaling/v2 f:maxReplicas f:metrics f:scaleTargetRef',
      'old autoscaling/v1 f:maxReplicas f:scaleTargetRef',
    ]);
  });

  test('what was applied in one version is given up in another', async () => {
    await apply(`${scalers('v2')}/up`, 'm', scaler('v2', 'up', { minReplicas: 2, ...onCpu(50) }));
    const spec = { targetCPUUtilizationPercentage: 60 };
    const next = await apply(`${scalers('v1')}/up`, 'm', scaler('v1', 'up', spec));
    assert.deepEqual((next.spec as Json).scaleTargetRef, { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' });
    assert.equal((next.spec as Json).targetCPUUtilizationPercentage, 60);
    assert.equal((next.spec as Json).minReplicas, 1);
    assert.deepEqual(ownersOf(next, 'spec'), [
      'm autoscaling/v1 f:maxReplicas f:scaleTargetRef f:targetCPUUtilizationPercentage',
    ]);
  });

  test('the older form carries a behavior by the names of Go, and takes it back', async () => {
    const behavior = { scaleDown: { stabilizationWindowSeconds: 1 } };
    await send('POST', scalers('v2'), scaler('v2', 'carried', { behavior, ...onCpu(50) }));
    const old = (await client.request('GET', `${scalers('v1')}/carried`)) as KubeObject;
    const text = old.metadata.annotations?.['autoscaling.alpha.kubernetes.io/behavior'] ?? '';
    assert.match(
      text,
      /^\{"ScaleUp":\{"StabilizationWindowSeconds":0,"SelectPolicy":"Max","Policies":\[\{"Type":"Pods",/,
    );
    assert.match(text, /"ScaleDown":\{"StabilizationWindowSeconds":1,.*"Tolerance":null\}\}$/);
    const before = (await client.request('GET', `${scalers('v2')}/carried`)) as KubeObject;
    const after = await send('PUT', `${scalers('v1')}/carried`, old);
    assert.equal(after.metadata.resourceVersion, old.metadata.resourceVersion);
    assert.deepEqual((await client.request('GET', `${scalers('v2')}/carried`)) as KubeObject, before);
  });

  test('Events are owned by the names of the form that was written, and the other form forgets', async () => {
    const event = {
      ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'e' }, type: 'Normal', note: 'n' },
      regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
      ...{ action: 'a', reason: 'r', reportingController: 'c.d', reportingInstance: 'i' },
      eventTime: '2026-01-01T00:00:00.000000Z',
    };
    const newer = '/apis/events.k8s.io/v1/namespaces/default/events/e';
    const applied = await apply(newer, 'm', event);
    const [entry] = (applied.metadata.managedFields ?? []) as { apiVersion: string; fieldsV1: Json }[];
    assert.equal(entry?.apiVersion, 'events.k8s.io/v1');
    assert.ok('f:regarding' in entry.fieldsV1 && 'f:note' in entry.fieldsV1, JSON.stringify(entry));
    await assert.rejects(apply(newer, 'm', { ...event, note: 'other' }), /note: Invalid value|message: Invalid value/);
    const core = '/api/v1/namespaces/default/events/e';
    const patched = await send('PATCH', core, { metadata: { labels: { a: 'b' } } }, 'application/merge-patch+json');
    assert.deepEqual(ownersOf(patched, 'metadata'), ['owner v1 f:labels']);
  });

  test('versions of a custom resource, and managers of one that is served no more', async () => {
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const version = (name: string, served: boolean, type: string): Json => ({
      ...{ name, served, storage: name === 'v1' },
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: {
            spec: {
              type: 'object',
              properties: { list: { type: 'array', 'x-kubernetes-list-type': type, items: { type: 'string' } } },
            },
          },
        },
      },
    });
    const names = { plural: 'sets', singular: 'set', kind: 'Set', listKind: 'SetList' };
    const spec = { group: 'owners.example', scope: 'Namespaced', names };
    const definition = {
      metadata: { name: 'sets.owners.example' },
      spec: { ...spec, versions: [version('v1', true, 'set'), version('v2', true, 'atomic')] },
    };
    await send('POST', definitions, definition);
    const path = (name: string): string => `/apis/owners.example/${name}/namespaces/default/sets`;
    const until = async (condition: () => Promise<boolean>): Promise<void> => {
      const deadline = AbortSignal.timeout(60_000);
      while (!(await condition())) {
        assert.ok(!deadline.aborted, 'not within a minute');
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const isServed = (name: string): Promise<boolean> =>
      client.request('GET', path(name)).then(
        () => true,
        () => false,
      );
    await until(() => isServed('v2'));
    const set = (name: string, list: string[]): Json => ({
      apiVersion: `owners.example/${name}`,
      kind: 'Set',
      metadata: { name: 's' },
      spec: { list },
    });
    await apply(`${path('v1')}/s`, 'one', set('v1', ['a']));
    const both = await apply(`${path('v1')}/s`, 'two', set('v1', ['b']));
    assert.deepEqual((both.spec as Json).list, ['a', 'b']);
    // The list as a whole is new to `three`, and takes what is in it no more from `two`.
    const whole = await apply(`${path('v2')}/s`, 'three', set('v2', ['a', 'c']));
    assert.deepEqual(ownersOf(whole, 'spec'), ['one owners.example/v1 f:list', 'three owners.example/v2 f:list']);
    const current = (await client.request('GET', `${definitions}/sets.owners.example`)) as KubeObject;
    const versions = [version('v1', true, 'set'), version('v2', false, 'atomic')];
    await send('PUT', `${definitions}/sets.owners.example`, { ...current, spec: { ...spec, versions } });
    await until(async () => !(await isServed('v2')));
    const left = await apply(`${path('v1')}/s`, 'two', set('v1', ['d']));
    assert.deepEqual(ownersOf(left, 'spec'), ['one owners.example/v1 f:list', 'two owners.example/v1 f:list']);
  });
});
