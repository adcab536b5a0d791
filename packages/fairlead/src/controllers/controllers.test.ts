import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import {
  type Deployment,
  deployments,
  endpointSlices,
  type Pod,
  pods,
  type ReplicaSet,
  replicaSets,
  type Stored,
  services,
} from '@fairlead/api';
import { deploymentOf, type FakeCluster, startFakeCluster } from './fake-cluster.ts';
import { isPodReady } from './workload/pod-state.ts';

describe('controllers on a fake API', { timeout: 120_000 }, () => {
  let cluster: FakeCluster | undefined;
  afterEach(async () => {
    const ended = cluster;
    cluster = undefined;
    await ended?.stop();
  });
  const podList = (): Stored<Pod>[] => cluster!.api.store.list('/pods') as unknown as Stored<Pod>[];
  const readyPods = (image: string): Stored<Pod>[] =>
    podList().filter(
      (pod) =>
        isPodReady(pod) && pod.spec?.containers[0]?.image === image && pod.metadata.deletionTimestamp === undefined,
    );
  const deployment = (name = 'web'): Stored<Deployment> =>
    cluster!.api.store.get('apps/deployments', `default/${name}`) as unknown as Stored<Deployment>;
  const sets = (): Stored<ReplicaSet>[] =>
    cluster!.api.store.list('apps/replicasets') as unknown as Stored<ReplicaSet>[];
  const done = (replicas: number) => (): boolean => {
    const { metadata, status } = deployment();
    return (
      status?.observedGeneration === metadata.generation &&
      (status?.updatedReplicas ?? 0) === replicas &&
      (status?.availableReplicas ?? 0) === replicas &&
      (status?.replicas ?? 0) === replicas
    );
  };

  test('a Deployment becomes Pods spread over nodes, a Service gets their endpoints, then all is quiet', async () => {
    cluster = await startFakeCluster(['a', 'b', 'c']);
    const { api } = cluster;
    await api.create(services, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
    });
    await api.create(deployments, deploymentOf('web', 6));
    await cluster.until('rollout', done(6));
    const perNode = new Map<string, number>();
    for (const pod of podList())
      perNode.set(pod.spec?.nodeName ?? '', (perNode.get(pod.spec?.nodeName ?? '') ?? 0) + 1);
    assert.deepEqual([...perNode.values()], [2, 2, 2]);
    await cluster.until('endpoints', () => {
      const [slice] = api.store.list('discovery.k8s.io/endpointslices') as unknown as {
        endpoints: { conditions: { ready: boolean } }[];
      }[];
      return slice?.endpoints.filter((endpoint) => endpoint.conditions.ready).length === 6;
    });
    const [slice] = (await api.list(endpointSlices)).items;
    assert.deepEqual(slice?.ports, [{ name: '', port: 8080, protocol: 'TCP' }]);
    await cluster.settle();
    assert.equal(podList().length, 6, 'never more Pods than wanted were kept');
    const created = api.calls.filter(
      (call) => call.verb === 'create' && call.resource === '/pods' && call.subresource === undefined,
    );
    assert.equal(created.length, 6, 'no Pod was made twice');
    assert.equal(deployment().metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
    assert.deepEqual(
      deployment().status?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
      [
        ['Available', 'True', 'MinimumReplicasAvailable'],
        ['Progressing', 'True', 'NewReplicaSetAvailable'],
      ],
    );
  });

  test('a rolling update never goes below its minimum; rollback takes the old ReplicaSet up again', async () => {
    cluster = await startFakeCluster(['a', 'b']);
    const { api } = cluster;
    await api.create(deployments, deploymentOf('web', 4));
    await cluster.until('first rollout', done(4));
    let least = 4;
    let most = 4;
    const unsubscribe = api.store.subscribe(() => {
      const alive = podList().filter((pod) => pod.metadata.deletionTimestamp === undefined);
      least = Math.min(least, alive.filter(isPodReady).length);
      most = Math.max(most, alive.length);
    });
    const image = (tag: string): object => ({
      spec: { template: { spec: { containers: [{ name: 'c', image: tag }] } } },
    });
    await api.patch(deployments, { namespace: 'default', name: 'web' }, 'strategic', image('app:2'));
    await cluster.until('second rollout', () => done(4)() && readyPods('app:2').length === 4 && podList().length === 4);
    unsubscribe();
    assert.ok(least >= 3 && most <= 5, `between ${least} and ${most} Pods`);
    assert.deepEqual(
      sets()
        .map((set) => set.spec?.replicas)
        .sort(),
      [0, 4],
    );
    const [first] = sets().filter((set) => set.spec?.replicas === 0);
    await api.patch(deployments, { namespace: 'default', name: 'web' }, 'strategic', image('app:1'));
    await cluster.until('rollback', () => done(4)() && readyPods('app:1').length === 4);
    assert.equal(sets().length, 2, 'no third ReplicaSet');
    const again = sets().find((set) => set.metadata.name === first?.metadata.name);
    assert.equal(again?.spec?.replicas, 4);
    assert.equal(again?.metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
    await cluster.settle();
  });

  test('scale up and down; a deleted Pod is replaced', async () => {
    cluster = await startFakeCluster(['a']);
    const { api } = cluster;
    await api.create(deployments, deploymentOf('web', 2));
    await cluster.until('rollout', done(2));
    await api.patch(deployments, { namespace: 'default', name: 'web' }, 'merge', { spec: { replicas: 5 } });
    await cluster.until('five', done(5));
    await api.patch(deployments, { namespace: 'default', name: 'web' }, 'merge', { spec: { replicas: 1 } });
    await cluster.until('one', () => done(1)() && podList().length === 1);
    const [only] = podList();
    await api.delete(pods, { namespace: 'default', name: only!.metadata.name });
    await cluster.until(
      'replaced',
      () => done(1)() && podList().length === 1 && podList()[0]?.metadata.uid !== only!.metadata.uid,
    );
    assert.equal(sets().length, 1);
    await cluster.settle();
  });

  test('a broken image stops a rollout without touching the serving Pods beyond the limit', async () => {
    cluster = await startFakeCluster(['a']);
    const { api } = cluster;
    await api.create(deployments, deploymentOf('web', 4));
    await cluster.until('rollout', done(4));
    const body = { spec: { template: { spec: { containers: [{ name: 'c', image: 'broken:1' }] } } } };
    await api.patch(deployments, { namespace: 'default', name: 'web' }, 'strategic', body);
    await cluster.until('stuck at the limits', () => sets().some((set) => set.spec?.replicas === 2));
    await cluster.settle();
    assert.equal(readyPods('app:1').length, 3);
    assert.equal(podList().length, 5);
  });

  test('Recreate ends all old Pods before the first new one', async () => {
    cluster = await startFakeCluster(['a']);
    const { api } = cluster;
    const object = deploymentOf('web', 3);
    await api.create(deployments, { ...object, spec: { ...object.spec!, strategy: { type: 'Recreate' } } });
    await cluster.until('rollout', done(3));
    let mixed = false;
    api.store.subscribe(() => {
      mixed ||= new Set(podList().map((pod) => pod.spec?.containers[0]?.image)).size > 1;
    });
    const body = { spec: { template: { spec: { containers: [{ name: 'c', image: 'app:2' }] } } } };
    await api.patch(deployments, { namespace: 'default', name: 'web' }, 'strategic', body);
    await cluster.until('recreated', () => done(3)() && readyPods('app:2').length === 3);
    assert.equal(mixed, false);
  });

  test('no room: Pending with the reason, and placed when a node comes', async () => {
    cluster = await startFakeCluster([]);
    const { api } = cluster;
    const container = { name: 'c', image: 'app:1' };
    await api.create(pods, {
      metadata: { name: 'p', namespace: 'default' },
      spec: { containers: [container], nodeSelector: { disk: 'ssd' } },
    });
    const scheduled = (): { status?: string; message?: string } | undefined =>
      podList()[0]?.status?.conditions?.find((condition) => condition.type === 'PodScheduled') as {
        status?: string;
        message?: string;
      };
    await cluster.until('reported', () => scheduled()?.status === 'False');
    const { nodes } = await import('@fairlead/api');
    api.seed(nodes, { metadata: { name: 'x' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } });
    await cluster.until('new reason', () => (scheduled()?.message ?? '').startsWith('0/1 nodes'));
    api.seed(nodes, {
      metadata: { name: 'y', labels: { disk: 'ssd' } },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    await cluster.until('placed', () => podList()[0]?.spec?.nodeName === 'y');
    await cluster.settle();
  });

  test('orphans are adopted, strangers released', async () => {
    cluster = await startFakeCluster(['a']);
    const { api } = cluster;
    const container = { name: 'c', image: 'app:1' };
    await api.create(pods, {
      metadata: { name: 'orphan', namespace: 'default', labels: { app: 'r' } },
      spec: { containers: [container] },
    });
    await cluster.until('orphan runs', () => podList().some(isPodReady));
    await api.create(replicaSets, {
      metadata: { name: 'r', namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'r' } },
        template: { metadata: { labels: { app: 'r' } }, spec: { containers: [container] } },
      },
    });
    await cluster.until(
      'two',
      () => podList().filter((pod) => pod.metadata.ownerReferences?.[0]?.name === 'r').length === 2,
    );
    assert.equal(podList().length, 2, 'the orphan counts');
    await api.patch(pods, { namespace: 'default', name: 'orphan' }, 'merge', {
      metadata: { labels: { app: 'other' } },
    });
    await cluster.until('released and replaced', () => podList().length === 3);
    await cluster.settle();
    assert.equal(podList().find((pod) => pod.metadata.name === 'orphan')?.metadata.ownerReferences, undefined);
  });
});
