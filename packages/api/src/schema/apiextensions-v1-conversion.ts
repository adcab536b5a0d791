import type { SchemaTypes } from './schema-type.ts';

/** Conversion between versions of custom resources, with fields in the order a Kubernetes server writes them. */
export const apiextensionsV1Conversion: SchemaTypes = {
  'apiextensions.v1.ConversionRequest': {
    inOpenAPI: false,
    fields: {
      uid: { type: 'string', omit: 'never', tag: 1 },
      desiredAPIVersion: { type: 'string', omit: 'never', tag: 2 },
      objects: { type: 'array', items: { type: 'object', ref: 'runtime.RawExtension' }, omit: 'never', tag: 3 },
    },
  },
  'apiextensions.v1.ConversionResponse': {
    inOpenAPI: false,
    fields: {
      uid: { type: 'string', omit: 'never', tag: 1 },
      convertedObjects: {
        type: 'array',
        items: { type: 'object', ref: 'runtime.RawExtension' },
        omit: 'never',
        tag: 2,
      },
      result: { type: 'object', ref: 'meta.v1.Status', omit: 'never', tag: 3 },
    },
  },
  'apiextensions.v1.ConversionReview': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      request: { type: 'object', ref: 'apiextensions.v1.ConversionRequest', omit: 'empty', pointer: true, tag: 1 },
      response: { type: 'object', ref: 'apiextensions.v1.ConversionResponse', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'apiextensions.v1.CustomResourceConversion': {
    fields: {
      strategy: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      webhook: { type: 'object', ref: 'apiextensions.v1.WebhookConversion', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'apiextensions.v1.ServiceReference': {
    fields: {
      namespace: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      path: { type: 'string', omit: 'empty', pointer: true, tag: 3 },
      port: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'apiextensions.v1.WebhookClientConfig': {
    fields: {
      url: { type: 'string', omit: 'empty', pointer: true, tag: 3 },
      service: { type: 'object', ref: 'apiextensions.v1.ServiceReference', omit: 'empty', pointer: true, tag: 1 },
      caBundle: { type: 'bytes', format: 'byte', omit: 'empty', tag: 2 },
    },
  },
  'apiextensions.v1.WebhookConversion': {
    fields: {
      clientConfig: {
        type: 'object',
        ref: 'apiextensions.v1.WebhookClientConfig',
        omit: 'empty',
        pointer: true,
        tag: 2,
      },
      conversionReviewVersions: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
};
