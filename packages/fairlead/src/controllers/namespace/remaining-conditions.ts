import type { NamespaceCondition } from '@fairlead/api';
import { timestamp } from '../workload/pod-state.ts';

/** Objects of one resource that a namespace still holds. */
export interface Remaining {
  /** `deployments.apps`; `pods.` of the core group. */
  readonly resource: string;
  readonly count: number;
  /** Finalizers on them, with repetitions. */
  readonly finalizers: readonly string[];
}

/** The conditions that tell a user why a namespace does not go away. */
export function remainingConditions(
  present: readonly NamespaceCondition[],
  remaining: readonly Remaining[],
  /** Why objects could not be deleted. */
  failures: readonly string[],
  nowMs: number,
): NamespaceCondition[] {
  const resources = remaining.map(({ resource, count }) => `${resource} has ${count} resource instances`).sort();
  const counts = new Map<string, number>();
  for (const name of remaining.flatMap(({ finalizers }) => finalizers)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const finalizers = [...counts].map(([name, count]) => `${name} in ${count} resource instances`).sort();
  const wanted = [
    // What the discovery leaves out is found at the next look.
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'False',
      reason: 'ResourcesDiscovered',
      message: 'All resources successfully discovered',
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      status: 'False',
      reason: 'ParsedGroupVersions',
      message: 'All legacy kube types successfully parsed',
    },
    {
      type: 'NamespaceDeletionContentFailure',
      status: failures.length > 0 ? 'True' : 'False',
      reason: failures.length > 0 ? 'ContentDeletionFailed' : 'ContentDeleted',
      message:
        failures.length > 0
          ? `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(', ')}`
          : 'All content successfully deleted, may be waiting on finalization',
    },
    {
      type: 'NamespaceContentRemaining',
      status: resources.length > 0 ? 'True' : 'False',
      reason: resources.length > 0 ? 'SomeResourcesRemain' : 'ContentRemoved',
      message:
        resources.length > 0
          ? `Some resources are remaining: ${resources.join(', ')}`
          : 'All content successfully removed',
    },
    {
      type: 'NamespaceFinalizersRemaining',
      status: finalizers.length > 0 ? 'True' : 'False',
      reason: finalizers.length > 0 ? 'SomeFinalizersRemain' : 'ContentHasNoFinalizers',
      message:
        finalizers.length > 0
          ? `Some content in the namespace has finalizers remaining: ${finalizers.join(', ')}`
          : 'All content-preserving finalizers finished',
    },
  ];
  return wanted.map((condition) => {
    const old = present.find((entry) => entry.type === condition.type);
    const same = old?.status === condition.status;
    return { ...condition, lastTransitionTime: (same ? old?.lastTransitionTime : undefined) ?? timestamp(nowMs) };
  });
}
