import type { Pod, StatefulSet, StatefulSetStatus, Stored } from '@fairlead/api';
import { availableInMs, isPodFinished, isPodReady } from '../workload/pod-state.ts';
import { revisionLabel } from '../workload/revisions.ts';

/** Names of the revisions that a set is between. */
export interface SetRevisions {
  readonly current: string;
  readonly update: string;
}

/** What a StatefulSet needs done now, and how it stands. */
export interface SetDecision {
  /** Ordinals to create, with the revision that each is to have. */
  readonly create: readonly { readonly ordinal: number; readonly revision: string }[];
  readonly remove: readonly Stored<Pod>[];
  readonly status: StatefulSetStatus;
  /** A ready Pod becomes available then, milliseconds. */
  readonly againAfterMs: number | undefined;
}

/** The ordinal in a Pod's name; undefined for a Pod of another name. */
export function ordinalOf(setName: string, podName: string): number | undefined {
  const match = /^(.*)-(0|[1-9]\d*)$/.exec(podName);
  return match?.[1] === setName ? Number(match[2]) : undefined;
}

/**
 * Decides for one StatefulSet. With `OrderedReady` one step is taken at a time, and none while a Pod before it
 * is not available:
 *
 *  1. Pods that ended are deleted, missing ones created, by ascending ordinal;
 *  2. Pods beyond the wanted number go, by descending ordinal;
 *  3. Pods of another revision are deleted, by descending ordinal down to the partition, each after the one
 *     before it is available again.
 *
 * `Parallel` does 1 and 2 for all at once.
 * @param leaving whether a Pod's deletion was asked for
 */
export function decideSetPods(
  set: Stored<StatefulSet>,
  owned: readonly Stored<Pod>[],
  leaving: (pod: Stored<Pod>) => boolean,
  revisions: SetRevisions,
  nowMs: number,
): SetDecision {
  const { spec, metadata } = set;
  const replicas = spec?.replicas ?? 1;
  const start = spec?.ordinals?.start ?? 0;
  const minReadySeconds = spec?.minReadySeconds ?? 0;
  const parallel = spec?.podManagementPolicy === 'Parallel';
  const rolling = spec?.updateStrategy?.type !== 'OnDelete';
  const partition = start + (rolling ? (spec?.updateStrategy?.rollingUpdate?.partition ?? 0) : 0);

  let againAfterMs: number | undefined;
  const isAvailable = (pod: Stored<Pod>): boolean => {
    if (leaving(pod) || isPodFinished(pod)) return false;
    const inMs = availableInMs(pod, minReadySeconds, nowMs);
    if (inMs !== undefined && inMs > 0) againAfterMs = Math.min(againAfterMs ?? inMs, inMs);
    return inMs === 0;
  };
  const revisionOf = (pod: Pod): string => pod.metadata?.labels?.[revisionLabel] ?? '';
  const byOrdinal = new Map<number, Stored<Pod>>();
  for (const pod of owned) {
    const ordinal = ordinalOf(metadata.name, pod.metadata.name);
    if (ordinal !== undefined) byOrdinal.set(ordinal, pod);
  }
  const isWanted = (ordinal: number): boolean => ordinal >= start && ordinal < start + replicas;
  const condemned = [...byOrdinal].filter(([ordinal]) => !isWanted(ordinal)).sort(([a], [b]) => b - a);

  const counted = [...byOrdinal.values()];
  const stays = counted.filter((pod) => !leaving(pod));
  const count = (test: (pod: Stored<Pod>) => boolean): number => counted.filter(test).length;
  const status: StatefulSetStatus = {
    observedGeneration: metadata.generation,
    replicas: counted.length,
    readyReplicas: count(isPodReady),
    availableReplicas: count((pod) => isPodReady(pod) && isAvailable(pod)),
    currentReplicas: stays.filter((pod) => revisionOf(pod) === revisions.current).length,
    updatedReplicas: stays.filter((pod) => revisionOf(pod) === revisions.update).length,
    currentRevision: revisions.current,
    updateRevision: revisions.update,
    collisionCount: set.status?.collisionCount ?? 0,
    conditions: set.status?.conditions,
  };
  const rolledOut =
    rolling &&
    status.updatedReplicas === replicas &&
    status.readyReplicas === replicas &&
    counted.length === replicas &&
    partition === start;
  if (rolledOut) {
    status.currentRevision = revisions.update;
    status.currentReplicas = status.updatedReplicas;
  }
  const create: { ordinal: number; revision: string }[] = [];
  const remove: Stored<Pod>[] = [];
  const decided = (): SetDecision => ({ create, remove, status, againAfterMs });
  if (metadata.deletionTimestamp !== undefined) return decided();

  let firstUnhealthy: Stored<Pod> | undefined;
  for (let ordinal = start; ordinal < start + replicas; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) {
      create.push({ ordinal, revision: rolling && ordinal < partition ? revisions.current : revisions.update });
      if (!parallel) return decided();
      continue;
    }
    if (isPodFinished(pod) && !leaving(pod)) {
      remove.push(pod);
      if (!parallel) return decided();
      continue;
    }
    if (isAvailable(pod)) continue;
    firstUnhealthy ??= pod;
    if (!parallel) break;
  }
  // A Pod of an old revision that never comes up must not hold up the one that replaces it.
  if (firstUnhealthy !== undefined && !parallel && (leaving(firstUnhealthy) || condemned.length > 0)) return decided();
  for (const [, pod] of condemned) {
    if (leaving(pod)) {
      if (!parallel) return decided();
      continue;
    }
    remove.push(pod);
    if (!parallel) return decided();
  }
  if (!rolling || create.length > 0 || remove.length > 0) return decided();
  for (let ordinal = start + replicas - 1; ordinal >= partition; ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined || leaving(pod)) return decided();
    if (revisionOf(pod) !== revisions.update) {
      remove.push(pod);
      return decided();
    }
    if (!isAvailable(pod)) return decided();
  }
  return decided();
}
