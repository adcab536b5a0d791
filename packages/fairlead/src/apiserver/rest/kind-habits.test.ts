import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '@fairlead/client';
import type { InProcessClient } from '../client/in-process-client.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import type { KubeObject } from '../watch/kube-object.ts';

const core = '/api/v1/namespaces/default';
const apps = '/apis/apps/v1/namespaces/default';
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const workload = (name: string): object => ({
  metadata: { name },
  spec: { replicas: 0, serviceName: 's', selector: { matchLabels: { a: 'b' } }, template },
});
const job = (name: string, labels?: object): object => ({
  metadata: { name, ...(labels === undefined ? {} : { labels }) },
  spec: { suspend: true, template: { spec: { ...template.spec, restartPolicy: 'Never' } } },
});
const merge = { 'content-type': 'application/merge-patch+json' };

/** Habits that kinds have beyond their schema, as a Kubernetes 1.34.4 server showed them. */
describe('habits of kinds', () => {
  let server: TestServer;
  let client: InProcessClient;
  const send = async (method: string, path: string, body?: object, headers?: Record<string, string>) =>
    (await client.request(method, path, body, headers)) as KubeObject;
  const patch = (path: string, body: object): Promise<KubeObject> => send('PATCH', path, body, merge);

  before(async () => {
    server = await startTestServer();
    client = server.client();
    await client.request('POST', `${core}/serviceaccounts`, { metadata: { name: 'default' } }).catch(() => {});
  });
  after(() => server.stop());

  test('annotations of a Deployment and labels of an EndpointSlice count as generations', async () => {
    await send('POST', `${apps}/deployments`, workload('d'));
    const deployment = `${apps}/deployments/d`;
    assert.equal((await patch(deployment, { metadata: { labels: { x: 'y' } } })).metadata.generation, 1);
    assert.equal((await patch(deployment, { metadata: { annotations: { x: 'y' } } })).metadata.generation, 2);
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
    await send('POST', slices, { metadata: { name: 's' }, addressType: 'IPv4', endpoints: [] });
    assert.equal((await patch(`${slices}/s`, { metadata: { annotations: { x: 'y' } } })).metadata.generation, 1);
    assert.equal((await patch(`${slices}/s`, { metadata: { labels: { x: 'y' } } })).metadata.generation, 2);
  });

  test('volumes and claims are protected, and a claim that names no class gets the newest default one', async () => {
    const classes = '/apis/storage.k8s.io/v1/storageclasses';
    const claims = `${core}/persistentvolumeclaims`;
    const claim = (name: string, more: object = {}): object => ({
      metadata: { name },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more },
    });
    const classOf = async (name: string, more?: object): Promise<unknown> =>
      ((await send('POST', claims, claim(name, more))).spec as { storageClassName?: string }).storageClassName;
    assert.equal(await classOf('none-there'), undefined);
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    for (const name of ['b', 'a']) await send('POST', classes, { metadata: { name, annotations }, provisioner: 'x/y' });
    await send('POST', classes, { metadata: { name: 'other' }, provisioner: 'x/y' });
    assert.match(String(await classOf('no-name')), /^[ab]$/);
    assert.equal(await classOf('named', { storageClassName: 'other' }), 'other');
    assert.equal(await classOf('without', { storageClassName: '' }), '');
    const made = await send('GET', `${claims}/named`);
    assert.deepEqual(made.metadata.finalizers, ['kubernetes.io/pvc-protection']);
    const volume = { metadata: { name: 'v', finalizers: ['x.example/y', 'kubernetes.io/pv-protection'] } };
    const spec = { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/srv' } };
    const stored = await send('POST', '/api/v1/persistentvolumes', { ...volume, spec });
    assert.deepEqual(stored.metadata.finalizers, volume.metadata.finalizers);
  });

  test('whose labels a status write changes', async () => {
    const rows = [
      [`${apps}/deployments`, workload('labels'), undefined],
      [`${apps}/statefulsets`, workload('labels'), 'z'],
      [`${apps}/replicasets`, workload('labels'), 'z'],
      [
        '/apis/networking.k8s.io/v1/servicecidrs',
        { metadata: { name: 'labels' }, spec: { cidrs: ['10.99.0.0/24'] } },
        undefined,
      ],
    ] as const;
    for (const [path, object, expected] of rows) {
      await send('POST', path, object);
      const after = await patch(`${path}/labels/status`, { metadata: { labels: { z: 'z' } }, status: {} });
      assert.equal(after.metadata.labels?.z, expected, path);
    }
  });

  test('a DaemonSet keeps the mark of its template', async () => {
    const { metadata, spec } = workload('set') as { metadata: object; spec: Record<string, unknown> };
    const { replicas: _, serviceName: __, ...rest } = spec;
    await send('POST', `${apps}/daemonsets`, { metadata, spec: rest });
    const after = await patch(`${apps}/daemonsets/set`, { metadata: { annotations: null } });
    assert.deepEqual(after.metadata.annotations, { 'deprecated.daemonset.template.generation': '1' });
  });

  test('kinds whose PUT must name a version', async () => {
    const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
    const budget = { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } } };
    await send('POST', budgets, budget);
    await assert.rejects(
      send('PUT', `${budgets}/b`, budget),
      (error) => error instanceof ApiError && error.message.includes('metadata.resourceVersion: Invalid value: 0'),
    );
  });

  test('dependents of Jobs and replication controllers stay unless told otherwise', async () => {
    const jobs = '/apis/batch/v1/namespaces/default/jobs';
    await send('POST', jobs, job('j', { x: 'y' }));
    const created = await send('GET', `${jobs}/j`);
    assert.deepEqual(created.metadata.labels, { x: 'y' });
    const shown = await send('DELETE', `${jobs}/j?dryRun=All`);
    assert.deepEqual(shown.metadata.finalizers, ['orphan']);
    assert.ok(shown.metadata.deletionTimestamp !== undefined);
    assert.equal((await send('GET', `${jobs}/j`)).metadata.deletionTimestamp, undefined);
    assert.equal((await send('DELETE', `${jobs}/j?propagationPolicy=Background`)).kind, 'Status');
    await send('POST', `${core}/replicationcontrollers`, { metadata: { name: 'rc' }, spec: { replicas: 0, template } });
    const controller = await send('DELETE', `${core}/replicationcontrollers/rc`);
    assert.deepEqual(controller.metadata.finalizers, ['orphan']);
  });

  test('a Job is not made from one that was: its selector and labels are those of another', async () => {
    const jobs = '/apis/batch/v1/namespaces/default/jobs';
    await send('POST', jobs, job('first'));
    const { metadata, spec } = await send('GET', `${jobs}/first`);
    const again = { metadata: { name: 'again', labels: metadata.labels }, spec };
    await assert.rejects(send('POST', jobs, again), (error) => {
      assert.ok(error instanceof ApiError && error.code === 422);
      assert.deepEqual(
        error.status?.details?.causes?.map(({ field, reason }) => `${field} ${reason}`),
        [
          'spec.template.metadata.labels[controller-uid] FieldValueInvalid',
          'spec.template.metadata.labels[job-name] FieldValueInvalid',
          'spec.template.metadata.labels[batch.kubernetes.io/controller-uid] FieldValueInvalid',
          'spec.template.metadata.labels[batch.kubernetes.io/job-name] FieldValueInvalid',
          'spec.selector FieldValueInvalid',
        ],
      );
      return true;
    });
    await send('POST', jobs, { ...again, spec: { ...(spec as object), manualSelector: true } });
  });

  test('required lists that are empty are null, also to a write that changes nothing', async () => {
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
    const empty = { metadata: { name: 'empty' }, addressType: 'IPv4', endpoints: [], ports: [] };
    const created = await send('POST', slices, empty);
    assert.deepEqual([created.endpoints, created.ports], [null, null]);
    const same = await send('PUT', `${slices}/empty`, empty);
    assert.equal(same.metadata.resourceVersion, created.metadata.resourceVersion);
    const patched = await patch(`${slices}/empty`, { endpoints: [{ addresses: ['10.0.0.1'] }] });
    assert.equal((await patch(`${slices}/empty`, { endpoints: [] })).endpoints, null);
    assert.notEqual(patched.metadata.resourceVersion, created.metadata.resourceVersion);
  });

  test('what a server adds stands where the schema has it', async () => {
    const service = await send('POST', `${core}/services`, {
      metadata: { name: 'o' },
      spec: { ports: [{ port: 80 }] },
    });
    assert.equal(
      Object.keys(service.spec as object).join(),
      'ports,clusterIP,clusterIPs,type,sessionAffinity,ipFamilies,ipFamilyPolicy,internalTrafficPolicy',
    );
    const secret = await send('POST', `${core}/secrets`, {
      metadata: { name: 'o' },
      data: { k: '' },
      stringData: { a: '' },
    });
    assert.equal(Object.keys(secret.data as object).join(), 'a,k');
    const limits = { memory: '1Gi', cpu: '1' };
    const container = { name: 'c', image: 'i', resources: { limits, requests: { memory: '1Gi' } } };
    const pod = await send('POST', `${core}/pods?dryRun=All`, {
      metadata: { name: 'o' },
      spec: { containers: [container] },
    });
    assert.match(JSON.stringify(pod), /"requests":\{"cpu":"1","memory":"1Gi"\}/);
    const event = {
      metadata: { name: 'o' },
      regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
      ...{ action: 'a', reason: 'r', type: 'Normal', note: 'n', eventTime: '2026-01-01T00:00:00.000000Z' },
      ...{ reportingController: 'c.d', reportingInstance: 'i' },
    };
    const shown = await send('POST', '/apis/events.k8s.io/v1/namespaces/default/events', event);
    assert.match(
      Object.keys(shown).join(),
      /^kind,apiVersion,metadata,eventTime,reportingController,reportingInstance,action,reason,regarding,note,type,/,
    );
  });

  test('a dry run of an older version shows a new status of that version', async () => {
    const path = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers?dryRun=All';
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
    const shown = await send('POST', path, { metadata: { name: 'h' }, spec: { maxReplicas: 2, scaleTargetRef } });
    assert.deepEqual(shown.status, { currentReplicas: 0, desiredReplicas: 0 });
    assert.equal(shown.metadata.resourceVersion, undefined);
  });

  test('only where its Pods run may change in the template of a Job that has not begun', async () => {
    const jobs = '/apis/batch/v1/namespaces/default/jobs';
    await send('POST', jobs, job('fixed'));
    const spec = (part: object): object => ({ spec: { template: { spec: part } } });
    await patch(`${jobs}/fixed`, spec({ nodeSelector: { x: 'y' } }));
    await assert.rejects(patch(`${jobs}/fixed`, spec({ activeDeadlineSeconds: 5 })), /spec\.template: Invalid value/);
  });

  test('bindings and evictions name their Pod', async () => {
    const { spec } = template;
    await send('POST', `${core}/pods`, { metadata: { name: 'p' }, spec });
    const target = { kind: 'Node', name: 'n' };
    const refused = async (path: string, body: object, expected: RegExp): Promise<void> => {
      await assert.rejects(send('POST', `${core}/pods/p/${path}`, body), expected);
    };
    await refused('binding', { target }, /name in URL does not match name in Binding object/);
    const stale = { metadata: { name: 'p', uid: 'other' }, target };
    await refused('binding', stale, /Key: \/registry\/pods\/default\/p, .*UID in precondition: other/);
    await refused('eviction', { metadata: { name: 'q' } }, /name in URL does not match name in Eviction object/);
    const eviction = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'p' } };
    assert.equal((await send('POST', `${core}/pods/p/eviction?dryRun=All`, eviction)).kind, 'Status');
  });

  test('a claim is within the bounds of its namespace', async () => {
    const limits = [{ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } }];
    await send('POST', `${core}/limitranges`, { metadata: { name: 'l' }, spec: { limits } });
    const claim = (storage: string): object => ({
      metadata: { name: 'c' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
    });
    const claims = `${core}/persistentvolumeclaims`;
    await assert.rejects(
      send('POST', claims, claim('500Mi')),
      /minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi/,
    );
    await assert.rejects(
      send('POST', claims, claim('3Gi')),
      /maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi/,
    );
    assert.equal((await send('POST', claims, claim('2Gi'))).kind, 'PersistentVolumeClaim');
  });

  test('what a page, an owner and an orphan may be', async () => {
    for (const name of ['page-1', 'page-2']) await send('POST', `${core}/configmaps`, { metadata: { name } });
    const first = (await send('GET', `${core}/configmaps?limit=1`)) as unknown as { metadata: { continue: string } };
    const next = `${core}/configmaps?limit=1&continue=${first.metadata.continue}`;
    assert.equal((await send('GET', `${next}&resourceVersion=0`)).kind, 'ConfigMapList');
    await assert.rejects(
      send('GET', `${next}&resourceVersion=5`),
      /specifying resource version is not allowed when using continue/,
    );
    const owner = { apiVersion: 'v1', kind: 'Event', name: 'e', uid: 'u' };
    await assert.rejects(
      send('POST', `${core}/configmaps`, { metadata: { name: 'owned', ownerReferences: [owner] } }),
      /\/v1, Kind=Event is disallowed from being an owner/,
    );
    await send('POST', `${core}/configmaps`, { metadata: { name: 'orphan', finalizers: ['orphan'] } });
    assert.equal((await send('DELETE', `${core}/configmaps/orphan`, { orphanDependents: false })).kind, 'Status');
  });
});
