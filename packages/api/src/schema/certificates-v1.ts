import type { SchemaTypes } from './schema-type.ts';

/** Types of certificates-v1, with fields in the order a Kubernetes server writes them. */
export const certificatesV1: SchemaTypes = {
  'certificates.v1.CertificateSigningRequest': {
    gvk: ['certificates.k8s.io/v1/CertificateSigningRequest'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'certificates.v1.CertificateSigningRequestSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      status: {
        type: 'object',
        ref: 'certificates.v1.CertificateSigningRequestStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
    },
  },
  'certificates.v1.CertificateSigningRequestCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 6 },
      reason: { type: 'string', omit: 'empty', tag: 2 },
      message: { type: 'string', omit: 'empty', tag: 3 },
      lastUpdateTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 4 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 5 },
    },
  },
  'certificates.v1.CertificateSigningRequestList': {
    gvk: ['certificates.k8s.io/v1/CertificateSigningRequestList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'certificates.v1.CertificateSigningRequest', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'certificates.v1.CertificateSigningRequestSpec': {
    fields: {
      request: { type: 'bytes', format: 'byte', required: true, omit: 'never', tag: 1, listType: 'atomic' },
      signerName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 7 },
      expirationSeconds: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 8 },
      usages: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 5,
        listType: 'atomic',
      },
      username: { type: 'string', omit: 'empty', tag: 2 },
      uid: { type: 'string', omit: 'empty', tag: 3 },
      groups: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
      extra: {
        type: 'map',
        values: { type: 'array', items: { type: 'string', zeroDefault: true }, wrapper: 'certificates.v1.ExtraValue' },
        omit: 'empty',
        tag: 6,
        protoType: 'map<string,certificates.v1.ExtraValue>',
      },
    },
  },
  'certificates.v1.CertificateSigningRequestStatus': {
    fields: {
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'certificates.v1.CertificateSigningRequestCondition', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'map',
        listMapKeys: ['type'],
      },
      certificate: { type: 'bytes', format: 'byte', omit: 'empty', tag: 2, listType: 'atomic' },
    },
  },
};
