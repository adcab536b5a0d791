import type { SchemaTypes } from './schema-type.ts';

/** Types of coordination-v1, with fields in the order a Kubernetes server writes them. */
export const coordinationV1: SchemaTypes = {
  'coordination.v1.Lease': {
    gvk: ['coordination.k8s.io/v1/Lease'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'coordination.v1.LeaseSpec', zeroDefault: true, omit: 'empty', tag: 2 },
    },
  },
  'coordination.v1.LeaseList': {
    gvk: ['coordination.k8s.io/v1/LeaseList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'coordination.v1.Lease', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'coordination.v1.LeaseSpec': {
    fields: {
      holderIdentity: { type: 'string', omit: 'empty', pointer: true, tag: 1 },
      leaseDurationSeconds: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 2 },
      acquireTime: { type: 'string', ref: 'meta.v1.MicroTime', omit: 'empty', pointer: true, tag: 3 },
      renewTime: { type: 'string', ref: 'meta.v1.MicroTime', omit: 'empty', pointer: true, tag: 4 },
      leaseTransitions: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 5 },
      strategy: { type: 'string', omit: 'empty', pointer: true, tag: 6 },
      preferredHolder: { type: 'string', omit: 'empty', pointer: true, tag: 7 },
    },
  },
};
