import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  PodDisruptionBudget,
  PodTemplate,
  ReplicaSet,
  StatefulSet,
} from '../types.ts';
import { ageOf, containerCells, labelsText, NONE, nameOf, selectorText } from './cells.ts';

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

/** NAME READY AGE CONTAINERS IMAGES */
export function statefulSetCells(object: object, nowMs: number): unknown[] {
  const set = object as Partial<StatefulSet>;
  const { spec, status } = set;
  return [
    nameOf(set),
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    ageOf(set, nowMs),
    ...containerCells(spec?.template?.spec?.containers),
  ];
}

/** NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE-SELECTOR AGE CONTAINERS IMAGES SELECTOR */
export function daemonSetCells(object: object, nowMs: number): unknown[] {
  const set = object as Partial<DaemonSet>;
  const { spec, status } = set;
  return [
    nameOf(set),
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    labelsText(spec?.template?.spec?.nodeSelector),
    ageOf(set, nowMs),
    ...containerCells(spec?.template?.spec?.containers),
    selectorText(spec?.selector),
  ];
}

/** NAME CONTROLLER REVISION AGE */
export function controllerRevisionCells(object: object, nowMs: number): unknown[] {
  const revision = object as Partial<ControllerRevision>;
  const owner = revision.metadata?.ownerReferences?.find((reference) => reference.controller === true);
  const group = owner?.apiVersion.includes('/') === true ? `.${owner.apiVersion.split('/')[0]}` : '';
  const controller = owner === undefined ? NONE : `${owner.kind.toLowerCase()}${group}/${owner.name}`;
  return [nameOf(revision), controller, revision.revision ?? 0, ageOf(revision, nowMs)];
}

/** NAME CONTAINERS IMAGES POD-LABELS */
export function podTemplateCells(object: object): unknown[] {
  const template = object as Partial<PodTemplate>;
  return [
    nameOf(template),
    ...containerCells(template.template?.spec?.containers),
    labelsText(template.template?.metadata?.labels),
  ];
}

/** NAME MIN-AVAILABLE MAX-UNAVAILABLE ALLOWED-DISRUPTIONS AGE */
export function podDisruptionBudgetCells(object: object, nowMs: number): unknown[] {
  const budget = object as Partial<PodDisruptionBudget>;
  const { spec, status } = budget;
  const text = (value: unknown): string => (value === undefined || value === null ? 'N/A' : String(value));
  return [
    nameOf(budget),
    text(spec?.minAvailable),
    text(spec?.maxUnavailable),
    status?.disruptionsAllowed ?? 0,
    ageOf(budget, nowMs),
  ];
}
