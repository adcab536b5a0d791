import type { SchemaTypes } from './schema-type.ts';

/** Types of storage-v1 about drivers, with fields in the order a Kubernetes server writes them. */
export const storageV1Drivers: SchemaTypes = {
  'storage.v1.CSIDriver': {
    gvk: ['storage.k8s.io/v1/CSIDriver'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'storage.v1.CSIDriverSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'storage.v1.CSIDriverList': {
    gvk: ['storage.k8s.io/v1/CSIDriverList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'storage.v1.CSIDriver', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'storage.v1.CSIDriverSpec': {
    fields: {
      attachRequired: { type: 'boolean', omit: 'empty', pointer: true, tag: 1 },
      podInfoOnMount: { type: 'boolean', omit: 'empty', pointer: true, tag: 2 },
      volumeLifecycleModes: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'set',
      },
      storageCapacity: { type: 'boolean', omit: 'empty', pointer: true, tag: 4 },
      fsGroupPolicy: { type: 'string', omit: 'empty', pointer: true, tag: 5 },
      tokenRequests: {
        type: 'array',
        items: { type: 'object', ref: 'storage.v1.TokenRequest', zeroDefault: true },
        omit: 'empty',
        tag: 6,
        listType: 'atomic',
      },
      requiresRepublish: { type: 'boolean', omit: 'empty', pointer: true, tag: 7 },
      seLinuxMount: { type: 'boolean', omit: 'empty', pointer: true, tag: 8 },
      nodeAllocatableUpdatePeriodSeconds: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 9 },
    },
  },
  'storage.v1.CSINode': {
    gvk: ['storage.k8s.io/v1/CSINode'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'storage.v1.CSINodeSpec', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
  'storage.v1.CSINodeDriver': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      nodeID: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      topologyKeys: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'never',
        tag: 3,
        listType: 'atomic',
      },
      allocatable: { type: 'object', ref: 'storage.v1.VolumeNodeResources', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'storage.v1.CSINodeList': {
    gvk: ['storage.k8s.io/v1/CSINodeList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'storage.v1.CSINode', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'storage.v1.CSINodeSpec': {
    fields: {
      drivers: {
        type: 'array',
        items: { type: 'object', ref: 'storage.v1.CSINodeDriver', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'map',
        listMapKeys: ['name'],
        patchMergeKey: 'name',
        patchStrategy: 'merge',
      },
    },
  },
  'storage.v1.CSIStorageCapacity': {
    gvk: ['storage.k8s.io/v1/CSIStorageCapacity'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      nodeTopology: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 2 },
      storageClassName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      capacity: { type: 'quantity', ref: 'resource.Quantity', omit: 'empty', pointer: true, tag: 4 },
      maximumVolumeSize: { type: 'quantity', ref: 'resource.Quantity', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'storage.v1.CSIStorageCapacityList': {
    gvk: ['storage.k8s.io/v1/CSIStorageCapacityList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'storage.v1.CSIStorageCapacity', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'storage.v1.TokenRequest': {
    fields: {
      audience: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      expirationSeconds: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'storage.v1.VolumeAttributesClass': {
    gvk: ['storage.k8s.io/v1/VolumeAttributesClass'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      driverName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      parameters: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 3 },
    },
  },
  'storage.v1.VolumeAttributesClassList': {
    gvk: ['storage.k8s.io/v1/VolumeAttributesClassList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'storage.v1.VolumeAttributesClass', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'storage.v1.VolumeNodeResources': {
    fields: {
      count: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 1 },
    },
  },
};
