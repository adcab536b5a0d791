import type { SchemaTypes } from './schema-type.ts';

/** Types of discovery-v1, with fields in the order a Kubernetes server writes them. */
export const discoveryV1: SchemaTypes = {
  'discovery.v1.Endpoint': {
    fields: {
      addresses: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'set',
      },
      conditions: { type: 'object', ref: 'discovery.v1.EndpointConditions', zeroDefault: true, omit: 'empty', tag: 2 },
      hostname: { type: 'string', omit: 'empty', pointer: true, tag: 3 },
      targetRef: { type: 'object', ref: 'core.v1.ObjectReference', omit: 'empty', pointer: true, tag: 4 },
      deprecatedTopology: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 5 },
      nodeName: { type: 'string', omit: 'empty', pointer: true, tag: 6 },
      zone: { type: 'string', omit: 'empty', pointer: true, tag: 7 },
      hints: { type: 'object', ref: 'discovery.v1.EndpointHints', omit: 'empty', pointer: true, tag: 8 },
    },
  },
  'discovery.v1.EndpointConditions': {
    fields: {
      ready: { type: 'boolean', omit: 'empty', pointer: true, tag: 1 },
      serving: { type: 'boolean', omit: 'empty', pointer: true, tag: 2 },
      terminating: { type: 'boolean', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'discovery.v1.EndpointHints': {
    fields: {
      forZones: {
        type: 'array',
        items: { type: 'object', ref: 'discovery.v1.ForZone', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      forNodes: {
        type: 'array',
        items: { type: 'object', ref: 'discovery.v1.ForNode', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'discovery.v1.EndpointPort': {
    mapType: 'atomic',
    fields: {
      name: { type: 'string', omit: 'empty', pointer: true, tag: 1 },
      protocol: { type: 'string', enum: ['SCTP', 'TCP', 'UDP'], omit: 'empty', pointer: true, tag: 2 },
      port: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
      appProtocol: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'discovery.v1.EndpointSlice': {
    gvk: ['discovery.k8s.io/v1/EndpointSlice'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      addressType: {
        type: 'string',
        required: true,
        zeroDefault: true,
        enum: ['FQDN', 'IPv4', 'IPv6'],
        omit: 'never',
        tag: 4,
      },
      endpoints: {
        type: 'array',
        items: { type: 'object', ref: 'discovery.v1.Endpoint', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
        listType: 'atomic',
      },
      ports: {
        type: 'array',
        items: { type: 'object', ref: 'discovery.v1.EndpointPort', zeroDefault: true },
        omit: 'never',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'discovery.v1.EndpointSliceList': {
    gvk: ['discovery.k8s.io/v1/EndpointSliceList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'discovery.v1.EndpointSlice', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'discovery.v1.ForNode': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
  'discovery.v1.ForZone': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
    },
  },
};
