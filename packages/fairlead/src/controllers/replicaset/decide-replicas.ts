import { type Pod, type ReplicaSet, type ReplicaSetStatus, type Stored, selectorMatches } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import { availableInMs, controllerOf, isPodActive, isPodReady } from '../workload/pod-state.ts';
import { rankForDeletion } from './rank-pods.ts';

/** What a ReplicaSet needs done, and how it stands. */
export interface ReplicaDecision {
  /** Pods without an owner that the selector takes. */
  readonly adopt: readonly Stored<Pod>[];
  /** Own Pods that the selector no longer takes. */
  readonly release: readonly Stored<Pod>[];
  readonly create: number;
  readonly remove: readonly Stored<Pod>[];
  readonly status: ReplicaSetStatus;
  /** A ready Pod becomes available then, milliseconds. */
  readonly againAfterMs: number | undefined;
}

/**
 * Decides for one ReplicaSet.
 * @param owned Pods it controls
 * @param orphans Pods of its namespace that nobody controls
 * @param deleted UIDs of Pods whose deletion was already asked for
 */
export function decideReplicas(
  replicaSet: Stored<ReplicaSet>,
  owned: readonly Stored<Pod>[],
  orphans: readonly Stored<Pod>[],
  deleted: ReadonlySet<string>,
  nowMs: number,
): ReplicaDecision {
  const { spec, metadata } = replicaSet;
  const deleting = metadata.deletionTimestamp !== undefined;
  const matches = (pod: Pod): boolean => selectorMatches(spec?.selector, pod.metadata?.labels);
  const adopt = deleting
    ? []
    : orphans.filter((pod) => isPodActive(pod) && controllerOf(pod) === undefined && matches(pod));
  const release = deleting ? [] : owned.filter((pod) => !matches(pod) && pod.metadata.deletionTimestamp === undefined);
  const active = [...owned.filter(matches), ...adopt].filter(
    (pod) => isPodActive(pod) && !deleted.has(pod.metadata.uid),
  );
  const wanted = spec?.replicas ?? 1;
  const surplus = deleting ? 0 : active.length - wanted;

  const minReadySeconds = spec?.minReadySeconds ?? 0;
  const templateLabels = Object.entries(spec?.template?.metadata?.labels ?? {});
  let available = 0;
  let againAfterMs: number | undefined;
  for (const pod of active) {
    const inMs = availableInMs(pod, minReadySeconds, nowMs);
    if (inMs === 0) available++;
    else if (inMs !== undefined) againAfterMs = Math.min(againAfterMs ?? inMs, inMs);
  }
  const status: ReplicaSetStatus = {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) =>
      templateLabels.every(([key, value]) => pod.metadata.labels?.[key] === value),
    ).length,
    readyReplicas: active.filter(isPodReady).length,
    availableReplicas: available,
    observedGeneration: metadata.generation,
    conditions: replicaSet.status?.conditions,
  };
  return {
    adopt,
    release,
    create: Math.max(0, -surplus),
    remove: surplus > 0 ? rankForDeletion(active).slice(0, surplus) : [],
    status: withoutZeros(status),
    againAfterMs,
  };
}

/** Whether the stored status says the same; absent counts are zero. */
export function sameStatus(a: ReplicaSetStatus | undefined, b: ReplicaSetStatus): boolean {
  return deepEqual(withoutZeros(a ?? { replicas: 0 }), b);
}

/** Counts of zero are absent in the API, except `replicas`. */
function withoutZeros(status: ReplicaSetStatus): ReplicaSetStatus {
  const { replicas, ...rest } = status;
  const kept = Object.entries(rest).filter(([, value]) => value !== 0 && value !== undefined);
  return { replicas, ...Object.fromEntries(kept) };
}
