import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { command, eventually, kernelSkip, type Outcome, startSystem, type TestSystem } from './system.ts';

const stateful = (image: string): string => `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  serviceName: db
  replicas: 3
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: main, image: '${image}', ports: [{ containerPort: 8080 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: db }
spec: { clusterIP: None, selector: { app: db }, ports: [{ port: 8080 }] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: db }
spec: { minAvailable: 2, selector: { matchLabels: { app: db } } }
`;

const batch = `
apiVersion: batch/v1
kind: Job
metadata: { name: parts }
spec:
  completions: 3
  parallelism: 2
  completionMode: Indexed
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: local/shell, command: [sh, -c, 'echo part-$JOB_COMPLETION_INDEX'] }]
---
apiVersion: batch/v1
kind: Job
metadata: { name: fails }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: local/shell, command: [sh, -c, 'exit 5'] }]
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: nightly }
spec:
  schedule: '0 3 * * *'
  timeZone: Europe/Berlin
  jobTemplate:
    spec:
      ttlSecondsAfterFinished: 600
      template:
        spec:
          restartPolicy: Never
          containers: [{ name: main, image: local/shell, command: [sh, -c, 'echo done'] }]
`;

const daemon = `
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: main, image: 'fairlead/echo:1', ports: [{ containerPort: 8080 }] }]
`;

describe('workloads of every kind', { skip: kernelSkip('kubectl'), timeout: 240_000 }, () => {
  let system: TestSystem;
  before(async () => {
    system = await startSystem({ args: ['--nodes', '2'] });
  });
  after(async () => {
    await system?.dispose();
  });
  const kubectl = (...args: string[]): Promise<string> => system.kubectl(...args);
  const tried = (args: readonly string[], input?: string): Promise<Outcome> => {
    const inside = ['--target', String(system.process.pid), '--net', '--mount', '--'];
    const rest = input === undefined ? {} : { input };
    return command('nsenter', [...inside, 'kubectl', '--kubeconfig', system.kubeconfig, ...args], rest);
  };
  const images = (): Promise<string> =>
    kubectl(
      'get',
      'pods',
      '-l',
      'app=db',
      '-o',
      'jsonpath={range .items[*]}{.metadata.name}={.spec.containers[0].image} {end}',
    );

  test('a StatefulSet rolls out, has names in DNS, is updated and rolled back', async () => {
    await system.apply(stateful('fairlead/echo:1'));
    await kubectl('rollout', 'status', 'statefulset/db', '--timeout=100s');
    assert.equal((await kubectl('exec', 'db-1', '--', 'hostname')).trim(), 'db-1');
    const address = await kubectl('get', 'pod', 'db-1', '-o', 'jsonpath={.status.podIP}');
    const name = 'db-1.db.default.svc.cluster.local';
    await eventually(`${name} is ${address}`, async () =>
      (await kubectl('exec', 'db-0', '--', 'getent', 'hosts', name).catch(String)).startsWith(address),
    );
    await kubectl('set', 'image', 'statefulset/db', 'main=fairlead/echo:2');
    await kubectl('rollout', 'status', 'statefulset/db', '--timeout=100s');
    assert.equal((await images()).trim(), 'db-0=fairlead/echo:2 db-1=fairlead/echo:2 db-2=fairlead/echo:2');
    await kubectl('rollout', 'undo', 'statefulset/db');
    await kubectl('rollout', 'status', 'statefulset/db', '--timeout=100s');
    assert.equal((await images()).trim(), 'db-0=fairlead/echo:1 db-1=fairlead/echo:1 db-2=fairlead/echo:1');
  });

  test('a budget allows one eviction and refuses the next', async () => {
    await kubectl('wait', 'pdb/db', '--for=jsonpath={.status.disruptionsAllowed}=1', '--timeout=100s');
    const eviction = (name: string): string =>
      JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' } });
    const path = (name: string): string => `/api/v1/namespaces/default/pods/${name}/eviction`;
    // One after the other without a pause: the second must see what the first one spent.
    const first = await tried(['create', '--raw', path('db-2'), '-f', '-'], eviction('db-2'));
    assert.equal(first.status, 0, first.stderr);
    await kubectl('patch', 'pdb', 'db', '-p', '{"spec":{"minAvailable":3}}');
    const second = await tried(['create', '--raw', path('db-1'), '-f', '-'], eviction('db-1'));
    assert.notEqual(second.status, 0);
    assert.match(second.stderr, /Cannot evict pod as it would violate the pod's disruption budget/);
    await kubectl('rollout', 'status', 'statefulset/db', '--timeout=100s');
  });

  test('a DaemonSet runs on every node', async () => {
    await system.apply(daemon);
    await kubectl('rollout', 'status', 'daemonset/agent', '--timeout=100s');
    const nodes = await kubectl('get', 'pods', '-l', 'app=agent', '-o', 'jsonpath={.items[*].spec.nodeName}');
    assert.equal(new Set(nodes.split(' ')).size, 2, nodes);
  });

  test('Jobs complete and fail, indexed ones know their part; a CronJob lends its template', async () => {
    await system.apply(batch);
    await kubectl('wait', '--for=condition=complete', 'job/parts', '--timeout=100s');
    const logs = await kubectl('logs', '-l', 'batch.kubernetes.io/job-name=parts', '--prefix=false');
    assert.deepEqual(logs.trim().split('\n').sort(), ['part-0', 'part-1', 'part-2']);
    await kubectl('wait', '--for=condition=failed', 'job/fails', '--timeout=100s');
    assert.match(await kubectl('describe', 'job', 'fails'), /BackoffLimitExceeded/);
    await kubectl('create', 'job', 'by-hand', '--from=cronjob/nightly');
    await kubectl('wait', '--for=condition=complete', 'job/by-hand', '--timeout=100s');
    assert.match(await kubectl('get', 'cronjobs'), /nightly\s+0 3 \* \* \*\s+Europe\/Berlin\s+False/);
    await kubectl('delete', 'job', 'parts', '--timeout=100s');
    assert.equal(await kubectl('get', 'pods', '-l', 'batch.kubernetes.io/job-name=parts', '-o', 'name'), '');
  });

  test('kubectl run with a terminal-less attach prints what the program prints', async () => {
    const line = ['run', 'once', '-i', '--rm', '--restart=Never', '--image=local/shell', '--command', '--'];
    const done = await tried([...line, 'sh', '-c', 'read x; echo "got $x"'], 'word\n');
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /got word/);
  });
});
