import type { Deployment, ObjectMeta, Stored } from '@fairlead/api';
import { rollingLimits } from './rolling-limits.ts';

/** The number of a rollout, on a Deployment and its ReplicaSets. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
/** What proportional scaling is computed from: the size, and the size with surge, that the Deployment had last. */
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Annotations of a Deployment that say something about it alone. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  'deprecated.deployment.rollback.to',
]);

/** The revision of a ReplicaSet or Deployment; 0 when it has none. */
export function revisionOf(object: { readonly metadata?: ObjectMeta | undefined }): number {
  const revision = Number(object.metadata?.annotations?.[revisionAnnotation] ?? '0');
  return Number.isInteger(revision) ? revision : 0;
}

/** The annotations that the ReplicaSet of the present template must have at a revision. */
export function replicaSetAnnotations(
  deployment: Stored<Deployment>,
  present: Readonly<Record<string, string>>,
  revision: number,
): Record<string, string> {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key));
  const result: Record<string, string> = { ...present, ...Object.fromEntries(copied), ...scaleAnnotations(deployment) };
  const old = present[revisionAnnotation];
  result[revisionAnnotation] = String(revision);
  if (old !== undefined && old !== String(revision)) {
    const history = present[revisionHistoryAnnotation];
    result[revisionHistoryAnnotation] = history === undefined ? old : `${history},${old}`;
  }
  return result;
}

/** What the Deployment wanted when a ReplicaSet was last scaled: tells scaling from rolling. */
export function scaleAnnotations(deployment: Deployment): Record<string, string> {
  const replicas = deployment.spec?.replicas ?? 1;
  return {
    [desiredReplicasAnnotation]: String(replicas),
    [maxReplicasAnnotation]: String(replicas + rollingLimits(deployment).maxSurge),
  };
}
