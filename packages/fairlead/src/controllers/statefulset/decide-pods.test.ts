import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, StatefulSet, StatefulSetSpec, Stored } from '@fairlead/api';
import { decideSetPods, ordinalOf } from './decide-pods.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const meta = (name: string) => ({ name, namespace: 'n', uid: name, resourceVersion: '1', creationTimestamp: '' });
const setOf = (spec: Partial<StatefulSetSpec>): Stored<StatefulSet> => ({
  metadata: { ...meta('s'), generation: 1 },
  spec: { replicas: 3, selector: {}, template: { spec: { containers: [] } }, ...spec },
});

/** `0` ready, `0?` not ready, `0x` leaving, `0!` failed; `:old` of the old revision. */
function podsOf(text: string): Stored<Pod>[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const [, ordinal, mark, old] = /^(\d+)([?x!]?)(:old)?$/.exec(word)!;
      return {
        metadata: {
          ...meta(`s-${ordinal}`),
          labels: { 'controller-revision-hash': old === undefined ? 'new' : 'old' },
          ...(mark === 'x' ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
        },
        status: {
          phase: mark === '!' ? 'Failed' : 'Running',
          conditions: [
            {
              type: 'Ready',
              status: mark === '?' || mark === '!' ? 'False' : 'True',
              lastTransitionTime: '2026-01-01T00:59:50Z',
            },
          ],
        },
      };
    });
}
const leaving = (pod: Stored<Pod>): boolean => pod.metadata.deletionTimestamp !== undefined;
const parallel = { podManagementPolicy: 'Parallel' as const };
const partition = (number: number): Partial<StatefulSetSpec> => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: number } },
});

const rows: readonly (readonly [string, Partial<StatefulSetSpec>, string, string])[] = [
  ['the first alone', {}, '', '+0'],
  ['the next when the first is ready', {}, '0', '+1'],
  ['not before', {}, '0?', ''],
  ['a gap is filled first', {}, '0 2', '+1'],
  ['not while the one before is missing its readiness', {}, '0? 2', ''],
  ['all', {}, '0 1 2', ''],
  ['one that failed is replaced', {}, '0 1! 2', '-1'],
  ['a leaving one is waited for', {}, '0 1x', ''],
  ['the last goes first', { replicas: 1 }, '0 1 2', '-2'],
  ['one at a time', { replicas: 1 }, '0 1 2x', ''],
  ['not while another is not ready', { replicas: 1 }, '0? 1 2', ''],
  ['none is left', { replicas: 0 }, '0', '-0'],
  ['all at once', parallel, '', '+0 +1 +2'],
  ['all at once, whatever the others do', parallel, '0?', '+1 +2'],
  ['down all at once', { ...parallel, replicas: 0 }, '0 1? 2', '-2 -1 -0'],
  ['the update begins at the last', {}, '0:old 1:old 2:old', '-2'],
  ['and waits for it', {}, '0:old 1:old 2?', ''],
  ['and goes on', {}, '0:old 1:old 2', '-1'],
  ['down to the partition', partition(2), '0:old 1:old 2', ''],
  ['a broken old one is replaced too', {}, '0 1 2?:old', '-2'],
  ['by hand only', { updateStrategy: { type: 'OnDelete' } }, '0:old 1:old 2:old', ''],
  ['below the partition the old revision comes back', partition(1), '1', '+0:old'],
  ['from another start', { ordinals: { start: 5 }, replicas: 2 }, '5', '+6'],
  ['what is outside goes', { ordinals: { start: 5 }, replicas: 1 }, '0 5', '-0'],
];
for (const [name, spec, pods, expected] of rows) {
  test(`StatefulSet: ${name}`, () => {
    const { create, remove } = decideSetPods(
      setOf(spec),
      podsOf(pods),
      leaving,
      { current: 'old', update: 'new' },
      now,
    );
    const steps = [
      ...create.map(({ ordinal, revision }) => `+${ordinal}${revision === 'old' ? ':old' : ''}`),
      ...remove.map((pod) => `-${pod.metadata.name.slice(2)}`),
    ];
    assert.equal(steps.join(' '), expected);
  });
}

test('status: counts, and the revision when all is rolled out', () => {
  const revisions = { current: 'old', update: 'new' };
  const during = decideSetPods(setOf({}), podsOf('0:old 1 2?'), leaving, revisions, now).status;
  assert.deepEqual(
    [during.replicas, during.readyReplicas, during.currentReplicas, during.updatedReplicas, during.currentRevision],
    [3, 2, 1, 2, 'old'],
  );
  const after = decideSetPods(setOf({}), podsOf('0 1 2'), leaving, revisions, now).status;
  assert.deepEqual([after.currentRevision, after.currentReplicas, after.updatedReplicas], ['new', 3, 3]);
});

test('a Pod is available after minReadySeconds; the next look is then', () => {
  const decision = decideSetPods(
    setOf({ minReadySeconds: 15 }),
    podsOf('0'),
    leaving,
    { current: 'new', update: 'new' },
    now,
  );
  assert.equal(decision.againAfterMs, 5000);
  assert.equal(decision.create.length, 0);
});

test('ordinals are of this set only', () => {
  assert.equal(ordinalOf('db', 'db-12'), 12);
  for (const other of ['db', 'db-01', 'db-x-1', 'dbx-1', 'db-']) assert.equal(ordinalOf('db', other), undefined);
});
