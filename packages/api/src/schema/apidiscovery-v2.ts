import type { SchemaTypes } from './schema-type.ts';

/** Types of apidiscovery-v2, with fields in the order a Kubernetes server writes them. */
export const apidiscoveryV2: SchemaTypes = {
  'apidiscovery.v2.APIGroupDiscovery': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', omit: 'empty', tag: 1 },
      versions: {
        type: 'array',
        items: { type: 'object', ref: 'apidiscovery.v2.APIVersionDiscovery' },
        omit: 'empty',
        tag: 2,
      },
    },
  },
  'apidiscovery.v2.APIGroupDiscoveryList': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'apidiscovery.v2.APIGroupDiscovery' },
        omit: 'never',
        tag: 2,
      },
    },
  },
  'apidiscovery.v2.APIResourceDiscovery': {
    inOpenAPI: false,
    fields: {
      resource: { type: 'string', omit: 'never', tag: 1 },
      responseKind: { type: 'object', ref: 'meta.v1.GroupVersionKind', omit: 'empty', pointer: true, tag: 2 },
      scope: { type: 'string', omit: 'never', tag: 3 },
      singularResource: { type: 'string', omit: 'never', tag: 4 },
      verbs: { type: 'array', items: { type: 'string' }, omit: 'never', tag: 5 },
      shortNames: { type: 'array', items: { type: 'string' }, omit: 'empty', tag: 6 },
      categories: { type: 'array', items: { type: 'string' }, omit: 'empty', tag: 7 },
      subresources: {
        type: 'array',
        items: { type: 'object', ref: 'apidiscovery.v2.APISubresourceDiscovery' },
        omit: 'empty',
        tag: 8,
      },
    },
  },
  'apidiscovery.v2.APISubresourceDiscovery': {
    inOpenAPI: false,
    fields: {
      subresource: { type: 'string', omit: 'never', tag: 1 },
      responseKind: { type: 'object', ref: 'meta.v1.GroupVersionKind', omit: 'empty', pointer: true, tag: 2 },
      acceptedTypes: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.GroupVersionKind' },
        omit: 'empty',
        tag: 3,
      },
      verbs: { type: 'array', items: { type: 'string' }, omit: 'never', tag: 4 },
    },
  },
  'apidiscovery.v2.APIVersionDiscovery': {
    inOpenAPI: false,
    fields: {
      version: { type: 'string', omit: 'never', tag: 1 },
      resources: {
        type: 'array',
        items: { type: 'object', ref: 'apidiscovery.v2.APIResourceDiscovery' },
        omit: 'empty',
        tag: 2,
      },
      freshness: { type: 'string', omit: 'empty', tag: 3 },
    },
  },
};
