import type { SchemaTypes } from './schema-type.ts';

/** Claims of persistent volumes, with fields in the order a Kubernetes server writes them. */
export const coreV1Claims: SchemaTypes = {
  'core.v1.ModifyVolumeStatus': {
    fields: {
      targetVolumeAttributesClassName: { type: 'string', omit: 'empty', tag: 1 },
      status: {
        type: 'string',
        required: true,
        zeroDefault: true,
        enum: ['InProgress', 'Infeasible', 'Pending'],
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.PersistentVolumeClaim': {
    gvk: ['/v1/PersistentVolumeClaim'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'core.v1.PersistentVolumeClaimSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'core.v1.PersistentVolumeClaimStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'core.v1.PersistentVolumeClaimCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastProbeTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 4 },
      reason: { type: 'string', omit: 'empty', tag: 5 },
      message: { type: 'string', omit: 'empty', tag: 6 },
    },
  },
  'core.v1.PersistentVolumeClaimSpec': {
    fields: {
      accessModes: {
        type: 'array',
        items: {
          type: 'string',
          enum: ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'],
          zeroDefault: true,
        },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      selector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 4 },
      resources: {
        type: 'object',
        ref: 'core.v1.VolumeResourceRequirements',
        zeroDefault: true,
        omit: 'empty',
        tag: 2,
      },
      volumeName: { type: 'string', omit: 'empty', tag: 3 },
      storageClassName: { type: 'string', omit: 'empty', pointer: true, tag: 5 },
      volumeMode: { type: 'string', enum: ['Block', 'Filesystem'], omit: 'empty', pointer: true, tag: 6 },
      dataSource: { type: 'object', ref: 'core.v1.TypedLocalObjectReference', omit: 'empty', pointer: true, tag: 7 },
      dataSourceRef: { type: 'object', ref: 'core.v1.TypedObjectReference', omit: 'empty', pointer: true, tag: 8 },
      volumeAttributesClassName: { type: 'string', omit: 'empty', pointer: true, tag: 9 },
    },
  },
  'core.v1.PersistentVolumeClaimStatus': {
    fields: {
      phase: { type: 'string', enum: ['Bound', 'Lost', 'Pending'], omit: 'empty', tag: 1 },
      accessModes: {
        type: 'array',
        items: {
          type: 'string',
          enum: ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'],
          zeroDefault: true,
        },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      capacity: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 3 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.PersistentVolumeClaimCondition', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
      allocatedResources: {
        type: 'map',
        values: { type: 'quantity', ref: 'resource.Quantity' },
        omit: 'empty',
        tag: 5,
      },
      allocatedResourceStatuses: {
        type: 'map',
        values: {
          type: 'string',
          enum: [
            'ControllerResizeInProgress',
            'ControllerResizeInfeasible',
            'NodeResizeInProgress',
            'NodeResizeInfeasible',
            'NodeResizePending',
          ],
          zeroDefault: true,
        },
        omit: 'empty',
        tag: 7,
        mapType: 'granular',
      },
      currentVolumeAttributesClassName: { type: 'string', omit: 'empty', pointer: true, tag: 8 },
      modifyVolumeStatus: { type: 'object', ref: 'core.v1.ModifyVolumeStatus', omit: 'empty', pointer: true, tag: 9 },
    },
  },
  'core.v1.PersistentVolumeClaimTemplate': {
    fields: {
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'core.v1.PersistentVolumeClaimSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.VolumeResourceRequirements': {
    fields: {
      limits: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 1 },
      requests: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 2 },
    },
  },
};
