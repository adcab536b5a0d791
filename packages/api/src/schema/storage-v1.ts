import type { SchemaTypes } from './schema-type.ts';

/** Types of storage-v1, with fields in the order a Kubernetes server writes them. */
export const storageV1: SchemaTypes = {
  'storage.v1.StorageClass': {
    gvk: ['storage.k8s.io/v1/StorageClass'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      provisioner: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      parameters: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 3 },
      reclaimPolicy: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
      mountOptions: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 5,
        listType: 'atomic',
      },
      allowVolumeExpansion: { type: 'boolean', omit: 'empty', pointer: true, tag: 6 },
      volumeBindingMode: { type: 'string', omit: 'empty', pointer: true, tag: 7 },
      allowedTopologies: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.TopologySelectorTerm', zeroDefault: true },
        omit: 'empty',
        tag: 8,
        listType: 'atomic',
      },
    },
  },
  'storage.v1.StorageClassList': {
    gvk: ['storage.k8s.io/v1/StorageClassList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'storage.v1.StorageClass', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
};
