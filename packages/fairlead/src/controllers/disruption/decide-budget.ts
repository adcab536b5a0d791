import {
  type Condition,
  type Pod,
  type PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
  resolveIntOrPercent,
  type Stored,
} from '@fairlead/api';
import { isPodFinished, isPodReady, timestamp } from '../workload/pod-state.ts';

/** How a budget stands. */
export interface BudgetDecision {
  readonly status: PodDisruptionBudgetStatus;
  readonly againAfterMs: number | undefined;
}

/** An eviction that was granted but whose Pod stayed counts no longer after this. */
const evictionForgottenMs = 120_000;

/**
 * Counts for one PodDisruptionBudget.
 * @param matching Pods that its selector takes
 * @param replicasOf how many Pods the controller of a Pod wants; undefined where there is none
 */
export function decideBudget(
  budget: Stored<PodDisruptionBudget>,
  matching: readonly Stored<Pod>[],
  replicasOf: (pod: Stored<Pod>) => { readonly owner: string; readonly replicas: number } | undefined,
  nowMs: number,
): BudgetDecision {
  const { spec, metadata } = budget;
  const alive = matching.filter((pod) => !isPodFinished(pod));
  let againAfterMs: number | undefined;
  const disruptedPods: Record<string, string> = {};
  for (const [name, time] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const pod = alive.find((candidate) => candidate.metadata.name === name);
    const leftMs = Date.parse(time) + evictionForgottenMs - nowMs;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || leftMs <= 0) continue;
    disruptedPods[name] = time;
    againAfterMs = Math.min(againAfterMs ?? leftMs, leftMs);
  }
  const healthy = alive.filter(
    (pod) =>
      isPodReady(pod) && pod.metadata.deletionTimestamp === undefined && disruptedPods[pod.metadata.name] === undefined,
  ).length;

  const scales = new Map<string, number>();
  let unmanaged: string | undefined;
  for (const pod of alive) {
    const scale = replicasOf(pod);
    if (scale === undefined) unmanaged ??= pod.metadata.name;
    else scales.set(scale.owner, scale.replicas);
  }
  const wanted = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  const { minAvailable, maxUnavailable } = spec ?? {};
  let expected = alive.length;
  let desired: number;
  if (maxUnavailable !== undefined) {
    expected = wanted;
    desired = Math.max(0, expected - (resolveIntOrPercent(maxUnavailable, expected, 'up') ?? 0));
  } else if (typeof minAvailable === 'string') {
    expected = wanted;
    desired = resolveIntOrPercent(minAvailable, expected, 'up') ?? expected;
  } else desired = minAvailable ?? 1;

  const needsScale = maxUnavailable !== undefined || typeof minAvailable === 'string';
  const failed = needsScale && unmanaged !== undefined;
  const allowed = failed || expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const verdict: Pick<Condition, 'message' | 'reason' | 'status'> = failed
    ? { status: 'False', reason: 'SyncFailed', message: `found no controllers for pod "${unmanaged}"` }
    : allowed > 0
      ? { status: 'True', reason: 'SufficientPods', message: '' }
      : { status: 'False', reason: 'InsufficientPods', message: '' };
  const before = budget.status?.conditions?.find((condition) => condition.type === 'DisruptionAllowed');
  const lastTransitionTime = before?.status === verdict.status ? before.lastTransitionTime : timestamp(nowMs);
  const others = (budget.status?.conditions ?? []).filter((condition) => condition.type !== 'DisruptionAllowed');
  const condition: Condition = {
    type: 'DisruptionAllowed',
    ...verdict,
    lastTransitionTime,
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
  };
  const status: PodDisruptionBudgetStatus = {
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: [...others, condition],
  };
  return { status, againAfterMs };
}
