import type { SchemaTypes } from './schema-type.ts';

/** Types of authorization-v1, with fields in the order a Kubernetes server writes them. */
export const authorizationV1: SchemaTypes = {
  'authorization.v1.FieldSelectorAttributes': {
    fields: {
      rawSelector: { type: 'string', omit: 'empty', tag: 1 },
      requirements: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.FieldSelectorRequirement', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'authorization.v1.LabelSelectorAttributes': {
    fields: {
      rawSelector: { type: 'string', omit: 'empty', tag: 1 },
      requirements: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.LabelSelectorRequirement', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'authorization.v1.LocalSubjectAccessReview': {
    gvk: ['authorization.k8s.io/v1/LocalSubjectAccessReview'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'authorization.v1.SubjectAccessReviewSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      status: {
        type: 'object',
        ref: 'authorization.v1.SubjectAccessReviewStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
    },
  },
  'authorization.v1.NonResourceAttributes': {
    fields: {
      path: { type: 'string', omit: 'empty', tag: 1 },
      verb: { type: 'string', omit: 'empty', tag: 2 },
    },
  },
  'authorization.v1.NonResourceRule': {
    fields: {
      verbs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
      nonResourceURLs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'authorization.v1.ResourceAttributes': {
    fields: {
      namespace: { type: 'string', omit: 'empty', tag: 1 },
      verb: { type: 'string', omit: 'empty', tag: 2 },
      group: { type: 'string', omit: 'empty', tag: 3 },
      version: { type: 'string', omit: 'empty', tag: 4 },
      resource: { type: 'string', omit: 'empty', tag: 5 },
      subresource: { type: 'string', omit: 'empty', tag: 6 },
      name: { type: 'string', omit: 'empty', tag: 7 },
      fieldSelector: {
        type: 'object',
        ref: 'authorization.v1.FieldSelectorAttributes',
        omit: 'empty',
        pointer: true,
        tag: 8,
      },
      labelSelector: {
        type: 'object',
        ref: 'authorization.v1.LabelSelectorAttributes',
        omit: 'empty',
        pointer: true,
        tag: 9,
      },
    },
  },
  'authorization.v1.ResourceRule': {
    fields: {
      verbs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
      apiGroups: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      resources: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
      resourceNames: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
    },
  },
  'authorization.v1.SelfSubjectAccessReview': {
    gvk: ['authorization.k8s.io/v1/SelfSubjectAccessReview'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'authorization.v1.SelfSubjectAccessReviewSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      status: {
        type: 'object',
        ref: 'authorization.v1.SubjectAccessReviewStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
    },
  },
  'authorization.v1.SelfSubjectAccessReviewSpec': {
    fields: {
      resourceAttributes: {
        type: 'object',
        ref: 'authorization.v1.ResourceAttributes',
        omit: 'empty',
        pointer: true,
        tag: 1,
      },
      nonResourceAttributes: {
        type: 'object',
        ref: 'authorization.v1.NonResourceAttributes',
        omit: 'empty',
        pointer: true,
        tag: 2,
      },
    },
  },
  'authorization.v1.SelfSubjectRulesReview': {
    gvk: ['authorization.k8s.io/v1/SelfSubjectRulesReview'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'authorization.v1.SelfSubjectRulesReviewSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      status: {
        type: 'object',
        ref: 'authorization.v1.SubjectRulesReviewStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
    },
  },
  'authorization.v1.SelfSubjectRulesReviewSpec': {
    fields: {
      namespace: { type: 'string', omit: 'empty', tag: 1 },
    },
  },
  'authorization.v1.SubjectAccessReview': {
    gvk: ['authorization.k8s.io/v1/SubjectAccessReview'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'authorization.v1.SubjectAccessReviewSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      status: {
        type: 'object',
        ref: 'authorization.v1.SubjectAccessReviewStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
    },
  },
  'authorization.v1.SubjectAccessReviewSpec': {
    fields: {
      resourceAttributes: {
        type: 'object',
        ref: 'authorization.v1.ResourceAttributes',
        omit: 'empty',
        pointer: true,
        tag: 1,
      },
      nonResourceAttributes: {
        type: 'object',
        ref: 'authorization.v1.NonResourceAttributes',
        omit: 'empty',
        pointer: true,
        tag: 2,
      },
      user: { type: 'string', omit: 'empty', tag: 3 },
      groups: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
      extra: {
        type: 'map',
        values: { type: 'array', items: { type: 'string', zeroDefault: true }, wrapper: 'authorization.v1.ExtraValue' },
        omit: 'empty',
        tag: 5,
        protoType: 'map<string,authorization.v1.ExtraValue>',
      },
      uid: { type: 'string', omit: 'empty', tag: 6 },
    },
  },
  'authorization.v1.SubjectAccessReviewStatus': {
    fields: {
      allowed: { type: 'boolean', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      denied: { type: 'boolean', omit: 'empty', tag: 4 },
      reason: { type: 'string', omit: 'empty', tag: 2 },
      evaluationError: { type: 'string', omit: 'empty', tag: 3 },
    },
  },
  'authorization.v1.SubjectRulesReviewStatus': {
    fields: {
      resourceRules: {
        type: 'array',
        items: { type: 'object', ref: 'authorization.v1.ResourceRule', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
      nonResourceRules: {
        type: 'array',
        items: { type: 'object', ref: 'authorization.v1.NonResourceRule', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
        listType: 'atomic',
      },
      incomplete: { type: 'boolean', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      evaluationError: { type: 'string', omit: 'empty', tag: 4 },
    },
  },
};
