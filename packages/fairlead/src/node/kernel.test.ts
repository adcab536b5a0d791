import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { configMaps, nodes, type Pod, pods, type Stored, services } from '@fairlead/api';
import { podNetns } from './sandbox/kernel.ts';
import { createKernelLab, type FixtureProcess, type KernelLab, kernelObstacle } from './testing/kernel-lab.ts';

const skip = kernelObstacle() ?? false;
const timeout = 120_000;

async function startAgent(lab: KernelLab, fixture: FixtureProcess): Promise<{ logServerPort: number }> {
  return fixture.ask({
    op: 'start',
    instance: lab.instance,
    dataDir: lab.dataDir,
    mode: 'kernel',
    nodeName: 'n1',
    nodeIps: ['127.0.0.1'],
    overlay: false,
  });
}

const echo = { name: 'web', image: 'fairlead/echo:v1', ports: [{ name: 'http', containerPort: 80 }] };
const podOf = (name: string, container: object = {}, spec: object = {}): Pod =>
  ({
    metadata: { name, namespace: 'default', labels: { app: 'web' } },
    spec: { nodeName: 'n1', containers: [{ ...echo, ...container }], ...spec },
  }) as Pod;

async function createPod(fixture: FixtureProcess, pod: Pod): Promise<Stored<Pod>> {
  await fixture.ask({ op: 'create', ref: pods, object: pod });
  return waitFor(fixture, pod.metadata!.name!, pod.spec?.restartPolicy === 'Never' ? 'over' : 'ready');
}

function waitFor(
  fixture: FixtureProcess,
  name: string,
  until: 'ready' | 'over' | 'gone' | 'restarted' | 'unready' | 'blocked',
) {
  return fixture.ask<Stored<Pod>>({ op: 'await', namespace: 'default', name, until });
}

async function logOf(fixture: FixtureProcess, port: number, name: string): Promise<string> {
  const url = `http://127.0.0.1:${port}/containerLogs/default/${name}/web`;
  const answer = await fixture.ask<{ text: string }>({ op: 'fetch', url, headers: { authorization: 'Bearer secret' } });
  return answer.text;
}

async function lab(context: Parameters<typeof createKernelLab>[0]) {
  const made = createKernelLab(context);
  const fixture = made.process();
  await fixture.ask({
    op: 'create',
    ref: nodes,
    object: { metadata: { name: 'n1' }, spec: { podCIDR: '10.244.0.0/24' } },
  });
  return { made, fixture };
}

describe('kernel mode', { skip, concurrency: 3 }, () => {
  test('Pods: addresses, names, environment, logs, and nothing left at the end', { timeout }, async (context) => {
    const { made, fixture } = await lab(context);
    const web = {
      metadata: { name: 'web', namespace: 'default' },
      spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }] },
    };
    await fixture.ask({ op: 'create', ref: services, object: web });
    const { logServerPort } = await startAgent(made, fixture);
    const first = await createPod(fixture, podOf('a'));
    const second = await createPod(
      fixture,
      podOf('b', { readinessProbe: { httpGet: { path: '/readyz', port: 'http' } } }),
    );
    assert.deepEqual([first.status?.podIP, second.status?.podIP], ['10.244.0.2', '10.244.0.3']);

    const answer = await fixture.ask<{ text: string }>({ op: 'fetch', url: `http://${first.status!.podIP}/x` });
    const said = JSON.parse(answer.text) as Record<string, string>;
    assert.deepEqual([said.pod, said.node, said.ip, said.version], ['a', 'n1', '10.244.0.2', 'v1']);

    const script = `cat /etc/resolv.conf /etc/hosts; hostname; env; ${process.execPath} -e 'fetch("http://${second.status!.podIP}/").then(async r => console.log(await r.text()))'; exit 3`;
    const shell = await createPod(fixture, podOf('c', { command: ['sh', '-c', script] }, { restartPolicy: 'Never' }));
    assert.equal(shell.status?.phase, 'Failed');
    assert.equal(shell.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 3);
    const log = await logOf(fixture, logServerPort, 'c');
    for (const expected of [
      'nameserver 10.244.0.1',
      'search default.svc.cluster.local svc.cluster.local cluster.local',
      '10.244.0.4\tc',
      '\nc\n',
      'WEB_SERVICE_HOST=10.96.0.9',
      'WEB_PORT_80_TCP_ADDR=10.96.0.9',
      '"remote":"10.244.0.4:',
    ]) {
      assert.ok(log.includes(expected), `${JSON.stringify(expected)} in ${log}`);
    }
    await fixture.ask({ op: 'stop' });
    assert.deepEqual(made.leftovers(), []);
    assert.equal(existsSync(join(made.dataDir, 'nodes/n1/runtime.sock')), false);
  });

  test('readiness, crash, graceful and forced end', { timeout }, async (context) => {
    const { made, fixture } = await lab(context);
    await startAgent(made, fixture);
    const probe = { readinessProbe: { httpGet: { path: '/readyz', port: 80 }, periodSeconds: 1, failureThreshold: 1 } };
    const pod = await createPod(fixture, podOf('a', probe));
    const url = `http://${pod.status!.podIP}`;
    await fixture.ask({ op: 'fetch', url: `${url}/readyz?fail=1`, method: 'POST' });
    const unready = await waitFor(fixture, 'a', 'unready');
    assert.equal(unready.status?.containerStatuses?.[0]?.restartCount, 0);
    await fixture.ask({ op: 'fetch', url: `${url}/readyz?fail=0`, method: 'POST' });
    await waitFor(fixture, 'a', 'ready');

    const [pid] = made.pids(podNetns(made.instance, pod.metadata.uid));
    process.kill(pid!, 'SIGKILL');
    const restarted = await waitFor(fixture, 'a', 'restarted');
    assert.equal(restarted.status?.podIP, pod.status?.podIP);
    assert.equal(restarted.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 137);

    await fixture.ask({ op: 'delete', namespace: 'default', name: 'a' });
    const during = await fixture.ask<{ status: number }>({ op: 'fetch', url });
    assert.equal(during.status, 200, 'a draining echo still answers');
    await waitFor(fixture, 'a', 'gone');
    await createPod(fixture, podOf('deaf', { command: ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'] }));
    await fixture.ask({ op: 'delete', namespace: 'default', name: 'deaf', graceSeconds: 0 });
    await waitFor(fixture, 'deaf', 'gone');
    await fixture.ask({ op: 'stop' });
    assert.deepEqual(made.leftovers(), []);
  });

  test('an agent that left is replaced without touching the Pods', { timeout }, async (context) => {
    const { made, fixture } = await lab(context);
    await startAgent(made, fixture);
    const pod = await createPod(fixture, podOf('a'));
    const pidsOf = () => made.pids(podNetns(made.instance, pod.metadata.uid));
    const before = pidsOf();
    const gone = await createPod(fixture, podOf('b'));
    await fixture.ask({ op: 'detach' });
    await fixture.ask({ op: 'delete', namespace: 'default', name: 'b', graceSeconds: 0 });
    const answer = await fixture.ask<{ status: number }>({ op: 'fetch', url: `http://${pod.status!.podIP}/` });
    assert.equal(answer.status, 200);
    await startAgent(made, fixture);
    await waitFor(fixture, 'a', 'ready');
    assert.deepEqual(pidsOf(), before);
    assert.ok(!made.leftovers().includes(podNetns(made.instance, gone.metadata.uid)));
    const next = await createPod(fixture, podOf('c'));
    assert.equal(next.status?.podIP, '10.244.0.4', 'addresses go on after the last one');
    await fixture.ask({ op: 'stop' });
    assert.deepEqual(made.leftovers(), []);
  });

  test('a killed runtime process: its Pods start again', { timeout }, async (context) => {
    const { made, fixture } = await lab(context);
    await startAgent(made, fixture);
    await createPod(fixture, podOf('a'));
    const runtimes = made
      .pids(made.netns)
      .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('runtime/main.ts'));
    assert.equal(runtimes.length, 1);
    process.kill(runtimes[0]!, 'SIGKILL');
    const again = await waitFor(fixture, 'a', 'restarted');
    assert.equal(again.status?.containerStatuses?.[0]?.lastState?.terminated?.reason, 'ContainerStatusUnknown');
    await fixture.ask({ op: 'stop' });
    assert.deepEqual(made.leftovers(), []);
  });

  test('volumes: existing path, path below a folder, path below the root; the machine sees none', {
    skip,
    timeout,
  }, async (context) => {
    const { made, fixture } = await lab(context);
    await fixture.ask({
      op: 'create',
      ref: configMaps,
      object: { metadata: { name: 'cm', namespace: 'default' }, data: { key: 'value' } },
    });
    const { logServerPort } = await startAgent(made, fixture);
    const paths = [
      '/mnt',
      `/usr/share/fairlead-${made.instance}/deep`,
      `/etc/fairlead-${made.instance}`,
      `/fairlead-${made.instance}/x`,
    ];
    const script = `cat ${paths.map((path) => `${path}/key`).join(' ')}; cat /etc/resolv.conf; ls -d /proc/self /dev/null; pwd; touch /mnt/no || echo read-only`;
    const container = {
      command: ['sh', '-c', script],
      workingDir: '/usr',
      volumeMounts: paths.map((mountPath) => ({ name: 'v', mountPath })),
    };
    const spec = { restartPolicy: 'Never', volumes: [{ name: 'v', configMap: { name: 'cm' } }] };
    await createPod(fixture, podOf('v', container, spec));
    const log = await logOf(fixture, logServerPort, 'v');
    assert.ok(log.startsWith('value'.repeat(4)), log);
    assert.match(log, /nameserver 10\.244\.0\.1[\s\S]*\/usr\n[\s\S]*read-only/);
    for (const path of paths.slice(1)) assert.equal(existsSync(path), false);
    await fixture.ask({ op: 'stop' });
    assert.deepEqual(made.leftovers(), []);
  });

  test('an unknown image says what to do', { timeout }, async (context) => {
    const { made, fixture } = await lab(context);
    await startAgent(made, fixture);
    await fixture.ask({ op: 'create', ref: pods, object: podOf('x', { image: 'nosuch:1' }) });
    const pod = await waitFor(fixture, 'x', 'blocked');
    assert.equal(pod.status?.phase, 'Pending');
    const waiting = pod.status?.containerStatuses?.[0]?.state?.waiting;
    assert.equal(waiting?.reason, 'ErrImageNeverPull');
    assert.match(waiting?.message ?? '', /--image 'nosuch\*=COMMAND'/);
    const map = { metadata: { name: 'fairlead-images', namespace: 'kube-system' }, data: { a: 'nosuch*=sleep 100' } };
    await fixture.ask({ op: 'create', ref: configMaps, object: map });
    await waitFor(fixture, 'x', 'ready');
    await fixture.ask({ op: 'stop' });
  });
});
