// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { PersistentVolumeClaim } from './core-v1-claims.ts';
import type { PodTemplateSpec } from './core-v1-pod.ts';
import type { ListMeta, ObjectMeta, Time } from './meta-v1.ts';

/** `core.v1.PersistentVolumeClaimList` */
export interface PersistentVolumeClaimList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: PersistentVolumeClaim[];
}

/** `core.v1.ReplicationController` */
export interface ReplicationController {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ReplicationControllerSpec | undefined;
  status?: ReplicationControllerStatus | undefined;
}

/** `core.v1.ReplicationControllerCondition` */
export interface ReplicationControllerCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `core.v1.ReplicationControllerList` */
export interface ReplicationControllerList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ReplicationController[];
}

/** `core.v1.ReplicationControllerSpec` */
export interface ReplicationControllerSpec {
  replicas?: number | undefined;
  minReadySeconds?: number | undefined;
  selector?: Record<string, string> | undefined;
  template?: PodTemplateSpec | undefined;
}

/** `core.v1.ReplicationControllerStatus` */
export interface ReplicationControllerStatus {
  replicas: number;
  fullyLabeledReplicas?: number | undefined;
  readyReplicas?: number | undefined;
  availableReplicas?: number | undefined;
  observedGeneration?: number | undefined;
  conditions?: ReplicationControllerCondition[] | undefined;
}

/** `core.v1.TopologySelectorLabelRequirement` */
export interface TopologySelectorLabelRequirement {
  key: string;
  values: string[];
}

/** `core.v1.TopologySelectorTerm` */
export interface TopologySelectorTerm {
  matchLabelExpressions?: TopologySelectorLabelRequirement[] | undefined;
}
