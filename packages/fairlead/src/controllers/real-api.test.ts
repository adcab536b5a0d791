import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Deployment, EndpointSlice, Pod } from '@fairlead/api';
import { configMaps, deployments, endpointSlices, namespaces, nodes, pods, services } from '@fairlead/api';
import { type ApiClient, connect, isNotFound, loadKubeconfig, startInformer } from '@fairlead/client';
import { describeApiClient } from '@fairlead/client/api-client-suite';
import { startTestServer, type TestServer } from '../apiserver/testing/test-server.ts';
import { systemClock, systemRandom } from '../sys/clock.ts';
import type { Running } from '../sys/role.ts';
import { deploymentOf, FakeKubelet, readyNode } from './fake-cluster.ts';
import { startControllers } from './start.ts';
import { replicationControllers } from './workload/resource-refs.ts';

/** So long nothing is written when all is done. */
const quietMs = 500;

/** The real API server in a temporary directory, on a port of the kernel's choice. */
async function startServer(dataDir: string): Promise<TestServer> {
  return startTestServer({
    dataDir,
  });
}

const newDirectory = (): string => mkdtempSync(join(tmpdir(), 'fairlead-client-test-'));

describeApiClient('real server over HTTPS', async () => {
  const dataDir = newDirectory();
  const server = await startServer(dataDir);
  const client = connect(loadKubeconfig(server.kubeconfigFile));
  return {
    client,
    async close() {
      await client.close();
      await server.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
});

describeApiClient('real server in process', async () => {
  const dataDir = newDirectory();
  const server = await startServer(dataDir);
  return {
    client: server.client(),
    async close() {
      await server.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
});

describe('controllers on the real server', { timeout: 120_000 }, () => {
  let dataDir: string;
  let server: TestServer;
  let controllers: Running;
  let client: ApiClient;
  let kubelet: FakeKubelet;
  const problems: string[] = [];

  before(async () => {
    dataDir = newDirectory();
    server = await startServer(dataDir);
    client = connect(loadKubeconfig(server.kubeconfigFile));
    controllers = await startControllers({
      client: server.client(),
      clock: systemClock,
      random: systemRandom,
      log: (level, message, fields) => {
        if (level === 'warn' || level === 'error') problems.push(`${message} ${JSON.stringify(fields)}`);
      },
      controllers: ['*'],
      podCidr: '10.244.0.0/16',
      rootCa: server.ca,
      identity: 'test',
    });
    kubelet = new FakeKubelet(client);
    for (const name of ['a', 'b', 'c']) {
      const node = readyNode(name);
      await client.create(nodes, { metadata: node.metadata! });
      await client.patch(nodes, { name }, 'merge', { status: node.status }, { subresource: 'status' });
    }
  });
  after(async () => {
    kubelet.stop();
    await controllers.stop();
    await client.close();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  });

  async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = systemClock.monotonicMs() + 60_000;
    while (!(await condition())) {
      if (systemClock.monotonicMs() > deadline) throw new Error(`never: ${what}\n${problems.join('\n')}`);
      await systemClock.sleep(5);
    }
  }

  test('a ReplicationController keeps its Pods, with a selector of its own or that of its template', async () => {
    const name = { namespace: 'default', name: 'older' };
    const template = {
      metadata: { labels: { app: 'older' } },
      spec: { containers: [{ name: 'c', image: 'fairlead/echo' }] },
    };
    await client.create(replicationControllers, { metadata: name, spec: { replicas: 2, template } });
    const status = async () => (await client.get(replicationControllers, name)).status;
    await until('two Pods', async () => (await status())?.readyReplicas === 2);
    const own = { namespace: 'default', labelSelector: 'app=older' };
    const [first] = (await client.list(pods, own)).items;
    assert.equal(first?.metadata.ownerReferences?.[0]?.kind, 'ReplicationController');
    await client.delete(pods, { namespace: 'default', name: first?.metadata.name ?? '' });
    await until('another Pod', async () => {
      const { items } = await client.list(pods, own);
      const others = items.filter(({ metadata }) => metadata.uid !== first?.metadata.uid);
      return others.length === 2 && (await status())?.readyReplicas === 2;
    });
    await client.patch(replicationControllers, name, 'merge', { spec: { replicas: 0 } });
    await until('no Pod', async () => (await status())?.replicas === 0);
    await client.delete(replicationControllers, name);
  });

  test('conditions of a node that is gone leave the Services; those of others stay', async () => {
    const name = { namespace: 'default', name: 'degraded' };
    await client.create(services, { metadata: name, spec: { ports: [{ port: 80 }] } });
    await client.create(nodes, { metadata: { name: 'gone' } });
    const mark = async (type: string, manager: string): Promise<void> => {
      const condition = {
        type,
        status: 'True',
        reason: 'KernelFeatureMissing',
        message: 'no link type ipip',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      };
      const object = { apiVersion: 'v1', kind: 'Service', metadata: name, status: { conditions: [condition] } };
      await client.patch(services, name, 'apply', object, {
        subresource: 'status',
        fieldManager: manager,
        force: true,
      });
    };
    await mark('fairlead.dev/AnnotationsAccepted', 'fairlead-service-proxy');
    for (const node of ['a', 'gone']) await mark(`fairlead.dev/Degraded.${node}`, `fairlead-service-proxy-${node}`);
    const types = async (): Promise<string[]> =>
      ((await client.get(services, name)).status?.conditions ?? []).map(({ type }) => type).sort();
    assert.equal((await types()).length, 3);
    await client.delete(nodes, { name: 'gone' });
    await until('the condition is gone', async () => (await types()).length === 2);
    assert.deepEqual(await types(), ['fairlead.dev/AnnotationsAccepted', 'fairlead.dev/Degraded.a']);
    // A late write of a node that is gone already: the same.
    await mark('fairlead.dev/Degraded.never', 'fairlead-service-proxy-never');
    await until('that one too', async () => (await types()).length === 2);
    await client.delete(services, name);
  });

  test('a Deployment and a Service become ready endpoints; scaling, update, deletion; then silence', async () => {
    const name = { namespace: 'default', name: 'web' };
    await client.create(services, {
      metadata: name,
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' as string | number }] },
    });
    await client.create(deployments, deploymentOf('web', 3));
    const state = (): Promise<Deployment> => client.get(deployments, name);
    const rolledOut = async (replicas: number): Promise<boolean> => {
      const { metadata, status } = await state();
      return (
        status?.observedGeneration === metadata?.generation &&
        (status?.availableReplicas ?? 0) === replicas &&
        (status?.updatedReplicas ?? 0) === replicas &&
        (status?.replicas ?? 0) === replicas
      );
    };
    await until('rollout', () => rolledOut(3));
    const slices = async (): Promise<readonly EndpointSlice[]> =>
      (await client.list(endpointSlices, { namespace: 'default', labelSelector: 'kubernetes.io/service-name=web' }))
        .items;
    await until('endpoints', async () => {
      const endpoints = (await slices()).flatMap((slice) => slice.endpoints ?? []);
      return endpoints.length === 3 && endpoints.every((endpoint) => endpoint.conditions?.ready === true);
    });
    assert.equal((await slices()).length, 1);

    await client.patch(deployments, name, 'merge', { spec: { replicas: 5 } });
    await until('five', () => rolledOut(5));
    const image = { spec: { template: { spec: { containers: [{ name: 'c', image: 'app:2' }] } } } };
    await client.patch(deployments, name, 'strategic', image);
    const podsOf = async (): Promise<readonly Pod[]> => (await client.list(pods, { namespace: 'default' })).items;
    await until('updated', async () => {
      const all = await podsOf();
      return all.length === 5 && all.every((pod) => pod.spec?.containers[0]?.image === 'app:2') && (await rolledOut(5));
    });

    // Nothing may write any more: a controller must not wake itself.
    const changes: string[] = [];
    const informers = [deployments, pods, endpointSlices, services].map((ref) => startInformer<unknown>(client, ref));
    await Promise.all(informers.map((informer) => informer.synced));
    for (const informer of informers) {
      let first = true;
      informer.subscribe((batch) => {
        if (!first) changes.push(...batch.map((change) => `${informer.ref.plural} ${change.key}`));
        first = false;
      });
    }
    // Conditions and slices may still follow what was waited for; a controller that wakes itself never falls silent.
    let lastQuietMs = 0;
    await until(`silence: ${quietMs} ms without a change`, async () => {
      if (changes.splice(0).length > 0 || lastQuietMs === 0) lastQuietMs = systemClock.monotonicMs();
      return systemClock.monotonicMs() - lastQuietMs >= quietMs;
    });
    for (const informer of informers) informer.stop();

    await client.delete(deployments, name, { propagationPolicy: 'Background' });
    await until('collected', async () => (await podsOf()).length === 0);
  });

  test('a namespace with content goes', async () => {
    await client.create(namespaces, { metadata: { name: 'team' } });
    const web = deploymentOf('web', 2);
    await client.create(deployments, { ...web, metadata: { namespace: 'team', name: 'web' } });
    await until('Pods', async () => (await client.list(pods, { namespace: 'team' })).items.length === 2);
    await client.delete(namespaces, { name: 'team' });
    await until(
      'gone',
      async () => !(await client.list(namespaces)).items.some(({ metadata }) => metadata.name === 'team'),
    );
  });

  test('what belonged to an object of a brand-new kind goes, although the object was never listed', async () => {
    const group = 'collected.example';
    await client.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: `widgets.${group}` },
      spec: {
        group,
        names: { kind: 'Widget', plural: 'widgets' },
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    });
    const path = `/apis/${group}/v1/namespaces/default/widgets`;
    await until('served', () =>
      client.request('GET', path).then(
        () => true,
        () => false,
      ),
    );
    const widget = { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'w' } };
    const { metadata } = (await client.request('POST', path, widget)) as { metadata: { uid: string } };
    const owner = { apiVersion: `${group}/v1`, kind: 'Widget', name: 'w', uid: metadata.uid };
    const map = { namespace: 'default', name: 'owned-by-widget' };
    await client.create(configMaps, { metadata: { ...map, ownerReferences: [owner] } });
    await client.request('DELETE', `${path}/w`);
    await until('collected', () => client.get(configMaps, map).then(() => false, isNotFound));
  });

  test('every node has its own Pod range', async () => {
    await until('ranges', async () => {
      const ranges = (await client.list(nodes)).items.map((node) => node.spec?.podCIDR);
      return ranges.every((range) => range !== undefined) && new Set(ranges).size === 3;
    });
    assert.deepEqual(problems, []);
  });
});
