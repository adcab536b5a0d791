import type { Node, NodeCondition, Pod, PodCondition, Stored, Taint } from '@fairlead/api';
import { toleratedBy } from '../scheduler/node-fit.ts';
import { timestamp } from '../workload/pod-state.ts';

/** On nodes that have not renewed their lease in time. */
export const unreachableTaint = 'node.kubernetes.io/unreachable';
/** On nodes that say that they are not ready. */
export const notReadyTaint = 'node.kubernetes.io/not-ready';

/** What the Ready condition says about a node. */
export type NodeHealth = 'ready' | 'not-ready' | 'unreachable';

/** Conditions and taints that a node must have. */
export interface NodeJudgement {
  readonly health: NodeHealth;
  readonly conditions: readonly NodeCondition[];
  readonly taints: readonly Taint[];
}

/**
 * Judges a node.
 * @param heartbeatLost its Lease was not renewed in time
 */
export function judgeNode(node: Stored<Node>, heartbeatLost: boolean, nowMs: number): NodeJudgement {
  const time = timestamp(nowMs);
  const present = node.status?.conditions ?? [];
  const conditions = heartbeatLost ? present.map((condition) => unknown(condition, time)) : present;
  const ready = conditions.find((condition) => condition.type === 'Ready')?.status;
  const health: NodeHealth = ready === 'True' ? 'ready' : ready === 'Unknown' ? 'unreachable' : 'not-ready';
  const key = health === 'unreachable' ? unreachableTaint : notReadyTaint;
  const old = node.spec?.taints ?? [];
  const taints = old.filter((taint) => taint.key !== unreachableTaint && taint.key !== notReadyTaint);
  if (health !== 'ready') {
    for (const effect of ['NoSchedule', 'NoExecute'] as const) {
      const same = old.find((taint) => taint.key === key && taint.effect === effect);
      taints.push(same ?? { key, effect, timeAdded: time });
    }
  }
  return { health, conditions, taints };
}

/**
 * When a Pod must leave a node, Unix milliseconds; `undefined`: it may stay. `unreachable` and
 * `not-ready` are tolerated for a while by all; another `NoExecute` taint only where the Pod says so.
 */
export function evictionTime(
  pod: Pod,
  taints: readonly Taint[],
  evictionAfterMs: number,
  nowMs: number,
): number | undefined {
  let earliest: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const since = taint.timeAdded === undefined ? nowMs : Date.parse(taint.timeAdded);
    const toleration = toleratedBy(pod, taint);
    if (toleration !== undefined && toleration.tolerationSeconds === undefined) continue;
    const ownKind = taint.key === unreachableTaint || taint.key === notReadyTaint;
    // Admission gives every Pod a toleration of 300 s for these two: nobody's wish, so the cluster's setting counts.
    const unasked = ownKind && (toleration === undefined || toleration.tolerationSeconds === 300);
    const graceMs = unasked ? evictionAfterMs : (toleration?.tolerationSeconds ?? 0) * 1000;
    earliest = Math.min(earliest ?? Number.POSITIVE_INFINITY, since + graceMs);
  }
  return earliest;
}

/** The conditions of a Pod on an unreachable node: not ready; `undefined` if they already say so. */
export function unreachablePodConditions(pod: Pod, nowMs: number): readonly PodCondition[] | undefined {
  const conditions = pod.status?.conditions ?? [];
  if (!conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True')) return undefined;
  return conditions.map((condition) =>
    condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: timestamp(nowMs) } : condition,
  );
}

function unknown(condition: NodeCondition, time: string): NodeCondition {
  if (condition.status === 'Unknown') return condition;
  return {
    ...condition,
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'The node agent stopped renewing its Lease.',
    lastTransitionTime: time,
  };
}
