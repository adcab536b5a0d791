import type { SchemaTypes } from './schema-type.ts';

/** Types of core-v1 about ReplicationControllers and lists of claims, with fields in the order a Kubernetes server writes them. */
export const coreV1Replication: SchemaTypes = {
  'core.v1.PersistentVolumeClaimList': {
    gvk: ['/v1/PersistentVolumeClaimList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.PersistentVolumeClaim', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.ReplicationController': {
    gvk: ['/v1/ReplicationController'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'core.v1.ReplicationControllerSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'core.v1.ReplicationControllerStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'core.v1.ReplicationControllerCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      reason: { type: 'string', omit: 'empty', tag: 4 },
      message: { type: 'string', omit: 'empty', tag: 5 },
    },
  },
  'core.v1.ReplicationControllerList': {
    gvk: ['/v1/ReplicationControllerList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ReplicationController', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.ReplicationControllerSpec': {
    fields: {
      replicas: { type: 'integer', format: 'int32', default: 1, omit: 'empty', pointer: true, tag: 1 },
      minReadySeconds: { type: 'integer', format: 'int32', omit: 'empty', tag: 4 },
      selector: {
        type: 'map',
        values: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        mapType: 'atomic',
      },
      template: { type: 'object', ref: 'core.v1.PodTemplateSpec', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'core.v1.ReplicationControllerStatus': {
    fields: {
      replicas: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      fullyLabeledReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 2 },
      readyReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 4 },
      availableReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 5 },
      observedGeneration: { type: 'integer', format: 'int64', omit: 'empty', tag: 3 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ReplicationControllerCondition', zeroDefault: true },
        omit: 'empty',
        tag: 6,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
  'core.v1.TopologySelectorLabelRequirement': {
    fields: {
      key: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      values: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'core.v1.TopologySelectorTerm': {
    fields: {
      matchLabelExpressions: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.TopologySelectorLabelRequirement', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
};
