import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '@fairlead/client';
import type { InProcessClient } from '../client/in-process-client.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import type { KubeObject } from '../watch/kube-object.ts';

const core = '/api/v1/namespaces/default';
const maps = `${core}/configmaps`;
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const merge = { 'content-type': 'application/merge-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };

interface Owner {
  readonly manager: string;
  readonly subresource?: string;
  readonly time?: string;
}
interface MapList {
  readonly items: readonly KubeObject[];
  readonly metadata: { readonly continue?: string; readonly resourceVersion: string };
}

const changedLease = { metadata: { name: 'l', resourceVersion: '0' }, spec: {} };

/** What a Kubernetes 1.34.4 server showed of dry runs, chunks, owners and options. */
describe('parts of objects and lists', () => {
  let server: TestServer;
  let client: InProcessClient;
  const send = async (method: string, path: string, body?: object, headers?: Record<string, string>) =>
    (await client.request(method, path, body, headers)) as KubeObject;
  const refusal = async (method: string, path: string, body?: object): Promise<string> => {
    try {
      await client.request(method, path, body);
      return 'ok';
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      return `${error.code} ${error.status?.reason ?? '-'} ${error.message}`;
    }
  };
  const list = async (query: string): Promise<MapList> => (await client.request('GET', `${maps}?${query}`)) as MapList;

  before(async () => {
    server = await startTestServer();
    client = server.client();
    await client.request('POST', `${core}/serviceaccounts`, { metadata: { name: 'default' } }).catch(() => {});
    for (const name of ['a', 'b', 'z']) {
      const labels = name === 'z' ? {} : { g: '1' };
      await send('POST', maps, { metadata: { name, labels } });
    }
  });
  after(() => server.stop());

  test('an eviction on trial leaves the Pod', async () => {
    const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    await send('POST', `${core}/pods`, pod);
    await send('POST', `${core}/pods/p/eviction?dryRun=All`, { metadata: { name: 'p' } });
    assert.equal((await send('GET', `${core}/pods/p`)).metadata.name, 'p');
    await send('POST', `${core}/pods/p/eviction`, { metadata: { name: 'p' } });
    assert.match(await refusal('GET', `${core}/pods/p`), /^404 NotFound/);
  });

  test('the number of replicas has a new owner by scale only when it had one', async () => {
    const scaled = async (name: string, spec: object): Promise<readonly Owner[]> => {
      const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
      const object = { metadata: { name }, spec: { selector: { matchLabels: { a: 'b' } }, template, ...spec } };
      const typed = { apiVersion: 'apps/v1', kind: 'Deployment', ...object };
      await send('PATCH', `${deployments}/${name}?fieldManager=one`, typed, apply);
      await send('PATCH', `${deployments}/${name}/scale?fieldManager=two`, { spec: { replicas: 3 } }, merge);
      return (await send('GET', `${deployments}/${name}`)).metadata.managedFields as readonly Owner[];
    };
    assert.deepEqual(
      (await scaled('free', {})).map(({ manager }) => manager),
      ['one'],
    );
    const owned = await scaled('owned', { replicas: 1 });
    assert.deepEqual(
      owned.map(({ manager, subresource, time }) => [manager, subresource, time !== undefined]),
      [
        ['one', undefined, true],
        ['two', 'scale', false],
      ],
    );
  });

  test('a full chunk goes on while anything is left, and any version is answered whole', async () => {
    const names = ({ items }: MapList): string => items.map(({ metadata }) => metadata.name).join();
    const full = await list('labelSelector=g&limit=2');
    assert.equal(names(full), 'a,b');
    const rest = await list(`labelSelector=g&limit=2&continue=${full.metadata.continue}`);
    assert.deepEqual([names(rest), rest.metadata.continue], ['', undefined]);
    const cached = await list('limit=1&resourceVersion=0&labelSelector=g');
    assert.deepEqual([names(cached), cached.metadata.continue], ['a,b', undefined]);
  });

  test('the deletion of a collection looks at limit and version', async () => {
    for (const name of ['d1', 'd2']) await send('POST', maps, { metadata: { name, labels: { d: '1' } } });
    const first = (await client.request('DELETE', `${maps}?labelSelector=d&limit=1`)) as MapList;
    assert.equal(first.items.length, 1);
    assert.equal((await list('labelSelector=d')).items[0]?.metadata.name, 'd2');
    assert.match(await refusal('DELETE', `${maps}?labelSelector=d&resourceVersion=99999999`), /^504 Timeout/);
    assert.equal((await list('labelSelector=d')).items.length, 1);
  });

  test('options of a deletion that cannot be read are a mistake of the client', async () => {
    const place = `${maps}/a`;
    assert.equal(
      await refusal('DELETE', place, { gracePeriodSeconds: 'x' }),
      '400 BadRequest json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
    );
    assert.equal(
      await refusal('DELETE', place, { kind: 'X', apiVersion: 'v1' }),
      '400 BadRequest no kind "X" is registered for version "v1" in scheme "pkg/runtime/scheme.go:110"',
    );
  });

  test('version 0 is any version, and what is no version is a mistake of the client', async () => {
    const place = `${maps}/b`;
    const changed = (resourceVersion: string): object => ({
      metadata: { name: 'b', resourceVersion },
      data: { k: 'v' },
    });
    assert.deepEqual((await send('PUT', place, changed('0'))).data, { k: 'v' });
    assert.equal(
      await refusal('PUT', place, changed('x')),
      '400 BadRequest strconv.ParseUint: parsing "x": invalid syntax',
    );
    const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
    await send('POST', leases, { metadata: { name: 'l' } });
    assert.match(await refusal('PUT', `${leases}/l`, changedLease), /^422 Invalid/);
  });

  test('a changed Service has a node port for each port, a new one for each number', async () => {
    const ports = [
      { name: 'a', port: 80 },
      { name: 'b', port: 80, protocol: 'UDP' },
    ];
    const services = `${core}/services`;
    const nodePorts = ({ spec }: KubeObject): number =>
      new Set((spec as { ports: { nodePort: number }[] }).ports.map(({ nodePort }) => nodePort)).size;
    assert.equal(
      nodePorts(await send('POST', services, { metadata: { name: 'n' }, spec: { type: 'NodePort', ports } })),
      1,
    );
    await send('POST', services, { metadata: { name: 'o' }, spec: { ports } });
    assert.equal(nodePorts(await send('PATCH', `${services}/o`, { spec: { type: 'NodePort' } }, merge)), 2);
    const external = { type: 'ClusterIP', externalIPs: ['192.0.2.1'] };
    const { spec } = await send('PATCH', `${services}/o`, { spec: external }, merge);
    assert.equal((spec as { externalTrafficPolicy?: string }).externalTrafficPolicy, 'Cluster');
    const inner = await send('PATCH', `${services}/o`, { spec: { externalIPs: null } }, merge);
    assert.equal((inner.spec as { externalTrafficPolicy?: string }).externalTrafficPolicy, undefined);
  });

  test('a claim names its source in both forms', async () => {
    const source = { kind: 'PersistentVolumeClaim', name: 'x' };
    const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    const made = async (name: string, more: object): Promise<unknown[]> => {
      const { spec } = await send('POST', `${core}/persistentvolumeclaims`, {
        metadata: { name },
        spec: { ...claim, ...more },
      });
      const { dataSource, dataSourceRef } = spec as Record<string, unknown>;
      return [dataSource, dataSourceRef];
    };
    const shown = { ...source, apiGroup: null };
    assert.deepEqual(await made('c1', { dataSource: source }), [shown, shown]);
    assert.deepEqual(await made('c2', { dataSourceRef: source }), [shown, shown]);
    assert.deepEqual(await made('c3', {}), [undefined, undefined]);
  });

  test('roles and limits come by PUT too', async () => {
    const role = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/r';
    assert.equal((await send('PUT', role, { metadata: { name: 'r' }, rules: [] })).metadata.name, 'r');
    assert.equal((await send('PUT', `${core}/limitranges/l`, { metadata: { name: 'l' } })).metadata.name, 'l');
  });

  test('a Pod that is cut short is shown without time', async () => {
    const pod = { metadata: { name: 'g' }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] } };
    await send('POST', `${core}/pods`, pod);
    await send('DELETE', `${core}/pods/g`, { gracePeriodSeconds: 20 });
    const gone = await send('DELETE', `${core}/pods/g`, { gracePeriodSeconds: 0 });
    assert.equal(gone.metadata.deletionGracePeriodSeconds, 0);
  });
});
