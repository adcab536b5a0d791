// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, MicroTime, ObjectMeta, Time } from './meta-v1.ts';

/** `core.v1.Binding` */
export interface Binding {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  target: ObjectReference;
}

/** `core.v1.ConfigMap` */
export interface ConfigMap {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  immutable?: boolean | undefined;
  data?: Record<string, string> | undefined;
  binaryData?: Record<string, string> | undefined;
}

/** `core.v1.ConfigMapList` */
export interface ConfigMapList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ConfigMap[];
}

/** `core.v1.Event` */
export interface Event {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata: ObjectMeta;
  involvedObject: ObjectReference;
  reason?: string | undefined;
  message?: string | undefined;
  source?: EventSource | undefined;
  firstTimestamp?: Time | undefined;
  lastTimestamp?: Time | undefined;
  count?: number | undefined;
  type?: string | undefined;
  eventTime?: MicroTime | undefined;
  series?: EventSeries | undefined;
  action?: string | undefined;
  related?: ObjectReference | undefined;
  reportingComponent?: string | undefined;
  reportingInstance?: string | undefined;
}

/** `core.v1.EventList` */
export interface EventList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Event[];
}

/** `core.v1.EventSeries` */
export interface EventSeries {
  count?: number | undefined;
  lastObservedTime?: MicroTime | undefined;
}

/** `core.v1.EventSource` */
export interface EventSource {
  component?: string | undefined;
  host?: string | undefined;
}

/** `core.v1.LinuxContainerUser` */
export interface LinuxContainerUser {
  uid: number;
  gid: number;
  supplementalGroups?: number[] | undefined;
}

/** `core.v1.LocalObjectReference` */
export interface LocalObjectReference {
  name?: string | undefined;
}

/** `core.v1.Namespace` */
export interface Namespace {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: NamespaceSpec | undefined;
  status?: NamespaceStatus | undefined;
}

/** `core.v1.NamespaceCondition` */
export interface NamespaceCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `core.v1.NamespaceList` */
export interface NamespaceList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Namespace[];
}

/** `core.v1.NamespaceSpec` */
export interface NamespaceSpec {
  finalizers?: string[] | undefined;
}

/** `core.v1.NamespaceStatus` */
export interface NamespaceStatus {
  phase?: 'Active' | 'Terminating' | undefined;
  conditions?: NamespaceCondition[] | undefined;
}

/** `core.v1.ObjectReference` */
export interface ObjectReference {
  kind?: string | undefined;
  namespace?: string | undefined;
  name?: string | undefined;
  uid?: string | undefined;
  apiVersion?: string | undefined;
  resourceVersion?: string | undefined;
  fieldPath?: string | undefined;
}

/** `core.v1.Secret` */
export interface Secret {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  immutable?: boolean | undefined;
  data?: Record<string, string> | undefined;
  stringData?: Record<string, string> | undefined;
  type?: string | undefined;
}

/** `core.v1.SecretList` */
export interface SecretList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Secret[];
}

/** `core.v1.ServiceAccount` */
export interface ServiceAccount {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  secrets?: ObjectReference[] | undefined;
  imagePullSecrets?: LocalObjectReference[] | undefined;
  automountServiceAccountToken?: boolean | undefined;
}

/** `core.v1.ServiceAccountList` */
export interface ServiceAccountList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ServiceAccount[];
}

/** `core.v1.TypedLocalObjectReference` */
export interface TypedLocalObjectReference {
  apiGroup?: string | undefined;
  kind: string;
  name: string;
}

/** `core.v1.TypedObjectReference` */
export interface TypedObjectReference {
  apiGroup?: string | undefined;
  kind: string;
  name: string;
  namespace?: string | undefined;
}
