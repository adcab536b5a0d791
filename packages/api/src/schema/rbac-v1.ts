import type { SchemaTypes } from './schema-type.ts';

/** Types of rbac-v1, with fields in the order a Kubernetes server writes them. */
export const rbacV1: SchemaTypes = {
  'rbac.v1.AggregationRule': {
    fields: {
      clusterRoleSelectors: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.LabelSelector', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'rbac.v1.ClusterRole': {
    gvk: ['rbac.authorization.k8s.io/v1/ClusterRole'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      rules: {
        type: 'array',
        items: { type: 'object', ref: 'rbac.v1.PolicyRule', zeroDefault: true },
        omit: 'never',
        tag: 2,
        listType: 'atomic',
      },
      aggregationRule: { type: 'object', ref: 'rbac.v1.AggregationRule', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'rbac.v1.ClusterRoleBinding': {
    gvk: ['rbac.authorization.k8s.io/v1/ClusterRoleBinding'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      subjects: {
        type: 'array',
        items: { type: 'object', ref: 'rbac.v1.Subject', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      roleRef: { type: 'object', ref: 'rbac.v1.RoleRef', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'rbac.v1.ClusterRoleBindingList': {
    gvk: ['rbac.authorization.k8s.io/v1/ClusterRoleBindingList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'rbac.v1.ClusterRoleBinding', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'rbac.v1.ClusterRoleList': {
    gvk: ['rbac.authorization.k8s.io/v1/ClusterRoleList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'rbac.v1.ClusterRole', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'rbac.v1.PolicyRule': {
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
      nonResourceURLs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 5,
        listType: 'atomic',
      },
    },
  },
  'rbac.v1.Role': {
    gvk: ['rbac.authorization.k8s.io/v1/Role'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      rules: {
        type: 'array',
        items: { type: 'object', ref: 'rbac.v1.PolicyRule', zeroDefault: true },
        omit: 'never',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'rbac.v1.RoleBinding': {
    gvk: ['rbac.authorization.k8s.io/v1/RoleBinding'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      subjects: {
        type: 'array',
        items: { type: 'object', ref: 'rbac.v1.Subject', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      roleRef: { type: 'object', ref: 'rbac.v1.RoleRef', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'rbac.v1.RoleBindingList': {
    gvk: ['rbac.authorization.k8s.io/v1/RoleBindingList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'rbac.v1.RoleBinding', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'rbac.v1.RoleList': {
    gvk: ['rbac.authorization.k8s.io/v1/RoleList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'rbac.v1.Role', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'rbac.v1.RoleRef': {
    mapType: 'atomic',
    fields: {
      apiGroup: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      kind: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'rbac.v1.Subject': {
    mapType: 'atomic',
    fields: {
      kind: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      apiGroup: { type: 'string', omit: 'empty', tag: 2 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      namespace: { type: 'string', omit: 'empty', tag: 4 },
    },
  },
};
