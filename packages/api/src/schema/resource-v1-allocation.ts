import type { SchemaTypes } from './schema-type.ts';

/** Types of resource-v1 about what was given to claims, with fields in the order a Kubernetes server writes them. */
export const resourceV1Allocation: SchemaTypes = {
  'resource.v1.AllocatedDeviceStatus': {
    fields: {
      driver: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      pool: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      device: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      shareID: { type: 'string', omit: 'empty', pointer: true, tag: 7 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.Condition', zeroDefault: true },
        omit: 'never',
        tag: 4,
        listType: 'map',
        listMapKeys: ['type'],
      },
      data: { type: 'object', ref: 'runtime.RawExtension', omit: 'empty', pointer: true, tag: 5 },
      networkData: { type: 'object', ref: 'resource.v1.NetworkDeviceData', omit: 'empty', pointer: true, tag: 6 },
    },
  },
  'resource.v1.AllocationResult': {
    fields: {
      devices: { type: 'object', ref: 'resource.v1.DeviceAllocationResult', zeroDefault: true, omit: 'empty', tag: 1 },
      nodeSelector: { type: 'object', ref: 'core.v1.NodeSelector', omit: 'empty', pointer: true, tag: 3 },
      allocationTimestamp: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'resource.v1.DeviceAllocationConfiguration': {
    fields: {
      source: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      requests: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      opaque: {
        type: 'object',
        ref: 'resource.v1.OpaqueDeviceConfiguration',
        omit: 'empty',
        pointer: true,
        tag: 1,
        via: [3],
      },
    },
  },
  'resource.v1.DeviceAllocationResult': {
    fields: {
      results: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceRequestAllocationResult', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      config: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceAllocationConfiguration', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'resource.v1.DeviceRequestAllocationResult': {
    fields: {
      request: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      driver: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      pool: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      device: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 4 },
      adminAccess: { type: 'boolean', omit: 'empty', pointer: true, tag: 5 },
      tolerations: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceToleration', zeroDefault: true },
        omit: 'empty',
        tag: 6,
        listType: 'atomic',
      },
      bindingConditions: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 7,
        listType: 'atomic',
      },
      bindingFailureConditions: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 8,
        listType: 'atomic',
      },
      shareID: { type: 'string', omit: 'empty', pointer: true, tag: 9 },
      consumedCapacity: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 10 },
    },
  },
  'resource.v1.NetworkDeviceData': {
    fields: {
      interfaceName: { type: 'string', omit: 'empty', tag: 1 },
      ips: { type: 'array', items: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 2, listType: 'atomic' },
      hardwareAddress: { type: 'string', omit: 'empty', tag: 3 },
    },
  },
  'resource.v1.ResourceClaimConsumerReference': {
    fields: {
      apiGroup: { type: 'string', omit: 'empty', tag: 1 },
      resource: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 4 },
      uid: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 5 },
    },
  },
  'resource.v1.ResourceClaimStatus': {
    fields: {
      allocation: { type: 'object', ref: 'resource.v1.AllocationResult', omit: 'empty', pointer: true, tag: 1 },
      reservedFor: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.ResourceClaimConsumerReference', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'map',
        listMapKeys: ['uid'],
        patchMergeKey: 'uid',
        patchStrategy: 'merge',
      },
      devices: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.AllocatedDeviceStatus', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'map',
        listMapKeys: ['driver', 'device', 'pool', 'shareID'],
      },
    },
  },
};
