import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `networking.k8s.io`. */
export const networkingResources: readonly ResourceFacts[] = [
  served({
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'IngressClass',
    plural: 'ingressclasses',
    namespaced: false,
    storageVersionHash: 'l/iqIbDgFyQ=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Controller', type: 'string', format: '', priority: 0 },
      { name: 'Parameters', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
  served({
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'Ingress',
    plural: 'ingresses',
    shortNames: ['ing'],
    storageVersionHash: '39NQlfNR+bo=',
    subresources: [{ name: 'status', kind: 'networking.k8s.io/v1/Ingress', verbs: ['get', 'patch', 'update'] }],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Class', type: 'string', format: '', priority: 0 },
      { name: 'Hosts', type: 'string', format: '', priority: 0 },
      { name: 'Address', type: 'string', format: '', priority: 0 },
      { name: 'Ports', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
  served({
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'IPAddress',
    plural: 'ipaddresses',
    shortNames: ['ip'],
    namespaced: false,
    storageVersionHash: '3f/plJFChNE=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'ParentRef', type: 'string', format: '', priority: 0 },
    ],
  }),
  served({
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'NetworkPolicy',
    plural: 'networkpolicies',
    shortNames: ['netpol'],
    storageVersionHash: 'YpfwF18m1G8=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Pod-Selector', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
  served({
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'ServiceCIDR',
    plural: 'servicecidrs',
    namespaced: false,
    storageVersionHash: 'gNLvruQhW2g=',
    subresources: [{ name: 'status', kind: 'networking.k8s.io/v1/ServiceCIDR', verbs: ['get', 'patch', 'update'] }],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'CIDRs', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
];
