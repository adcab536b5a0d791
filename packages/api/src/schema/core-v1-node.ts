import type { SchemaTypes } from './schema-type.ts';

/** Types of core-v1-node, with fields in the order a Kubernetes server writes them. */
export const coreV1Node: SchemaTypes = {
  'core.v1.ConfigMapNodeConfigSource': {
    fields: {
      namespace: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      uid: { type: 'string', omit: 'empty', tag: 3 },
      resourceVersion: { type: 'string', omit: 'empty', tag: 4 },
      kubeletConfigKey: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 5 },
    },
  },
  'core.v1.ContainerImage': {
    fields: {
      names: { type: 'array', items: { type: 'string', zeroDefault: true }, omit: 'never', tag: 1, listType: 'atomic' },
      sizeBytes: { type: 'integer', format: 'int64', omit: 'empty', tag: 2 },
    },
  },
  'core.v1.DaemonEndpoint': {
    fields: {
      Port: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
  'core.v1.Node': {
    gvk: ['/v1/Node'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'core.v1.NodeSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'core.v1.NodeStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'core.v1.NodeAddress': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      address: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
  'core.v1.NodeAllocatableResourceClaimStatus': {
    inOpenAPI: false,
    after134: true,
    fields: {
      resourceClaimName: { type: 'string', omit: 'never', tag: 1 },
      containers: { type: 'array', items: { type: 'string' }, omit: 'empty', tag: 2, listType: 'set' },
      resources: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'never', tag: 3 },
    },
  },
  'core.v1.NodeCondition': {
    fields: {
      type: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      status: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lastHeartbeatTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 3 },
      lastTransitionTime: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 4 },
      reason: { type: 'string', omit: 'empty', tag: 5 },
      message: { type: 'string', omit: 'empty', tag: 6 },
    },
  },
  'core.v1.NodeConfigSource': {
    fields: {
      configMap: { type: 'object', ref: 'core.v1.ConfigMapNodeConfigSource', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'core.v1.NodeConfigStatus': {
    fields: {
      assigned: { type: 'object', ref: 'core.v1.NodeConfigSource', omit: 'empty', pointer: true, tag: 1 },
      active: { type: 'object', ref: 'core.v1.NodeConfigSource', omit: 'empty', pointer: true, tag: 2 },
      lastKnownGood: { type: 'object', ref: 'core.v1.NodeConfigSource', omit: 'empty', pointer: true, tag: 3 },
      error: { type: 'string', omit: 'empty', tag: 4 },
    },
  },
  'core.v1.NodeDaemonEndpoints': {
    fields: {
      kubeletEndpoint: { type: 'object', ref: 'core.v1.DaemonEndpoint', zeroDefault: true, omit: 'empty', tag: 1 },
    },
  },
  'core.v1.NodeFeatures': {
    fields: {
      supplementalGroupsPolicy: { type: 'boolean', omit: 'empty', pointer: true, tag: 1 },
    },
  },
  'core.v1.NodeList': {
    gvk: ['/v1/NodeList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.Node', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.NodeRuntimeHandler': {
    fields: {
      name: { type: 'string', zeroDefault: true, omit: 'never', tag: 1 },
      features: { type: 'object', ref: 'core.v1.NodeRuntimeHandlerFeatures', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'core.v1.NodeRuntimeHandlerFeatures': {
    fields: {
      recursiveReadOnlyMounts: { type: 'boolean', omit: 'empty', pointer: true, tag: 1 },
      userNamespaces: { type: 'boolean', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'core.v1.NodeSpec': {
    fields: {
      podCIDR: { type: 'string', omit: 'empty', tag: 1 },
      podCIDRs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 7,
        listType: 'set',
        patchStrategy: 'merge',
      },
      providerID: { type: 'string', omit: 'empty', tag: 3 },
      unschedulable: { type: 'boolean', omit: 'empty', tag: 4 },
      taints: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.Taint', zeroDefault: true },
        omit: 'empty',
        tag: 5,
        listType: 'atomic',
      },
      configSource: { type: 'object', ref: 'core.v1.NodeConfigSource', omit: 'empty', pointer: true, tag: 6 },
      externalID: { type: 'string', omit: 'empty', tag: 2 },
    },
  },
  'core.v1.NodeStatus': {
    fields: {
      capacity: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 1 },
      allocatable: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 2 },
      phase: { type: 'string', enum: ['Pending', 'Running', 'Terminated'], omit: 'empty', tag: 3 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.NodeCondition', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
      addresses: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.NodeAddress', zeroDefault: true },
        omit: 'empty',
        tag: 5,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
      daemonEndpoints: { type: 'object', ref: 'core.v1.NodeDaemonEndpoints', zeroDefault: true, omit: 'empty', tag: 6 },
      nodeInfo: { type: 'object', ref: 'core.v1.NodeSystemInfo', zeroDefault: true, omit: 'empty', tag: 7 },
      images: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ContainerImage', zeroDefault: true },
        omit: 'empty',
        tag: 8,
        listType: 'atomic',
      },
      volumesInUse: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 9,
        listType: 'atomic',
      },
      volumesAttached: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.AttachedVolume', zeroDefault: true },
        omit: 'empty',
        tag: 10,
        listType: 'atomic',
      },
      config: { type: 'object', ref: 'core.v1.NodeConfigStatus', omit: 'empty', pointer: true, tag: 11 },
      runtimeHandlers: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.NodeRuntimeHandler', zeroDefault: true },
        omit: 'empty',
        tag: 12,
        listType: 'atomic',
      },
      features: { type: 'object', ref: 'core.v1.NodeFeatures', omit: 'empty', pointer: true, tag: 13 },
      declaredFeatures: {
        type: 'array',
        items: { type: 'string' },
        omit: 'empty',
        tag: 14,
        listType: 'atomic',
        after134: true,
      },
    },
  },
  'core.v1.NodeSwapStatus': {
    fields: {
      capacity: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 1 },
    },
  },
  'core.v1.NodeSystemInfo': {
    fields: {
      machineID: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      systemUUID: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      bootID: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      kernelVersion: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 4 },
      osImage: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 5 },
      containerRuntimeVersion: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 6 },
      kubeletVersion: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 7 },
      kubeProxyVersion: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 8 },
      operatingSystem: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 9 },
      architecture: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 10 },
      swap: { type: 'object', ref: 'core.v1.NodeSwapStatus', omit: 'empty', pointer: true, tag: 11 },
    },
  },
  'core.v1.Taint': {
    fields: {
      key: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      value: { type: 'string', omit: 'empty', tag: 2 },
      effect: {
        type: 'string',
        required: true,
        zeroDefault: true,
        enum: ['NoExecute', 'NoSchedule', 'PreferNoSchedule'],
        omit: 'never',
        tag: 3,
      },
      timeAdded: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 4 },
    },
  },
};
