import type { SchemaTypes } from './schema-type.ts';

const SCOPES = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
];

/** Types of core-v1 that bound what a namespace uses, with fields in the order a Kubernetes server writes them. */
export const coreV1Quota: SchemaTypes = {
  'core.v1.LimitRange': {
    gvk: ['/v1/LimitRange'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'core.v1.LimitRangeSpec', zeroDefault: true, omit: 'empty', tag: 2 },
    },
  },
  'core.v1.LimitRangeItem': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      max: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 2 },
      min: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 3 },
      default: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 4 },
      defaultRequest: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 5 },
      maxLimitRequestRatio: {
        type: 'map',
        values: { type: 'quantity', ref: 'resource.Quantity' },
        omit: 'empty',
        tag: 6,
      },
    },
  },
  'core.v1.LimitRangeList': {
    gvk: ['/v1/LimitRangeList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.LimitRange', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.LimitRangeSpec': {
    fields: {
      limits: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.LimitRangeItem', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'core.v1.ResourceQuota': {
    gvk: ['/v1/ResourceQuota'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'core.v1.ResourceQuotaSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'core.v1.ResourceQuotaStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'core.v1.ResourceQuotaList': {
    gvk: ['/v1/ResourceQuotaList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ResourceQuota', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.ResourceQuotaSpec': {
    fields: {
      hard: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 1 },
      scopes: {
        type: 'array',
        items: { type: 'string', zeroDefault: true, enum: SCOPES },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      scopeSelector: { type: 'object', ref: 'core.v1.ScopeSelector', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'core.v1.ResourceQuotaStatus': {
    fields: {
      hard: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 1 },
      used: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 2 },
    },
  },
  'core.v1.ScopeSelector': {
    mapType: 'atomic',
    fields: {
      matchExpressions: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ScopedResourceSelectorRequirement', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'core.v1.ScopedResourceSelectorRequirement': {
    fields: {
      scopeName: { type: 'string', enum: SCOPES, required: true, zeroDefault: true, omit: 'never', tag: 1 },
      operator: {
        type: 'string',
        enum: ['DoesNotExist', 'Exists', 'In', 'NotIn'],
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      values: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
};
