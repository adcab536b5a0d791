import type { SchemaTypes } from './schema-type.ts';

/** Types of node-v1, with fields in the order a Kubernetes server writes them. */
export const nodeV1: SchemaTypes = {
  'node.v1.Overhead': {
    fields: {
      podFixed: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 1 },
    },
  },
  'node.v1.RuntimeClass': {
    gvk: ['node.k8s.io/v1/RuntimeClass'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      handler: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      overhead: { type: 'object', ref: 'node.v1.Overhead', omit: 'empty', pointer: true, tag: 3 },
      scheduling: { type: 'object', ref: 'node.v1.Scheduling', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'node.v1.RuntimeClassList': {
    gvk: ['node.k8s.io/v1/RuntimeClassList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'node.v1.RuntimeClass', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'node.v1.Scheduling': {
    fields: {
      nodeSelector: {
        type: 'map',
        values: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        mapType: 'atomic',
      },
      tolerations: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.Toleration', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
};
