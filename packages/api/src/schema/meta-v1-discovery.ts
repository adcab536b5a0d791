import type { SchemaTypes } from './schema-type.ts';

/** What a server serves, with fields in the order a Kubernetes server writes them. */
export const metaV1Discovery: SchemaTypes = {
  'meta.v1.APIGroup': {
    gvk: ['/v1/APIGroup'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      versions: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.GroupVersionForDiscovery', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
        listType: 'atomic',
      },
      preferredVersion: {
        type: 'object',
        ref: 'meta.v1.GroupVersionForDiscovery',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
      serverAddressByClientCIDRs: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.ServerAddressByClientCIDR', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
    },
  },
  'meta.v1.APIGroupList': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      groups: { type: 'array', items: { type: 'object', ref: 'meta.v1.APIGroup' }, omit: 'never', tag: 1 },
    },
  },
  'meta.v1.APIResource': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      singularName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 6 },
      namespaced: { type: 'boolean', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      group: { type: 'string', omit: 'empty', tag: 8 },
      version: { type: 'string', omit: 'empty', tag: 9 },
      kind: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      verbs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        wrapper: 'meta.v1.Verbs',
        required: true,
        omit: 'never',
        tag: 4,
        protoType: 'meta.v1.Verbs',
      },
      shortNames: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 5,
        listType: 'atomic',
      },
      categories: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 7,
        listType: 'atomic',
      },
      storageVersionHash: { type: 'string', omit: 'empty', tag: 10 },
    },
  },
  'meta.v1.APIResourceList': {
    gvk: ['/v1/APIResourceList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      groupVersion: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      resources: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.APIResource', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'meta.v1.APIVersions': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      versions: { type: 'array', items: { type: 'string' }, omit: 'never', tag: 1 },
      serverAddressByClientCIDRs: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.ServerAddressByClientCIDR' },
        omit: 'never',
        tag: 2,
      },
    },
  },
  'meta.v1.GroupVersionForDiscovery': {
    fields: {
      groupVersion: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      version: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
  'meta.v1.ServerAddressByClientCIDR': {
    fields: {
      clientCIDR: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      serverAddress: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
};
