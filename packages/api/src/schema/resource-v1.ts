import type { SchemaTypes } from './schema-type.ts';

/** Types of resource-v1, with fields in the order a Kubernetes server writes them. */
export const resourceV1: SchemaTypes = {
  'resource.v1.CELDeviceSelector': {
    fields: {
      expression: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
  'resource.v1.CapacityRequirements': {
    fields: {
      requests: { type: 'map', values: { type: 'quantity', ref: 'resource.Quantity' }, omit: 'empty', tag: 1 },
    },
  },
  'resource.v1.DeviceClaim': {
    fields: {
      requests: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceRequest', zeroDefault: true },
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
      constraints: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceConstraint', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      config: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceClaimConfiguration', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'resource.v1.DeviceClaimConfiguration': {
    fields: {
      requests: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      opaque: {
        type: 'object',
        ref: 'resource.v1.OpaqueDeviceConfiguration',
        omit: 'empty',
        pointer: true,
        tag: 1,
        via: [2],
      },
    },
  },
  'resource.v1.DeviceClass': {
    gvk: ['resource.k8s.io/v1/DeviceClass'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'resource.v1.DeviceClassSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'resource.v1.DeviceClassConfiguration': {
    fields: {
      opaque: {
        type: 'object',
        ref: 'resource.v1.OpaqueDeviceConfiguration',
        omit: 'empty',
        pointer: true,
        tag: 1,
        via: [1],
      },
    },
  },
  'resource.v1.DeviceClassList': {
    gvk: ['resource.k8s.io/v1/DeviceClassList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceClass', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'resource.v1.DeviceClassSpec': {
    fields: {
      selectors: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceSelector', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      config: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceClassConfiguration', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      extendedResourceName: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'resource.v1.DeviceConstraint': {
    fields: {
      requests: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      matchAttribute: { type: 'string', omit: 'empty', pointer: true, tag: 2 },
      distinctAttribute: { type: 'string', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'resource.v1.DeviceRequest': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      exactly: { type: 'object', ref: 'resource.v1.ExactDeviceRequest', omit: 'empty', pointer: true, tag: 2 },
      firstAvailable: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceSubRequest', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'resource.v1.DeviceSelector': {
    fields: {
      cel: { type: 'object', ref: 'resource.v1.CELDeviceSelector', omit: 'empty', pointer: true, tag: 1 },
    },
  },
  'resource.v1.DeviceSubRequest': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      deviceClassName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      selectors: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceSelector', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
      allocationMode: { type: 'string', omit: 'empty', tag: 4 },
      count: { type: 'integer', format: 'int64', omit: 'empty', tag: 5 },
      tolerations: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceToleration', zeroDefault: true },
        omit: 'empty',
        tag: 6,
        listType: 'atomic',
      },
      capacity: { type: 'object', ref: 'resource.v1.CapacityRequirements', omit: 'empty', pointer: true, tag: 7 },
    },
  },
  'resource.v1.DeviceToleration': {
    fields: {
      key: { type: 'string', omit: 'empty', tag: 1 },
      operator: { type: 'string', default: 'Equal', omit: 'empty', tag: 2 },
      value: { type: 'string', omit: 'empty', tag: 3 },
      effect: { type: 'string', omit: 'empty', tag: 4 },
      tolerationSeconds: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'resource.v1.ExactDeviceRequest': {
    fields: {
      deviceClassName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      selectors: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceSelector', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      allocationMode: { type: 'string', omit: 'empty', tag: 3 },
      count: { type: 'integer', format: 'int64', omit: 'empty', tag: 4 },
      adminAccess: { type: 'boolean', omit: 'empty', pointer: true, tag: 5 },
      tolerations: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.DeviceToleration', zeroDefault: true },
        omit: 'empty',
        tag: 6,
        listType: 'atomic',
      },
      capacity: { type: 'object', ref: 'resource.v1.CapacityRequirements', omit: 'empty', pointer: true, tag: 7 },
    },
  },
  'resource.v1.OpaqueDeviceConfiguration': {
    fields: {
      driver: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      parameters: { type: 'object', ref: 'runtime.RawExtension', required: true, omit: 'never', tag: 2 },
    },
  },
  'resource.v1.ResourceClaim': {
    gvk: ['resource.k8s.io/v1/ResourceClaim'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'resource.v1.ResourceClaimSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      status: { type: 'object', ref: 'resource.v1.ResourceClaimStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'resource.v1.ResourceClaimList': {
    gvk: ['resource.k8s.io/v1/ResourceClaimList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.ResourceClaim', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'resource.v1.ResourceClaimSpec': {
    fields: {
      devices: { type: 'object', ref: 'resource.v1.DeviceClaim', zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
  'resource.v1.ResourceClaimTemplate': {
    gvk: ['resource.k8s.io/v1/ResourceClaimTemplate'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'resource.v1.ResourceClaimTemplateSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'resource.v1.ResourceClaimTemplateList': {
    gvk: ['resource.k8s.io/v1/ResourceClaimTemplateList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'resource.v1.ResourceClaimTemplate', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'resource.v1.ResourceClaimTemplateSpec': {
    fields: {
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'resource.v1.ResourceClaimSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
};
