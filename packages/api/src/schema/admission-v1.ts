import type { SchemaTypes } from './schema-type.ts';

/** Types of admission-v1, with fields in the order a Kubernetes server writes them. */
export const admissionV1: SchemaTypes = {
  'admission.v1.AdmissionRequest': {
    inOpenAPI: false,
    fields: {
      uid: { type: 'string', omit: 'never', tag: 1 },
      kind: { type: 'object', ref: 'meta.v1.GroupVersionKind', omit: 'never', tag: 2 },
      resource: { type: 'object', ref: 'meta.v1.GroupVersionResource', omit: 'never', tag: 3 },
      subResource: { type: 'string', omit: 'empty', tag: 4 },
      requestKind: { type: 'object', ref: 'meta.v1.GroupVersionKind', omit: 'empty', pointer: true, tag: 13 },
      requestResource: { type: 'object', ref: 'meta.v1.GroupVersionResource', omit: 'empty', pointer: true, tag: 14 },
      requestSubResource: { type: 'string', omit: 'empty', tag: 15 },
      name: { type: 'string', omit: 'empty', tag: 5 },
      namespace: { type: 'string', omit: 'empty', tag: 6 },
      operation: { type: 'string', omit: 'never', tag: 7 },
      userInfo: { type: 'object', ref: 'authentication.v1.UserInfo', omit: 'never', tag: 8 },
      object: { type: 'object', ref: 'runtime.RawExtension', omit: 'empty', tag: 9 },
      oldObject: { type: 'object', ref: 'runtime.RawExtension', omit: 'empty', tag: 10 },
      dryRun: { type: 'boolean', omit: 'empty', pointer: true, tag: 11 },
      options: { type: 'object', ref: 'runtime.RawExtension', omit: 'empty', tag: 12 },
    },
  },
  'admission.v1.AdmissionResponse': {
    inOpenAPI: false,
    fields: {
      uid: { type: 'string', omit: 'never', tag: 1 },
      allowed: { type: 'boolean', omit: 'never', tag: 2 },
      status: { type: 'object', ref: 'meta.v1.Status', omit: 'empty', pointer: true, tag: 3 },
      patch: { type: 'bytes', omit: 'empty', tag: 4 },
      patchType: { type: 'string', omit: 'empty', pointer: true, tag: 5 },
      auditAnnotations: { type: 'map', values: { type: 'string' }, omit: 'empty', tag: 6 },
      warnings: { type: 'array', items: { type: 'string' }, omit: 'empty', tag: 7 },
    },
  },
  'admission.v1.AdmissionReview': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      request: { type: 'object', ref: 'admission.v1.AdmissionRequest', omit: 'empty', pointer: true, tag: 1 },
      response: { type: 'object', ref: 'admission.v1.AdmissionResponse', omit: 'empty', pointer: true, tag: 2 },
    },
  },
};
