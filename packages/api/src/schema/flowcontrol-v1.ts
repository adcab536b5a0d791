import type { SchemaTypes } from './schema-type.ts';

/** Types of flowcontrol-v1, with fields in the order a Kubernetes server writes them. */
export const flowcontrolV1: SchemaTypes = {
  'flowcontrol.v1.ExemptPriorityLevelConfiguration': {
    fields: {
      nominalConcurrencyShares: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 1 },
      lendablePercent: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'flowcontrol.v1.FlowDistinguisherMethod': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
  'flowcontrol.v1.FlowSchema': {
    gvk: ['flowcontrol.apiserver.k8s.io/v1/FlowSchema'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'flowcontrol.v1.FlowSchemaSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'flowcontrol.v1.FlowSchemaStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'flowcontrol.v1.FlowSchemaCondition': {
    fields: {
      type: { type: 'string', omit: 'empty', tag: 1 },
      status: { type: 'string', omit: 'empty', tag: 2 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      reason: { type: 'string', omit: 'empty', tag: 4 },
      message: { type: 'string', omit: 'empty', tag: 5 },
    },
  },
  'flowcontrol.v1.FlowSchemaList': {
    gvk: ['flowcontrol.apiserver.k8s.io/v1/FlowSchemaList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'flowcontrol.v1.FlowSchema', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'flowcontrol.v1.FlowSchemaSpec': {
    fields: {
      priorityLevelConfiguration: {
        type: 'object',
        ref: 'flowcontrol.v1.PriorityLevelConfigurationReference',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 1,
      },
      matchingPrecedence: { type: 'integer', format: 'int32', zeroDefault: true, omit: 'never', tag: 2 },
      distinguisherMethod: {
        type: 'object',
        ref: 'flowcontrol.v1.FlowDistinguisherMethod',
        omit: 'empty',
        pointer: true,
        tag: 3,
      },
      rules: {
        type: 'array',
        items: { type: 'object', ref: 'flowcontrol.v1.PolicyRulesWithSubjects', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
    },
  },
  'flowcontrol.v1.FlowSchemaStatus': {
    fields: {
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'flowcontrol.v1.FlowSchemaCondition', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
  'flowcontrol.v1.GroupSubject': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
  'flowcontrol.v1.LimitResponse': {
    unions: [{ discriminator: 'type', 'fields-to-discriminateBy': { queuing: 'Queuing' } }],
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      queuing: { type: 'object', ref: 'flowcontrol.v1.QueuingConfiguration', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'flowcontrol.v1.LimitedPriorityLevelConfiguration': {
    fields: {
      nominalConcurrencyShares: { type: 'integer', format: 'int32', omit: 'never', pointer: true, tag: 1 },
      limitResponse: { type: 'object', ref: 'flowcontrol.v1.LimitResponse', zeroDefault: true, omit: 'empty', tag: 2 },
      lendablePercent: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
      borrowingLimitPercent: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'flowcontrol.v1.NonResourcePolicyRule': {
    fields: {
      verbs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'set',
      },
      nonResourceURLs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 6,
        listType: 'set',
      },
    },
  },
  'flowcontrol.v1.PolicyRulesWithSubjects': {
    fields: {
      subjects: {
        type: 'array',
        items: { type: 'object', ref: 'flowcontrol.v1.Subject', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
      resourceRules: {
        type: 'array',
        items: { type: 'object', ref: 'flowcontrol.v1.ResourcePolicyRule', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      nonResourceRules: {
        type: 'array',
        items: { type: 'object', ref: 'flowcontrol.v1.NonResourcePolicyRule', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'flowcontrol.v1.PriorityLevelConfiguration': {
    gvk: ['flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'flowcontrol.v1.PriorityLevelConfigurationSpec',
        zeroDefault: true,
        omit: 'empty',
        tag: 2,
      },
      status: {
        type: 'object',
        ref: 'flowcontrol.v1.PriorityLevelConfigurationStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
    },
  },
  'flowcontrol.v1.PriorityLevelConfigurationCondition': {
    fields: {
      type: { type: 'string', omit: 'empty', tag: 1 },
      status: { type: 'string', omit: 'empty', tag: 2 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      reason: { type: 'string', omit: 'empty', tag: 4 },
      message: { type: 'string', omit: 'empty', tag: 5 },
    },
  },
  'flowcontrol.v1.PriorityLevelConfigurationList': {
    gvk: ['flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfigurationList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'flowcontrol.v1.PriorityLevelConfiguration', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'flowcontrol.v1.PriorityLevelConfigurationReference': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
  'flowcontrol.v1.PriorityLevelConfigurationSpec': {
    unions: [{ discriminator: 'type', 'fields-to-discriminateBy': { exempt: 'Exempt', limited: 'Limited' } }],
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      limited: {
        type: 'object',
        ref: 'flowcontrol.v1.LimitedPriorityLevelConfiguration',
        omit: 'empty',
        pointer: true,
        tag: 2,
      },
      exempt: {
        type: 'object',
        ref: 'flowcontrol.v1.ExemptPriorityLevelConfiguration',
        omit: 'empty',
        pointer: true,
        tag: 3,
      },
    },
  },
  'flowcontrol.v1.PriorityLevelConfigurationStatus': {
    fields: {
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'flowcontrol.v1.PriorityLevelConfigurationCondition', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
  'flowcontrol.v1.QueuingConfiguration': {
    fields: {
      queues: { type: 'integer', format: 'int32', zeroDefault: true, omit: 'never', tag: 1 },
      handSize: { type: 'integer', format: 'int32', zeroDefault: true, omit: 'never', tag: 2 },
      queueLengthLimit: { type: 'integer', format: 'int32', zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'flowcontrol.v1.ResourcePolicyRule': {
    fields: {
      verbs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'set',
      },
      apiGroups: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
        listType: 'set',
      },
      resources: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 3,
        listType: 'set',
      },
      clusterScope: { type: 'boolean', omit: 'empty', tag: 4 },
      namespaces: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'never',
        tag: 5,
        listType: 'set',
      },
    },
  },
  'flowcontrol.v1.ServiceAccountSubject': {
    fields: {
      namespace: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
  'flowcontrol.v1.Subject': {
    unions: [
      {
        discriminator: 'kind',
        'fields-to-discriminateBy': { group: 'Group', serviceAccount: 'ServiceAccount', user: 'User' },
      },
    ],
    fields: {
      kind: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      user: { type: 'object', ref: 'flowcontrol.v1.UserSubject', omit: 'empty', pointer: true, tag: 2 },
      group: { type: 'object', ref: 'flowcontrol.v1.GroupSubject', omit: 'empty', pointer: true, tag: 3 },
      serviceAccount: {
        type: 'object',
        ref: 'flowcontrol.v1.ServiceAccountSubject',
        omit: 'empty',
        pointer: true,
        tag: 4,
      },
    },
  },
  'flowcontrol.v1.UserSubject': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
};
