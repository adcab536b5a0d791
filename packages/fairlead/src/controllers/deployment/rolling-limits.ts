import { type Deployment, resolveIntOrPercent } from '@fairlead/api';

/** How far a rolling update may go above and below the wanted number of Pods. */
export interface RollingLimits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Resolves percentages: surge rounds up, unavailability down; both zero would never move, so one may miss. */
export function rollingLimits(deployment: Deployment): RollingLimits {
  const replicas = deployment.spec?.replicas ?? 1;
  if (deployment.spec?.strategy?.type === 'Recreate' || replicas === 0) return { maxSurge: 0, maxUnavailable: 0 };
  const rolling = deployment.spec?.strategy?.rollingUpdate;
  const maxSurge = resolveIntOrPercent(rolling?.maxSurge ?? '25%', replicas, 'up') ?? 0;
  const maxUnavailable = resolveIntOrPercent(rolling?.maxUnavailable ?? '25%', replicas, 'down') ?? 0;
  if (maxSurge === 0 && maxUnavailable === 0) return { maxSurge: 0, maxUnavailable: 1 };
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}
