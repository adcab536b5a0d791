import type { Job, Pod, PodFailurePolicyRule } from '@fairlead/api';

/** What a failed Pod means for its Job. */
export type FailureVerdict =
  | { readonly action: 'count' }
  | { readonly action: 'ignore' }
  /** It counts, and its index is not tried again. */
  | { readonly action: 'fail-index' }
  | { readonly action: 'fail-job'; readonly message: string };

/** The first rule of the Job's `podFailurePolicy` that a failed Pod matches; without any it counts. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const why = matchOf(rule, pod);
    if (why === undefined) continue;
    if (rule.action === 'Ignore') return { action: 'ignore' };
    if (rule.action === 'FailIndex') return { action: 'fail-index' };
    if (rule.action !== 'FailJob') return { action: 'count' };
    const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
    return { action: 'fail-job', message: `${why(name)} matching FailJob rule at index ${index}` };
  }
  return { action: 'count' };
}

function matchOf(rule: PodFailurePolicyRule, pod: Pod): ((podName: string) => string) | undefined {
  const { onExitCodes, onPodConditions } = rule;
  if (onExitCodes !== undefined) {
    const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
    for (const status of statuses) {
      const exitCode = status.state?.terminated?.exitCode;
      if (exitCode === undefined || exitCode === 0) continue;
      if (onExitCodes.containerName !== undefined && onExitCodes.containerName !== status.name) continue;
      if (onExitCodes.values.includes(exitCode) !== (onExitCodes.operator === 'In')) continue;
      return (name) => `Container ${status.name} for pod ${name} failed with exit code ${exitCode}`;
    }
  }
  for (const pattern of onPodConditions ?? []) {
    const found = pod.status?.conditions?.some(
      (condition) => condition.type === pattern.type && condition.status === pattern.status,
    );
    if (found === true) return (name) => `Pod ${name} has condition ${pattern.type}`;
  }
  return undefined;
}
