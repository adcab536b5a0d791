import type { Pod } from '@fairlead/api';
import { isPodReady, podCondition } from '../workload/pod-state.ts';

const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * Orders Pods by how little is lost by deleting them, first to go first: without a node, not running,
 * not ready, low `pod-deletion-cost`, many siblings on the node, ready for a short time, many restarts, young.
 */
export function rankForDeletion<P extends Pod>(pods: readonly P[]): P[] {
  const onNode = new Map<string, number>();
  for (const pod of pods) {
    const node = pod.spec?.nodeName ?? '';
    onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const criteria: ((pod: Pod) => number)[] = [
    (pod) => (pod.spec?.nodeName === undefined || pod.spec.nodeName === '' ? 0 : 1),
    (pod) => phaseOrder[pod.status?.phase ?? 'Unknown'] ?? 1,
    (pod) => (isPodReady(pod) ? 1 : 0),
    deletionCost,
    (pod) => -(onNode.get(pod.spec?.nodeName ?? '') ?? 0),
    (pod) => -timeOf(podCondition(pod, 'Ready')?.lastTransitionTime),
    (pod) => -Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount)),
    (pod) => -timeOf(pod.metadata?.creationTimestamp),
  ];
  return [...pods].sort((a, b) => {
    for (const criterion of criteria) {
      const difference = criterion(a) - criterion(b);
      if (difference !== 0) return difference;
    }
    return (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
  });
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata?.annotations?.['controller.kubernetes.io/pod-deletion-cost'];
  const cost = Number(text ?? '0');
  return Number.isInteger(cost) ? cost : 0;
}

function timeOf(text: string | undefined): number {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? 0 : ms;
}
