import type { Deployment, ReplicaSet } from '../types.ts';
import { ageOf, containerCells, nameOf, selectorText } from './cells.ts';

/** NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR */
export function deploymentCells(object: object, nowMs: number): unknown[] {
  const deployment = object as Partial<Deployment>;
  const { spec, status } = deployment;
  return [
    nameOf(deployment),
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    ageOf(deployment, nowMs),
    ...containerCells(spec?.template?.spec?.containers),
    selectorText(spec?.selector),
  ];
}

/** NAME DESIRED CURRENT READY AGE CONTAINERS IMAGES SELECTOR */
export function replicaSetCells(object: object, nowMs: number): unknown[] {
  const replicaSet = object as Partial<ReplicaSet>;
  const { spec, status } = replicaSet;
  return [
    nameOf(replicaSet),
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageOf(replicaSet, nowMs),
    ...containerCells(spec?.template?.spec?.containers),
    selectorText(spec?.selector),
  ];
}
