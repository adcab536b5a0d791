import type { Deployment, ReplicaSet, Stored } from '@fairlead/api';
import { sameTemplate } from '../workload/template-hash.ts';
import { desiredReplicasAnnotation, maxReplicasAnnotation, revisionOf } from './replica-set-annotations.ts';
import { rollingLimits } from './rolling-limits.ts';

/** What to do for a Deployment now. The caller applies it and decides again when something changed. */
export interface RolloutDecision {
  /** The ReplicaSet of the present template, if it exists. */
  readonly current: Stored<ReplicaSet> | undefined;
  /** All others, oldest first. */
  readonly old: readonly Stored<ReplicaSet>[];
  /** Make a ReplicaSet for the template with so many replicas. */
  readonly create: number | undefined;
  /** The revision of the present template. */
  readonly revision: number;
  /** New sizes by ReplicaSet name; only those that change. */
  readonly scale: ReadonlyMap<string, number>;
  /** Old ReplicaSets beyond the history limit. */
  readonly remove: readonly Stored<ReplicaSet>[];
}

const sizeOf = (set: ReplicaSet): number => set.spec?.replicas ?? 1;
const availableOf = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * Decides for one Deployment.
 *
 * Cases, in this order: paused (only scale); scaled since the last write (spread the difference in
 * proportion); Recreate (all old Pods first); rolling update (new up within surge, old down as the new
 * become available).
 * @param replicaSets the ReplicaSets it controls
 * @param oldPodsExist whether Pods of an old ReplicaSet still run; for Recreate
 */
export function decideRollout(
  deployment: Stored<Deployment>,
  replicaSets: readonly Stored<ReplicaSet>[],
  oldPodsExist: boolean,
): RolloutDecision {
  const sets = replicaSets.filter((set) => set.metadata.deletionTimestamp === undefined).sort(byAge);
  const current = sets.find((set) => sameTemplate(set.spec?.template, deployment.spec?.template));
  const old = sets.filter((set) => set !== current);
  const revision = Math.max(Math.max(0, ...old.map(revisionOf)) + 1, current === undefined ? 0 : revisionOf(current));
  const wanted = deployment.spec?.replicas ?? 1;
  const paused = deployment.spec?.paused === true;
  const sizes = new Map(sets.map((set) => [set.metadata.name, sizeOf(set)]));
  let create: number | undefined;

  if (paused || wasScaled(deployment, sets)) {
    spread(deployment, current, old, sizes);
    if (!paused && current === undefined) create = 0;
  } else if (deployment.spec?.strategy?.type === 'Recreate') {
    for (const set of old) sizes.set(set.metadata.name, 0);
    const clear = !oldPodsExist && old.every((set) => sizeOf(set) === 0 && (set.status?.replicas ?? 0) === 0);
    if (clear && current === undefined) create = wanted;
    else if (clear && current !== undefined) sizes.set(current.metadata.name, wanted);
  } else {
    create = roll(deployment, current, old, sizes);
  }
  const scale = new Map(
    [...sizes].filter(([name, size]) => size !== sizeOf(sets.find((set) => set.metadata.name === name)!)),
  );
  return { current, old, create, revision, scale, remove: paused ? [] : beyondHistory(deployment, old, scale) };
}

/** One step of a rolling update; returns the size of the new ReplicaSet if it must be made. */
function roll(
  deployment: Deployment,
  current: Stored<ReplicaSet> | undefined,
  old: readonly Stored<ReplicaSet>[],
  sizes: Map<string, number>,
): number | undefined {
  const wanted = deployment.spec?.replicas ?? 1;
  const { maxSurge, maxUnavailable } = rollingLimits(deployment);
  const oldTotal = sum(old.map(sizeOf));
  const newSize = current === undefined ? 0 : sizeOf(current);
  const room = Math.max(0, wanted + maxSurge - oldTotal - newSize);
  const newTarget = newSize > wanted ? wanted : newSize + Math.min(room, wanted - newSize);
  if (current !== undefined) sizes.set(current.metadata.name, newTarget);

  // Old Pods may go as long as enough available ones stay, counting no new Pod before it is available.
  const minAvailable = wanted - maxUnavailable;
  const newUnavailable = newTarget - Math.min(newTarget, current === undefined ? 0 : availableOf(current));
  let budget = oldTotal + newTarget - minAvailable - newUnavailable;
  // First those that serve nobody.
  for (const set of old) {
    const size = sizeOf(set);
    const unhealthy = Math.min(budget, size - Math.min(size, availableOf(set)));
    if (unhealthy <= 0) continue;
    sizes.set(set.metadata.name, size - unhealthy);
    budget -= unhealthy;
  }
  const availableTotal = sum(old.map((set) => Math.min(sizeOf(set), availableOf(set)))) + newTarget - newUnavailable;
  let spare = Math.min(budget, availableTotal - minAvailable);
  for (const set of old) {
    const size = sizes.get(set.metadata.name) ?? 0;
    const down = Math.min(spare, size);
    if (down <= 0) continue;
    sizes.set(set.metadata.name, size - down);
    spare -= down;
  }
  return current === undefined ? newTarget : undefined;
}

/** Whether `spec.replicas` changed since the ReplicaSets were last sized. */
function wasScaled(deployment: Deployment, sets: readonly Stored<ReplicaSet>[]): boolean {
  return sets.some((set) => {
    const desired = set.metadata.annotations?.[desiredReplicasAnnotation];
    return sizeOf(set) > 0 && desired !== undefined && Number(desired) !== (deployment.spec?.replicas ?? 1);
  });
}

/** Scales without rolling: the only active ReplicaSet takes all, several share in proportion, largest first. */
function spread(
  deployment: Deployment,
  current: Stored<ReplicaSet> | undefined,
  old: readonly Stored<ReplicaSet>[],
  sizes: Map<string, number>,
): void {
  const wanted = deployment.spec?.replicas ?? 1;
  const all = [...old, ...(current === undefined ? [] : [current])];
  const active = all.filter((set) => sizeOf(set) > 0);
  const only = active.length === 0 ? (current ?? old.at(-1)) : active.length === 1 ? active[0] : undefined;
  if (only !== undefined) {
    sizes.set(only.metadata.name, wanted);
    return;
  }
  const settled = current !== undefined && sizeOf(current) === wanted && availableOf(current) === wanted;
  if (settled) {
    for (const set of old) sizes.set(set.metadata.name, 0);
    return;
  }
  const { maxSurge } = rollingLimits(deployment);
  const total = sum(active.map(sizeOf));
  const allowed = wanted === 0 ? 0 : wanted + maxSurge;
  const toAdd = allowed - total;
  // Largest first; when shrinking, of equal ones the oldest first, when growing the newest.
  const order = [...active].sort((a, b) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)));
  let left = toAdd;
  for (const set of order) {
    const annotated = Number(set.metadata.annotations?.[maxReplicasAnnotation] ?? total) || total;
    const share = Math.round((sizeOf(set) * allowed) / annotated) - sizeOf(set);
    const change = toAdd > 0 ? Math.min(Math.max(share, 0), left) : Math.max(Math.min(share, 0), left);
    sizes.set(set.metadata.name, Math.max(0, sizeOf(set) + change));
    left -= change;
  }
  // What rounding left over goes to the largest.
  const [largest] = order;
  if (largest !== undefined && left !== 0) {
    sizes.set(largest.metadata.name, Math.max(0, (sizes.get(largest.metadata.name) ?? 0) + left));
  }
}

function beyondHistory(
  deployment: Deployment,
  old: readonly Stored<ReplicaSet>[],
  scale: ReadonlyMap<string, number>,
): readonly Stored<ReplicaSet>[] {
  const limit = deployment.spec?.revisionHistoryLimit ?? 10;
  const empty = old.filter(
    (set) =>
      sizeOf(set) === 0 &&
      (set.status?.replicas ?? 0) === 0 &&
      (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0) &&
      !scale.has(set.metadata.name),
  );
  const surplus = old.length - limit;
  return surplus <= 0 ? [] : empty.sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, surplus);
}

function byAge(a: Stored<ReplicaSet>, b: Stored<ReplicaSet>): number {
  const [left, right] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (left !== right) return left < right ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
