import type { SchemaTypes } from './schema-type.ts';

/** Types of authentication-v1, with fields in the order a Kubernetes server writes them. */
export const authenticationV1: SchemaTypes = {
  'authentication.v1.BoundObjectReference': {
    fields: {
      kind: { type: 'string', omit: 'empty', tag: 1 },
      apiVersion: { type: 'string', omit: 'empty', tag: 2 },
      name: { type: 'string', omit: 'empty', tag: 3 },
      uid: { type: 'string', omit: 'empty', tag: 4, protoName: 'uID' },
    },
  },
  'authentication.v1.SelfSubjectReview': {
    gvk: ['authentication.k8s.io/v1/SelfSubjectReview'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      status: {
        type: 'object',
        ref: 'authentication.v1.SelfSubjectReviewStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 2,
      },
    },
  },
  'authentication.v1.SelfSubjectReviewStatus': {
    fields: {
      userInfo: { type: 'object', ref: 'authentication.v1.UserInfo', zeroDefault: true, omit: 'empty', tag: 1 },
    },
  },
  'authentication.v1.TokenRequest': {
    gvk: ['authentication.k8s.io/v1/TokenRequest'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'authentication.v1.TokenRequestSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      status: { type: 'object', ref: 'authentication.v1.TokenRequestStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'authentication.v1.TokenRequestSpec': {
    fields: {
      audiences: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
      expirationSeconds: { type: 'integer', format: 'int64', omit: 'never', pointer: true, tag: 4 },
      boundObjectRef: {
        type: 'object',
        ref: 'authentication.v1.BoundObjectReference',
        omit: 'never',
        pointer: true,
        tag: 3,
      },
    },
  },
  'authentication.v1.TokenRequestStatus': {
    fields: {
      token: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      expirationTimestamp: { type: 'string', ref: 'meta.v1.Time', required: true, omit: 'never', tag: 2 },
    },
  },
  'authentication.v1.TokenReview': {
    gvk: ['authentication.k8s.io/v1/TokenReview'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'authentication.v1.TokenReviewSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      status: { type: 'object', ref: 'authentication.v1.TokenReviewStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'authentication.v1.TokenReviewSpec': {
    fields: {
      token: { type: 'string', omit: 'empty', tag: 1 },
      audiences: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'authentication.v1.TokenReviewStatus': {
    fields: {
      authenticated: { type: 'boolean', omit: 'empty', tag: 1 },
      user: { type: 'object', ref: 'authentication.v1.UserInfo', zeroDefault: true, omit: 'empty', tag: 2 },
      audiences: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
      error: { type: 'string', omit: 'empty', tag: 3 },
    },
  },
  'authentication.v1.UserInfo': {
    fields: {
      username: { type: 'string', omit: 'empty', tag: 1 },
      uid: { type: 'string', omit: 'empty', tag: 2 },
      groups: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
      extra: {
        type: 'map',
        values: {
          type: 'array',
          items: { type: 'string', zeroDefault: true },
          wrapper: 'authentication.v1.ExtraValue',
        },
        omit: 'empty',
        tag: 4,
        protoType: 'map<string,authentication.v1.ExtraValue>',
      },
    },
  },
};
