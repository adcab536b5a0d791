import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { configMaps, nodes, type Pod, pods, type Stored } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock, systemRandom } from '../sys/clock.ts';
import { startNodeAgent } from './start.ts';

const skip = process.platform === 'linux' ? false : 'needs Linux: every address of 127.0.0.0/8 on loopback';
const options = { skip, timeout: 120_000 };

async function startAgent(
  context: TestContext,
  api: FakeApi,
  podCIDR: string,
): Promise<{ readonly replace: (meanwhile: () => Promise<unknown>) => Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-agent-'));
  await api.create(nodes, { metadata: { name: 'n1' }, spec: { podCIDR } });
  const start = () =>
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
    });
  let agent = await start();
  context.after(async () => {
    await agent.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    replace: async (meanwhile) => {
      await agent.detach();
      await meanwhile();
      agent = await start();
    },
  };
}

async function waitFor(api: FakeApi, reached: (pod: Stored<Pod>) => boolean): Promise<Stored<Pod>> {
  const ending = new AbortController();
  try {
    for await (const event of api.watch(pods, { sendInitialEvents: true, signal: ending.signal })) {
      if ((event.type === 'ADDED' || event.type === 'MODIFIED') && reached(event.object)) return event.object;
    }
  } finally {
    ending.abort();
  }
  throw new Error('the watch ended');
}

const shell = (script: string, spec: object = {}): Pod => ({
  metadata: { name: 'p', namespace: 'default' },
  spec: {
    nodeName: 'n1',
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'sh', image: 'any', command: ['sh', '-c', script] }],
    ...spec,
  },
});
const name = { namespace: 'default', name: 'p' };
const readyOf = (object: { status?: { conditions?: { type: string; status: string }[] | undefined } | undefined }) =>
  object.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
/** Whether the Pod has succeeded; throws when it failed, since it will not succeed any more. */
const succeeded = (pod: Stored<Pod>): boolean => {
  assert.notEqual(pod.status?.phase, 'Failed', JSON.stringify(pod.status));
  return pod.status?.phase === 'Succeeded';
};
const waitUntil = (condition: string): string => `until ${condition}; do sleep 0.02; done`;

test('a node that was taken for lost says at once that it and its Pods are ready', options, async (context) => {
  const api = new FakeApi();
  await startAgent(context, api, '127.244.205.0/24');
  await api.create(pods, shell('sleep 1000'));
  const pod = await waitFor(api, (candidate) => readyOf(candidate) === 'True');
  // What the life-cycle controller writes when a Lease was not renewed.
  const node = await api.get(nodes, { name: 'n1' });
  const lost = (node.status?.conditions ?? []).map((condition) => ({ ...condition, status: 'Unknown' }));
  const unready = (pod.status?.conditions ?? []).map((condition) => ({ ...condition, status: 'False' }));
  await api.update(nodes, { ...node, status: { ...node.status, conditions: lost } }, { subresource: 'status' });
  await api.patch(pods, name, 'merge', { status: { conditions: unready } }, { subresource: 'status' });
  await waitFor(api, (candidate) => readyOf(candidate) === 'False');
  await waitFor(api, (candidate) => readyOf(candidate) === 'True');
  assert.equal(readyOf(await api.get(nodes, { name: 'n1' })), 'True');
});

test('the files of a ConfigMap follow it', options, async (context) => {
  const api = new FakeApi();
  await startAgent(context, api, '127.244.206.0/24');
  const volumes = [{ name: 'v', configMap: { name: 'cm' } }];
  const seen = waitUntil('test "$(cat $FAIRLEAD_VOLUME_V/b 2>/dev/null)" = two && ! test -e $FAIRLEAD_VOLUME_V/a');
  await api.create(configMaps, { metadata: { name: 'cm', namespace: 'default' }, data: { a: 'one' } });
  // An init container sees the first content: "Running" then says that it has, however slow the machine.
  const first = { name: 'first', image: 'any', command: ['sh', '-c', 'test "$(cat $FAIRLEAD_VOLUME_V/a)" = one'] };
  await api.create(pods, shell(seen, { volumes, initContainers: [first] }));
  await waitFor(api, (pod) => pod.status?.phase === 'Running');
  await api.patch(configMaps, { namespace: 'default', name: 'cm' }, 'merge', { data: { a: null, b: 'two' } });
  await waitFor(api, succeeded);
});

test('a Pod starts as soon as the ConfigMap that it waits for is there', options, async (context) => {
  const api = new FakeApi();
  await startAgent(context, api, '127.244.207.0/24');
  await api.create(pods, shell('true', { volumes: [{ name: 'v', configMap: { name: 'late' } }] }));
  await waitFor(api, (pod) =>
    /"late" not found/.test(pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? ''),
  );
  await api.create(configMaps, { metadata: { name: 'late', namespace: 'default' }, data: { a: '1' } });
  await waitFor(api, succeeded);
});

test('a new image restarts the container, whatever the restart policy', options, async (context) => {
  const api = new FakeApi();
  await startAgent(context, api, '127.244.208.0/24');
  await api.create(pods, shell('trap "exit 0" TERM; while :; do sleep 0.02; done'));
  await waitFor(api, (pod) => pod.status?.phase === 'Running');
  const containers = [{ name: 'sh', image: 'other' }];
  await api.patch(pods, name, 'strategic', { spec: { containers } });
  const after = await waitFor(api, (pod) => {
    const status = pod.status?.containerStatuses?.[0];
    return status?.restartCount === 1 && status.state?.running !== undefined;
  });
  assert.equal(after.status?.containerStatuses?.[0]?.image, 'other');
});

test('an image that changed while no agent ran restarts the container, once', options, async (context) => {
  const api = new FakeApi();
  const { replace } = await startAgent(context, api, '127.244.213.0/24');
  await api.create(pods, shell('trap "exit 0" TERM; while :; do sleep 0.02; done'));
  const runs = (attempt: number) => (pod: Stored<Pod>) => {
    const status = pod.status?.containerStatuses?.[0];
    return status?.restartCount === attempt && status.state?.running !== undefined;
  };
  await waitFor(api, runs(0));
  const containers = [{ name: 'sh', image: 'other' }];
  await replace(() => api.patch(pods, name, 'strategic', { spec: { containers } }));
  const after = await waitFor(api, runs(1));
  assert.equal(after.status?.containerStatuses?.[0]?.image, 'other');
  // Nothing changed since: the next agent leaves it alone. What it is told afterwards it does.
  await replace(async () => {});
  await api.patch(pods, name, 'strategic', { spec: { containers: [{ name: 'sh', image: 'third' }] } });
  const last = await waitFor(api, (pod) => pod.status?.containerStatuses?.[0]?.image === 'third' && runs(2)(pod));
  assert.equal(last.status?.containerStatuses?.[0]?.restartCount, 2);
});

test(
  'a ServiceAccount token is mounted with its expiry asked for, and renewed before its end',
  options,
  async (context) => {
    const asked: unknown[] = [];
    class TokenApi extends FakeApi {
      override async request(method: string, path: string, body?: unknown): Promise<unknown> {
        if (!path.endsWith('/serviceaccounts/robot/token')) return super.request(method, path, body);
        asked.push(body);
        const expirationTimestamp = new Date(systemClock.now() + 1000).toISOString();
        return { status: { token: `token-${asked.length}`, expirationTimestamp } };
      }
    }
    const api = new TokenApi();
    await startAgent(context, api, '127.244.209.0/24');
    const serviceAccountToken = { path: 'sub/token', audience: 'vault', expirationSeconds: 700 };
    const volumes = [{ name: 'v', projected: { sources: [{ serviceAccountToken }] } }];
    // A slow machine may start the script when the first token has been renewed already.
    const token = '"$(cat $FAIRLEAD_VOLUME_V/sub/token)"';
    const script = `case ${token} in token-?);; *) exit 1;; esac; ${waitUntil(`test ${token} != token-1`)}`;
    await api.create(pods, shell(script, { volumes, serviceAccountName: 'robot' }));
    const pod = await waitFor(api, succeeded);
    assert.deepEqual((asked[0] as { spec: unknown }).spec, {
      audiences: ['vault'],
      expirationSeconds: 700,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: pod.metadata.uid },
    });
  },
);
