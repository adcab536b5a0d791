import type { SchemaTypes } from './schema-type.ts';

/** Types of autoscaling-v1, with fields in the order a Kubernetes server writes them. */
export const autoscalingV1: SchemaTypes = {
  'autoscaling.v1.CrossVersionObjectReference': {
    mapType: 'atomic',
    fields: {
      kind: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      apiVersion: { type: 'string', omit: 'empty', tag: 3 },
    },
  },
  'autoscaling.v1.HorizontalPodAutoscaler': {
    gvk: ['autoscaling/v1/HorizontalPodAutoscaler'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'autoscaling.v1.HorizontalPodAutoscalerSpec',
        zeroDefault: true,
        omit: 'empty',
        tag: 2,
      },
      status: {
        type: 'object',
        ref: 'autoscaling.v1.HorizontalPodAutoscalerStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
    },
  },
  'autoscaling.v1.HorizontalPodAutoscalerList': {
    gvk: ['autoscaling/v1/HorizontalPodAutoscalerList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'autoscaling.v1.HorizontalPodAutoscaler', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'autoscaling.v1.HorizontalPodAutoscalerSpec': {
    fields: {
      scaleTargetRef: {
        type: 'object',
        ref: 'autoscaling.v1.CrossVersionObjectReference',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 1,
      },
      minReplicas: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 2 },
      maxReplicas: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      targetCPUUtilizationPercentage: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'autoscaling.v1.HorizontalPodAutoscalerStatus': {
    fields: {
      observedGeneration: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 1 },
      lastScaleTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 2 },
      currentReplicas: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      desiredReplicas: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 4 },
      currentCPUUtilizationPercentage: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'autoscaling.v1.Scale': {
    gvk: ['autoscaling/v1/Scale'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'autoscaling.v1.ScaleSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'autoscaling.v1.ScaleStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'autoscaling.v1.ScaleSpec': {
    fields: {
      replicas: { type: 'integer', format: 'int32', zeroDefault: true, omit: 'empty', tag: 1 },
    },
  },
  'autoscaling.v1.ScaleStatus': {
    fields: {
      replicas: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      selector: { type: 'string', omit: 'empty', tag: 2 },
    },
  },
};
