// Generated from src/schema by scripts/generate-types.ts; do not edit.

/** `resource.Quantity` */
export type Quantity = string | number;

/** `meta.v1.Condition` */
export interface Condition {
  type: string;
  status: string;
  observedGeneration?: number | undefined;
  lastTransitionTime: Time;
  reason: string;
  message: string;
}

/** `meta.v1.CreateOptions` */
export interface CreateOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  dryRun?: string[] | undefined;
  fieldManager?: string | undefined;
  fieldValidation?: string | undefined;
}

/** `meta.v1.DeleteOptions` */
export interface DeleteOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  gracePeriodSeconds?: number | undefined;
  preconditions?: Preconditions | undefined;
  orphanDependents?: boolean | undefined;
  propagationPolicy?: string | undefined;
  dryRun?: string[] | undefined;
  ignoreStoreReadErrorWithClusterBreakingPotential?: boolean | undefined;
}

/** `meta.v1.FieldSelectorRequirement` */
export interface FieldSelectorRequirement {
  key: string;
  operator: string;
  values?: string[] | undefined;
}

/** `meta.v1.FieldsV1` */
export type FieldsV1 = Record<string, unknown>;

/** `meta.v1.GetOptions` */
export interface GetOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  resourceVersion?: string | undefined;
}

/** `meta.v1.GroupVersionKind` */
export interface GroupVersionKind {
  group?: string | undefined;
  version?: string | undefined;
  kind?: string | undefined;
}

/** `meta.v1.GroupVersionResource` */
export interface GroupVersionResource {
  group?: string | undefined;
  version?: string | undefined;
  resource?: string | undefined;
}

/** `meta.v1.LabelSelector` */
export interface LabelSelector {
  matchLabels?: Record<string, string> | undefined;
  matchExpressions?: LabelSelectorRequirement[] | undefined;
}

/** `meta.v1.LabelSelectorRequirement` */
export interface LabelSelectorRequirement {
  key: string;
  operator: string;
  values?: string[] | undefined;
}

/** `meta.v1.ListMeta` */
export interface ListMeta {
  selfLink?: string | undefined;
  resourceVersion?: string | undefined;
  continue?: string | undefined;
  remainingItemCount?: number | undefined;
  shardInfo?: ShardInfo | undefined;
}

/** `meta.v1.ListOptions` */
export interface ListOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  watch?: boolean | undefined;
  allowWatchBookmarks?: boolean | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: string | undefined;
  timeoutSeconds?: number | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  sendInitialEvents?: boolean | undefined;
  shardSelector?: string | undefined;
}

/** `meta.v1.ManagedFieldsEntry` */
export interface ManagedFieldsEntry {
  manager?: string | undefined;
  operation?: string | undefined;
  apiVersion?: string | undefined;
  time?: Time | undefined;
  fieldsType?: string | undefined;
  fieldsV1?: FieldsV1 | undefined;
  subresource?: string | undefined;
}

/** `meta.v1.MicroTime` */
export type MicroTime = string;

/** `meta.v1.ObjectMeta` */
export interface ObjectMeta {
  name?: string | undefined;
  generateName?: string | undefined;
  namespace?: string | undefined;
  selfLink?: string | undefined;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  generation?: number | undefined;
  creationTimestamp?: Time | undefined;
  deletionTimestamp?: Time | undefined;
  deletionGracePeriodSeconds?: number | undefined;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
  ownerReferences?: OwnerReference[] | undefined;
  finalizers?: string[] | undefined;
  managedFields?: ManagedFieldsEntry[] | undefined;
}

/** `meta.v1.OwnerReference` */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean | undefined;
  blockOwnerDeletion?: boolean | undefined;
}

/** `meta.v1.PartialObjectMetadata` */
export interface PartialObjectMetadata {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
}

/** `meta.v1.PartialObjectMetadataList` */
export interface PartialObjectMetadataList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items?: PartialObjectMetadata[] | undefined;
}

/** `meta.v1.PatchOptions` */
export interface PatchOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  dryRun?: string[] | undefined;
  force?: boolean | undefined;
  fieldManager?: string | undefined;
  fieldValidation?: string | undefined;
}

/** `meta.v1.Preconditions` */
export interface Preconditions {
  uid?: string | undefined;
  resourceVersion?: string | undefined;
}

/** `meta.v1.ShardInfo` */
export interface ShardInfo {
  selector?: string | undefined;
}

/** `meta.v1.Status` */
export interface Status {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  status?: string | undefined;
  message?: string | undefined;
  reason?: string | undefined;
  details?: StatusDetails | undefined;
  code?: number | undefined;
}

/** `meta.v1.StatusCause` */
export interface StatusCause {
  reason?: string | undefined;
  message?: string | undefined;
  field?: string | undefined;
}

/** `meta.v1.StatusDetails` */
export interface StatusDetails {
  name?: string | undefined;
  group?: string | undefined;
  kind?: string | undefined;
  uid?: string | undefined;
  causes?: StatusCause[] | undefined;
  retryAfterSeconds?: number | undefined;
}

/** `meta.v1.Time` */
export type Time = string;

/** `meta.v1.UpdateOptions` */
export interface UpdateOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  dryRun?: string[] | undefined;
  fieldManager?: string | undefined;
  fieldValidation?: string | undefined;
}

/** `meta.v1.WatchEvent` */
export interface WatchEvent {
  type: string;
  object: RawExtension;
}

/** `runtime.RawExtension` */
export type RawExtension = unknown;

/** `intstr.IntOrString` */
export type IntOrString = number | string;

/** `version.Info` */
export interface Info {
  major?: string | undefined;
  minor?: string | undefined;
  emulationMajor?: string | undefined;
  emulationMinor?: string | undefined;
  minCompatibilityMajor?: string | undefined;
  minCompatibilityMinor?: string | undefined;
  gitVersion?: string | undefined;
  gitCommit?: string | undefined;
  gitTreeState?: string | undefined;
  buildDate?: string | undefined;
  goVersion?: string | undefined;
  compiler?: string | undefined;
  platform?: string | undefined;
}
