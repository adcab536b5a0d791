import type { SchemaTypes } from './schema-type.ts';

/** Types of autoscaling-v2, with fields in the order a Kubernetes server writes them. */
export const autoscalingV2: SchemaTypes = {
  'autoscaling.v2.ContainerResourceMetricSource': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      target: {
        type: 'object',
        ref: 'autoscaling.v2.MetricTarget',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      container: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'autoscaling.v2.ContainerResourceMetricStatus': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      current: {
        type: 'object',
        ref: 'autoscaling.v2.MetricValueStatus',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      container: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'autoscaling.v2.CrossVersionObjectReference': {
    fields: {
      kind: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      apiVersion: { type: 'string', omit: 'empty', tag: 3 },
    },
  },
  'autoscaling.v2.ExternalMetricSource': {
    fields: {
      metric: {
        type: 'object',
        ref: 'autoscaling.v2.MetricIdentifier',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 1,
      },
      target: {
        type: 'object',
        ref: 'autoscaling.v2.MetricTarget',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'autoscaling.v2.ExternalMetricStatus': {
    fields: {
      metric: {
        type: 'object',
        ref: 'autoscaling.v2.MetricIdentifier',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 1,
      },
      current: {
        type: 'object',
        ref: 'autoscaling.v2.MetricValueStatus',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'autoscaling.v2.HPAScalingPolicy': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      value: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      periodSeconds: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'autoscaling.v2.HPAScalingRules': {
    fields: {
      stabilizationWindowSeconds: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
      selectPolicy: { type: 'string', omit: 'empty', pointer: true, tag: 1 },
      policies: {
        type: 'array',
        items: { type: 'object', ref: 'autoscaling.v2.HPAScalingPolicy', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      tolerance: { type: 'quantity', ref: 'resource.Quantity', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'autoscaling.v2.HorizontalPodAutoscaler': {
    gvk: ['autoscaling/v2/HorizontalPodAutoscaler'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'autoscaling.v2.HorizontalPodAutoscalerSpec',
        zeroDefault: true,
        omit: 'empty',
        tag: 2,
      },
      status: {
        type: 'object',
        ref: 'autoscaling.v2.HorizontalPodAutoscalerStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
    },
  },
  'autoscaling.v2.HorizontalPodAutoscalerBehavior': {
    fields: {
      scaleUp: { type: 'object', ref: 'autoscaling.v2.HPAScalingRules', omit: 'empty', pointer: true, tag: 1 },
      scaleDown: { type: 'object', ref: 'autoscaling.v2.HPAScalingRules', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'autoscaling.v2.HorizontalPodAutoscalerCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      reason: { type: 'string', omit: 'empty', tag: 4 },
      message: { type: 'string', omit: 'empty', tag: 5 },
    },
  },
  'autoscaling.v2.HorizontalPodAutoscalerList': {
    gvk: ['autoscaling/v2/HorizontalPodAutoscalerList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'autoscaling.v2.HorizontalPodAutoscaler', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'autoscaling.v2.HorizontalPodAutoscalerSpec': {
    fields: {
      scaleTargetRef: {
        type: 'object',
        ref: 'autoscaling.v2.CrossVersionObjectReference',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 1,
      },
      minReplicas: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 2 },
      maxReplicas: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      metrics: {
        type: 'array',
        items: { type: 'object', ref: 'autoscaling.v2.MetricSpec', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
      behavior: {
        type: 'object',
        ref: 'autoscaling.v2.HorizontalPodAutoscalerBehavior',
        omit: 'empty',
        pointer: true,
        tag: 5,
      },
    },
  },
  'autoscaling.v2.HorizontalPodAutoscalerStatus': {
    fields: {
      observedGeneration: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 1 },
      lastScaleTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 2 },
      currentReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 3 },
      desiredReplicas: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 4 },
      currentMetrics: {
        type: 'array',
        items: { type: 'object', ref: 'autoscaling.v2.MetricStatus', zeroDefault: true },
        omit: 'never',
        tag: 5,
        listType: 'atomic',
      },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'autoscaling.v2.HorizontalPodAutoscalerCondition', zeroDefault: true },
        omit: 'empty',
        tag: 6,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
  'autoscaling.v2.MetricIdentifier': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      selector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'autoscaling.v2.MetricSpec': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      object: { type: 'object', ref: 'autoscaling.v2.ObjectMetricSource', omit: 'empty', pointer: true, tag: 2 },
      pods: { type: 'object', ref: 'autoscaling.v2.PodsMetricSource', omit: 'empty', pointer: true, tag: 3 },
      resource: { type: 'object', ref: 'autoscaling.v2.ResourceMetricSource', omit: 'empty', pointer: true, tag: 4 },
      containerResource: {
        type: 'object',
        ref: 'autoscaling.v2.ContainerResourceMetricSource',
        omit: 'empty',
        pointer: true,
        tag: 7,
      },
      external: { type: 'object', ref: 'autoscaling.v2.ExternalMetricSource', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'autoscaling.v2.MetricStatus': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      object: { type: 'object', ref: 'autoscaling.v2.ObjectMetricStatus', omit: 'empty', pointer: true, tag: 2 },
      pods: { type: 'object', ref: 'autoscaling.v2.PodsMetricStatus', omit: 'empty', pointer: true, tag: 3 },
      resource: { type: 'object', ref: 'autoscaling.v2.ResourceMetricStatus', omit: 'empty', pointer: true, tag: 4 },
      containerResource: {
        type: 'object',
        ref: 'autoscaling.v2.ContainerResourceMetricStatus',
        omit: 'empty',
        pointer: true,
        tag: 7,
      },
      external: { type: 'object', ref: 'autoscaling.v2.ExternalMetricStatus', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'autoscaling.v2.MetricTarget': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      value: { type: 'quantity', ref: 'resource.Quantity', omit: 'empty', pointer: true, tag: 2 },
      averageValue: { type: 'quantity', ref: 'resource.Quantity', omit: 'empty', pointer: true, tag: 3 },
      averageUtilization: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'autoscaling.v2.MetricValueStatus': {
    fields: {
      value: { type: 'quantity', ref: 'resource.Quantity', omit: 'empty', pointer: true, tag: 1 },
      averageValue: { type: 'quantity', ref: 'resource.Quantity', omit: 'empty', pointer: true, tag: 2 },
      averageUtilization: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'autoscaling.v2.ObjectMetricSource': {
    fields: {
      describedObject: {
        type: 'object',
        ref: 'autoscaling.v2.CrossVersionObjectReference',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 1,
      },
      target: {
        type: 'object',
        ref: 'autoscaling.v2.MetricTarget',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      metric: {
        type: 'object',
        ref: 'autoscaling.v2.MetricIdentifier',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 3,
      },
    },
  },
  'autoscaling.v2.ObjectMetricStatus': {
    fields: {
      metric: {
        type: 'object',
        ref: 'autoscaling.v2.MetricIdentifier',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 1,
      },
      current: {
        type: 'object',
        ref: 'autoscaling.v2.MetricValueStatus',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      describedObject: {
        type: 'object',
        ref: 'autoscaling.v2.CrossVersionObjectReference',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 3,
      },
    },
  },
  'autoscaling.v2.PodsMetricSource': {
    fields: {
      metric: {
        type: 'object',
        ref: 'autoscaling.v2.MetricIdentifier',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 1,
      },
      target: {
        type: 'object',
        ref: 'autoscaling.v2.MetricTarget',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'autoscaling.v2.PodsMetricStatus': {
    fields: {
      metric: {
        type: 'object',
        ref: 'autoscaling.v2.MetricIdentifier',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 1,
      },
      current: {
        type: 'object',
        ref: 'autoscaling.v2.MetricValueStatus',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'autoscaling.v2.ResourceMetricSource': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      target: {
        type: 'object',
        ref: 'autoscaling.v2.MetricTarget',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'autoscaling.v2.ResourceMetricStatus': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      current: {
        type: 'object',
        ref: 'autoscaling.v2.MetricValueStatus',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
};
