import type { SchemaTypes } from './schema-type.ts';

/** Where a Pod may run, with fields in the order a Kubernetes server writes them. */
export const coreV1Placement: SchemaTypes = {
  'core.v1.Affinity': {
    fields: {
      nodeAffinity: { type: 'object', ref: 'core.v1.NodeAffinity', omit: 'empty', pointer: true, tag: 1 },
      podAffinity: { type: 'object', ref: 'core.v1.PodAffinity', omit: 'empty', pointer: true, tag: 2 },
      podAntiAffinity: { type: 'object', ref: 'core.v1.PodAntiAffinity', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'core.v1.NodeAffinity': {
    fields: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        type: 'object',
        ref: 'core.v1.NodeSelector',
        omit: 'empty',
        pointer: true,
        tag: 1,
      },
      preferredDuringSchedulingIgnoredDuringExecution: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.PreferredSchedulingTerm', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'core.v1.NodeSelector': {
    mapType: 'atomic',
    fields: {
      nodeSelectorTerms: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.NodeSelectorTerm', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'core.v1.NodeSelectorRequirement': {
    fields: {
      key: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      operator: {
        type: 'string',
        required: true,
        zeroDefault: true,
        enum: ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'],
        omit: 'never',
        tag: 2,
      },
      values: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'core.v1.NodeSelectorTerm': {
    mapType: 'atomic',
    fields: {
      matchExpressions: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.NodeSelectorRequirement', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      matchFields: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.NodeSelectorRequirement', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'core.v1.PodAffinity': {
    fields: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.PodAffinityTerm', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      preferredDuringSchedulingIgnoredDuringExecution: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.WeightedPodAffinityTerm', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'core.v1.PodAffinityTerm': {
    fields: {
      labelSelector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 1 },
      namespaces: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      topologyKey: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      namespaceSelector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 4 },
      matchLabelKeys: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 5,
        listType: 'atomic',
      },
      mismatchLabelKeys: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 6,
        listType: 'atomic',
      },
    },
  },
  'core.v1.PodAntiAffinity': {
    fields: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.PodAffinityTerm', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      preferredDuringSchedulingIgnoredDuringExecution: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.WeightedPodAffinityTerm', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'core.v1.PodSchedulingGate': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
  'core.v1.PodSchedulingGroup': {
    inOpenAPI: false,
    after134: true,
    fields: {
      podGroupName: { type: 'string', omit: 'empty', pointer: true, tag: 1 },
    },
  },
  'core.v1.PreferredSchedulingTerm': {
    fields: {
      weight: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      preference: {
        type: 'object',
        ref: 'core.v1.NodeSelectorTerm',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.Toleration': {
    fields: {
      key: { type: 'string', omit: 'empty', tag: 1 },
      operator: { type: 'string', enum: ['Equal', 'Exists'], omit: 'empty', tag: 2 },
      value: { type: 'string', omit: 'empty', tag: 3 },
      effect: { type: 'string', enum: ['NoExecute', 'NoSchedule', 'PreferNoSchedule'], omit: 'empty', tag: 4 },
      tolerationSeconds: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'core.v1.TopologySpreadConstraint': {
    fields: {
      maxSkew: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      topologyKey: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      whenUnsatisfiable: {
        type: 'string',
        required: true,
        zeroDefault: true,
        enum: ['DoNotSchedule', 'ScheduleAnyway'],
        omit: 'never',
        tag: 3,
      },
      labelSelector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 4 },
      minDomains: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 5 },
      nodeAffinityPolicy: { type: 'string', enum: ['Honor', 'Ignore'], omit: 'empty', pointer: true, tag: 6 },
      nodeTaintsPolicy: { type: 'string', enum: ['Honor', 'Ignore'], omit: 'empty', pointer: true, tag: 7 },
      matchLabelKeys: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 8,
        listType: 'atomic',
      },
    },
  },
  'core.v1.WeightedPodAffinityTerm': {
    fields: {
      weight: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      podAffinityTerm: {
        type: 'object',
        ref: 'core.v1.PodAffinityTerm',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
};
