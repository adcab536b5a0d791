import type { SchemaTypes } from './schema-type.ts';

/** Types of batch-v1, with fields in the order a Kubernetes server writes them. */
export const batchV1: SchemaTypes = {
  'batch.v1.CronJob': {
    gvk: ['batch/v1/CronJob'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'batch.v1.CronJobSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'batch.v1.CronJobStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'batch.v1.CronJobList': {
    gvk: ['batch/v1/CronJobList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'batch.v1.CronJob', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'batch.v1.CronJobSpec': {
    fields: {
      schedule: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      timeZone: { type: 'string', omit: 'empty', pointer: true, tag: 8 },
      startingDeadlineSeconds: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 2 },
      concurrencyPolicy: { type: 'string', enum: ['Allow', 'Forbid', 'Replace'], omit: 'empty', tag: 3 },
      suspend: { type: 'boolean', omit: 'empty', pointer: true, tag: 4 },
      jobTemplate: {
        type: 'object',
        ref: 'batch.v1.JobTemplateSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 5,
      },
      successfulJobsHistoryLimit: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 6 },
      failedJobsHistoryLimit: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 7 },
    },
  },
  'batch.v1.CronJobStatus': {
    fields: {
      active: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ObjectReference', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      lastScheduleTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 4 },
      lastSuccessfulTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'batch.v1.Job': {
    gvk: ['batch/v1/Job'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'batch.v1.JobSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'batch.v1.JobStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'batch.v1.JobCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastProbeTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 4 },
      reason: { type: 'string', omit: 'empty', tag: 5 },
      message: { type: 'string', omit: 'empty', tag: 6 },
    },
  },
  'batch.v1.JobList': {
    gvk: ['batch/v1/JobList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'batch.v1.Job', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'batch.v1.JobSpec': {
    fields: {
      parallelism: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 1 },
      completions: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 2 },
      activeDeadlineSeconds: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 3 },
      podFailurePolicy: { type: 'object', ref: 'batch.v1.PodFailurePolicy', omit: 'empty', pointer: true, tag: 11 },
      successPolicy: { type: 'object', ref: 'batch.v1.SuccessPolicy', omit: 'empty', pointer: true, tag: 16 },
      backoffLimit: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 7 },
      backoffLimitPerIndex: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 12 },
      maxFailedIndexes: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 13 },
      selector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 4 },
      manualSelector: { type: 'boolean', omit: 'empty', pointer: true, tag: 5 },
      template: {
        type: 'object',
        ref: 'core.v1.PodTemplateSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 6,
      },
      ttlSecondsAfterFinished: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 8 },
      completionMode: { type: 'string', enum: ['Indexed', 'NonIndexed'], omit: 'empty', pointer: true, tag: 9 },
      suspend: { type: 'boolean', omit: 'empty', pointer: true, tag: 10 },
      podReplacementPolicy: {
        type: 'string',
        enum: ['Failed', 'TerminatingOrFailed'],
        omit: 'empty',
        pointer: true,
        tag: 14,
      },
      managedBy: { type: 'string', omit: 'empty', pointer: true, tag: 15 },
    },
  },
  'batch.v1.JobStatus': {
    fields: {
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'batch.v1.JobCondition', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
      startTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 2 },
      completionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 3 },
      active: { type: 'integer', format: 'int32', omit: 'empty', tag: 4 },
      succeeded: { type: 'integer', format: 'int32', omit: 'empty', tag: 5 },
      failed: { type: 'integer', format: 'int32', omit: 'empty', tag: 6 },
      terminating: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 11 },
      completedIndexes: { type: 'string', omit: 'empty', tag: 7 },
      failedIndexes: { type: 'string', omit: 'empty', pointer: true, tag: 10 },
      uncountedTerminatedPods: {
        type: 'object',
        ref: 'batch.v1.UncountedTerminatedPods',
        omit: 'empty',
        pointer: true,
        tag: 8,
      },
      ready: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 9 },
    },
  },
  'batch.v1.JobTemplateSpec': {
    fields: {
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'batch.v1.JobSpec', zeroDefault: true, omit: 'empty', tag: 2 },
    },
  },
  'batch.v1.PodFailurePolicy': {
    fields: {
      rules: {
        type: 'array',
        items: { type: 'object', ref: 'batch.v1.PodFailurePolicyRule', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'batch.v1.PodFailurePolicyOnExitCodesRequirement': {
    fields: {
      containerName: { type: 'string', omit: 'empty', pointer: true, tag: 1 },
      operator: { type: 'string', required: true, zeroDefault: true, enum: ['In', 'NotIn'], omit: 'never', tag: 2 },
      values: {
        type: 'array',
        items: { type: 'integer', format: 'int32', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 3,
        listType: 'set',
      },
    },
  },
  'batch.v1.PodFailurePolicyOnPodConditionsPattern': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
  'batch.v1.PodFailurePolicyRule': {
    fields: {
      action: {
        type: 'string',
        required: true,
        zeroDefault: true,
        enum: ['Count', 'FailIndex', 'FailJob', 'Ignore'],
        omit: 'never',
        tag: 1,
      },
      onExitCodes: {
        type: 'object',
        ref: 'batch.v1.PodFailurePolicyOnExitCodesRequirement',
        omit: 'empty',
        pointer: true,
        tag: 2,
      },
      onPodConditions: {
        type: 'array',
        items: { type: 'object', ref: 'batch.v1.PodFailurePolicyOnPodConditionsPattern', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'batch.v1.SuccessPolicy': {
    fields: {
      rules: {
        type: 'array',
        items: { type: 'object', ref: 'batch.v1.SuccessPolicyRule', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'batch.v1.SuccessPolicyRule': {
    fields: {
      succeededIndexes: { type: 'string', omit: 'empty', pointer: true, tag: 1 },
      succeededCount: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'batch.v1.UncountedTerminatedPods': {
    fields: {
      succeeded: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'set',
      },
      failed: { type: 'array', items: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 2, listType: 'set' },
    },
  },
};
