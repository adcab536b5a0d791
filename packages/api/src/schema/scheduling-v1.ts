import type { SchemaTypes } from './schema-type.ts';

/** Types of scheduling-v1, with fields in the order a Kubernetes server writes them. */
export const schedulingV1: SchemaTypes = {
  'scheduling.v1.PriorityClass': {
    gvk: ['scheduling.k8s.io/v1/PriorityClass'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      value: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      globalDefault: { type: 'boolean', omit: 'empty', tag: 3 },
      description: { type: 'string', omit: 'empty', tag: 4 },
      preemptionPolicy: {
        type: 'string',
        enum: ['Never', 'PreemptLowerPriority'],
        omit: 'empty',
        pointer: true,
        tag: 5,
      },
    },
  },
  'scheduling.v1.PriorityClassList': {
    gvk: ['scheduling.k8s.io/v1/PriorityClassList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'scheduling.v1.PriorityClass', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
};
