import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetSpec, Stored } from '@fairlead/api';
import { decideBudget } from './decide-budget.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const meta = (name: string) => ({ name, namespace: 'n', uid: name, resourceVersion: '1', creationTimestamp: '' });
const podsOf = (ready: number, unready: number): Stored<Pod>[] =>
  Array.from({ length: ready + unready }, (_, index) => ({
    metadata: meta(`p-${index}`),
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: index < ready ? 'True' : 'False' }] },
  }));

const rows: readonly (readonly [
  string,
  PodDisruptionBudgetSpec,
  number,
  number,
  number | undefined,
  readonly number[],
])[] = [
  ['minAvailable', { minAvailable: 2 }, 3, 0, undefined, [1, 3, 2, 3]],
  ['none to spare', { minAvailable: 3 }, 3, 0, undefined, [0, 3, 3, 3]],
  ['unready ones do not count', { minAvailable: 2 }, 2, 1, undefined, [0, 2, 2, 3]],
  ['a share of the wanted, rounded up', { minAvailable: '50%' }, 3, 0, 5, [0, 3, 3, 5]],
  ['maxUnavailable', { maxUnavailable: 1 }, 3, 0, 3, [1, 3, 2, 3]],
  ['maxUnavailable counts missing ones', { maxUnavailable: 1 }, 2, 0, 3, [0, 2, 2, 3]],
  ['maxUnavailable as a share', { maxUnavailable: '30%' }, 5, 0, 5, [2, 5, 3, 5]],
  ['nobody', { minAvailable: 0 }, 0, 0, undefined, [0, 0, 0, 0]],
  ['no controller to ask', { maxUnavailable: 1 }, 3, 0, undefined, [0, 3, 0, 0]],
];
for (const [name, spec, ready, unready, replicas, expected] of rows) {
  test(`budget: ${name}`, () => {
    const budget: Stored<PodDisruptionBudget> = { metadata: meta('b'), spec };
    const scale = replicas === undefined ? undefined : { owner: 'o', replicas };
    const { status } = decideBudget(budget, podsOf(ready, unready), () => scale, now);
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = status;
    assert.deepEqual([disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods], expected);
    assert.equal(status.conditions?.[0]?.status, disruptionsAllowed > 0 ? 'True' : 'False');
  });
}

test('a granted eviction counts until its Pod is gone, or two minutes', () => {
  const granted = (time: string): ReturnType<typeof decideBudget> =>
    decideBudget(
      {
        metadata: meta('b'),
        spec: { minAvailable: 1 },
        status: {
          disruptionsAllowed: 1,
          currentHealthy: 3,
          desiredHealthy: 1,
          expectedPods: 3,
          disruptedPods: { 'p-0': time, gone: time },
        },
      },
      podsOf(3, 0),
      () => undefined,
      now,
    );
  const fresh = granted('2026-01-01T00:59:00Z');
  assert.deepEqual(
    [fresh.status.disruptionsAllowed, fresh.status.disruptedPods],
    [1, { 'p-0': '2026-01-01T00:59:00Z' }],
  );
  assert.equal(fresh.againAfterMs, 60_000);
  const old = granted('2026-01-01T00:50:00Z');
  assert.deepEqual([old.status.disruptionsAllowed, old.status.disruptedPods], [2, undefined]);
});

test('what a budget cannot count, its owner is told', () => {
  const told = (spec: PodDisruptionBudgetSpec, list: Stored<Pod>[]): ReturnType<typeof decideBudget> =>
    decideBudget({ metadata: meta('b'), spec }, list, () => undefined, now);
  const selector = {
    matchLabels: { app: 'x' },
    matchExpressions: [{ key: 'k', operator: 'In' as const, values: ['a', 'b'] }],
  };
  const reasons = ({ events }: ReturnType<typeof decideBudget>): string[] => events.map(({ reason }) => reason);

  assert.deepEqual(told({ minAvailable: 1 }, []).events, [
    { type: 'Normal', reason: 'NoPods', message: 'No matching pods found' },
  ]);
  assert.deepEqual(reasons(told({ minAvailable: 1 }, podsOf(1, 0))), [], 'a number needs no owners');

  const unmanaged = told({ maxUnavailable: 1, selector }, podsOf(2, 0));
  assert.deepEqual(reasons(unmanaged), ['UnmanagedPods']);
  assert.match(
    unmanaged.events[0]?.message ?? '',
    /\(selector: &LabelSelector\{MatchLabels:map\[string\]string\{app: x,\},MatchExpressions:\[\]LabelSelectorRequirement\{LabelSelectorRequirement\{Key:k,Operator:In,Values:\[a b\],\},\},\}\)/,
  );
  assert.equal(unmanaged.status.conditions?.[0]?.reason, 'InsufficientPods', 'it is counted without them');

  const [pod] = podsOf(1, 0);
  const controller = { apiVersion: 'x/v1', kind: 'Thing', name: 't', uid: 't', controller: true };
  const owned = { ...pod!, metadata: { ...pod!.metadata, ownerReferences: [controller] } };
  const lost = told({ maxUnavailable: 1, selector }, [owned]);
  assert.deepEqual(reasons(lost), ['CalculateExpectedPodCountFailed']);
  const [condition] = lost.status.conditions ?? [];
  assert.deepEqual([condition?.reason, condition?.message], ['SyncFailed', 'found no controllers for pod "p-0"']);
  assert.ok(lost.againAfterMs !== undefined, 'nobody wakes it when the owner comes');
});
