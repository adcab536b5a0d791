import type { SchemaTypes } from './schema-type.ts';

/** Admission policies, with fields in the order a Kubernetes server writes them. */
export const admissionregistrationV1: SchemaTypes = {
  'admissionregistration.v1.AuditAnnotation': {
    fields: {
      key: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      valueExpression: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
  'admissionregistration.v1.ExpressionWarning': {
    fields: {
      fieldRef: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      warning: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'admissionregistration.v1.MatchCondition': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      expression: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
  'admissionregistration.v1.MatchResources': {
    mapType: 'atomic',
    fields: {
      namespaceSelector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 1 },
      objectSelector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 2 },
      resourceRules: {
        type: 'array',
        items: { type: 'object', ref: 'admissionregistration.v1.NamedRuleWithOperations', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
      excludeResourceRules: {
        type: 'array',
        items: { type: 'object', ref: 'admissionregistration.v1.NamedRuleWithOperations', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
      matchPolicy: { type: 'string', enum: ['Equivalent', 'Exact'], omit: 'empty', pointer: true, tag: 7 },
    },
  },
  'admissionregistration.v1.NamedRuleWithOperations': {
    mapType: 'atomic',
    fields: {
      resourceNames: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      operations: {
        type: 'array',
        items: { type: 'string', enum: ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'], zeroDefault: true },
        omit: 'empty',
        tag: 1,
        via: [2],
        listType: 'atomic',
      },
      apiGroups: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        via: [2, 2],
        listType: 'atomic',
      },
      apiVersions: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        via: [2, 2],
        listType: 'atomic',
      },
      resources: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        via: [2, 2],
        listType: 'atomic',
      },
      scope: { type: 'string', omit: 'empty', pointer: true, tag: 4, via: [2, 2] },
    },
  },
  'admissionregistration.v1.ParamKind': {
    mapType: 'atomic',
    fields: {
      apiVersion: { type: 'string', omit: 'empty', tag: 1 },
      kind: { type: 'string', omit: 'empty', tag: 2 },
    },
  },
  'admissionregistration.v1.ParamRef': {
    mapType: 'atomic',
    fields: {
      name: { type: 'string', omit: 'empty', tag: 1 },
      namespace: { type: 'string', omit: 'empty', tag: 2 },
      selector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 3 },
      parameterNotFoundAction: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'admissionregistration.v1.TypeChecking': {
    fields: {
      expressionWarnings: {
        type: 'array',
        items: { type: 'object', ref: 'admissionregistration.v1.ExpressionWarning', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'admissionregistration.v1.ValidatingAdmissionPolicy': {
    gvk: ['admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'admissionregistration.v1.ValidatingAdmissionPolicySpec',
        zeroDefault: true,
        omit: 'empty',
        tag: 2,
      },
      status: {
        type: 'object',
        ref: 'admissionregistration.v1.ValidatingAdmissionPolicyStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
    },
  },
  'admissionregistration.v1.ValidatingAdmissionPolicyBinding': {
    gvk: ['admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec',
        zeroDefault: true,
        omit: 'empty',
        tag: 2,
      },
    },
  },
  'admissionregistration.v1.ValidatingAdmissionPolicyBindingList': {
    gvk: ['admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBindingList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'admissionregistration.v1.ValidatingAdmissionPolicyBinding', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec': {
    fields: {
      policyName: { type: 'string', omit: 'empty', tag: 1 },
      paramRef: { type: 'object', ref: 'admissionregistration.v1.ParamRef', omit: 'empty', pointer: true, tag: 2 },
      matchResources: {
        type: 'object',
        ref: 'admissionregistration.v1.MatchResources',
        omit: 'empty',
        pointer: true,
        tag: 3,
      },
      validationActions: {
        type: 'array',
        items: { type: 'string', enum: ['Audit', 'Deny', 'Warn'], zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'set',
      },
    },
  },
  'admissionregistration.v1.ValidatingAdmissionPolicyList': {
    gvk: ['admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'admissionregistration.v1.ValidatingAdmissionPolicy', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'admissionregistration.v1.ValidatingAdmissionPolicySpec': {
    fields: {
      paramKind: { type: 'object', ref: 'admissionregistration.v1.ParamKind', omit: 'empty', pointer: true, tag: 1 },
      matchConstraints: {
        type: 'object',
        ref: 'admissionregistration.v1.MatchResources',
        omit: 'empty',
        pointer: true,
        tag: 2,
      },
      validations: {
        type: 'array',
        items: { type: 'object', ref: 'admissionregistration.v1.Validation', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
      failurePolicy: { type: 'string', enum: ['Fail', 'Ignore'], omit: 'empty', pointer: true, tag: 4 },
      auditAnnotations: {
        type: 'array',
        items: { type: 'object', ref: 'admissionregistration.v1.AuditAnnotation', zeroDefault: true },
        omit: 'empty',
        tag: 5,
        listType: 'atomic',
      },
      matchConditions: {
        type: 'array',
        items: { type: 'object', ref: 'admissionregistration.v1.MatchCondition', zeroDefault: true },
        omit: 'empty',
        tag: 6,
        listType: 'map',
        listMapKeys: ['name'],
        patchMergeKey: 'name',
        patchStrategy: 'merge',
      },
      variables: {
        type: 'array',
        items: { type: 'object', ref: 'admissionregistration.v1.Variable', zeroDefault: true },
        omit: 'empty',
        tag: 7,
        listType: 'map',
        listMapKeys: ['name'],
        patchMergeKey: 'name',
        patchStrategy: 'merge',
      },
    },
  },
  'admissionregistration.v1.ValidatingAdmissionPolicyStatus': {
    fields: {
      observedGeneration: { type: 'integer', format: 'int64', omit: 'empty', tag: 1 },
      typeChecking: {
        type: 'object',
        ref: 'admissionregistration.v1.TypeChecking',
        omit: 'empty',
        pointer: true,
        tag: 2,
      },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.Condition', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'map',
        listMapKeys: ['type'],
      },
    },
  },
  'admissionregistration.v1.Validation': {
    fields: {
      expression: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1, protoName: 'Expression' },
      message: { type: 'string', omit: 'empty', tag: 2 },
      reason: { type: 'string', omit: 'empty', pointer: true, tag: 3 },
      messageExpression: { type: 'string', omit: 'empty', tag: 4 },
    },
  },
  'admissionregistration.v1.Variable': {
    mapType: 'atomic',
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1, protoName: 'Name' },
      expression: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2, protoName: 'Expression' },
    },
  },
};
