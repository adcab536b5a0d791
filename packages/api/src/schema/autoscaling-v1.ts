import type { SchemaTypes } from './schema-type.ts';

/** Types of autoscaling-v1, with fields in the order a Kubernetes server writes them. */
export const autoscalingV1: SchemaTypes = {
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
