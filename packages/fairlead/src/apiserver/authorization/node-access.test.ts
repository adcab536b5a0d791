import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ApiClient, ApiError } from '@fairlead/client';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

type Json = Record<string, unknown>;
const core = '/api/v1';
const inDefault = `${core}/namespaces/default`;
const leases = '/apis/coordination.k8s.io/v1/namespaces';

function podOf(name: string, node: string, secret: string, configMap: string): Json {
  return {
    metadata: { name },
    spec: {
      nodeName: node,
      serviceAccountName: `${name}-account`,
      containers: [
        {
          name: 'main',
          image: 'x',
          envFrom: [{ secretRef: { name: secret } }],
          env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: configMap, key: 'a' } } }],
        },
      ],
      volumes: [
        { name: 'all', projected: { sources: [{ secret: { name: `${secret}-projected` } }] } },
        { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 't', audience: 'vault' } }] } },
      ],
    },
  };
}

describe('access of node agents', () => {
  let server: TestServer;
  let client: ApiClient;
  const uids = new Map<string, string>();

  before(async () => {
    server = await startTestServer();
    client = server.client();
    for (const name of ['one', 'two']) {
      await post(`${core}/nodes`, { metadata: { name } });
      await post(`${inDefault}/serviceaccounts`, { metadata: { name: `pod-${name}-account` } });
      for (const secret of [name, `${name}-projected`]) {
        await post(`${inDefault}/secrets`, { metadata: { name: `secret-${secret}` } });
      }
      await post(`${inDefault}/configmaps`, { metadata: { name: `map-${name}` } });
      const pod = await post(`${inDefault}/pods`, podOf(`pod-${name}`, name, `secret-${name}`, `map-${name}`));
      uids.set(name, String((pod.metadata as Json).uid));
    }
    await post(`${inDefault}/secrets`, { metadata: { name: 'nobodys' } });
    // Our own agents are in a group that is bound there; here the node is bound by its name.
    await post('/apis/rbac.authorization.k8s.io/v1/namespaces/fairlead-addresses/rolebindings', {
      metadata: { name: 'node-one' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:fairlead:announcer' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:node:one' }],
    });
  });
  after(async () => {
    await server.stop();
  });

  function post(path: string, body: Json): Promise<Json> {
    return client.request('POST', path, body) as Promise<Json>;
  }

  const agent = { 'impersonate-user': 'system:node:one', 'impersonate-group': 'system:nodes' };
  const impostor = { 'impersonate-user': 'system:node:one' };

  async function answer(method: string, path: string, body?: Json, headers: Json = agent): Promise<string> {
    try {
      await client.request(method, path, body, headers as Record<string, string>);
      return 'ok';
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      return error.message;
    }
  }

  const leasesOf = (namespace: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const announcerLeases = leasesOf('fairlead-addresses');
  const kubeSystemLeases = leasesOf('kube-system');
  const lease = (name: string): Json => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name } });
  const unrelated = /no relationship found between node 'one' and this object$/;
  const merge = { ...agent, 'content-type': 'application/merge-patch+json' };
  const rows: readonly [string, string, string, RegExp, (Json | undefined)?, Json?][] = [
    ['a Secret of the environment', 'GET', `${inDefault}/secrets/secret-one`, /^ok$/],
    ['a Secret of a projected volume', 'GET', `${inDefault}/secrets/secret-one-projected`, /^ok$/],
    ['a ConfigMap of the environment', 'GET', `${inDefault}/configmaps/map-one`, /^ok$/],
    ['one Secret by a list', 'GET', `${inDefault}/secrets?fieldSelector=metadata.name%3Dsecret-one`, /^ok$/],
    ['a Secret of another node', 'GET', `${inDefault}/secrets/secret-two`, unrelated],
    ['a ConfigMap of another node', 'GET', `${inDefault}/configmaps/map-two`, unrelated],
    ['a Secret of no Pod', 'GET', `${inDefault}/secrets/nobodys`, unrelated],
    ['all Secrets', 'GET', `${inDefault}/secrets`, /No Object name found$/],
    ['all Secrets of the cluster', 'GET', `${core}/secrets`, /No Object name found$/],
    ['a Secret to write', 'DELETE', `${inDefault}/secrets/secret-one`, /can only get\/list\/watch individual/],
    [
      'a node name without the group',
      'GET',
      `${inDefault}/secrets/secret-one`,
      /cannot get resource/,
      undefined,
      impostor,
    ],
    ['a Lease of an address', 'POST', announcerLeases, /^ok$/, lease('address-192-0-2-1')],
    ['its announcer Lease', 'POST', announcerLeases, /^ok$/, lease('node-one')],
    ['an announcer Lease of another', 'POST', announcerLeases, /announcer leases of its own$/, lease('node-two')],
    [
      'the Lease of the controllers',
      'POST',
      kubeSystemLeases,
      /cannot create|can only access/,
      lease('fairlead-controllers'),
    ],
    ['its Pods', 'GET', `${core}/pods?fieldSelector=spec.nodeName%3Done`, /^ok$/],
    [
      'Pods of another node',
      'GET',
      `${core}/pods?fieldSelector=spec.nodeName%3Dtwo`,
      /with spec.nodeName field selector$/,
    ],
    ['all Pods', 'GET', `${core}/pods`, /with spec.nodeName field selector$/],
    ['its Pod', 'GET', `${inDefault}/pods/pod-one`, /^ok$/],
    ['another Pod', 'GET', `${inDefault}/pods/pod-two`, unrelated],
    ['its Node', 'GET', `${core}/nodes/one`, /^ok$/],
    ['another Node', 'GET', `${core}/nodes/two`, /node 'one' cannot access other nodes$/],
    [
      'a label of its own',
      'PATCH',
      `${core}/nodes/one`,
      /^ok$/,
      { metadata: { labels: { 'example.com/rack': '7' } } },
      merge,
    ],
    [
      'a label that is not its own',
      'PATCH',
      `${core}/nodes/one`,
      /is not allowed to modify labels: node-restriction.kubernetes.io\/tier$/,
      { metadata: { labels: { 'node-restriction.kubernetes.io/tier': 'x' } } },
      merge,
    ],
    [
      'a role label',
      'PATCH',
      `${core}/nodes/one`,
      /is not allowed to modify labels: node-role.kubernetes.io\/control-plane$/,
      { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } },
      merge,
    ],
    [
      'its taints',
      'PATCH',
      `${core}/nodes/one`,
      /is not allowed to modify taints$/,
      { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
      merge,
    ],
    ['its status', 'PATCH', `${core}/nodes/one/status`, /^ok$/, { status: { capacity: { pods: '9' } } }, merge],
    ['status of another', 'PATCH', `${core}/nodes/two/status`, /cannot access other nodes$/, { status: {} }, merge],
    [
      'a Node to create',
      'POST',
      `${core}/nodes`,
      /is not allowed to modify node "three"$/,
      { metadata: { name: 'three' } },
    ],
    ['status of its Pod', 'PATCH', `${inDefault}/pods/pod-one/status`, /^ok$/, { status: { phase: 'Running' } }, merge],
    [
      'status of another Pod',
      'PATCH',
      `${inDefault}/pods/pod-two/status`,
      /can only update pod status for pods with spec.nodeName set to itself$/,
      { status: { phase: 'Failed' } },
      merge,
    ],
    [
      'another Pod to delete',
      'DELETE',
      `${inDefault}/pods/pod-two`,
      /can only delete pods with spec.nodeName set to itself$/,
    ],
    [
      'another Pod to evict',
      'POST',
      `${inDefault}/pods/pod-two/eviction`,
      /can only (delete|evict) pods with spec.nodeName set to itself$/,
      { metadata: { name: 'pod-two' } },
    ],
    [
      'a Pod to create',
      'POST',
      `${inDefault}/pods`,
      /can only create mirror pods$/,
      podOf('new', 'one', 'nobodys', 'map-two'),
    ],
    ['its Lease', 'POST', `${leases}/kube-node-lease/leases`, /^ok$/, { metadata: { name: 'one' }, spec: {} }],
    [
      'the Lease of another',
      'POST',
      `${leases}/kube-node-lease/leases`,
      /with the same name as the requesting node$/,
      { metadata: { name: 'two' }, spec: {} },
    ],
    ['a Lease elsewhere', 'GET', `${leases}/kube-system/leases/one`, /in the "kube-node-lease" system namespace$/],
  ];
  for (const [name, method, path, expected, body, headers] of rows) {
    test(name, async () => assert.match(await answer(method, path, body, headers), expected));
  }

  const tokenRows: readonly [string, string, string, Json, RegExp][] = [
    ['for its Pod', 'one', 'one', {}, /^ok$/],
    ['for an audience of its Pod', 'one', 'one', { audiences: ['vault'] }, /^ok$/],
    [
      'for an audience of nobody',
      'one',
      'one',
      { audiences: ['bank'] },
      /audience "bank" not found in pod spec volume$/,
    ],
    ['for an account of another node', 'two', 'two', {}, unrelated],
    ['for another Pod', 'one', 'two', {}, /pod scheduled on a different node$/],
    ['bound to nothing', 'one', '', {}, /node requested token not bound to a pod$/],
  ];
  for (const [name, account, bound, spec, expected] of tokenRows) {
    test(`a token ${name}`, async () => {
      const reference = { apiVersion: 'v1', kind: 'Pod', name: `pod-${bound}`, uid: uids.get(bound) };
      const body = { spec: { ...spec, ...(bound === '' ? {} : { boundObjectRef: reference }) } };
      const path = `${inDefault}/serviceaccounts/pod-${account}-account/token`;
      assert.match(await answer('POST', path, body), expected);
    });
  }

  test('what a Pod referred to is closed when it is gone', async () => {
    await post(`${inDefault}/secrets`, { metadata: { name: 'brief' } });
    const pod = podOf('brief', 'one', 'brief', 'map-one');
    await post(`${inDefault}/pods`, { ...pod, spec: { ...(pod.spec as Json), serviceAccountName: 'pod-one-account' } });
    assert.equal(await answer('GET', `${inDefault}/secrets/brief`), 'ok');
    await client.request('DELETE', `${inDefault}/pods/brief?gracePeriodSeconds=0`);
    assert.match(await answer('GET', `${inDefault}/secrets/brief`), unrelated);
    assert.equal(await answer('GET', `${inDefault}/configmaps/map-one`), 'ok');
  });
});
