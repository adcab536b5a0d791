import type { SchemaTypes } from './schema-type.ts';

/** Types of networking-v1, with fields in the order a Kubernetes server writes them. */
export const networkingV1: SchemaTypes = {
  'networking.v1.HTTPIngressPath': {
    fields: {
      path: { type: 'string', omit: 'empty', tag: 1 },
      pathType: {
        type: 'string',
        required: true,
        enum: ['Exact', 'ImplementationSpecific', 'Prefix'],
        omit: 'never',
        pointer: true,
        tag: 3,
      },
      backend: {
        type: 'object',
        ref: 'networking.v1.IngressBackend',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'networking.v1.HTTPIngressRuleValue': {
    fields: {
      paths: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.HTTPIngressPath', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'networking.v1.IPAddress': {
    gvk: ['networking.k8s.io/v1/IPAddress'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'networking.v1.IPAddressSpec', zeroDefault: true, omit: 'empty', tag: 2 },
    },
  },
  'networking.v1.IPAddressList': {
    gvk: ['networking.k8s.io/v1/IPAddressList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.IPAddress', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'networking.v1.IPAddressSpec': {
    fields: {
      parentRef: {
        type: 'object',
        ref: 'networking.v1.ParentReference',
        required: true,
        omit: 'empty',
        pointer: true,
        tag: 1,
      },
    },
  },
  'networking.v1.IPBlock': {
    fields: {
      cidr: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      except: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'networking.v1.Ingress': {
    gvk: ['networking.k8s.io/v1/Ingress'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'networking.v1.IngressSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'networking.v1.IngressStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'networking.v1.IngressBackend': {
    fields: {
      service: { type: 'object', ref: 'networking.v1.IngressServiceBackend', omit: 'empty', pointer: true, tag: 4 },
      resource: { type: 'object', ref: 'core.v1.TypedLocalObjectReference', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'networking.v1.IngressClass': {
    gvk: ['networking.k8s.io/v1/IngressClass'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'networking.v1.IngressClassSpec', zeroDefault: true, omit: 'empty', tag: 2 },
    },
  },
  'networking.v1.IngressClassList': {
    gvk: ['networking.k8s.io/v1/IngressClassList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.IngressClass', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'networking.v1.IngressClassParametersReference': {
    fields: {
      apiGroup: { type: 'string', omit: 'empty', pointer: true, tag: 1, protoName: 'aPIGroup' },
      kind: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      scope: { type: 'string', omit: 'never', pointer: true, tag: 4 },
      namespace: { type: 'string', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'networking.v1.IngressClassSpec': {
    fields: {
      controller: { type: 'string', omit: 'empty', tag: 1 },
      parameters: {
        type: 'object',
        ref: 'networking.v1.IngressClassParametersReference',
        omit: 'empty',
        pointer: true,
        tag: 2,
      },
    },
  },
  'networking.v1.IngressList': {
    gvk: ['networking.k8s.io/v1/IngressList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.Ingress', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'networking.v1.IngressLoadBalancerIngress': {
    fields: {
      ip: { type: 'string', omit: 'empty', tag: 1 },
      hostname: { type: 'string', omit: 'empty', tag: 2 },
      ports: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.IngressPortStatus', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
    },
  },
  'networking.v1.IngressLoadBalancerStatus': {
    fields: {
      ingress: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.IngressLoadBalancerIngress', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'networking.v1.IngressPortStatus': {
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
  'networking.v1.IngressRule': {
    fields: {
      host: { type: 'string', omit: 'empty', tag: 1 },
      http: {
        type: 'object',
        ref: 'networking.v1.HTTPIngressRuleValue',
        omit: 'empty',
        pointer: true,
        tag: 1,
        via: [2],
      },
    },
  },
  'networking.v1.IngressServiceBackend': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      port: { type: 'object', ref: 'networking.v1.ServiceBackendPort', zeroDefault: true, omit: 'empty', tag: 2 },
    },
  },
  'networking.v1.IngressSpec': {
    fields: {
      ingressClassName: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
      defaultBackend: { type: 'object', ref: 'networking.v1.IngressBackend', omit: 'empty', pointer: true, tag: 1 },
      tls: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.IngressTLS', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      rules: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.IngressRule', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
    },
  },
  'networking.v1.IngressStatus': {
    fields: {
      loadBalancer: {
        type: 'object',
        ref: 'networking.v1.IngressLoadBalancerStatus',
        zeroDefault: true,
        omit: 'empty',
        tag: 1,
      },
    },
  },
  'networking.v1.IngressTLS': {
    fields: {
      hosts: { type: 'array', items: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 1, listType: 'atomic' },
      secretName: { type: 'string', omit: 'empty', tag: 2 },
    },
  },
  'networking.v1.NetworkPolicy': {
    gvk: ['networking.k8s.io/v1/NetworkPolicy'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'networking.v1.NetworkPolicySpec', zeroDefault: true, omit: 'empty', tag: 2 },
    },
  },
  'networking.v1.NetworkPolicyEgressRule': {
    fields: {
      ports: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.NetworkPolicyPort', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      to: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.NetworkPolicyPeer', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'networking.v1.NetworkPolicyIngressRule': {
    fields: {
      ports: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.NetworkPolicyPort', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      from: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.NetworkPolicyPeer', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
    },
  },
  'networking.v1.NetworkPolicyList': {
    gvk: ['networking.k8s.io/v1/NetworkPolicyList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.NetworkPolicy', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'networking.v1.NetworkPolicyPeer': {
    fields: {
      podSelector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 1 },
      namespaceSelector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 2 },
      ipBlock: { type: 'object', ref: 'networking.v1.IPBlock', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'networking.v1.NetworkPolicyPort': {
    fields: {
      protocol: { type: 'string', enum: ['SCTP', 'TCP', 'UDP'], omit: 'empty', pointer: true, tag: 1 },
      port: { type: 'int-or-string', ref: 'intstr.IntOrString', omit: 'empty', pointer: true, tag: 2 },
      endPort: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'networking.v1.NetworkPolicySpec': {
    fields: {
      podSelector: { type: 'object', ref: 'meta.v1.LabelSelector', zeroDefault: true, omit: 'never', tag: 1 },
      ingress: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.NetworkPolicyIngressRule', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      egress: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.NetworkPolicyEgressRule', zeroDefault: true },
        omit: 'empty',
        tag: 3,
        listType: 'atomic',
      },
      policyTypes: {
        type: 'array',
        items: { type: 'string', enum: ['Egress', 'Ingress'], zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
    },
  },
  'networking.v1.ParentReference': {
    fields: {
      group: { type: 'string', omit: 'empty', tag: 1 },
      resource: { type: 'string', required: true, omit: 'empty', tag: 2 },
      namespace: { type: 'string', omit: 'empty', tag: 3 },
      name: { type: 'string', required: true, omit: 'empty', tag: 4 },
    },
  },
  'networking.v1.ServiceBackendPort': {
    mapType: 'atomic',
    fields: {
      name: { type: 'string', omit: 'empty', tag: 1 },
      number: { type: 'integer', format: 'int32', omit: 'empty', tag: 2 },
    },
  },
  'networking.v1.ServiceCIDR': {
    gvk: ['networking.k8s.io/v1/ServiceCIDR'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: { type: 'object', ref: 'networking.v1.ServiceCIDRSpec', zeroDefault: true, omit: 'empty', tag: 2 },
      status: { type: 'object', ref: 'networking.v1.ServiceCIDRStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'networking.v1.ServiceCIDRList': {
    gvk: ['networking.k8s.io/v1/ServiceCIDRList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'networking.v1.ServiceCIDR', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'networking.v1.ServiceCIDRSpec': {
    fields: {
      cidrs: { type: 'array', items: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 1, listType: 'atomic' },
    },
  },
  'networking.v1.ServiceCIDRStatus': {
    fields: {
      conditions: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.Condition', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'map',
        listMapKeys: ['type'],
        patchMergeKey: 'type',
        patchStrategy: 'merge',
      },
    },
  },
};
