// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ObjectReference } from './core-v1.ts';
import type { PodTemplateSpec } from './core-v1-pod.ts';
import type { LabelSelector, ListMeta, ObjectMeta, Time } from './meta-v1.ts';

/** `batch.v1.CronJob` */
export interface CronJob {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: CronJobSpec | undefined;
  status?: CronJobStatus | undefined;
}

/** `batch.v1.CronJobList` */
export interface CronJobList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: CronJob[];
}

/** `batch.v1.CronJobSpec` */
export interface CronJobSpec {
  schedule: string;
  timeZone?: string | undefined;
  startingDeadlineSeconds?: number | undefined;
  concurrencyPolicy?: 'Allow' | 'Forbid' | 'Replace' | undefined;
  suspend?: boolean | undefined;
  jobTemplate: JobTemplateSpec;
  successfulJobsHistoryLimit?: number | undefined;
  failedJobsHistoryLimit?: number | undefined;
}

/** `batch.v1.CronJobStatus` */
export interface CronJobStatus {
  active?: ObjectReference[] | undefined;
  lastScheduleTime?: Time | undefined;
  lastSuccessfulTime?: Time | undefined;
}

/** `batch.v1.Job` */
export interface Job {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: JobSpec | undefined;
  status?: JobStatus | undefined;
}

/** `batch.v1.JobCondition` */
export interface JobCondition {
  type: string;
  status: string;
  lastProbeTime?: Time | undefined;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `batch.v1.JobList` */
export interface JobList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Job[];
}

/** `batch.v1.JobSpec` */
export interface JobSpec {
  parallelism?: number | undefined;
  completions?: number | undefined;
  activeDeadlineSeconds?: number | undefined;
  podFailurePolicy?: PodFailurePolicy | undefined;
  successPolicy?: SuccessPolicy | undefined;
  backoffLimit?: number | undefined;
  backoffLimitPerIndex?: number | undefined;
  maxFailedIndexes?: number | undefined;
  selector?: LabelSelector | undefined;
  manualSelector?: boolean | undefined;
  template: PodTemplateSpec;
  ttlSecondsAfterFinished?: number | undefined;
  completionMode?: 'Indexed' | 'NonIndexed' | undefined;
  suspend?: boolean | undefined;
  podReplacementPolicy?: 'Failed' | 'TerminatingOrFailed' | undefined;
  managedBy?: string | undefined;
}

/** `batch.v1.JobStatus` */
export interface JobStatus {
  conditions?: JobCondition[] | undefined;
  startTime?: Time | undefined;
  completionTime?: Time | undefined;
  active?: number | undefined;
  succeeded?: number | undefined;
  failed?: number | undefined;
  terminating?: number | undefined;
  completedIndexes?: string | undefined;
  failedIndexes?: string | undefined;
  uncountedTerminatedPods?: UncountedTerminatedPods | undefined;
  ready?: number | undefined;
}

/** `batch.v1.JobTemplateSpec` */
export interface JobTemplateSpec {
  metadata?: ObjectMeta | undefined;
  spec?: JobSpec | undefined;
}

/** `batch.v1.PodFailurePolicy` */
export interface PodFailurePolicy {
  rules: PodFailurePolicyRule[];
}

/** `batch.v1.PodFailurePolicyOnExitCodesRequirement` */
export interface PodFailurePolicyOnExitCodesRequirement {
  containerName?: string | undefined;
  operator: 'In' | 'NotIn';
  values: number[];
}

/** `batch.v1.PodFailurePolicyOnPodConditionsPattern` */
export interface PodFailurePolicyOnPodConditionsPattern {
  type: string;
  status: string;
}

/** `batch.v1.PodFailurePolicyRule` */
export interface PodFailurePolicyRule {
  action: 'Count' | 'FailIndex' | 'FailJob' | 'Ignore';
  onExitCodes?: PodFailurePolicyOnExitCodesRequirement | undefined;
  onPodConditions?: PodFailurePolicyOnPodConditionsPattern[] | undefined;
}

/** `batch.v1.SuccessPolicy` */
export interface SuccessPolicy {
  rules: SuccessPolicyRule[];
}

/** `batch.v1.SuccessPolicyRule` */
export interface SuccessPolicyRule {
  succeededIndexes?: string | undefined;
  succeededCount?: number | undefined;
}

/** `batch.v1.UncountedTerminatedPods` */
export interface UncountedTerminatedPods {
  succeeded?: string[] | undefined;
  failed?: string[] | undefined;
}
