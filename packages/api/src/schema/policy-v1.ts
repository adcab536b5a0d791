import type { SchemaTypes } from './schema-type.ts';

/** Types of policy-v1, with fields in the order a Kubernetes server writes them. */
export const policyV1: SchemaTypes = {
  'policy.v1.Eviction': {
    gvk: ['policy/v1/Eviction'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      deleteOptions: { type: 'object', ref: 'meta.v1.DeleteOptions', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'policy.v1.PodDisruptionBudget': {
    gvk: ['policy/v1/PodDisruptionBudget'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'policy.v1.PodDisruptionBudgetSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'policy.v1.PodDisruptionBudgetStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'policy.v1.PodDisruptionBudgetList': {
    gvk: ['policy/v1/PodDisruptionBudgetList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'policy.v1.PodDisruptionBudget', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'policy.v1.PodDisruptionBudgetSpec': {
    fields: {
      minAvailable: { type: 'int-or-string', ref: 'intstr.IntOrString', omit: 'empty', pointer: true, tag: 1 },
      selector: {
        type: 'object',
        ref: 'meta.v1.LabelSelector',
        omit: 'empty',
        pointer: true,
        tag: 2,
        patchStrategy: 'replace',
      },
      maxUnavailable: { type: 'int-or-string', ref: 'intstr.IntOrString', omit: 'empty', pointer: true, tag: 3 },
      unhealthyPodEvictionPolicy: {
        type: 'string',
        enum: ['AlwaysAllow', 'IfHealthyBudget'],
        omit: 'empty',
        pointer: true,
        tag: 4,
      },
    },
  },
  'policy.v1.PodDisruptionBudgetStatus': {
    fields: {
      observedGeneration: { type: 'integer', format: 'int64', omit: 'empty', tag: 1 },
      disruptedPods: { type: 'map', values: { type: 'string', ref: 'meta.v1.Time' }, omit: 'empty', tag: 2 },
      disruptionsAllowed: {
        type: 'integer',
        format: 'int32',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 3,
      },
      currentHealthy: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 4 },
      desiredHealthy: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 5 },
      expectedPods: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 6 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.Condition', zeroDefault: true },
        omit: 'empty',
        tag: 7,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
};
