import type { SchemaTypes } from './schema-type.ts';

/** Types of apps-v1, with fields in the order a Kubernetes server writes them. */
export const appsV1: SchemaTypes = {
  'apps.v1.ControllerRevision': {
    gvk: ['apps/v1/ControllerRevision'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      data: { type: 'object', ref: 'runtime.RawExtension', omit: 'empty', tag: 2 },
      revision: { type: 'integer', format: 'int64', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'apps.v1.ControllerRevisionList': {
    gvk: ['apps/v1/ControllerRevisionList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'apps.v1.ControllerRevision', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'apps.v1.DaemonSet': {
    gvk: ['apps/v1/DaemonSet'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'apps.v1.DaemonSetSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'apps.v1.DaemonSetStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'apps.v1.DaemonSetCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      reason: { type: 'string', omit: 'empty', tag: 4 },
      message: { type: 'string', omit: 'empty', tag: 5 },
    },
  },
  'apps.v1.DaemonSetList': {
    gvk: ['apps/v1/DaemonSetList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'apps.v1.DaemonSet', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'apps.v1.DaemonSetSpec': {
    fields: {
      selector: { type: 'object', ref: 'meta.v1.LabelSelector', required: true, omit: 'never', pointer: true, tag: 1 },
      template: {
        type: 'object',
        ref: 'core.v1.PodTemplateSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      updateStrategy: {
        type: 'object',
        ref: 'apps.v1.DaemonSetUpdateStrategy',
        zeroDefault: true,
        omit: 'empty',
        tag: 3,
      },
      minReadySeconds: { type: 'integer', format: 'int32', omit: 'empty', tag: 4 },
      revisionHistoryLimit: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 6 },
    },
  },
  'apps.v1.DaemonSetStatus': {
    fields: {
      currentNumberScheduled: {
        type: 'integer',
        format: 'int32',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 1,
      },
      numberMisscheduled: {
        type: 'integer',
        format: 'int32',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      desiredNumberScheduled: {
        type: 'integer',
        format: 'int32',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 3,
      },
      numberReady: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 4 },
      observedGeneration: { type: 'integer', format: 'int64', omit: 'empty', tag: 5 },
      updatedNumberScheduled: { type: 'integer', format: 'int32', omit: 'empty', tag: 6 },
      numberAvailable: { type: 'integer', format: 'int32', omit: 'empty', tag: 7 },
      numberUnavailable: { type: 'integer', format: 'int32', omit: 'empty', tag: 8 },
      collisionCount: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 9 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'apps.v1.DaemonSetCondition', zeroDefault: true },
        omit: 'empty',
        tag: 10,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
  'apps.v1.DaemonSetUpdateStrategy': {
    fields: {
      type: { type: 'string', enum: ['OnDelete', 'RollingUpdate'], omit: 'empty', tag: 1 },
      rollingUpdate: { type: 'object', ref: 'apps.v1.RollingUpdateDaemonSet', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'apps.v1.Deployment': {
    gvk: ['apps/v1/Deployment'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'apps.v1.DeploymentSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'apps.v1.DeploymentStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'apps.v1.DeploymentCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastUpdateTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 6 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 7 },
      reason: { type: 'string', omit: 'empty', tag: 4 },
      message: { type: 'string', omit: 'empty', tag: 5 },
    },
  },
  'apps.v1.DeploymentList': {
    gvk: ['apps/v1/DeploymentList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'apps.v1.Deployment', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'apps.v1.DeploymentSpec': {
    fields: {
      replicas: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 1 },
      selector: { type: 'object', ref: 'meta.v1.LabelSelector', required: true, omit: 'never', pointer: true, tag: 2 },
      template: {
        type: 'object',
        ref: 'core.v1.PodTemplateSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 3,
      },
      strategy: {
        type: 'object',
        ref: 'apps.v1.DeploymentStrategy',
        zeroDefault: true,
        omit: 'empty',
        tag: 4,
        patchStrategy: 'retainKeys',
      },
      minReadySeconds: { type: 'integer', format: 'int32', omit: 'empty', tag: 5 },
      revisionHistoryLimit: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 6 },
      paused: { type: 'boolean', omit: 'empty', tag: 7 },
      progressDeadlineSeconds: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 9 },
    },
  },
  'apps.v1.DeploymentStatus': {
    fields: {
      observedGeneration: { type: 'integer', format: 'int64', omit: 'empty', tag: 1 },
      replicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 2 },
      updatedReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 3 },
      readyReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 7 },
      availableReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 4 },
      unavailableReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 5 },
      terminatingReplicas: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 9 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'apps.v1.DeploymentCondition', zeroDefault: true },
        omit: 'empty',
        tag: 6,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
      collisionCount: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 8 },
    },
  },
  'apps.v1.DeploymentStrategy': {
    fields: {
      type: { type: 'string', enum: ['Recreate', 'RollingUpdate'], omit: 'empty', tag: 1 },
      rollingUpdate: { type: 'object', ref: 'apps.v1.RollingUpdateDeployment', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'apps.v1.ReplicaSet': {
    gvk: ['apps/v1/ReplicaSet'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'apps.v1.ReplicaSetSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'apps.v1.ReplicaSetStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'apps.v1.ReplicaSetCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      reason: { type: 'string', omit: 'empty', tag: 4 },
      message: { type: 'string', omit: 'empty', tag: 5 },
    },
  },
  'apps.v1.ReplicaSetList': {
    gvk: ['apps/v1/ReplicaSetList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'apps.v1.ReplicaSet', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'apps.v1.ReplicaSetSpec': {
    fields: {
      replicas: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 1 },
      minReadySeconds: { type: 'integer', format: 'int32', omit: 'empty', tag: 4 },
      selector: { type: 'object', ref: 'meta.v1.LabelSelector', required: true, omit: 'never', pointer: true, tag: 2 },
      template: { type: 'object', ref: 'core.v1.PodTemplateSpec', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'apps.v1.ReplicaSetStatus': {
    fields: {
      replicas: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      fullyLabeledReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 2 },
      readyReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 4 },
      availableReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 5 },
      terminatingReplicas: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 7 },
      observedGeneration: { type: 'integer', format: 'int64', omit: 'empty', tag: 3 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'apps.v1.ReplicaSetCondition', zeroDefault: true },
        omit: 'empty',
        tag: 6,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
  'apps.v1.RollingUpdateDaemonSet': {
    fields: {
      maxUnavailable: { type: 'int-or-string', ref: 'intstr.IntOrString', omit: 'empty', pointer: true, tag: 1 },
      maxSurge: { type: 'int-or-string', ref: 'intstr.IntOrString', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'apps.v1.RollingUpdateDeployment': {
    fields: {
      maxUnavailable: { type: 'int-or-string', ref: 'intstr.IntOrString', omit: 'empty', pointer: true, tag: 1 },
      maxSurge: { type: 'int-or-string', ref: 'intstr.IntOrString', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'apps.v1.RollingUpdateStatefulSetStrategy': {
    fields: {
      partition: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 1 },
      maxUnavailable: { type: 'int-or-string', ref: 'intstr.IntOrString', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'apps.v1.StatefulSet': {
    gvk: ['apps/v1/StatefulSet'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'apps.v1.StatefulSetSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'apps.v1.StatefulSetStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'apps.v1.StatefulSetCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      reason: { type: 'string', omit: 'empty', tag: 4 },
      message: { type: 'string', omit: 'empty', tag: 5 },
    },
  },
  'apps.v1.StatefulSetList': {
    gvk: ['apps/v1/StatefulSetList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'apps.v1.StatefulSet', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'apps.v1.StatefulSetOrdinals': {
    fields: {
      start: { type: 'integer', format: 'int32', zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
  'apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy': {
    fields: {
      whenDeleted: { type: 'string', omit: 'empty', tag: 1 },
      whenScaled: { type: 'string', omit: 'empty', tag: 2 },
    },
  },
  'apps.v1.StatefulSetSpec': {
    fields: {
      replicas: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 1 },
      selector: { type: 'object', ref: 'meta.v1.LabelSelector', required: true, omit: 'never', pointer: true, tag: 2 },
      template: {
        type: 'object',
        ref: 'core.v1.PodTemplateSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 3,
      },
      volumeClaimTemplates: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.PersistentVolumeClaim', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
      serviceName: { type: 'string', zeroDefault: true, omit: 'never', tag: 5 },
      podManagementPolicy: { type: 'string', enum: ['OrderedReady', 'Parallel'], omit: 'empty', tag: 6 },
      updateStrategy: {
        type: 'object',
        ref: 'apps.v1.StatefulSetUpdateStrategy',
        zeroDefault: true,
        omit: 'empty',
        tag: 7,
      },
      revisionHistoryLimit: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 8 },
      minReadySeconds: { type: 'integer', format: 'int32', omit: 'empty', tag: 9 },
      persistentVolumeClaimRetentionPolicy: {
        type: 'object',
        ref: 'apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy',
        omit: 'empty',
        pointer: true,
        tag: 10,
      },
      ordinals: { type: 'object', ref: 'apps.v1.StatefulSetOrdinals', omit: 'empty', pointer: true, tag: 11 },
    },
  },
  'apps.v1.StatefulSetStatus': {
    fields: {
      observedGeneration: { type: 'integer', format: 'int64', omit: 'empty', tag: 1 },
      replicas: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      readyReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 3 },
      currentReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 4 },
      updatedReplicas: { type: 'integer', format: 'int32', omit: 'empty', tag: 5 },
      currentRevision: { type: 'string', omit: 'empty', tag: 6 },
      updateRevision: { type: 'string', omit: 'empty', tag: 7 },
      collisionCount: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 9 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'apps.v1.StatefulSetCondition', zeroDefault: true },
        omit: 'empty',
        tag: 10,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
      availableReplicas: { type: 'integer', format: 'int32', zeroDefault: true, omit: 'never', tag: 11 },
    },
  },
  'apps.v1.StatefulSetUpdateStrategy': {
    fields: {
      type: { type: 'string', enum: ['OnDelete', 'RollingUpdate'], omit: 'empty', tag: 1 },
      rollingUpdate: {
        type: 'object',
        ref: 'apps.v1.RollingUpdateStatefulSetStrategy',
        omit: 'empty',
        pointer: true,
        tag: 2,
      },
    },
  },
};
