import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

/** Each start of a Pod adds a line to the file of its claim, and shows how many there are. */
const stateful = `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  serviceName: db
  replicas: 2
  persistentVolumeClaimRetentionPolicy: { whenDeleted: Delete, whenScaled: Retain }
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: local/shell
          command: [sh, -c, 'echo start >> $FILE; wc -l < $FILE; exec sleep 1000']
          env: [{ name: FILE, value: FOLDER/starts }]
          volumeMounts: [{ name: data, mountPath: /srv/of-claims }]
  volumeClaimTemplates:
    - metadata: { name: data }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
`;

const others = `
apiVersion: v1
kind: Pod
metadata: { name: scratch }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: local/shell
      command: [sh, -c, 'echo hello > /srv/of-claims/x && cat /srv/of-claims/x; exec sleep 1000']
      volumeMounts: [{ name: data, mountPath: /srv/of-claims }]
  volumes:
    - name: data
      ephemeral: { volumeClaimTemplate: { spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } } } }
---
apiVersion: v1
kind: Pod
metadata: { name: mistaken }
spec:
  containers: [{ name: main, image: fairlead/echo, volumeMounts: [{ name: data, mountPath: /srv/of-claims }] }]
  volumes: [{ name: data, hostPath: { path: /dev/null, type: Directory } }]
`;

const manifest = (folder: string): string => stateful.replace('FOLDER', folder);

/** Waits until a Pod has written this, and nothing else: how often it has started, by the file in its claim. */
async function says(system: TestSystem, pod: string, text: string): Promise<void> {
  // A Pod of the name may have run before, or not yet.
  await eventually(`${pod} says ${text}`, async () => {
    const { stdout } = await system.exec('kubectl', '--kubeconfig', system.kubeconfig, 'logs', pod);
    return stdout.trim() === text;
  });
}

async function waitReady(system: TestSystem, pod: string): Promise<void> {
  await eventually(`${pod} is ready`, async () => {
    const phase = [
      'get',
      'pod',
      pod,
      '--ignore-not-found',
      '-o',
      'jsonpath={.status.phase} {.metadata.deletionTimestamp}',
    ];
    return (await system.kubectl(...phase)).trim() === 'Running';
  });
}

describe('persistent volumes in kernel mode', { skip: kernelSkip('kubectl') }, () => {
  let system: TestSystem;
  before(async () => {
    system = await startSystem();
  });
  after(() => system?.dispose());

  test('the Pods of a StatefulSet find their data again, also after a restart of everything', async () => {
    await system.apply(manifest('/srv/of-claims'));
    for (const pod of ['db-0', 'db-1']) {
      await waitReady(system, pod);
      await says(system, pod, '1');
    }
    assert.match(await system.kubectl('get', 'storageclass'), /^standard \(default\)\s+fairlead\.dev\/folder/m);
    assert.equal(await system.kubectl('get', 'pvc', '-o', 'jsonpath={.items[*].status.phase}'), 'Bound Bound');
    await system.kubectl('delete', 'pod', 'db-0');
    await waitReady(system, 'db-0');
    await says(system, 'db-0', '2');

    const { dataDir, machine } = system;
    assert.equal(await system.stop(), 0);
    system = await startSystem({ dataDir, machine });
    await waitReady(system, 'db-1');
    await says(system, 'db-1', '2');
  });

  test('an ephemeral volume lives as long as its Pod; a hostPath that is something else is told', async () => {
    await system.apply(others);
    await waitReady(system, 'scratch');
    await says(system, 'scratch', 'hello');
    await eventually('the event', async () =>
      (await system.kubectl('get', 'events', '--field-selector', 'reason=FailedMount')).includes(
        'hostPath type check failed: /dev/null is not a directory',
      ),
    );
    const waiting = 'jsonpath={.status.containerStatuses[0].state.waiting.reason}';
    assert.equal(await system.kubectl('get', 'pod', 'mistaken', '-o', waiting), 'ContainerCreating');
    await system.kubectl('delete', 'pod', 'scratch', 'mistaken');
    const claim = ['get', 'pvc', 'scratch-data', '--ignore-not-found', '-o', 'name'];
    await eventually('its claim gone', async () => (await system.kubectl(...claim)) === '');
  });

  test('what is deleted takes claims, volumes and folders along', async () => {
    await system.kubectl('delete', 'statefulset', 'db');
    await eventually(
      'claims and volumes gone',
      async () => (await system.kubectl('get', 'pv,pvc', '-o', 'name')) === '',
    );
    assert.deepEqual(readdirSync(join(system.dataDir, 'volumes')), []);
  });
});

test('a claim in userspace mode is a folder that the Pod knows by name', { skip: kernelSkip('kubectl') }, async (t) => {
  const system = await startSystem({ args: ['--mode', 'userspace'] });
  t.after(() => system.dispose());
  await system.apply(manifest('$(FAIRLEAD_VOLUME_DATA)'));
  await waitReady(system, 'db-0');
  await says(system, 'db-0', '1');
  await system.kubectl('delete', 'pod', 'db-0');
  await waitReady(system, 'db-0');
  await says(system, 'db-0', '2');
});
