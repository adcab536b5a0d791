import type { SchemaTypes } from './schema-type.ts';

/** Types of apiregistration-v1, with fields in the order a Kubernetes server writes them. */
export const apiregistrationV1: SchemaTypes = {
  'apiregistration.v1.APIService': {
    gvk: ['apiregistration.k8s.io/v1/APIService'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'apiregistration.v1.APIServiceSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'apiregistration.v1.APIServiceStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'apiregistration.v1.APIServiceCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      reason: { type: 'string', omit: 'empty', tag: 4 },
      message: { type: 'string', omit: 'empty', tag: 5 },
    },
  },
  'apiregistration.v1.APIServiceList': {
    gvk: ['apiregistration.k8s.io/v1/APIServiceList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'apiregistration.v1.APIService', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'apiregistration.v1.APIServiceSpec': {
    fields: {
      service: { type: 'object', ref: 'apiregistration.v1.ServiceReference', omit: 'empty', pointer: true, tag: 1 },
      group: { type: 'string', omit: 'empty', tag: 2 },
      version: { type: 'string', omit: 'empty', tag: 3 },
      insecureSkipTLSVerify: { type: 'boolean', omit: 'empty', tag: 4 },
      caBundle: { type: 'bytes', format: 'byte', omit: 'empty', tag: 5, listType: 'atomic' },
      groupPriorityMinimum: {
        type: 'integer',
        format: 'int32',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 7,
      },
      versionPriority: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 8 },
    },
  },
  'apiregistration.v1.APIServiceStatus': {
    fields: {
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'apiregistration.v1.APIServiceCondition', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
  'apiregistration.v1.ServiceReference': {
    fields: {
      namespace: { type: 'string', omit: 'empty', tag: 1 },
      name: { type: 'string', omit: 'empty', tag: 2 },
      port: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
    },
  },
};
