import type { SchemaTypes } from './schema-type.ts';

/** Namespaces, events, configuration, accounts and what several kinds of the core group share, with fields in the order a Kubernetes server writes them. */
export const coreV1: SchemaTypes = {
  'core.v1.Binding': {
    gvk: ['/v1/Binding'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      target: {
        type: 'object',
        ref: 'core.v1.ObjectReference',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.ConfigMap': {
    gvk: ['/v1/ConfigMap'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      immutable: { type: 'boolean', omit: 'empty', pointer: true, tag: 4 },
      data: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 2 },
      binaryData: { type: 'map', values: { type: 'bytes', format: 'byte' }, omit: 'empty', tag: 3 },
    },
  },
  'core.v1.ConfigMapList': {
    gvk: ['/v1/ConfigMapList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ConfigMap', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.Event': {
    gvk: ['/v1/Event'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      involvedObject: {
        type: 'object',
        ref: 'core.v1.ObjectReference',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      reason: { type: 'string', omit: 'empty', tag: 3 },
      message: { type: 'string', omit: 'empty', tag: 4 },
      source: { type: 'object', ref: 'core.v1.EventSource', zeroDefault: true, omit: 'empty', tag: 5 },
      firstTimestamp: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 6 },
      lastTimestamp: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 7 },
      count: { type: 'integer', format: 'int32', omit: 'empty', tag: 8 },
      type: { type: 'string', omit: 'empty', tag: 9 },
      eventTime: { type: 'string', ref: 'meta.v1.MicroTime', omit: 'empty', tag: 10 },
      series: { type: 'object', ref: 'core.v1.EventSeries', omit: 'empty', pointer: true, tag: 11 },
      action: { type: 'string', omit: 'empty', tag: 12 },
      related: { type: 'object', ref: 'core.v1.ObjectReference', omit: 'empty', pointer: true, tag: 13 },
      reportingComponent: { type: 'string', zeroDefault: true, omit: 'never', tag: 14 },
      reportingInstance: { type: 'string', zeroDefault: true, omit: 'never', tag: 15 },
    },
  },
  'core.v1.EventList': {
    gvk: ['/v1/EventList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.Event', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.EventSeries': {
    fields: {
      count: { type: 'integer', format: 'int32', omit: 'empty', tag: 1 },
      lastObservedTime: { type: 'string', ref: 'meta.v1.MicroTime', omit: 'empty', tag: 2 },
    },
  },
  'core.v1.EventSource': {
    fields: {
      component: { type: 'string', omit: 'empty', tag: 1 },
      host: { type: 'string', omit: 'empty', tag: 2 },
    },
  },
  'core.v1.LinuxContainerUser': {
    fields: {
      uid: { type: 'integer', format: 'int64', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      gid: { type: 'integer', format: 'int64', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      supplementalGroups: {
        type: 'array',
        items: { type: 'integer', format: 'int64', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'core.v1.LocalObjectReference': {
    mapType: 'atomic',
    fields: {
      name: { type: 'string', zeroDefault: true, omit: 'empty', tag: 1 },
    },
  },
  'core.v1.Namespace': {
    gvk: ['/v1/Namespace'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'core.v1.NamespaceSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'core.v1.NamespaceStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'core.v1.NamespaceCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 4 },
      reason: { type: 'string', omit: 'empty', tag: 5 },
      message: { type: 'string', omit: 'empty', tag: 6 },
    },
  },
  'core.v1.NamespaceList': {
    gvk: ['/v1/NamespaceList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.Namespace', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.NamespaceSpec': {
    fields: {
      finalizers: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'core.v1.NamespaceStatus': {
    fields: {
      phase: { type: 'string', enum: ['Active', 'Terminating'], omit: 'empty', tag: 1 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.NamespaceCondition', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
  'core.v1.ObjectReference': {
    mapType: 'atomic',
    fields: {
      kind: { type: 'string', omit: 'empty', tag: 1 },
      namespace: { type: 'string', omit: 'empty', tag: 2 },
      name: { type: 'string', omit: 'empty', tag: 3 },
      uid: { type: 'string', omit: 'empty', tag: 4 },
      apiVersion: { type: 'string', omit: 'empty', tag: 5 },
      resourceVersion: { type: 'string', omit: 'empty', tag: 6 },
      fieldPath: { type: 'string', omit: 'empty', tag: 7 },
    },
  },
  'core.v1.Secret': {
    gvk: ['/v1/Secret'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      immutable: { type: 'boolean', omit: 'empty', pointer: true, tag: 5 },
      data: { type: 'map', values: { type: 'bytes', format: 'byte' }, omit: 'empty', tag: 2 },
      stringData: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 4 },
      type: { type: 'string', omit: 'empty', tag: 3 },
    },
  },
  'core.v1.SecretList': {
    gvk: ['/v1/SecretList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.Secret', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.ServiceAccount': {
    gvk: ['/v1/ServiceAccount'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      secrets: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ObjectReference', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'map',
        listMapKeys: ['name'],
        patchMergeKey: 'name',
        patchStrategy: 'merge',
      },
      imagePullSecrets: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.LocalObjectReference', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
      automountServiceAccountToken: { type: 'boolean', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'core.v1.ServiceAccountList': {
    gvk: ['/v1/ServiceAccountList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ServiceAccount', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.TypedLocalObjectReference': {
    mapType: 'atomic',
    fields: {
      apiGroup: { type: 'string', omit: 'never', pointer: true, tag: 1 },
      kind: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'core.v1.TypedObjectReference': {
    fields: {
      apiGroup: { type: 'string', omit: 'never', pointer: true, tag: 1 },
      kind: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      namespace: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
    },
  },
};
