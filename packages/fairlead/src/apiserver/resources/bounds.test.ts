import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ApiClient, ApiError } from '@fairlead/client';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

type Json = Record<string, unknown>;

/** A Pod with the amounts of its one container. */
function pod(name: string, resources: Json = {}, spec: Json = {}): Json {
  return { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec } };
}

describe('bounds of a namespace', () => {
  let api: TestServer;
  let client: ApiClient;
  before(async () => {
    api = await startTestServer();
    client = api.client();
  });
  after(async () => {
    await api.stop();
  });

  /** A namespace with an account, and the path of its resources. */
  async function namespace(name: string): Promise<string> {
    await client.request('POST', '/api/v1/namespaces', { metadata: { name } });
    const path = `/api/v1/namespaces/${name}`;
    await client.request('POST', `${path}/serviceaccounts`, { metadata: { name: 'default' } });
    return path;
  }

  /** A quota whose status is in force, as its controller would write it. */
  async function quota(path: string, hard: Json, spec: Json = {}): Promise<void> {
    const made = (await client.request('POST', `${path}/resourcequotas`, {
      metadata: { name: 'q' },
      spec: { hard, ...spec },
    })) as Json;
    const used = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']));
    await client.request('PUT', `${path}/resourcequotas/q/status`, { ...made, status: { hard, used } });
  }
  const used = async (path: string): Promise<Json> => {
    const { status } = (await client.request('GET', `${path}/resourcequotas/q`)) as { status: { used: Json } };
    return status.used;
  };
  const refusal = async (request: Promise<unknown>): Promise<string> => {
    try {
      await request;
      return 'accepted';
    } catch (error) {
      assert.ok(error instanceof ApiError && error.code === 403, String(error));
      return error.message.replace(/^.* is forbidden: /, '');
    }
  };

  test('a quota counts what comes and refuses what is too much', async () => {
    const path = await namespace('counts');
    await quota(path, { services: '2', 'services.nodeports': '1', 'count/secrets': '1' });
    const make = (name: string, spec: Json): Promise<unknown> =>
      client.request('POST', `${path}/services`, { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
    await make('a', { type: 'NodePort' });
    assert.deepEqual(await used(path), { services: '1', 'services.nodeports': '1', 'count/secrets': '0' });
    assert.equal(
      await refusal(make('b', { type: 'NodePort' })),
      'exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
    );
    await make('b', {});
    assert.equal(
      await refusal(make('c', {})),
      'exceeded quota: q, requested: services=1, used: services=2, limited: services=2',
    );
    const merge = { 'content-type': 'application/merge-patch+json' };
    const toPort = client.request('PATCH', `${path}/services/b`, { spec: { type: 'NodePort' } }, merge);
    assert.match(await refusal(toPort), /^exceeded quota: q, requested: services.nodeports=1/);
    await client.request('PATCH', `${path}/services/a`, { spec: { type: 'ClusterIP' } }, merge);
    assert.equal((await used(path))['services.nodeports'], '0', 'an update gives back');
    await client.request('POST', `${path}/secrets`, { metadata: { name: 's' } });
    assert.equal(
      await refusal(client.request('POST', `${path}/secrets`, { metadata: { name: 't' } })),
      'exceeded quota: q, requested: count/secrets=1, used: count/secrets=1, limited: count/secrets=1',
    );
  });
  test('of many at once exactly as many as allowed come through', async () => {
    const path = await namespace('crowd');
    await quota(path, { configmaps: '7' });
    const made = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) =>
        client.request('POST', `${path}/configmaps`, { metadata: { name: `c${index}` } }),
      ),
    );
    // Losers of a race may also be told to try again.
    assert.ok(made.filter(({ status }) => status === 'fulfilled').length <= 7);
    const { items } = (await client.request('GET', `${path}/configmaps`)) as { items: unknown[] };
    assert.equal((await used(path)).configmaps, String(items.length), 'the books agree with the objects');
  });
  test('a dry run and a failed write book nothing', async () => {
    const path = await namespace('dry');
    await quota(path, { configmaps: '1' });
    await client.request('POST', `${path}/configmaps?dryRun=All`, { metadata: { name: 'a' } });
    await assert.rejects(client.request('POST', `${path}/configmaps`, { metadata: { name: 'A B' } }));
    assert.equal((await used(path)).configmaps, '0');
  });
  test('where processor time is bounded, containers must say what they need', async () => {
    const path = await namespace('compute');
    await quota(path, { 'requests.cpu': '1', 'limits.memory': '1Gi' });
    assert.equal(
      await refusal(client.request('POST', `${path}/pods`, pod('a'))),
      'failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
    );
    const amounts = { requests: { cpu: '600m' }, limits: { memory: '256Mi' } };
    await client.request('POST', `${path}/pods`, pod('a', amounts));
    assert.deepEqual(await used(path), { 'requests.cpu': '600m', 'limits.memory': '256Mi' });
    assert.equal(
      await refusal(client.request('POST', `${path}/pods`, pod('b', amounts))),
      'exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
    );
  });
  test('a quota of a scope leaves other Pods alone', async () => {
    const path = await namespace('scoped');
    await quota(path, { pods: '0' }, { scopes: ['Terminating'] });
    await client.request('POST', `${path}/pods`, pod('a'));
    assert.match(
      await refusal(client.request('POST', `${path}/pods`, pod('b', {}, { activeDeadlineSeconds: 5 }))),
      /^exceeded quota: q, requested: pods=1/,
    );
  });
  test('limits give defaults and refuse what is outside', async () => {
    const path = await namespace('limits');
    await client.request('POST', `${path}/limitranges`, {
      metadata: { name: 'l' },
      spec: {
        limits: [
          { type: 'Container', max: { cpu: '1' }, min: { cpu: '50m' }, defaultRequest: { cpu: '100m' } },
          { type: 'Pod', max: { memory: '1Gi' } },
        ],
      },
    });
    const memory = { memory: '128Mi' };
    const made = (await client.request('POST', `${path}/pods`, pod('a', { limits: memory }))) as {
      metadata: { annotations: Json };
      spec: { containers: { resources: Json }[] };
      status: Json;
    };
    assert.deepEqual(made.spec.containers[0]!.resources, {
      limits: { cpu: '1', memory: '128Mi' },
      requests: { cpu: '100m', memory: '128Mi' },
    });
    assert.equal(
      made.metadata.annotations['kubernetes.io/limit-ranger'],
      'LimitRanger plugin set: cpu request for container c; cpu limit for container c',
    );
    assert.equal(made.status.qosClass, 'Burstable');
    assert.equal(
      await refusal(client.request('POST', `${path}/pods`, pod('b', { limits: { cpu: '2', memory: '2Gi' } }))),
      '[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Pod is 1Gi, but limit is 2Gi]',
    );
    assert.equal(
      await refusal(client.request('POST', `${path}/pods`, pod('c', { requests: { cpu: '10m' }, limits: memory }))),
      'minimum cpu usage per Container is 50m, but request is 10m',
    );
  });
  test('Pods get the number of their priority', async () => {
    const path = await namespace('priority');
    const priorities = '/apis/scheduling.k8s.io/v1/priorityclasses';
    await client.request('POST', priorities, { metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' });
    const specOf = async (name: string, spec: Json): Promise<Json> =>
      ((await client.request('POST', `${path}/pods`, pod(name, {}, spec))) as { spec: Json }).spec;
    const high = await specOf('a', { priorityClassName: 'high' });
    assert.deepEqual([high.priority, high.preemptionPolicy], [1000, 'Never']);
    assert.equal((await specOf('b', {})).priority, 0);
    assert.equal(
      await refusal(specOf('c', { priorityClassName: 'none' })),
      'no PriorityClass with name none was found',
    );
    assert.match(await refusal(specOf('c', { priority: 5 })), /integer value of priority \(5\) must not be provided/);
    await client.request('POST', priorities, { metadata: { name: 'normal' }, value: 10, globalDefault: true });
    const normal = await specOf('c', {});
    assert.deepEqual([normal.priorityClassName, normal.priority], ['normal', 10]);
    assert.equal(
      await refusal(client.request('POST', priorities, { metadata: { name: 'x' }, value: 1, globalDefault: true })),
      'PriorityClass normal is already marked as default. Only one default can exist',
    );
    assert.equal(
      await refusal(client.request('DELETE', `${priorities}/system-node-critical`)),
      'this is a system priority class and cannot be deleted',
    );
    await client.request('DELETE', `${priorities}/normal`);
  });
  test('an autoscaler has two forms of one object', async () => {
    const [older, newer] = ['v1', 'v2'].map(
      (version) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`,
    ) as [string, string];
    const spec = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 };
    const made = (await client.request('POST', older, {
      metadata: { name: 'h' },
      spec: { ...spec, targetCPUUtilizationPercentage: 50 },
    })) as Json;
    assert.equal(made.apiVersion, 'autoscaling/v1');
    const seen = (await client.request('GET', `${newer}/h`)) as { apiVersion: string; spec: { metrics: unknown[] } };
    assert.equal(seen.apiVersion, 'autoscaling/v2');
    assert.deepEqual(seen.spec.metrics, [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
    ]);
    const { items } = (await client.request('GET', older)) as { items: { spec: Json }[] };
    assert.equal(items[0]!.spec.targetCPUUtilizationPercentage, 50);
    await client.request('PUT', `${older}/h`, { ...made, spec: { ...spec, maxReplicas: 5 } });
    const again = (await client.request('GET', `${older}/h`)) as { apiVersion: string; spec: Json };
    assert.deepEqual([again.apiVersion, again.spec.maxReplicas], ['autoscaling/v1', 5]);
  });
});
