import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import {
  configMaps,
  deployments,
  endpoints,
  leases,
  type Node,
  namespaces,
  nodes,
  type ObjectMeta,
  type Pod,
  pods,
  services,
} from '@fairlead/api';
import { isNotFound } from '@fairlead/client';
import { deploymentOf, type FakeCluster, readyNode, startFakeCluster } from './fake-cluster.ts';
import { isPodReady } from './workload/pod-state.ts';

describe('upkeep of a cluster on a fake API', { timeout: 120_000 }, () => {
  let cluster: FakeCluster | undefined;
  afterEach(async () => {
    const ended = cluster;
    cluster = undefined;
    await ended?.stop();
  });
  const object = <T>(resource: string, key: string): T | undefined =>
    cluster!.api.store.get(resource, key) as T | undefined;
  const list = <T>(resource: string): T[] => cluster!.api.store.list(resource) as unknown as T[];

  test('with two families each node gets a range of each', async () => {
    cluster = await startFakeCluster(['a', 'b'], { controllers: ['nodeipam'], podCidr: '10.244.0.0/16,fd00:10::/56' });
    const ranges = (): (readonly string[])[] => list<Node>('/nodes').map((node) => node.spec?.podCIDRs ?? []);
    await cluster.until('all ranges', () => ranges().every((own) => own.length === 2));
    assert.deepEqual(ranges().flat().sort(), ['10.244.0.0/24', '10.244.1.0/24', 'fd00:10:0:1::/64', 'fd00:10::/64']);
    assert.ok(list<Node>('/nodes').every(({ spec }) => spec?.podCIDR === spec?.podCIDRs?.[0]));
  });

  test('each node gets a Pod range of its own', async () => {
    cluster = await startFakeCluster(['a', 'b'], { controllers: ['nodeipam'] });
    cluster.api.seed(nodes, {
      metadata: { name: 'c' },
      spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
    });
    for (let n = 0; n < 20; n++) cluster.api.seed(nodes, readyNode(`n${n}`));
    const ranges = (): (string | undefined)[] => list<Node>('/nodes').map((node) => node.spec?.podCIDR);
    await cluster.until('all ranges', () => ranges().every((range) => range !== undefined));
    assert.equal(
      new Set(ranges().filter((range) => range !== '10.244.1.0/24')).size,
      ranges().length - ranges().filter((range) => range === '10.244.1.0/24').length,
    );
  });

  test('a new namespace gets its ServiceAccount and CA; a deleted one is emptied and goes', async () => {
    cluster = await startFakeCluster(['a']);
    const { api } = cluster;
    await api.create(namespaces, { metadata: { name: 'team' } });
    await cluster.until('default account', () => object('/serviceaccounts', 'team/default') !== undefined);
    await cluster.until('CA', () => object('/configmaps', 'team/kube-root-ca.crt') !== undefined);
    const web = deploymentOf('web', 2);
    await api.create(deployments, { ...web, metadata: { name: 'web', namespace: 'team' } });
    await cluster.until('Pods', () => list<Pod>('/pods').filter(isPodReady).length === 2);
    await api.delete(namespaces, { name: 'team' });
    await cluster.until('gone', () => object('/namespaces', 'team') === undefined);
    for (const resource of api.store.resources()) {
      const left = list<{ metadata: ObjectMeta }>(resource).filter((item) => item.metadata.namespace === 'team');
      assert.deepEqual(left, [], resource);
    }
  });

  test('deleting a Deployment collects its ReplicaSets and Pods', async () => {
    cluster = await startFakeCluster(['a']);
    await cluster.api.create(deployments, deploymentOf('web', 3));
    await cluster.until('Pods', () => list<Pod>('/pods').filter(isPodReady).length === 3);
    await cluster.api.delete(deployments, { namespace: 'default', name: 'web' }, { propagationPolicy: 'Background' });
    await cluster.until('collected', () => list('/pods').length === 0 && list('apps/replicasets').length === 0);
  });

  test('foreground deletion waits for dependents, orphaning releases them, absent owners are noticed', async () => {
    cluster = await startFakeCluster([]);
    const { api } = cluster;
    const make = (
      name: string,
      owner?: { uid: string; name: string },
      finalizers?: string[],
    ): Promise<{ metadata: { uid: string } }> =>
      api.create(configMaps, {
        metadata: {
          name,
          namespace: 'default',
          ...(finalizers === undefined ? {} : { finalizers }),
          ...(owner === undefined
            ? {}
            : {
                ownerReferences: [
                  {
                    apiVersion: 'v1',
                    kind: 'ConfigMap',
                    name: owner.name,
                    uid: owner.uid,
                    blockOwnerDeletion: true,
                    controller: true,
                  },
                ],
              }),
        },
      });
    const name = (n: string): { namespace: string; name: string } => ({ namespace: 'default', name: n });
    const metaOf = (n: string): ObjectMeta | undefined =>
      object<{ metadata: ObjectMeta }>('/configmaps', `default/${n}`)?.metadata;
    const owner = await make('o', undefined);
    await make('d', { uid: owner.metadata.uid, name: 'o' }, ['example.com/hold']);
    await api.delete(configMaps, name('o'), { propagationPolicy: 'Foreground' });
    await cluster.until('dependent under deletion', () => metaOf('d')?.deletionTimestamp !== undefined);
    assert.deepEqual(metaOf('o')?.finalizers, ['foregroundDeletion']);
    await api.patch(configMaps, name('d'), 'merge', { metadata: { finalizers: null } });
    await cluster.until('both gone', () => metaOf('o') === undefined && metaOf('d') === undefined);

    const second = await make('o2');
    await make('d2', { uid: second.metadata.uid, name: 'o2' });
    await cluster.settle();
    await api.delete(configMaps, name('o2'), { propagationPolicy: 'Orphan' });
    await cluster.until('orphaned', () => metaOf('o2') === undefined);
    assert.equal(metaOf('d2')?.ownerReferences, undefined);

    await make('d3', { uid: '00000000-0000-0000-0000-00000000000c', name: 'never' });
    await cluster.until('collected', () => metaOf('d3') === undefined);
    assert.ok(metaOf('d2') !== undefined);
  });

  test('a silent node: Pods leave service, later are evicted and replaced; it recovers', async () => {
    cluster = await startFakeCluster(['a'], { nodeMonitorGraceMs: 500, evictionAfterMs: 1500 });
    const { api } = cluster;
    await api.create(services, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    const beat = setInterval(
      () =>
        void api
          .patch(leases, { namespace: 'kube-node-lease', name: 'a' }, 'merge', {
            spec: { renewTime: String(performance.now()) },
          })
          .catch(() => undefined),
      20,
    );
    try {
      api.seed(leases, { metadata: { name: 'a', namespace: 'kube-node-lease' }, spec: {} });
      await api.create(deployments, deploymentOf('web', 2));
      await cluster.until('Pods', () => list<Pod>('/pods').filter(isPodReady).length === 2);
      clearInterval(beat);
      const node = (): Node | undefined => object<Node>('/nodes', 'a');
      const status = (): string | undefined =>
        node()?.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
      await cluster.until('Unknown', () => status() === 'Unknown');
      await cluster.until('tainted', () => node()?.spec?.taints?.length === 2);
      await cluster.until('out of service', () =>
        list<Pod>('/pods')
          .filter((pod) => pod.spec?.nodeName === 'a')
          .every((pod) => !isPodReady(pod)),
      );
      await cluster.until('endpoints not ready', () => {
        const [slice] = list<{ endpoints: { conditions: { ready: boolean } }[] }>('discovery.k8s.io/endpointslices');
        return slice?.endpoints.every((endpoint) => !endpoint.conditions.ready) === true;
      });
      // Eviction: the fake kubelet ends them, new ones wait for a node.
      await cluster.until(
        'evicted',
        () => list<Pod>('/pods').length === 2 && list<Pod>('/pods').every((pod) => pod.spec?.nodeName === undefined),
      );
      await api.patch(nodes, { name: 'a' }, 'merge', readyNode('a'), { subresource: 'status' });
      const again = setInterval(
        () =>
          void api
            .patch(leases, { namespace: 'kube-node-lease', name: 'a' }, 'merge', {
              spec: { renewTime: String(performance.now()) },
            })
            .catch(() => undefined),
        20,
      );
      try {
        await api.patch(leases, { namespace: 'kube-node-lease', name: 'a' }, 'merge', { spec: { renewTime: 'now' } });
        await cluster.until('recovered', () => {
          if (status() !== 'True')
            void api
              .patch(nodes, { name: 'a' }, 'merge', readyNode('a'), { subresource: 'status' })
              .catch(() => undefined);
          return (
            status() === 'True' &&
            list<Pod>('/pods').filter(isPodReady).length === 2 &&
            node()?.spec?.taints === undefined
          );
        });
      } finally {
        clearInterval(again);
      }
    } finally {
      clearInterval(beat);
    }
  });

  test('hand-written Endpoints are mirrored, followed and unmirrored', async () => {
    cluster = await startFakeCluster([]);
    const { api } = cluster;
    await api.create(services, {
      metadata: { name: 'db', namespace: 'default' },
      spec: { ports: [{ name: 'pg', port: 5432 }] },
    });
    const name = { name: 'db', namespace: 'default' };
    const slices = (): { metadata: ObjectMeta; endpoints: unknown[]; ports: unknown }[] =>
      list('discovery.k8s.io/endpointslices');
    await api.create(endpoints, {
      metadata: { ...name, labels: { keep: 'me' } },
      subsets: [
        {
          addresses: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2', hostname: 'two' }],
          notReadyAddresses: [{ ip: '192.0.2.3' }],
          ports: [{ name: 'pg', port: 5432 }],
        },
      ],
    });
    await cluster.until('mirrored', () => slices()[0]?.endpoints.length === 3);
    assert.deepEqual(slices()[0]?.endpoints, [
      { addresses: ['192.0.2.1'], conditions: { ready: true } },
      { addresses: ['192.0.2.2'], conditions: { ready: true }, hostname: 'two' },
      { addresses: ['192.0.2.3'], conditions: { ready: false } },
    ]);
    assert.equal(slices()[0]?.metadata.labels?.keep, 'me');
    await api.update(endpoints, {
      metadata: name,
      subsets: [{ addresses: [{ ip: '192.0.2.9' }], ports: [{ name: 'pg', port: 5433 }] }],
    });
    await cluster.until('followed', () => slices().length === 1 && slices()[0]?.endpoints.length === 1);
    await api.update(endpoints, {
      metadata: { ...name, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [],
    });
    await cluster.until('unmirrored', () => slices().length === 0);
    await cluster.settle();
  });

  test('Pods of a node that never existed stay during quarantine', async () => {
    cluster = await startFakeCluster([]);
    await cluster.api.create(pods, {
      metadata: { name: 'p', namespace: 'default' },
      spec: { nodeName: 'ghost', containers: [{ name: 'c', image: 'a' }] },
    });
    await cluster.settle();
    await assert.doesNotReject(cluster.api.get(pods, { namespace: 'default', name: 'p' }), isNotFound);
  });
});
