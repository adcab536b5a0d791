import type { SchemaTypes } from './schema-type.ts';

/** Types of core-v1 about parts of the control plane, with fields in the order a Kubernetes server writes them. */
export const coreV1Component: SchemaTypes = {
  'core.v1.ComponentCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      message: { type: 'string', omit: 'empty', tag: 3 },
      error: { type: 'string', omit: 'empty', tag: 4 },
    },
  },
  'core.v1.ComponentStatus': {
    gvk: ['/v1/ComponentStatus'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ComponentCondition', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
  'core.v1.ComponentStatusList': {
    gvk: ['/v1/ComponentStatusList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ComponentStatus', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
};
