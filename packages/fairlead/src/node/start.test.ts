import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { leases, nodes, type Pod, pods, type Stored } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock, systemRandom } from '../sys/clock.ts';
import { type NodeAgent, startNodeAgent } from './start.ts';

const skip = process.platform === 'linux' ? false : 'needs Linux: every address of 127.0.0.0/8 on loopback';
const timeout = 60_000;

function startAgent(api: FakeApi, dataDir: string, podCidr?: string): Promise<NodeAgent> {
  const made =
    podCidr === undefined ? undefined : api.create(nodes, { metadata: { name: 'n1' }, spec: { podCIDR: podCidr } });
  return Promise.resolve(made).then(() =>
    startNodeAgent({
      client: api,
      nodeName: 'n1',
      mode: 'userspace',
      instance: '0000',
      dataDir,
      clock: systemClock,
      random: systemRandom,
      log: () => {},
      clusterDomain: 'cluster.local',
      clusterDns: undefined,
      images: [],
      overlay: false,
      logListen: { host: '127.0.0.1', port: 0 },
      logToken: 'secret',
      version: 'v9.9.9',
    }),
  );
}

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'fairlead-agent-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function waitFor(api: FakeApi, name: string, reached: (pod: Stored<Pod>) => boolean): Promise<Stored<Pod>> {
  const ending = new AbortController();
  try {
    for await (const event of api.watch(pods, { sendInitialEvents: true, signal: ending.signal })) {
      if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
      if (event.object.metadata.name === name && reached(event.object)) return event.object;
    }
  } finally {
    ending.abort();
  }
  throw new Error('the watch ended');
}

const isOver = (pod: Stored<Pod>): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
const shell = (name: string, script: string, spec: object = {}): Pod =>
  ({
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: 'n1',
      restartPolicy: 'Never',
      containers: [{ name: 'sh', image: 'any', command: ['sh', '-c', script] }],
      ...spec,
    },
  }) as Pod;

test('the node: registration, lease, conditions, ports', { skip, timeout }, async (context) => {
  const api = new FakeApi();
  const agent = await startAgent(api, folder(context), '127.244.201.0/24');
  const node = await api.get(nodes, { name: 'n1' });
  assert.equal(node.metadata.labels?.['kubernetes.io/hostname'], 'n1');
  assert.equal(node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status, 'True');
  assert.equal(node.status?.daemonEndpoints?.kubeletEndpoint?.Port, agent.info.logServerPort);
  assert.equal(node.status?.nodeInfo?.kubeletVersion, 'v9.9.9');
  assert.deepEqual(
    node.status?.addresses?.map(({ type }) => type),
    ['InternalIP', 'Hostname'],
  );
  const lease = await api.get(leases, { namespace: 'kube-node-lease', name: 'n1' });
  assert.deepEqual([lease.spec?.holderIdentity, lease.spec?.leaseDurationSeconds], ['n1', 12]);
  await agent.stop();
});

test('userspace Pods: own address, volumes by variable, init before main, nothing left', {
  skip,
  timeout,
}, async (context) => {
  const api = new FakeApi();
  const dataDir = folder(context);
  const agent = await startAgent(api, dataDir, '127.244.202.0/24');
  const share = {
    volumes: [{ name: 'work-dir', emptyDir: {} }],
    initContainers: [
      { name: 'prepare', image: 'any', command: ['sh', '-c', 'echo ready > $FAIRLEAD_VOLUME_WORK_DIR/file'] },
    ],
  };
  await api.create(
    pods,
    shell('p', 'test "$(cat $FAIRLEAD_VOLUME_WORK_DIR/file)" = ready && test "$POD_IP" = "$HOST"', share),
  );
  const done = await waitFor(api, 'p', isOver);
  assert.equal(done.status?.phase, 'Succeeded');
  assert.equal(done.status?.podIP, '127.244.202.2');
  assert.equal(done.status?.initContainerStatuses?.[0]?.state?.terminated?.reason, 'Completed');

  await api.create(
    pods,
    shell('nope', 'true', { containers: [{ name: 'sh', image: 'any', command: ['/no/such/program'] }] }),
  );
  const failed = await waitFor(api, 'nope', isOver);
  const terminated = failed.status?.containerStatuses?.[0]?.state?.terminated;
  assert.deepEqual([terminated?.exitCode, terminated?.reason], [128, 'StartError']);
  await agent.stop();
  assert.equal(existsSync(join(dataDir, 'nodes/n1/runtime.sock')), false);
});

test('a Pod that is over stays over for the next agent; one that ran starts again', {
  skip,
  timeout,
}, async (context) => {
  const api = new FakeApi();
  const dataDir = folder(context);
  const first = await startAgent(api, dataDir, '127.244.203.0/24');
  await api.create(pods, shell('over', 'exit 0'));
  await api.create(pods, shell('lasting', 'sleep 1000', { restartPolicy: 'Always' }));
  await waitFor(api, 'over', isOver);
  await waitFor(api, 'lasting', (pod) => pod.status?.phase === 'Running');
  await first.stop();
  const second = await startAgent(api, dataDir);
  const again = await waitFor(
    api,
    'lasting',
    (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1 && pod.status.phase === 'Running',
  );
  assert.equal(again.status?.containerStatuses?.[0]?.ready, true);
  const over = await api.get(pods, { namespace: 'default', name: 'over' });
  assert.equal(over.status?.phase, 'Succeeded');
  await second.stop();
});
