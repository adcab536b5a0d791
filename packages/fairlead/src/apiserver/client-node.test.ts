import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  ApiException,
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
  type V1Service,
  Watch,
} from '@kubernetes/client-node';
import { systemClock } from '../sys/clock.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';

const namespace = 'default';

function serviceOf(name: string, port = 80): V1Service {
  return {
    metadata: { name, labels: { app: name } },
    spec: { selector: { app: name }, ports: [{ name: 'http', port, targetPort: 'http' }] },
  };
}

describe('@kubernetes/client-node', { timeout: 120_000 }, () => {
  const config = new KubeConfig();
  let server: TestServer;
  let core: CoreV1Api;

  before(async () => {
    server = await startTestServer({
      // Often, so that old versions go while the test looks.
      compactEveryMs: 500,
    });
    config.loadFromFile(server.kubeconfigFile);
    core = config.makeApiClient(CoreV1Api);
  });
  after(async () => {
    await server.stop();
  });

  test('typed calls: create, read, replace, three patches, list by selector, delete', async () => {
    const created = await core.createNamespacedService({ namespace, body: serviceOf('typed') });
    assert.match(created.spec?.clusterIP ?? '', /^10\.96\./);
    assert.ok(created.metadata?.creationTimestamp instanceof Date);
    const read = await core.readNamespacedService({ namespace, name: 'typed' });
    read.metadata!.annotations = { replaced: 'yes' };
    const replaced = await core.replaceNamespacedService({ namespace, name: 'typed', body: read });
    assert.equal(replaced.metadata?.annotations?.replaced, 'yes');
    await assert.rejects(
      core.replaceNamespacedService({ namespace, name: 'typed', body: read }),
      (error) => error instanceof ApiException && error.code === 409,
    );
    const name = { namespace, name: 'typed' };
    const merged = await core.patchNamespacedService(
      { ...name, body: { metadata: { annotations: { merged: 'yes', replaced: null } } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    assert.deepEqual(merged.metadata?.annotations, { merged: 'yes' });
    const strategic = await core.patchNamespacedService(
      { ...name, body: { spec: { ports: [{ name: 'more', port: 81 }] } } },
      setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
    );
    assert.deepEqual(strategic.spec?.ports?.map(({ port }) => port).sort(), [80, 81]);
    const patched = await core.patchNamespacedService({
      ...name,
      body: [{ op: 'replace', path: '/spec/selector/app', value: 'other' }],
    });
    assert.equal(patched.spec?.selector?.app, 'other');
    const applied = await core.patchNamespacedService(
      {
        ...name,
        fieldManager: 'tester',
        force: true,
        body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'typed', labels: { applied: 'yes' } } },
      },
      setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
    );
    assert.equal(applied.metadata?.labels?.applied, 'yes');
    const list = await core.listNamespacedService({ namespace, labelSelector: 'applied=yes', limit: 1 });
    assert.deepEqual(
      list.items.map((item) => item.metadata?.name),
      ['typed'],
    );
    await core.deleteNamespacedService(name);
    await assert.rejects(
      core.readNamespacedService(name),
      (error) => error instanceof ApiException && error.code === 404,
    );
  });

  test('a bad Service is refused with its causes', async () => {
    await assert.rejects(core.createNamespacedService({ namespace, body: serviceOf('bad', 70_000) }), (error) => {
      assert.ok(error instanceof ApiException);
      const status = JSON.parse(String(error.body)) as { details: { causes: { field: string }[] } };
      assert.equal(error.code, 422);
      assert.equal(status.details.causes[0]?.field, 'spec.ports[0].port');
      return true;
    });
  });

  test('an informer keeps its cache in step, from the list on and after a lost connection', async () => {
    await core.createNamespacedService({ namespace, body: serviceOf('before') });
    const seen: string[] = [];
    let wake = (): void => {};
    const informer = makeInformer<V1Service>(config, `/api/v1/namespaces/${namespace}/services`, () =>
      core.listNamespacedService({ namespace }),
    );
    const note = (verb: string) => (object: V1Service) => {
      seen.push(`${verb} ${object.metadata?.name}`);
      wake();
    };
    informer.on('add', note('add'));
    informer.on('update', note('update'));
    informer.on('delete', note('delete'));
    const saw = async (text: string): Promise<void> => {
      const end = systemClock.monotonicMs() + 60_000;
      while (!seen.includes(text)) {
        assert.ok(systemClock.monotonicMs() < end, `no ${text} in ${seen.join(', ')}`);
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), systemClock.sleep(100)]);
      }
    };
    await informer.start();
    await saw('add before');
    await core.createNamespacedService({ namespace, body: serviceOf('live') });
    await saw('add live');
    await core.patchNamespacedService({
      namespace,
      name: 'live',
      body: [{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }],
    });
    await saw('update live');
    assert.equal(informer.get('live', namespace)?.metadata?.annotations?.a, 'b');
    await core.deleteNamespacedService({ namespace, name: 'live' });
    await saw('delete live');
    assert.deepEqual(
      informer
        .list(namespace)
        .map((item) => item.metadata?.name)
        .sort(),
      ['before', 'kubernetes'],
    );
    await informer.stop();
    await core.createNamespacedService({ namespace, body: serviceOf('meanwhile') });
    await informer.start();
    await saw('add meanwhile');
    await informer.stop();
  });

  test('a watch from a version that is gone ends with 410 in its stream', async () => {
    const watch = new Watch(config);
    const end = systemClock.monotonicMs() + 60_000;
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<{ code?: number } | undefined>();
      const onEvent = (phase: string, object: { code?: number }): void =>
        resolve(phase === 'ERROR' ? object : undefined);
      const controller = await watch.watch('/api/v1/services', { resourceVersion: '1' }, onEvent, () =>
        resolve(undefined),
      );
      const answer = await promise;
      controller.abort();
      if (answer?.code === 410) return;
      assert.ok(systemClock.monotonicMs() < end, 'the first version is never dropped');
      await systemClock.sleep(50);
    }
  });

  test('objects of any kind, definitions and their objects, scale and leases', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    await objects.create({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'notes.client.example' },
      spec: {
        group: 'client.example',
        names: { kind: 'Note', plural: 'notes' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { spec: { type: 'object', properties: { text: { type: 'string' } } } },
              },
            },
          },
        ],
      },
    } as never);
    const custom = config.makeApiClient(CustomObjectsApi);
    const place = { group: 'client.example', version: 'v1', namespace, plural: 'notes' };
    const end = systemClock.monotonicMs() + 60_000;
    for (;;) {
      try {
        await custom.listNamespacedCustomObject(place);
        break;
      } catch (error) {
        assert.ok(error instanceof ApiException && systemClock.monotonicMs() < end, String(error));
        await systemClock.sleep(10);
      }
    }
    const note = {
      apiVersion: 'client.example/v1',
      kind: 'Note',
      metadata: { name: 'n', namespace },
      spec: { text: 'a' },
    };
    await objects.create(note as never);
    const read = (await objects.read(note as never)) as unknown as typeof note;
    assert.equal(read.spec.text, 'a');

    const apps = config.makeApiClient(AppsV1Api);
    const labels = { app: 'scaled' };
    await apps.createNamespacedDeployment({
      namespace,
      body: {
        metadata: { name: 'scaled' },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'x' }] } },
        },
      },
    });
    const scale = await apps.readNamespacedDeploymentScale({ namespace, name: 'scaled' });
    scale.spec!.replicas = 3;
    const scaled = await apps.replaceNamespacedDeploymentScale({ namespace, name: 'scaled', body: scale });
    assert.equal(scaled.spec?.replicas, 3);

    const leases = config.makeApiClient(CoordinationV1Api);
    const renewTime = new V1MicroTime('2026-01-02T03:04:05.678Z');
    await leases.createNamespacedLease({
      namespace,
      body: { metadata: { name: 'l' }, spec: { holderIdentity: 'a', renewTime } },
    });
    const lease = await leases.readNamespacedLease({ namespace, name: 'l' });
    assert.match(JSON.stringify(lease.spec), /"2026-01-02T03:04:05\.678000Z"/);
  });
});
