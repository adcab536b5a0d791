import type { SchemaTypes } from './schema-type.ts';

/** Metadata, options, selectors, statuses and watch events, with fields in the order a Kubernetes server writes them. */
export const metaV1: SchemaTypes = {
  'resource.Quantity': {
    special: 'quantity-string',
    jsonType: 'string-or-number',
    protoFields: { string: { tag: 1, protoType: 'string' } },
  },
  'meta.v1.Condition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      observedGeneration: { type: 'integer', format: 'int64', omit: 'empty', tag: 3 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', required: true, omit: 'never', tag: 4 },
      reason: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 5 },
      message: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 6 },
    },
  },
  'meta.v1.CreateOptions': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      dryRun: { type: 'array', items: { type: 'string' }, omit: 'empty', tag: 1 },
      fieldManager: { type: 'string', omit: 'empty', tag: 3 },
      fieldValidation: { type: 'string', omit: 'empty', tag: 4 },
    },
  },
  'meta.v1.DeleteOptions': {
    gvk: 'all-groups',
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      gracePeriodSeconds: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 1 },
      preconditions: { type: 'object', ref: 'meta.v1.Preconditions', omit: 'empty', pointer: true, tag: 2 },
      orphanDependents: { type: 'boolean', omit: 'empty', pointer: true, tag: 3 },
      propagationPolicy: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
      dryRun: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 5,
        listType: 'atomic',
      },
      ignoreStoreReadErrorWithClusterBreakingPotential: { type: 'boolean', omit: 'empty', pointer: true, tag: 6 },
    },
  },
  'meta.v1.FieldSelectorRequirement': {
    fields: {
      key: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      operator: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      values: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'meta.v1.FieldsV1': {
    special: 'raw-json-object',
    jsonType: 'object',
    protoFields: { Raw: { tag: 1, protoType: 'bytes' } },
  },
  'meta.v1.GetOptions': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      resourceVersion: { type: 'string', omit: 'empty', tag: 1 },
    },
  },
  'meta.v1.GroupVersionKind': {
    inOpenAPI: false,
    fields: {
      group: { type: 'string', omit: 'never', tag: 1 },
      version: { type: 'string', omit: 'never', tag: 2 },
      kind: { type: 'string', omit: 'never', tag: 3 },
    },
  },
  'meta.v1.GroupVersionResource': {
    inOpenAPI: false,
    fields: {
      group: { type: 'string', omit: 'never', tag: 1 },
      version: { type: 'string', omit: 'never', tag: 2 },
      resource: { type: 'string', omit: 'never', tag: 3 },
    },
  },
  'meta.v1.LabelSelector': {
    mapType: 'atomic',
    fields: {
      matchLabels: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 1 },
      matchExpressions: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.LabelSelectorRequirement', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'meta.v1.LabelSelectorRequirement': {
    fields: {
      key: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      operator: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      values: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'meta.v1.ListMeta': {
    fields: {
      selfLink: { type: 'string', omit: 'empty', tag: 1 },
      resourceVersion: { type: 'string', omit: 'empty', tag: 2 },
      continue: { type: 'string', omit: 'empty', tag: 3 },
      remainingItemCount: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 4 },
      shardInfo: { type: 'object', ref: 'meta.v1.ShardInfo', omit: 'empty', pointer: true, tag: 5, after134: true },
    },
  },
  'meta.v1.ListOptions': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      labelSelector: { type: 'string', omit: 'empty', tag: 1 },
      fieldSelector: { type: 'string', omit: 'empty', tag: 2 },
      watch: { type: 'boolean', omit: 'empty', tag: 3 },
      allowWatchBookmarks: { type: 'boolean', omit: 'empty', tag: 9 },
      resourceVersion: { type: 'string', omit: 'empty', tag: 4 },
      resourceVersionMatch: { type: 'string', omit: 'empty', tag: 10 },
      timeoutSeconds: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 5 },
      limit: { type: 'integer', format: 'int64', omit: 'empty', tag: 7 },
      continue: { type: 'string', omit: 'empty', tag: 8 },
      sendInitialEvents: { type: 'boolean', omit: 'empty', pointer: true, tag: 11 },
      shardSelector: { type: 'string', omit: 'empty', tag: 15, after134: true },
    },
  },
  'meta.v1.ManagedFieldsEntry': {
    fields: {
      manager: { type: 'string', omit: 'empty', tag: 1 },
      operation: { type: 'string', omit: 'empty', tag: 2 },
      apiVersion: { type: 'string', omit: 'empty', tag: 3 },
      time: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 4 },
      fieldsType: { type: 'string', omit: 'empty', tag: 6 },
      fieldsV1: { type: 'object', ref: 'meta.v1.FieldsV1', omit: 'empty', pointer: true, tag: 7 },
      subresource: { type: 'string', omit: 'empty', tag: 8 },
    },
  },
  'meta.v1.MicroTime': {
    special: 'rfc3339-six-decimals-utc-or-null',
    jsonType: 'string',
    format: 'date-time',
    protoFields: { seconds: { tag: 1, protoType: 'int64' }, nanos: { tag: 2, protoType: 'int32' } },
  },
  'meta.v1.ObjectMeta': {
    fields: {
      name: { type: 'string', omit: 'empty', tag: 1 },
      generateName: { type: 'string', omit: 'empty', tag: 2 },
      namespace: { type: 'string', omit: 'empty', tag: 3 },
      selfLink: { type: 'string', omit: 'empty', tag: 4 },
      uid: { type: 'string', omit: 'empty', tag: 5 },
      resourceVersion: { type: 'string', omit: 'empty', tag: 6 },
      generation: { type: 'integer', format: 'int64', omit: 'empty', tag: 7 },
      creationTimestamp: { type: 'string', ref: 'meta.v1.Time', omit: 'zero', tag: 8 },
      deletionTimestamp: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 9 },
      deletionGracePeriodSeconds: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 10 },
      labels: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 11 },
      annotations: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 12 },
      ownerReferences: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.OwnerReference', zeroDefault: true },
        omit: 'empty',
        tag: 13,
        listType: 'map',
        listMapKeys: ['uid'],
        patchMergeKey: 'uid',
        patchStrategy: 'merge',
      },
      finalizers: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 14,
        listType: 'set',
        patchStrategy: 'merge',
      },
      managedFields: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.ManagedFieldsEntry', zeroDefault: true },
        omit: 'empty',
        tag: 17,
        listType: 'atomic',
      },
    },
  },
  'meta.v1.OwnerReference': {
    mapType: 'atomic',
    fields: {
      apiVersion: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 5 },
      kind: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      uid: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 4 },
      controller: { type: 'boolean', omit: 'empty', pointer: true, tag: 6 },
      blockOwnerDeletion: { type: 'boolean', omit: 'empty', pointer: true, tag: 7 },
    },
  },
  'meta.v1.PartialObjectMetadata': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', omit: 'empty', tag: 1 },
    },
  },
  'meta.v1.PartialObjectMetadataList': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', omit: 'empty', tag: 1 },
      items: { type: 'array', items: { type: 'object', ref: 'meta.v1.PartialObjectMetadata' }, omit: 'never', tag: 2 },
    },
  },
  'meta.v1.PatchOptions': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      dryRun: { type: 'array', items: { type: 'string' }, omit: 'empty', tag: 1 },
      force: { type: 'boolean', omit: 'empty', pointer: true, tag: 2 },
      fieldManager: { type: 'string', omit: 'empty', tag: 3 },
      fieldValidation: { type: 'string', omit: 'empty', tag: 4 },
    },
  },
  'meta.v1.Preconditions': {
    fields: {
      uid: { type: 'string', omit: 'empty', pointer: true, tag: 1 },
      resourceVersion: { type: 'string', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'meta.v1.ShardInfo': {
    inOpenAPI: false,
    after134: true,
    fields: {
      selector: { type: 'string', omit: 'never', tag: 1 },
    },
  },
  'meta.v1.Status': {
    gvk: ['/v1/Status'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      status: { type: 'string', omit: 'empty', tag: 2 },
      message: { type: 'string', omit: 'empty', tag: 3 },
      reason: { type: 'string', omit: 'empty', tag: 4 },
      details: {
        type: 'object',
        ref: 'meta.v1.StatusDetails',
        omit: 'empty',
        pointer: true,
        tag: 5,
        listType: 'atomic',
      },
      code: { type: 'integer', format: 'int32', omit: 'empty', tag: 6 },
    },
  },
  'meta.v1.StatusCause': {
    fields: {
      reason: { type: 'string', omit: 'empty', tag: 1 },
      message: { type: 'string', omit: 'empty', tag: 2 },
      field: { type: 'string', omit: 'empty', tag: 3 },
    },
  },
  'meta.v1.StatusDetails': {
    fields: {
      name: { type: 'string', omit: 'empty', tag: 1 },
      group: { type: 'string', omit: 'empty', tag: 2 },
      kind: { type: 'string', omit: 'empty', tag: 3 },
      uid: { type: 'string', omit: 'empty', tag: 6 },
      causes: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.StatusCause', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
      retryAfterSeconds: { type: 'integer', format: 'int32', omit: 'empty', tag: 5 },
    },
  },
  'meta.v1.Time': {
    special: 'rfc3339-seconds-utc-or-null',
    jsonType: 'string',
    format: 'date-time',
    protoFields: { seconds: { tag: 1, protoType: 'int64' }, nanos: { tag: 2, protoType: 'int32' } },
  },
  'meta.v1.UpdateOptions': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      dryRun: { type: 'array', items: { type: 'string' }, omit: 'empty', tag: 1 },
      fieldManager: { type: 'string', omit: 'empty', tag: 2 },
      fieldValidation: { type: 'string', omit: 'empty', tag: 3 },
    },
  },
  'meta.v1.WatchEvent': {
    gvk: 'all-groups',
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      object: { type: 'object', ref: 'runtime.RawExtension', required: true, omit: 'never', tag: 2 },
    },
  },
  'runtime.RawExtension': {
    special: 'raw-json',
    jsonType: 'object',
    protoFields: { raw: { tag: 1, protoType: 'bytes' } },
  },
  'intstr.IntOrString': {
    special: 'int-if-type-0-string-if-type-1',
    jsonType: 'int-or-string',
    protoFields: {
      type: { tag: 1, protoType: 'int64' },
      intVal: { tag: 2, protoType: 'int32' },
      strVal: { tag: 3, protoType: 'string' },
    },
  },
  'version.Info': {
    inOpenAPI: false,
    protobuf: false,
    fields: {
      major: { type: 'string', omit: 'never' },
      minor: { type: 'string', omit: 'never' },
      emulationMajor: { type: 'string', omit: 'empty' },
      emulationMinor: { type: 'string', omit: 'empty' },
      minCompatibilityMajor: { type: 'string', omit: 'empty' },
      minCompatibilityMinor: { type: 'string', omit: 'empty' },
      gitVersion: { type: 'string', omit: 'never' },
      gitCommit: { type: 'string', omit: 'never' },
      gitTreeState: { type: 'string', omit: 'never' },
      buildDate: { type: 'string', omit: 'never' },
      goVersion: { type: 'string', omit: 'never' },
      compiler: { type: 'string', omit: 'never' },
      platform: { type: 'string', omit: 'never' },
    },
  },
};
