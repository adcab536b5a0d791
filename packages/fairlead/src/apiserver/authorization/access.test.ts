import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ClusterRole, ResourceRef } from '@fairlead/api';
import { type ApiClient, ApiError } from '@fairlead/client';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

type Json = Record<string, unknown>;
const rbac = '/apis/rbac.authorization.k8s.io/v1';

describe('access by roles', () => {
  let server: TestServer;
  let client: ApiClient;

  before(async () => {
    server = await startTestServer();
    client = server.client();
    await bind('default', 'edits', 'edit', { kind: 'User', name: 'eve' });
    await bind('default', 'views', 'view', { kind: 'Group', name: 'viewers' });
    await bind('kube-system', 'own', 'view', { kind: 'ServiceAccount', name: 'robot', namespace: 'default' });
    await post(`${rbac}/namespaces/default/roles`, {
      metadata: { name: 'one' },
      rules: [{ verbs: ['get', 'watch'], apiGroups: [''], resources: ['secrets'], resourceNames: ['known'] }],
    });
    await post(`${rbac}/namespaces/default/rolebindings`, {
      metadata: { name: 'one' },
      roleRef: { kind: 'Role', name: 'one' },
      subjects: [{ kind: 'User', name: 'nina' }],
    });
    await post(`${rbac}/namespaces/default/rolebindings`, {
      metadata: { name: 'dangling' },
      roleRef: { kind: 'ClusterRole', name: 'absent' },
      subjects: [{ kind: 'User', name: 'dan' }],
    });
  });
  after(async () => {
    await server.stop();
  });

  function post(path: string, body: Json, headers: Record<string, string> = {}): Promise<Json> {
    return client.request('POST', path, body, headers) as Promise<Json>;
  }

  function bind(namespace: string, name: string, role: string, subject: Json): Promise<Json> {
    return post(`${rbac}/namespaces/${namespace}/rolebindings`, {
      metadata: { name },
      roleRef: { kind: 'ClusterRole', name: role },
      subjects: [subject],
    });
  }

  async function answer(method: string, path: string, headers: Record<string, string>, body?: Json): Promise<string> {
    try {
      await client.request(method, path, body, headers);
      return 'ok';
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      return error.message;
    }
  }

  const eve = { 'impersonate-user': 'eve' };
  const viewer = { 'impersonate-user': 'vic', 'impersonate-group': 'viewers' };
  const robot = { 'impersonate-user': 'system:serviceaccount:default:robot' };
  const rows: readonly [string, string, Record<string, string>, RegExp][] = [
    ['GET', '/api/v1/namespaces/default/services', eve, /^ok$/],
    ['GET', '/api/v1/namespaces/default/secrets', eve, /^ok$/],
    [
      'GET',
      '/api/v1/namespaces/kube-system/services',
      eve,
      /^services is forbidden: User "eve" cannot list resource "services" in API group "" in the namespace "kube-system"$/,
    ],
    [
      'GET',
      '/api/v1/services',
      eve,
      /^services is forbidden: User "eve" cannot list resource "services" in API group "" at the cluster scope$/,
    ],
    [
      'DELETE',
      '/api/v1/namespaces/default',
      eve,
      /^namespaces "default" is forbidden: User "eve" cannot delete resource "namespaces" in API group "" in the namespace "default"$/,
    ],
    ['GET', '/api/v1/namespaces/default', eve, /^ok$/],
    ['GET', '/api/v1/namespaces/default/services', viewer, /^ok$/],
    [
      'GET',
      '/api/v1/namespaces/default/secrets/s',
      viewer,
      /^secrets "s" is forbidden: User "vic" cannot get resource "secrets" in API group "" in the namespace "default"$/,
    ],
    ['GET', '/api/v1/namespaces/kube-system/pods', robot, /^ok$/],
    ['GET', '/api/v1/namespaces/default/pods', robot, /cannot list resource "pods"/],
    ['GET', '/api/v1/namespaces/default/secrets/known', { 'impersonate-user': 'nina' }, /"known" not found$/],
    ['GET', '/api/v1/namespaces/default/secrets/other', { 'impersonate-user': 'nina' }, /"other" is forbidden/],
    ['GET', '/api/v1/namespaces/default/secrets', { 'impersonate-user': 'nina' }, /cannot list/],
    [
      'GET',
      '/api/v1/namespaces/default/pods/x',
      { 'impersonate-user': 'dan' },
      /in the namespace "default": RBAC: clusterrole\.rbac\.authorization\.k8s\.io "absent" not found$/,
    ],
    ['GET', '/api/v1/namespaces/default/pods/x/log', viewer, /^pods "x" not found$/],
    ['POST', '/api/v1/namespaces/default/pods/x/eviction', viewer, /cannot create resource "pods\/eviction"/],
    ['GET', '/apis/example.org/v1/things', eve, /^things\.example\.org is forbidden: .* in API group "example\.org"/],
    ['GET', '/api', eve, /^ok$/],
    ['GET', '/metrics', eve, /^forbidden: User "eve" cannot get path "\/metrics"$/],
    ['GET', '/healthz', { 'impersonate-user': 'system:anonymous' }, /^ok$/],
    ['GET', '/apis', { 'impersonate-user': 'system:anonymous' }, /cannot get path "\/apis"/],
  ];
  for (const [method, path, headers, expected] of rows) {
    test(`${method} ${path} as ${headers['impersonate-user']}`, async () => {
      assert.match(await answer(method, path, headers), expected);
    });
  }

  test('aggregation: a labelled role reaches view, edit and admin, and leaves them again', async () => {
    const label = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
    const extra = { verbs: ['get'], apiGroups: ['example.org'], resources: ['things'] };
    await post(`${rbac}/clusterroles`, { metadata: { name: 'things', labels: label }, rules: [extra] });
    const clusterRoles: ResourceRef<ClusterRole> = {
      group: 'rbac.authorization.k8s.io',
      version: 'v1',
      plural: 'clusterroles',
      kind: 'ClusterRole',
      namespaced: false,
    };
    const settle = async (name: string, wanted: boolean): Promise<void> => {
      const signal = AbortSignal.timeout(60_000);
      for await (const event of client.watch(clusterRoles, { sendInitialEvents: true, allowBookmarks: true, signal })) {
        if (event.type === 'BOOKMARK' || event.type === 'ERROR' || event.object.metadata.name !== name) continue;
        const holds = JSON.stringify(event.object.rules).includes('example.org');
        if (holds === wanted) return;
      }
      assert.fail(`${name} ${wanted ? 'did not get' : 'kept'} the rule`);
    };
    for (const name of ['view', 'edit', 'admin']) await settle(name, true);
    await client.request('DELETE', `${rbac}/clusterroles/things`);
    for (const name of ['view', 'edit', 'admin']) await settle(name, false);
  });

  describe('nobody grants more than they hold', () => {
    const writer = { 'impersonate-user': 'wanda' };
    const pods = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
    before(async () => {
      const rules = [
        { verbs: ['create', 'get', 'update'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'] },
        { verbs: ['bind'], apiGroups: ['*'], resources: ['clusterroles'], resourceNames: ['view'] },
        pods,
      ];
      await post(`${rbac}/clusterroles`, { metadata: { name: 'writer' }, rules });
      await post(`${rbac}/clusterrolebindings`, {
        metadata: { name: 'writer' },
        roleRef: { kind: 'ClusterRole', name: 'writer' },
        subjects: [{ kind: 'User', name: 'wanda' }],
      });
    });
    const roles = `${rbac}/clusterroles`;
    const bindings = `${rbac}/clusterrolebindings`;
    const subjects = [{ kind: 'User', name: 'x' }];
    const cases: readonly [string, string, Json, RegExp][] = [
      ['a role of own rights', roles, { metadata: { name: 'a' }, rules: [pods] }, /^ok$/],
      [
        'a role of more',
        roles,
        { metadata: { name: 'b' }, rules: [{ ...pods, verbs: ['get', 'list'] }] },
        /^clusterroles\.rbac\.authorization\.k8s\.io "b" is forbidden: user "wanda" \(groups=\["system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["pods"\], Verbs:\["list"\]\}$/,
      ],
      [
        'an aggregation rule',
        roles,
        { metadata: { name: 'c' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } },
        /must have cluster-admin privileges to use an aggregationRule$/,
      ],
      [
        'a binding with the verb bind',
        bindings,
        { metadata: { name: 'd' }, roleRef: { kind: 'ClusterRole', name: 'view' }, subjects },
        /^ok$/,
      ],
      [
        'a binding of more',
        bindings,
        { metadata: { name: 'e' }, roleRef: { kind: 'ClusterRole', name: 'cluster-admin' }, subjects },
        /\{APIGroups:\["\*"\], Resources:\["\*"\], Verbs:\["\*"\]\}\n\{NonResourceURLs:\["\*"\], Verbs:\["\*"\]\}$/,
      ],
      [
        'a binding to nothing',
        bindings,
        { metadata: { name: 'f' }, roleRef: { kind: 'ClusterRole', name: 'nothing' }, subjects },
        /^clusterroles\.rbac\.authorization\.k8s\.io "nothing" not found$/,
      ],
    ];
    for (const [name, path, body, expected] of cases) {
      test(name, async () => assert.match(await answer('POST', path, writer, body), expected));
    }
    test('a label on a stronger role', async () => {
      const path = `${roles}/system:monitoring`;
      const role = (await client.request('GET', path)) as { metadata: Json };
      const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
      const labelled = { ...role, metadata: { ...role.metadata, labels } };
      assert.match(await answer('PUT', path, writer, labelled), /permissions not currently held/);
    });
  });
});
