import {
  type Condition,
  type Pod,
  type PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
  resolveIntOrPercent,
  type Stored,
} from '@fairlead/api';
import { controllerOf, isPodFinished, isPodReady, timestamp } from '../workload/pod-state.ts';

/** Something that the owner of a budget is to know. */
export interface BudgetEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'NoPods' | 'UnmanagedPods' | 'CalculateExpectedPodCountFailed';
  readonly message: string;
}

/** How a budget stands. */
export interface BudgetDecision {
  readonly status: PodDisruptionBudgetStatus;
  readonly events: readonly BudgetEvent[];
  readonly againAfterMs: number | undefined;
}

/** An eviction that was granted but whose Pod stayed counts no longer after this. */
const evictionForgottenMs = 120_000;
/** A budget whose Pods' owner is not found is looked at again after this: owners of other kinds wake nobody. */
const ownerAgainMs = 30_000;

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
  let unmanaged = false;
  let ownerless: string | undefined;
  for (const pod of alive) {
    const scale = replicasOf(pod);
    if (scale !== undefined) scales.set(scale.owner, scale.replicas);
    else if (controllerOf(pod) === undefined) unmanaged = true;
    else ownerless ??= pod.metadata.name;
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
  const failed = needsScale && ownerless !== undefined;
  const fault = `found no controllers for pod "${ownerless}"`;
  const events: BudgetEvent[] = [];
  if (alive.length === 0) events.push({ type: 'Normal', reason: 'NoPods', message: 'No matching pods found' });
  if (failed) {
    const message = `Failed to calculate the number of expected pods: ${fault}`;
    events.push({ type: 'Warning', reason: 'CalculateExpectedPodCountFailed', message });
    againAfterMs = Math.min(againAfterMs ?? ownerAgainMs, ownerAgainMs);
  } else if (needsScale && unmanaged) {
    events.push({ type: 'Warning', reason: 'UnmanagedPods', message: unmanagedText(budget) });
  }
  const allowed = failed || expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const verdict: Pick<Condition, 'message' | 'reason' | 'status'> = failed
    ? { status: 'False', reason: 'SyncFailed', message: fault }
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
  // What could not be counted stays as it was; only nobody may be evicted.
  if (failed) return { status: { ...keptNumbers(budget), conditions: [...others, condition] }, events, againAfterMs };
  const status: PodDisruptionBudgetStatus = {
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: [...others, condition],
  };
  return { status, events, againAfterMs };
}

function keptNumbers(budget: Stored<PodDisruptionBudget>): PodDisruptionBudgetStatus {
  const zero = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  return { ...zero, ...budget.status, disruptionsAllowed: 0 };
}

function unmanagedText({ spec }: PodDisruptionBudget): string {
  const { matchLabels = {}, matchExpressions = [] } = spec?.selector ?? {};
  // As Go prints a selector.
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key]},`)
    .join('');
  const expressions = matchExpressions
    .map(
      ({ key, operator, values = [] }) =>
        `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
    )
    .join('');
  const selector = `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`;
  return `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
}
