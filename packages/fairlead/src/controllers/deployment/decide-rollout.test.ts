import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, DeploymentStrategy, PodTemplateSpec, ReplicaSet, Stored } from '@fairlead/api';
import { decideRollout } from './decide-rollout.ts';
import { scaleAnnotations } from './replica-set-annotations.ts';
import { rollingLimits } from './rolling-limits.ts';

const template = (image: string): PodTemplateSpec => ({
  metadata: { labels: { app: 'w' } },
  spec: { containers: [{ name: 'c', image }] },
});
const deployment = (replicas: number, strategy: DeploymentStrategy = {}, more: object = {}): Stored<Deployment> => ({
  metadata: { name: 'w', namespace: 'n', uid: 'd', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { replicas, selector: {}, template: template('2'), strategy, ...more },
});
const set = (
  name: string,
  owner: Deployment,
  replicas: number,
  available: number,
  image: string,
): Stored<ReplicaSet> => ({
  metadata: {
    name,
    uid: name,
    resourceVersion: '1',
    creationTimestamp: `2026-01-0${image}T00:00:00Z`,
    generation: 1,
    annotations: { ...scaleAnnotations(owner), 'deployment.kubernetes.io/revision': image },
  },
  spec: { replicas, selector: {}, template: template(image) },
  status: { replicas, availableReplicas: available, observedGeneration: 1 },
});
const rolling = (maxSurge: number | string, maxUnavailable: number | string): DeploymentStrategy => ({
  type: 'RollingUpdate',
  rollingUpdate: { maxSurge, maxUnavailable },
});

const limits: readonly [string, number, DeploymentStrategy, [number, number]][] = [
  ['defaults of 4', 4, {}, [1, 1]],
  ['surge rounds up, unavailable down', 3, rolling('25%', '25%'), [1, 0]],
  ['numbers', 10, rolling(3, 2), [3, 2]],
  ['both zero: one may miss', 4, rolling(0, 0), [0, 1]],
  ['both zero by percentage', 1, rolling('0%', '50%'), [0, 1]],
  ['not more than all', 2, rolling(0, 5), [0, 2]],
];
for (const [name, replicas, strategy, expected] of limits) {
  test(`limits: ${name}`, () => {
    const { maxSurge, maxUnavailable } = rollingLimits(deployment(replicas, strategy));
    assert.deepEqual([maxSurge, maxUnavailable], expected);
  });
}

test('every rollout ends and keeps within its limits, in any order of Pods becoming ready', () => {
  let seed = 3;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let run = 0; run < 300; run++) {
    const replicas = random(12);
    const owner = deployment(replicas, rolling(random(4), random(4)));
    const { maxSurge, maxUnavailable } = rollingLimits(owner);
    const size = new Map([['old', replicas]]);
    const available = new Map([['old', replicas]]);
    let steps = 0;
    for (; steps < 500; steps++) {
      const sets = [...size].map(([name, count]) =>
        set(name, owner, count, available.get(name) ?? 0, name === 'old' ? '1' : '2'),
      );
      const decision = decideRollout(owner, sets, false);
      if (decision.create !== undefined) size.set('new', decision.create);
      for (const [name, count] of decision.scale) {
        size.set(name, count);
        // Deletion takes the not available ones first.
        available.set(name, Math.min(available.get(name) ?? 0, count));
      }
      const total = [...size.values()].reduce((a, b) => a + b, 0);
      const serving = [...available.values()].reduce((a, b) => a + b, 0);
      assert.ok(total <= replicas + maxSurge, `${total} of ${replicas}+${maxSurge}`);
      assert.ok(serving >= replicas - maxUnavailable, `${serving} of ${replicas}-${maxUnavailable}`);
      const fresh = size.get('new') ?? 0;
      if (
        size.get('old') === 0 &&
        fresh === replicas &&
        available.get('new') === (replicas === 0 ? available.get('new') : replicas)
      )
        break;
      const ready = available.get('new') ?? 0;
      if (ready < fresh && random(2) === 0) available.set('new', ready + 1 + random(fresh - ready));
    }
    assert.ok(steps < 500, `stuck: ${replicas} replicas, surge ${maxSurge}, unavailable ${maxUnavailable}`);
  }
});

test('paused: no new ReplicaSet, but scaling works', () => {
  const before = deployment(2);
  const owner = deployment(5, {}, { paused: true });
  const decision = decideRollout(owner, [set('old', before, 2, 2, '1')], false);
  assert.equal(decision.create, undefined);
  assert.deepEqual([...decision.scale], [['old', 5]]);
});

test('scaling during a rollout is shared in proportion', () => {
  const before = deployment(10, rolling(3, 2));
  const owner = deployment(15, rolling(3, 2));
  const decision = decideRollout(owner, [set('old', before, 8, 8, '1'), set('new', before, 5, 0, '2')], false);
  assert.deepEqual(
    new Map(decision.scale),
    new Map([
      ['old', 11],
      ['new', 7],
    ]),
  );
});

test('Recreate waits for old Pods', () => {
  const owner = deployment(2, { type: 'Recreate' });
  assert.deepEqual([...decideRollout(owner, [set('old', owner, 2, 2, '1')], true).scale], [['old', 0]]);
  const emptied = [set('old', owner, 0, 0, '1')];
  assert.equal(decideRollout(owner, emptied, true).create, undefined);
  assert.equal(decideRollout(owner, emptied, false).create, 2);
});

test('history: the oldest revisions beyond the limit go', () => {
  const owner = deployment(1, {}, { revisionHistoryLimit: 1 });
  const sets = [set('r1', owner, 0, 0, '1'), set('r2', owner, 1, 1, '2'), set('r3', owner, 0, 0, '3')];
  const decision = decideRollout(owner, sets, false);
  assert.deepEqual(
    decision.remove.map(({ metadata }) => metadata.name),
    ['r1'],
  );
  assert.equal(decision.revision, 4, 'going back is a new revision');
});
