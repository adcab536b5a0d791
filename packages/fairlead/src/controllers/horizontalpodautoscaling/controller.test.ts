import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployments, type HorizontalPodAutoscaler, nodes, type Stored, services } from '@fairlead/api';
import { startTestServer } from '../../apiserver/testing/test-server.ts';
import { type Clock, systemClock } from '../../sys/clock.ts';
import { deploymentOf, FakeKubelet, readyNode } from '../fake-cluster.ts';
import { startControllers } from '../start.ts';
import { horizontalPodAutoscalers } from '../workload/resource-refs.ts';
import { type MetricsSource, noMetrics } from './metrics-source.ts';

/** Waiting takes a hundredth of the time asked for; what time it is stays true. */
const fastClock: Clock = { ...systemClock, after: (delayMs, callback) => systemClock.after(delayMs / 100, callback) };

test('a Deployment grows with the requests to its Service and shrinks without them', { timeout: 120_000 }, async () => {
  const server = await startTestServer();
  const client = server.client();
  let requestsPerSecond: number | undefined;
  const metrics: MetricsSource = {
    ...noMetrics,
    object: async (namespace, { kind, name }, { name: metric }) => {
      assert.deepEqual([namespace, kind, name, metric], ['default', 'Service', 'web', 'requests-per-second']);
      if (requestsPerSecond === undefined) return { ok: false, reason: 'nothing measured yet' };
      return { ok: true, value: requestsPerSecond };
    },
  };
  const controllers = await startControllers({
    client,
    clock: fastClock,
    random: () => 0.5,
    log: () => undefined,
    controllers: ['*'],
    podCidr: '10.244.0.0/16',
    rootCa: 'CA',
    identity: 'test',
    metrics,
  });
  const kubelet = new FakeKubelet(client);
  const target = { namespace: 'default', name: 'web' };
  const until = async (
    what: string,
    holds: (autoscaler: Stored<HorizontalPodAutoscaler>) => boolean,
  ): Promise<void> => {
    const deadline = systemClock.monotonicMs() + 60_000;
    for (;;) {
      const autoscaler = await client.get(horizontalPodAutoscalers, target);
      if (holds(autoscaler)) return;
      if (systemClock.monotonicMs() > deadline) assert.fail(`never: ${what}: ${JSON.stringify(autoscaler.status)}`);
      await systemClock.sleep(20);
    }
  };
  const reasonOf = ({ status }: HorizontalPodAutoscaler, type: string): string =>
    status?.conditions?.find((condition) => condition.type === type)?.reason ?? '';
  try {
    const { status, ...node } = readyNode('node');
    const made = await client.create(nodes, node);
    await client.update(nodes, { ...made, status, spec: { ...made.spec, taints: [] } });
    await client.patch(nodes, { name: 'node' }, 'merge', { status }, { subresource: 'status' });
    await client.create(services, { metadata: target, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } });
    await client.create(deployments, deploymentOf('web', 1));
    await client.create(horizontalPodAutoscalers, {
      metadata: target,
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 5,
        metrics: [
          {
            type: 'Object',
            object: {
              describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
              metric: { name: 'requests-per-second' },
              target: { type: 'AverageValue', averageValue: '10' },
            },
          },
        ],
        behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
      },
    });
    await until(
      'the missing metric is told',
      (autoscaler) => reasonOf(autoscaler, 'ScalingActive') === 'FailedGetObjectMetric',
    );
    requestsPerSecond = 38;
    await until(
      'four replicas',
      ({ status: { currentReplicas, desiredReplicas } = { desiredReplicas: 0 } }) =>
        currentReplicas === 4 && desiredReplicas === 4,
    );
    requestsPerSecond = 3;
    await until(
      'one replica',
      ({ status: { currentReplicas, desiredReplicas } = { desiredReplicas: 0 } }) =>
        currentReplicas === 1 && desiredReplicas === 1,
    );
    const autoscaler = await client.get(horizontalPodAutoscalers, target);
    assert.equal(reasonOf(autoscaler, 'ScalingActive'), 'ValidMetricFound');
    assert.equal((await client.get(deployments, target)).spec?.replicas, 1);
  } finally {
    kubelet.stop();
    await controllers.stop();
    await server.stop();
  }
});
