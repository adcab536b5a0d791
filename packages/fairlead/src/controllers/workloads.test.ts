import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import {
  type CronJob,
  type DaemonSet,
  type Job,
  nodes,
  type Pod,
  type PodDisruptionBudget,
  pods,
  type StatefulSet,
  type Stored,
} from '@fairlead/api';
import { type FakeCluster, readyNode, startFakeCluster } from './fake-cluster.ts';
import { isPodReady } from './workload/pod-state.ts';
import { cronJobs, daemonSets, jobs, podDisruptionBudgets, statefulSets } from './workload/resource-refs.ts';

const labels = { app: 'db' };
const template = (image: string, more: object = {}) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'c', image }], ...more },
});

describe('workload controllers on a fake API', { timeout: 120_000 }, () => {
  let cluster: FakeCluster | undefined;
  afterEach(async () => {
    const ended = cluster;
    cluster = undefined;
    await ended?.stop();
  });
  const podList = (): Stored<Pod>[] => cluster!.api.store.list('/pods') as unknown as Stored<Pod>[];
  const object = <T>(resource: string, name: string): Stored<T> =>
    cluster!.api.store.get(resource, `default/${name}`) as unknown as Stored<T>;
  const image = (pod: Pod): string => pod.spec?.containers[0]?.image ?? '';
  const names = (list: readonly Stored<Pod>[]): string[] => list.map((pod) => pod.metadata.name);
  const set = (replicas: number, more: Partial<StatefulSet['spec']> = {}): StatefulSet => ({
    metadata: { name: 'db', namespace: 'default' },
    spec: { replicas, serviceName: 'db', selector: { matchLabels: labels }, template: template('a:1'), ...more },
  });
  const setSettled = (replicas: number) => (): boolean => {
    const { status, metadata } = object<StatefulSet>('apps/statefulsets', 'db');
    return (
      status?.observedGeneration === metadata.generation &&
      status?.replicas === replicas &&
      (status.availableReplicas ?? 0) === replicas &&
      status.currentRevision === status.updateRevision
    );
  };

  test('a StatefulSet starts Pods in order, updates them from the last, scales down from the last', async () => {
    cluster = await startFakeCluster(['a', 'b']);
    const { api } = cluster;
    const born: string[] = [];
    api.store.subscribe(() => {
      for (const name of names(podList())) if (!born.includes(name)) born.push(name);
      const waiting = podList().filter((pod) => !isPodReady(pod));
      assert.ok(waiting.length <= 1, `at once: ${names(waiting).join()}`);
    });
    await api.create(statefulSets, set(3));
    await cluster.until('three Pods', setSettled(3));
    assert.deepEqual(born, ['db-0', 'db-1', 'db-2']);
    const [first] = podList();
    assert.equal(first?.spec?.hostname, 'db-0');
    assert.equal(first?.spec?.subdomain, 'db');
    assert.equal(first?.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'db-0');

    const next = template('a:2');
    await api.patch(statefulSets, { namespace: 'default', name: 'db' }, 'merge', { spec: { template: next } });
    await cluster.until('the update', () => podList().every((pod) => image(pod) === 'a:2') && setSettled(3)());
    assert.equal(api.store.list('apps/controllerrevisions').length, 2);
    await api.patch(statefulSets, { namespace: 'default', name: 'db' }, 'merge', { spec: { replicas: 1 } });
    await cluster.until('one Pod', setSettled(1));
    assert.deepEqual(names(podList()), ['db-0']);
    await cluster.settle();
  });

  test('a partition keeps lower ordinals, even when they are made anew; the old template comes back by revision', async () => {
    cluster = await startFakeCluster(['a']);
    const { api } = cluster;
    const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { partition: 1 } };
    await api.create(statefulSets, set(2, { updateStrategy, podManagementPolicy: 'Parallel' }));
    await cluster.until('two Pods', setSettled(2));
    const target = { namespace: 'default', name: 'db' };
    await api.patch(statefulSets, target, 'merge', { spec: { template: template('a:2') } });
    const images = (): string =>
      podList()
        .map((pod) => `${pod.metadata.name} ${image(pod)}`)
        .join(', ');
    await cluster.until('the last Pod', () => images() === 'db-0 a:1, db-1 a:2' && podList().every(isPodReady));
    const { uid } = podList()[0]!.metadata;
    await api.delete(pods, { namespace: 'default', name: 'db-0' });
    await cluster.until(
      'another db-0',
      () => podList()[0]?.metadata.uid !== uid && podList().length === 2 && podList().every(isPodReady),
    );
    assert.equal(images(), 'db-0 a:1, db-1 a:2');
    await cluster.settle();
  });

  test('a StatefulSet makes the claims of its Pods, and lets them go with what is scaled down', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'fairlead-claims-'));
    t.after(() => rmSync(folder, { recursive: true }));
    cluster = await startFakeCluster(['a'], { volumesDir: join(folder, 'volumes') });
    const { api } = cluster;
    const claims = (): string[] =>
      (api.store.list('/persistentvolumeclaims') as unknown as Stored<object>[]).map(
        ({ metadata }) => `${metadata.name} ${metadata.ownerReferences?.[0]?.kind ?? '-'}`,
      );
    const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce' as const] } }];
    const policy = { whenDeleted: 'Retain' as const, whenScaled: 'Delete' as const };
    await api.create(statefulSets, set(2, { volumeClaimTemplates, persistentVolumeClaimRetentionPolicy: policy }));
    await cluster.until('two Pods', setSettled(2));
    assert.deepEqual(claims(), ['data-db-0 -', 'data-db-1 -']);
    assert.deepEqual(podList()[1]?.spec?.volumes, [
      { name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } },
    ]);
    await api.patch(statefulSets, { namespace: 'default', name: 'db' }, 'merge', { spec: { replicas: 1 } });
    await cluster.until('one Pod', setSettled(1));
    await cluster.until('the claim gone with its Pod', () => claims().join() === 'data-db-0 -');
    await cluster.settle();
  });

  test('a DaemonSet has one Pod per node that it fits, also on new and cordoned ones, and rolls out', async () => {
    cluster = await startFakeCluster(['a', 'b']);
    const { api } = cluster;
    api.seed(nodes, { ...readyNode('c'), spec: { unschedulable: true } });
    api.seed(nodes, { ...readyNode('d'), spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } });
    const daemon: DaemonSet = {
      metadata: { name: 'agent', namespace: 'default' },
      spec: { selector: { matchLabels: labels }, template: template('d:1') },
    };
    await api.create(daemonSets, daemon);
    const placed = (): string[] =>
      podList()
        .filter(isPodReady)
        .map((pod) => pod.spec?.nodeName ?? '')
        .sort();
    await cluster.until('three Pods', () => placed().join() === 'a,b,c');
    await api.create(nodes, readyNode('e'));
    await cluster.until('a fourth', () => placed().join() === 'a,b,c,e');
    await api.patch(daemonSets, { namespace: 'default', name: 'agent' }, 'merge', {
      spec: { template: template('d:2') },
    });
    await cluster.until('the update', () => {
      const { status } = object<DaemonSet>('apps/daemonsets', 'agent');
      return (
        status?.updatedNumberScheduled === 4 &&
        status.numberAvailable === 4 &&
        podList().every((pod) => image(pod) === 'd:2')
      );
    });
    await cluster.settle();
  });

  const job = (name: string, spec: Partial<Job['spec']> & { image: string }): Job => {
    const { image: jobImage, ...more } = spec;
    return {
      metadata: { name, namespace: 'default' },
      spec: {
        completions: 1,
        parallelism: 1,
        selector: { matchLabels: labels },
        template: template(jobImage, { restartPolicy: 'Never' }),
        ...more,
      },
    };
  };
  const jobStatus = (name: string): NonNullable<Job['status']> => object<Job>('batch/jobs', name)?.status ?? {};
  const isJob = (name: string, type: string) => (): boolean =>
    jobStatus(name).conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;

  test('a Job counts each success once and completes', async () => {
    cluster = await startFakeCluster(['a']);
    await cluster.api.create(jobs, job('work', { image: 'exits-0', completions: 5, parallelism: 2 }));
    await cluster.until('complete', isJob('work', 'Complete'));
    const { succeeded, failed, active, uncountedTerminatedPods, completionTime } = jobStatus('work');
    assert.deepEqual([succeeded, failed, active], [5, undefined, undefined]);
    assert.deepEqual(uncountedTerminatedPods, {});
    assert.ok(completionTime);
    await cluster.until('no finalizer left', () =>
      podList().every((pod) => (pod.metadata.finalizers ?? []).length === 0),
    );
    assert.equal(podList().length, 5);
    await cluster.settle();
  });

  test('an indexed Job runs each index once', async () => {
    cluster = await startFakeCluster(['a']);
    await cluster.api.create(
      jobs,
      job('parts', { image: 'exits-0', completions: 4, parallelism: 4, completionMode: 'Indexed' }),
    );
    await cluster.until('complete', isJob('parts', 'Complete'));
    assert.equal(jobStatus('parts').completedIndexes, '0-3');
    assert.equal(jobStatus('parts').succeeded, 4);
    const pod = podList().find((candidate) => candidate.metadata.name.startsWith('parts-2-'));
    assert.equal(pod?.spec?.hostname, 'parts-2');
    assert.equal(pod?.spec?.containers[0]?.env?.[0]?.name, 'JOB_COMPLETION_INDEX');
  });

  test('a Job fails at its back-off limit, or at once by its failure policy', async () => {
    cluster = await startFakeCluster(['a']);
    const { api } = cluster;
    await api.create(jobs, job('never', { image: 'exits-7', backoffLimit: 1 }));
    await cluster.until('failed', isJob('never', 'Failed'));
    assert.equal(jobStatus('never').failed, 2);
    const rules = [{ action: 'FailJob' as const, onExitCodes: { operator: 'In' as const, values: [7] } }];
    const strict = job('strict', { image: 'exits-7', podFailurePolicy: { rules } });
    const own = { app: 'strict' };
    strict.spec!.selector = { matchLabels: own };
    strict.spec!.template.metadata = { labels: own };
    await api.create(jobs, strict);
    await cluster.until('failed by its policy', isJob('strict', 'Failed'));
    assert.equal(jobStatus('strict').conditions?.at(-1)?.reason, 'PodFailurePolicy');
    assert.equal(podList().filter((pod) => pod.metadata.labels?.app === 'strict').length, 1);
  });

  test('a suspended Job has no Pods; resumed it has; with ttlSecondsAfterFinished 0 it goes', async () => {
    cluster = await startFakeCluster(['a']);
    const { api } = cluster;
    await api.create(jobs, job('wait', { image: 'exits-0', suspend: true, ttlSecondsAfterFinished: 0 }));
    await cluster.until('suspended', isJob('wait', 'Suspended'));
    assert.equal(podList().length, 0);
    await api.patch(jobs, { namespace: 'default', name: 'wait' }, 'merge', { spec: { suspend: false } });
    await cluster.until('gone', () => object<Job>('batch/jobs', 'wait') === undefined && podList().length === 0);
  });

  test('a CronJob starts the Job that is due, once', async () => {
    cluster = await startFakeCluster(['a']);
    const { api } = cluster;
    const long = new Date(Date.now() - 3_600_000).toISOString();
    const cron: CronJob = {
      metadata: { name: 'tick', namespace: 'default' },
      spec: { schedule: '* * * * *', jobTemplate: { spec: job('x', { image: 'exits-0' }).spec! } },
      status: { lastScheduleTime: long },
    };
    api.seed(cronJobs, cron);
    await cluster.until('a Job', () => api.store.list('batch/jobs').length > 0);
    await cluster.until('its time', () => object<CronJob>('batch/cronjobs', 'tick').status?.lastScheduleTime !== long);
    assert.ok(api.store.list('batch/jobs').length <= 2);
    assert.match(api.store.list('batch/jobs')[0]!.metadata.name, /^tick-\d{8}$/);
  });

  test('a budget follows the Pods', async () => {
    cluster = await startFakeCluster(['a']);
    const { api } = cluster;
    const budget: PodDisruptionBudget = {
      metadata: { name: 'db', namespace: 'default' },
      spec: { minAvailable: 2, selector: { matchLabels: labels } },
    };
    await api.create(podDisruptionBudgets, budget);
    await api.create(statefulSets, set(3, { podManagementPolicy: 'Parallel' }));
    await cluster.until('one may go', () => {
      const { status } = object<PodDisruptionBudget>('policy/poddisruptionbudgets', 'db');
      return status?.currentHealthy === 3 && status.disruptionsAllowed === 1 && status.expectedPods === 3;
    });
  });
});
