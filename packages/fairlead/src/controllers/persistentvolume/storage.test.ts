import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  type Event,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  pods,
  type StorageClass,
  type Stored,
} from '@fairlead/api';
import { type FakeCluster, startFakeCluster } from '../fake-cluster.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../workload/resource-refs.ts';
import { claimProtection } from './volume-facts.ts';

const claimOf = (name: string, spec: PersistentVolumeClaim['spec'] = {}): PersistentVolumeClaim => ({
  metadata: { name, namespace: 'default' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
});
const podOf = (name: string, claim: string): Pod => ({
  metadata: { name, namespace: 'default' },
  spec: {
    containers: [{ name: 'c', image: 'app:1' }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }],
  },
});
const volumeOf = (name: string, spec: PersistentVolume['spec'] = {}): PersistentVolume => ({
  metadata: { name },
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '5Gi' },
    storageClassName: 'by-hand',
    hostPath: { path: '/srv' },
    ...spec,
  },
});
const onNode = (name: string): NonNullable<PersistentVolume['spec']>['nodeAffinity'] => ({
  required: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }] },
});

describe('claims and volumes on a fake API', { timeout: 120_000 }, () => {
  let cluster: FakeCluster;
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fairlead-volumes-'));
    cluster = await startFakeCluster(['a', 'b'], { volumesDir: join(folder, 'volumes') });
  });
  afterEach(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true });
  });
  const claim = (name: string): Stored<PersistentVolumeClaim> | undefined =>
    cluster.api.store.get('/persistentvolumeclaims', `default/${name}`) as never;
  const volume = (name: string): Stored<PersistentVolume> | undefined =>
    cluster.api.store.get('/persistentvolumes', name) as never;
  const pod = (name: string): Stored<Pod> | undefined => cluster.api.store.get('/pods', `default/${name}`) as never;
  const told = (reason: string): boolean =>
    (cluster.api.store.list('/events') as unknown as Stored<Event>[]).some((event) => event.reason === reason);
  const bound = (name: string) => (): boolean => claim(name)?.status?.phase === 'Bound';

  test('a claim of the default class waits for its Pod, gets a folder of that node, and takes it away', async () => {
    const { api } = cluster;
    const isMade = (): boolean => api.store.get('storage.k8s.io/storageclasses', 'standard') !== undefined;
    await cluster.until('the default class', isMade);
    await api.create(persistentVolumeClaims, claimOf('data'));
    await cluster.until('the class', () => claim('data')?.spec?.storageClassName === 'standard');
    await cluster.until('the remark', () => told('WaitForFirstConsumer'));
    await cluster.until('the phase', () => claim('data')?.status?.phase === 'Pending');
    await api.create(pods, podOf('web', 'data'));
    await cluster.until('the Pod on a node', () => pod('web')?.spec?.nodeName !== undefined);
    await cluster.until('the claim bound', bound('data'));
    const made = volume(claim('data')?.spec?.volumeName ?? '');
    assert.equal(made?.status?.phase, 'Bound');
    assert.deepEqual(claim('data')?.status?.capacity, { storage: '1Gi' });
    const path = made?.spec?.local?.path ?? '';
    assert.ok(existsSync(path));
    writeFileSync(join(path, 'file'), 'kept');
    const values = made?.spec?.nodeAffinity?.required?.nodeSelectorTerms?.[0]?.matchFields?.[0]?.values;
    assert.deepEqual(values, [pod('web')?.spec?.nodeName]);

    await api.delete(persistentVolumeClaims, { namespace: 'default', name: 'data' });
    await cluster.settle();
    assert.ok(claim('data')?.metadata.deletionTimestamp !== undefined, 'the claim stays while it is mounted');
    assert.ok(claim('data')?.metadata.finalizers?.includes(claimProtection));
    await api.delete(pods, { namespace: 'default', name: 'web' });
    await cluster.until('the claim gone', () => claim('data') === undefined);
    await cluster.until('the volume gone', () => volume(made?.metadata.name ?? '') === undefined);
    assert.deepEqual(readdirSync(join(folder, 'volumes')), []);
  });

  test('volumes made by hand: Immediate, kept after their claim, free again when the user says so', async () => {
    const { api } = cluster;
    await api.create(storageClasses, classOf('by-hand', 'Immediate'));
    await api.create(persistentVolumeClaims, claimOf('data', { storageClassName: 'by-hand' }));
    await cluster.until('the remark', () => told('ProvisioningFailed'));
    await api.create(persistentVolumes, volumeOf('disk'));
    await cluster.until('the claim bound', bound('data'));
    assert.equal(volume('disk')?.spec?.claimRef?.uid, claim('data')?.metadata.uid);
    assert.equal(volume('disk')?.status?.phase, 'Bound');
    await api.delete(persistentVolumeClaims, { namespace: 'default', name: 'data' });
    await cluster.until('the volume released', () => volume('disk')?.status?.phase === 'Released');
    await api.create(persistentVolumeClaims, claimOf('next', { storageClassName: 'by-hand' }));
    await cluster.settle();
    assert.equal(claim('next')?.status?.phase, 'Pending', 'what was released is not handed on');
    await api.patch(persistentVolumes, { name: 'disk' }, 'merge', { spec: { claimRef: null } });
    await cluster.until('the next claim bound', bound('next'));
    await api.delete(persistentVolumes, { name: 'disk' });
    await cluster.settle();
    assert.ok(volume('disk') !== undefined, 'a bound volume stays');
    await api.delete(persistentVolumeClaims, { namespace: 'default', name: 'next' });
    await cluster.until('the volume gone', () => volume('disk') === undefined);
  });

  test('volumes of nodes: the Pod goes where one is free, each Pod to its own', async () => {
    const { api } = cluster;
    await api.create(storageClasses, classOf('by-hand', 'WaitForFirstConsumer'));
    await api.create(persistentVolumes, volumeOf('on-b', { nodeAffinity: onNode('b') }));
    for (const name of ['one', 'two']) {
      await api.create(persistentVolumeClaims, claimOf(name, { storageClassName: 'by-hand' }));
      await api.create(pods, podOf(name, name));
    }
    const placed = (): Stored<Pod>[] =>
      ['one', 'two'].map((name) => pod(name)!).filter(({ spec }) => spec?.nodeName !== undefined);
    await cluster.until('one Pod', () => placed().length === 1);
    await cluster.settle();
    assert.deepEqual(
      placed().map(({ spec }) => spec?.nodeName),
      ['b'],
    );
    const waiting = ['one', 'two'].map((name) => pod(name)!).find(({ spec }) => spec?.nodeName === undefined);
    const reason = waiting?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message;
    assert.equal(
      reason,
      "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    );
    await api.create(persistentVolumes, volumeOf('on-a', { nodeAffinity: onNode('a') }));
    await cluster.until('both Pods', () => placed().length === 2);
    assert.equal(pod(waiting?.metadata.name ?? '')?.spec?.nodeName, 'a');
  });

  test('a Pod whose claim is not there waits and says so; a volume that vanishes is lost', async () => {
    const { api } = cluster;
    await api.create(storageClasses, classOf('by-hand', 'Immediate'));
    await api.create(pods, podOf('web', 'data'));
    const reason = (): string =>
      pod('web')?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '';
    await cluster.until('the reason', () => reason() !== '');
    assert.match(reason(), /^0\/2 nodes are available: persistentvolumeclaim "data" not found\. preemption: /);
    await api.create(persistentVolumes, volumeOf('disk'));
    await api.create(persistentVolumeClaims, claimOf('data', { storageClassName: 'by-hand' }));
    await cluster.until('the Pod on a node', () => pod('web')?.spec?.nodeName !== undefined);
    await api.delete(persistentVolumes, { name: 'disk' });
    await api.patch(persistentVolumes, { name: 'disk' }, 'merge', { metadata: { finalizers: null } });
    await cluster.until('the claim lost', () => claim('data')?.status?.phase === 'Lost');
    await cluster.until('the remark', () => told('ClaimLost'));
  });

  test('an ephemeral volume has a claim of its own that goes with its Pod', async () => {
    const { api } = cluster;
    const volumeClaimTemplate = {
      metadata: { labels: { of: 'web' } },
      spec: { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Mi' } } },
    };
    await api.create(pods, {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        containers: [{ name: 'c', image: 'app:1' }],
        volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate } }],
      },
    });
    await cluster.until('the Pod on a node', () => pod('web')?.spec?.nodeName !== undefined);
    assert.equal(claim('web-scratch')?.metadata.labels?.of, 'web');
    assert.equal(claim('web-scratch')?.metadata.ownerReferences?.[0]?.uid, pod('web')?.metadata.uid);
    await api.delete(pods, { namespace: 'default', name: 'web' });
    await cluster.until('the claim gone', () => claim('web-scratch') === undefined);
    await cluster.until('the folder gone', () => readdirSync(join(folder, 'volumes')).length === 0);
  });
});

function classOf(name: string, volumeBindingMode: NonNullable<StorageClass['volumeBindingMode']>): StorageClass {
  return { metadata: { name }, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode };
}
