import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet, Stored } from '@fairlead/api';
import { timestamp } from '../workload/pod-state.ts';
import { rollingLimits } from './rolling-limits.ts';

/** A status and when it changes by the passing of time alone. */
export interface RolloutStatus {
  readonly status: DeploymentStatus;
  readonly againAfterMs: number | undefined;
}

type ConditionChange = { readonly status: string; readonly reason: string; readonly message: string };

/** How a Deployment stands: counts, and the conditions Available and Progressing that `kubectl` waits for. */
export function rolloutStatus(
  deployment: Stored<Deployment>,
  current: Stored<ReplicaSet> | undefined,
  old: readonly Stored<ReplicaSet>[],
  created: boolean,
  nowMs: number,
): RolloutStatus {
  const all = [...old, ...(current === undefined ? [] : [current])];
  const count = (field: 'replicas' | 'readyReplicas' | 'availableReplicas'): number =>
    all.reduce((total, set) => total + (set.status?.[field] ?? 0), 0);
  const wanted = deployment.spec?.replicas ?? 1;
  const total = all.reduce((sum, set) => sum + (set.spec?.replicas ?? 0), 0);
  const available = count('availableReplicas');
  const before = deployment.status ?? {};
  const counts = {
    replicas: count('replicas'),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: count('readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, total - available),
  };
  const conditions = new Map((before.conditions ?? []).map((condition) => [condition.type, condition]));
  const set = (type: string, change: ConditionChange, touch = false): void => {
    const old = conditions.get(type);
    if (!touch && old?.status === change.status && old.reason === change.reason && old.message === change.message)
      return;
    const time = timestamp(nowMs);
    const lastTransitionTime = old?.status === change.status ? (old.lastTransitionTime ?? time) : time;
    const updated: DeploymentCondition = { type, ...change, lastUpdateTime: time, lastTransitionTime };
    conditions.set(type, updated);
  };

  const enough = available >= wanted - rollingLimits(deployment).maxUnavailable;
  set(
    'Available',
    enough
      ? { status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
      : {
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
  );
  const failure = all.flatMap((entry) => entry.status?.conditions ?? []).find((c) => c.type === 'ReplicaFailure');
  if (failure === undefined) conditions.delete('ReplicaFailure');
  else set('ReplicaFailure', { status: 'True', reason: failure.reason ?? '', message: failure.message ?? '' });

  const deadlineSeconds = deployment.spec?.progressDeadlineSeconds ?? 600;
  const paused = deployment.spec?.paused === true;
  const last = conditions.get('Progressing');
  const complete =
    counts.updatedReplicas === wanted && counts.replicas === wanted && available === wanted && current !== undefined;
  let againAfterMs: number | undefined;
  if (paused) {
    set('Progressing', { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' });
  } else if (last?.reason === 'DeploymentPaused') {
    set('Progressing', { status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' });
  } else if (complete) {
    const message = `ReplicaSet "${current.metadata.name}" has successfully progressed.`;
    set('Progressing', { status: 'True', reason: 'NewReplicaSetAvailable', message });
  } else if (created && current !== undefined) {
    const message = `Created new replica set "${current.metadata.name}"`;
    set('Progressing', { status: 'True', reason: 'NewReplicaSetCreated', message }, true);
  } else if (progressed(counts, before) || last === undefined) {
    const name = current?.metadata.name;
    const message =
      name === undefined
        ? `Deployment "${deployment.metadata.name}" is progressing.`
        : `ReplicaSet "${name}" is progressing.`;
    set('Progressing', { status: 'True', reason: 'ReplicaSetUpdated', message }, true);
  }
  const progressing = conditions.get('Progressing');
  if (!paused && !complete && progressing?.status !== 'False' && progressing?.lastUpdateTime !== undefined) {
    // A finished rollout that lost Pods is not a stuck one.
    if (progressing.reason !== 'NewReplicaSetAvailable') {
      const leftMs = Date.parse(progressing.lastUpdateTime) + deadlineSeconds * 1000 - nowMs;
      if (leftMs > 0) againAfterMs = leftMs;
      else {
        const name =
          current === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${current.metadata.name}"`;
        const message = `${name} has timed out progressing.`;
        set('Progressing', { status: 'False', reason: 'ProgressDeadlineExceeded', message });
      }
    }
  }
  const nonZero = Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0));
  const status: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation,
    ...nonZero,
    conditions: [...conditions.values()],
    ...(before.collisionCount === undefined ? {} : { collisionCount: before.collisionCount }),
  };
  return { status, againAfterMs };
}

/** More new Pods, fewer old ones, or more ready or available ones than before. */
function progressed(
  now: { replicas: number; updatedReplicas: number; readyReplicas: number; availableReplicas: number },
  before: DeploymentStatus,
): boolean {
  return (
    now.updatedReplicas > (before.updatedReplicas ?? 0) ||
    now.replicas - now.updatedReplicas < (before.replicas ?? 0) - (before.updatedReplicas ?? 0) ||
    now.readyReplicas > (before.readyReplicas ?? 0) ||
    now.availableReplicas > (before.availableReplicas ?? 0)
  );
}
