// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { PersistentVolumeClaim } from './core-v1-claims.ts';
import type { PodTemplateSpec } from './core-v1-pod.ts';
import type { IntOrString, LabelSelector, ListMeta, ObjectMeta, RawExtension, Time } from './meta-v1.ts';

/** `apps.v1.ControllerRevision` */
export interface ControllerRevision {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  data?: RawExtension | undefined;
  revision: number;
}

/** `apps.v1.ControllerRevisionList` */
export interface ControllerRevisionList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ControllerRevision[];
}

/** `apps.v1.DaemonSet` */
export interface DaemonSet {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: DaemonSetSpec | undefined;
  status?: DaemonSetStatus | undefined;
}

/** `apps.v1.DaemonSetCondition` */
export interface DaemonSetCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `apps.v1.DaemonSetList` */
export interface DaemonSetList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: DaemonSet[];
}

/** `apps.v1.DaemonSetSpec` */
export interface DaemonSetSpec {
  selector: LabelSelector;
  template: PodTemplateSpec;
  updateStrategy?: DaemonSetUpdateStrategy | undefined;
  minReadySeconds?: number | undefined;
  revisionHistoryLimit?: number | undefined;
}

/** `apps.v1.DaemonSetStatus` */
export interface DaemonSetStatus {
  currentNumberScheduled: number;
  numberMisscheduled: number;
  desiredNumberScheduled: number;
  numberReady: number;
  observedGeneration?: number | undefined;
  updatedNumberScheduled?: number | undefined;
  numberAvailable?: number | undefined;
  numberUnavailable?: number | undefined;
  collisionCount?: number | undefined;
  conditions?: DaemonSetCondition[] | undefined;
}

/** `apps.v1.DaemonSetUpdateStrategy` */
export interface DaemonSetUpdateStrategy {
  type?: 'OnDelete' | 'RollingUpdate' | undefined;
  rollingUpdate?: RollingUpdateDaemonSet | undefined;
}

/** `apps.v1.Deployment` */
export interface Deployment {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: DeploymentSpec | undefined;
  status?: DeploymentStatus | undefined;
}

/** `apps.v1.DeploymentCondition` */
export interface DeploymentCondition {
  type: string;
  status: string;
  lastUpdateTime?: Time | undefined;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `apps.v1.DeploymentList` */
export interface DeploymentList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Deployment[];
}

/** `apps.v1.DeploymentSpec` */
export interface DeploymentSpec {
  replicas?: number | undefined;
  selector: LabelSelector;
  template: PodTemplateSpec;
  strategy?: DeploymentStrategy | undefined;
  minReadySeconds?: number | undefined;
  revisionHistoryLimit?: number | undefined;
  paused?: boolean | undefined;
  progressDeadlineSeconds?: number | undefined;
}

/** `apps.v1.DeploymentStatus` */
export interface DeploymentStatus {
  observedGeneration?: number | undefined;
  replicas?: number | undefined;
  updatedReplicas?: number | undefined;
  readyReplicas?: number | undefined;
  availableReplicas?: number | undefined;
  unavailableReplicas?: number | undefined;
  terminatingReplicas?: number | undefined;
  conditions?: DeploymentCondition[] | undefined;
  collisionCount?: number | undefined;
}

/** `apps.v1.DeploymentStrategy` */
export interface DeploymentStrategy {
  type?: 'Recreate' | 'RollingUpdate' | undefined;
  rollingUpdate?: RollingUpdateDeployment | undefined;
}

/** `apps.v1.ReplicaSet` */
export interface ReplicaSet {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ReplicaSetSpec | undefined;
  status?: ReplicaSetStatus | undefined;
}

/** `apps.v1.ReplicaSetCondition` */
export interface ReplicaSetCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `apps.v1.ReplicaSetList` */
export interface ReplicaSetList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ReplicaSet[];
}

/** `apps.v1.ReplicaSetSpec` */
export interface ReplicaSetSpec {
  replicas?: number | undefined;
  minReadySeconds?: number | undefined;
  selector: LabelSelector;
  template?: PodTemplateSpec | undefined;
}

/** `apps.v1.ReplicaSetStatus` */
export interface ReplicaSetStatus {
  replicas: number;
  fullyLabeledReplicas?: number | undefined;
  readyReplicas?: number | undefined;
  availableReplicas?: number | undefined;
  terminatingReplicas?: number | undefined;
  observedGeneration?: number | undefined;
  conditions?: ReplicaSetCondition[] | undefined;
}

/** `apps.v1.RollingUpdateDaemonSet` */
export interface RollingUpdateDaemonSet {
  maxUnavailable?: IntOrString | undefined;
  maxSurge?: IntOrString | undefined;
}

/** `apps.v1.RollingUpdateDeployment` */
export interface RollingUpdateDeployment {
  maxUnavailable?: IntOrString | undefined;
  maxSurge?: IntOrString | undefined;
}

/** `apps.v1.RollingUpdateStatefulSetStrategy` */
export interface RollingUpdateStatefulSetStrategy {
  partition?: number | undefined;
  maxUnavailable?: IntOrString | undefined;
}

/** `apps.v1.StatefulSet` */
export interface StatefulSet {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: StatefulSetSpec | undefined;
  status?: StatefulSetStatus | undefined;
}

/** `apps.v1.StatefulSetCondition` */
export interface StatefulSetCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `apps.v1.StatefulSetList` */
export interface StatefulSetList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: StatefulSet[];
}

/** `apps.v1.StatefulSetOrdinals` */
export interface StatefulSetOrdinals {
  start?: number | undefined;
}

/** `apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy` */
export interface StatefulSetPersistentVolumeClaimRetentionPolicy {
  whenDeleted?: string | undefined;
  whenScaled?: string | undefined;
}

/** `apps.v1.StatefulSetSpec` */
export interface StatefulSetSpec {
  replicas?: number | undefined;
  selector: LabelSelector;
  template: PodTemplateSpec;
  volumeClaimTemplates?: PersistentVolumeClaim[] | undefined;
  serviceName?: string | undefined;
  podManagementPolicy?: 'OrderedReady' | 'Parallel' | undefined;
  updateStrategy?: StatefulSetUpdateStrategy | undefined;
  revisionHistoryLimit?: number | undefined;
  minReadySeconds?: number | undefined;
  persistentVolumeClaimRetentionPolicy?: StatefulSetPersistentVolumeClaimRetentionPolicy | undefined;
  ordinals?: StatefulSetOrdinals | undefined;
}

/** `apps.v1.StatefulSetStatus` */
export interface StatefulSetStatus {
  observedGeneration?: number | undefined;
  replicas: number;
  readyReplicas?: number | undefined;
  currentReplicas?: number | undefined;
  updatedReplicas?: number | undefined;
  currentRevision?: string | undefined;
  updateRevision?: string | undefined;
  collisionCount?: number | undefined;
  conditions?: StatefulSetCondition[] | undefined;
  availableReplicas?: number | undefined;
}

/** `apps.v1.StatefulSetUpdateStrategy` */
export interface StatefulSetUpdateStrategy {
  type?: 'OnDelete' | 'RollingUpdate' | undefined;
  rollingUpdate?: RollingUpdateStatefulSetStrategy | undefined;
}
