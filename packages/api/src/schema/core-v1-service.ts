import type { SchemaTypes } from './schema-type.ts';

/** Services and their endpoints, with fields in the order a Kubernetes server writes them. */
export const coreV1Service: SchemaTypes = {
  'core.v1.ClientIPConfig': {
    fields: {
      timeoutSeconds: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 1 },
    },
  },
  'core.v1.EndpointAddress': {
    mapType: 'atomic',
    fields: {
      ip: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      hostname: { type: 'string', omit: 'empty', tag: 3 },
      nodeName: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
      targetRef: { type: 'object', ref: 'core.v1.ObjectReference', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'core.v1.EndpointPort': {
    mapType: 'atomic',
    fields: {
      name: { type: 'string', omit: 'empty', tag: 1 },
      port: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      protocol: { type: 'string', enum: ['SCTP', 'TCP', 'UDP'], omit: 'empty', tag: 3 },
      appProtocol: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'core.v1.EndpointSubset': {
    fields: {
      addresses: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.EndpointAddress', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      notReadyAddresses: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.EndpointAddress', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      ports: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.EndpointPort', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'core.v1.Endpoints': {
    gvk: ['/v1/Endpoints'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      subsets: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.EndpointSubset', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'core.v1.EndpointsList': {
    gvk: ['/v1/EndpointsList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.Endpoints', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.LoadBalancerIngress': {
    fields: {
      ip: { type: 'string', omit: 'empty', tag: 1 },
      hostname: { type: 'string', omit: 'empty', tag: 2 },
      ipMode: { type: 'string', omit: 'empty', pointer: true, tag: 3 },
      ports: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.PortStatus', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
    },
  },
  'core.v1.LoadBalancerStatus': {
    fields: {
      ingress: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.LoadBalancerIngress', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'core.v1.PortStatus': {
    fields: {
      port: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      protocol: {
        type: 'string',
        required: true,
        zeroDefault: true,
        enum: ['SCTP', 'TCP', 'UDP'],
        omit: 'never',
        tag: 2,
      },
      error: { type: 'string', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'core.v1.Service': {
    gvk: ['/v1/Service'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'core.v1.ServiceSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'core.v1.ServiceStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'core.v1.ServiceList': {
    gvk: ['/v1/ServiceList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.Service', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'core.v1.ServicePort': {
    fields: {
      name: { type: 'string', omit: 'empty', tag: 1 },
      protocol: { type: 'string', default: 'TCP', enum: ['SCTP', 'TCP', 'UDP'], omit: 'empty', tag: 2 },
      appProtocol: { type: 'string', omit: 'empty', pointer: true, tag: 6 },
      port: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      targetPort: { type: 'int-or-string', ref: 'intstr.IntOrString', omit: 'empty', tag: 4 },
      nodePort: { type: 'integer', format: 'int32', omit: 'empty', tag: 5 },
    },
  },
  'core.v1.ServiceSpec': {
    fields: {
      ports: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.ServicePort', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'map',
        listMapKeys: ['port', 'protocol'],
        patchMergeKey: 'port',
        patchStrategy: 'merge',
      },
      selector: {
        type: 'map',
        values: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        mapType: 'atomic',
      },
      clusterIP: { type: 'string', omit: 'empty', tag: 3 },
      clusterIPs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 18,
        listType: 'atomic',
      },
      type: { type: 'string', enum: ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], omit: 'empty', tag: 4 },
      externalIPs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 5,
        listType: 'atomic',
      },
      sessionAffinity: { type: 'string', enum: ['ClientIP', 'None'], omit: 'empty', tag: 7 },
      loadBalancerIP: { type: 'string', omit: 'empty', tag: 8 },
      loadBalancerSourceRanges: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 9,
        listType: 'atomic',
      },
      externalName: { type: 'string', omit: 'empty', tag: 10 },
      externalTrafficPolicy: { type: 'string', enum: ['Cluster', 'Local'], omit: 'empty', tag: 11 },
      healthCheckNodePort: { type: 'integer', format: 'int32', omit: 'empty', tag: 12 },
      publishNotReadyAddresses: { type: 'boolean', omit: 'empty', tag: 13 },
      sessionAffinityConfig: {
        type: 'object',
        ref: 'core.v1.SessionAffinityConfig',
        omit: 'empty',
        pointer: true,
        tag: 14,
      },
      ipFamilies: {
        type: 'array',
        items: { type: 'string', enum: ['', 'IPv4', 'IPv6'], zeroDefault: true },
        omit: 'empty',
        tag: 19,
        listType: 'atomic',
      },
      ipFamilyPolicy: {
        type: 'string',
        enum: ['PreferDualStack', 'RequireDualStack', 'SingleStack'],
        omit: 'empty',
        pointer: true,
        tag: 17,
      },
      allocateLoadBalancerNodePorts: { type: 'boolean', omit: 'empty', pointer: true, tag: 20 },
      loadBalancerClass: { type: 'string', omit: 'empty', pointer: true, tag: 21 },
      internalTrafficPolicy: { type: 'string', enum: ['Cluster', 'Local'], omit: 'empty', pointer: true, tag: 22 },
      trafficDistribution: { type: 'string', omit: 'empty', pointer: true, tag: 23 },
    },
  },
  'core.v1.ServiceStatus': {
    fields: {
      loadBalancer: { type: 'object', ref: 'core.v1.LoadBalancerStatus', zeroDefault: true, omit: 'empty', tag: 1 },
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.Condition', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
  'core.v1.SessionAffinityConfig': {
    fields: {
      clientIP: { type: 'object', ref: 'core.v1.ClientIPConfig', omit: 'empty', pointer: true, tag: 1 },
    },
  },
};
