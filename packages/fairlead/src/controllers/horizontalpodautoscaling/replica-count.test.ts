import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricSpec, Pod, Stored } from '@fairlead/api';
import { type MetricsSource, noMetrics } from './metrics-source.ts';
import { proposeReplicas, type ScaleView } from './replica-count.ts';

/** A Pod that asks for a tenth of a processor; `ready` as said. */
function pod(name: string, ready = true): Stored<Pod> {
  return {
    metadata: { name, namespace: 'n', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu: '100m' } } }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as Stored<Pod>;
}

function view(count: number, pods: readonly Stored<Pod>[] = many(count)): ScaleView {
  return { namespace: 'n', wanted: count, present: count, pods, tolerance: { up: 0.1, down: 0.1 } };
}

function many(count: number): Stored<Pod>[] {
  return Array.from({ length: count }, (_, index) => pod(`p${index}`));
}

/** A source that knows one number for whole objects and one number per Pod. */
function source(whole: number, each: Readonly<Record<string, number>> = {}): MetricsSource {
  const values = new Map(Object.entries(each));
  return {
    resource: async () => ({ ok: true, values }),
    pods: async () => ({ ok: true, values }),
    object: async () => ({ ok: true, value: whole }),
    external: async () => ({ ok: true, value: whole }),
  };
}

const metric = { name: 'requests-per-second' };
const describedObject = { kind: 'Ingress', name: 'web', apiVersion: 'networking.k8s.io/v1' };
const byValue = (value: string): MetricSpec => ({
  type: 'Object',
  object: { describedObject, metric, target: { type: 'Value', value } },
});
const byAverage = (averageValue: string): MetricSpec => ({
  type: 'Object',
  object: { describedObject, metric, target: { type: 'AverageValue', averageValue } },
});
const perPod = (averageValue: string): MetricSpec => ({
  type: 'Pods',
  pods: { metric, target: { type: 'AverageValue', averageValue } },
});
const cpu = (averageUtilization: number): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

const rows: readonly [name: string, MetricSpec, ScaleView, MetricsSource, replicas: number][] = [
  ['twice the value doubles', byValue('10'), view(3), source(20), 6],
  ['a little more changes nothing', byValue('10'), view(3), source(10.9), 3],
  ['half the value halves', byValue('10'), view(4), source(5), 2],
  ['from none, the ratio itself', byValue('10'), view(0), source(25), 3],
  ['nothing asked, nothing needed', byValue('10'), view(4), source(0), 0],
  ['shared out among replicas', byAverage('10'), view(2), source(45), 5],
  ['shared out, near enough', byAverage('10'), view(4), source(42), 4],
  ['shared out, exactly whole', byAverage('100m'), view(1), source(0.3), 3],
  ['by Pod, all measured', perPod('10'), view(2), source(0, { p0: 20, p1: 20 }), 4],
  ['by Pod, an unmeasured one holds growth back', perPod('10'), view(2), source(0, { p0: 16 }), 2],
  ['by Pod, an unmeasured one holds shrinking back', perPod('10'), view(3), source(0, { p0: 1, p1: 1 }), 2],
  [
    'by Pod, one that is not ready does not count',
    perPod('10'),
    view(2, [pod('p0'), pod('p1', false)]),
    source(0, { p0: 40 }),
    4,
  ],
  ['utilization of what is asked for', cpu(50), view(2), source(0, { p0: 0.1, p1: 0.1 }), 4],
  ['utilization on target', cpu(50), view(2), source(0, { p0: 0.05, p1: 0.05 }), 2],
  [
    'external, shared out',
    { type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '5' } } },
    view(1),
    source(20),
    4,
  ],
];
for (const [name, spec, scale, from, expected] of rows) {
  test(name, async () => {
    const proposal = await proposeReplicas(spec, scale, from);
    assert.ok(proposal.ok, JSON.stringify(proposal));
    assert.equal(proposal.replicas, expected);
  });
}

test('what was found is told in the units of the target', async () => {
  const proposal = await proposeReplicas(byAverage('10'), view(2), source(45));
  assert.ok(proposal.ok);
  const object = { describedObject, metric, current: { averageValue: '22500m' } };
  assert.deepEqual(proposal.status, { type: 'Object', object });
  const used = await proposeReplicas(cpu(50), view(2), source(0, { p0: 0.1, p1: 0.05 }));
  assert.ok(used.ok);
  const current = { averageUtilization: 75, averageValue: '75m' };
  assert.deepEqual(used.status, { type: 'Resource', resource: { name: 'cpu', current } });
});

test('without metrics each kind says what is missing', async () => {
  const reasons = await Promise.all(
    [cpu(50), perPod('1'), byValue('1')].map((spec) => proposeReplicas(spec, view(1), noMetrics)),
  );
  assert.deepEqual(
    reasons.map((proposal) => (proposal.ok ? '' : proposal.reason)),
    ['FailedGetResourceMetric', 'FailedGetPodsMetric', 'FailedGetObjectMetric'],
  );
  assert.ok(!reasons[0]!.ok);
  assert.match(
    reasons[0]!.message,
    /^the HPA was unable to compute the replica count: failed to get cpu utilization: unable/,
  );
});
