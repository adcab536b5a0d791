import type { SchemaTypes } from './schema-type.ts';

/** Types of resource-v1 about devices of nodes, with fields in the order a Kubernetes server writes them. */
export const resourceV1Slice: SchemaTypes = {
  'resource.v1.CapacityRequestPolicy': {
    fields: {
      default: { type: 'quantity', ref: 'resource.Quantity', omit: 'never', pointer: true, tag: 1 },
      validValues: {
        type: 'array',
        items: { type: 'quantity', ref: 'resource.Quantity' },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
      validRange: {
        type: 'object',
        ref: 'resource.v1.CapacityRequestPolicyRange',
        omit: 'empty',
        pointer: true,
        tag: 4,
      },
    },
  },
  'resource.v1.CapacityRequestPolicyRange': {
    fields: {
      min: { type: 'quantity', ref: 'resource.Quantity', required: true, omit: 'empty', pointer: true, tag: 1 },
      max: { type: 'quantity', ref: 'resource.Quantity', omit: 'empty', pointer: true, tag: 2 },
      step: { type: 'quantity', ref: 'resource.Quantity', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'resource.v1.Counter': {
    fields: {
      value: { type: 'quantity', ref: 'resource.Quantity', required: true, omit: 'never', tag: 1 },
    },
  },
  'resource.v1.CounterSet': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      counters: {
        type: 'map',
        values: { type: 'object', ref: 'resource.v1.Counter', zeroDefault: true },
        required: true,
        omit: 'empty',
        tag: 2,
      },
    },
  },
  'resource.v1.Device': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      attributes: {
        type: 'map',
        values: { type: 'object', ref: 'resource.v1.DeviceAttribute', zeroDefault: true },
        omit: 'empty',
        tag: 2,
      },
      capacity: {
        type: 'map',
        values: { type: 'object', ref: 'resource.v1.DeviceCapacity', zeroDefault: true },
        omit: 'empty',
        tag: 3,
      },
      consumesCounters: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceCounterConsumption', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
      nodeName: { type: 'string', omit: 'empty', pointer: true, tag: 5 },
      nodeSelector: { type: 'object', ref: 'core.v1.NodeSelector', omit: 'empty', pointer: true, tag: 6 },
      allNodes: { type: 'boolean', omit: 'empty', pointer: true, tag: 7 },
      taints: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceTaint', zeroDefault: true },
        omit: 'empty',
        tag: 8,
        listType: 'atomic',
      },
      bindsToNode: { type: 'boolean', omit: 'empty', pointer: true, tag: 9 },
      bindingConditions: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 10,
        listType: 'atomic',
      },
      bindingFailureConditions: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 11,
        listType: 'atomic',
      },
      allowMultipleAllocations: { type: 'boolean', omit: 'empty', pointer: true, tag: 12 },
    },
  },
  'resource.v1.DeviceAttribute': {
    fields: {
      int: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 2 },
      bool: { type: 'boolean', omit: 'empty', pointer: true, tag: 3 },
      string: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
      version: { type: 'string', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'resource.v1.DeviceCapacity': {
    fields: {
      value: { type: 'quantity', ref: 'resource.Quantity', required: true, omit: 'never', tag: 1 },
      requestPolicy: { type: 'object', ref: 'resource.v1.CapacityRequestPolicy', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'resource.v1.DeviceCounterConsumption': {
    fields: {
      counterSet: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      counters: {
        type: 'map',
        values: { type: 'object', ref: 'resource.v1.Counter', zeroDefault: true },
        required: true,
        omit: 'empty',
        tag: 2,
      },
    },
  },
  'resource.v1.DeviceTaint': {
    fields: {
      key: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      value: { type: 'string', omit: 'empty', tag: 2 },
      effect: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      timeAdded: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'resource.v1.ResourcePool': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      generation: { type: 'integer', format: 'int64', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      resourceSliceCount: {
        type: 'integer',
        format: 'int64',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 3,
      },
    },
  },
  'resource.v1.ResourceSlice': {
    gvk: ['resource.k8s.io/v1/ResourceSlice'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'resource.v1.ResourceSliceSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'resource.v1.ResourceSliceList': {
    gvk: ['resource.k8s.io/v1/ResourceSliceList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.ResourceSlice', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'resource.v1.ResourceSliceSpec': {
    fields: {
      driver: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      pool: {
        type: 'object',
        ref: 'resource.v1.ResourcePool',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      nodeName: { type: 'string', omit: 'empty', pointer: true, tag: 3 },
      nodeSelector: { type: 'object', ref: 'core.v1.NodeSelector', omit: 'empty', pointer: true, tag: 4 },
      allNodes: { type: 'boolean', omit: 'empty', pointer: true, tag: 5 },
      devices: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.Device', zeroDefault: true },
        omit: 'never',
        tag: 6,
        listType: 'atomic',
      },
      perDeviceNodeSelection: { type: 'boolean', omit: 'empty', pointer: true, tag: 7 },
      sharedCounters: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.CounterSet', zeroDefault: true },
        omit: 'empty',
        tag: 8,
        listType: 'atomic',
      },
    },
  },
};
