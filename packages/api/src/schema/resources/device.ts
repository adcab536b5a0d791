import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `resource.k8s.io`. */
export const deviceResources: readonly ResourceFacts[] = [
  served({
    group: 'resource.k8s.io',
    version: 'v1',
    kind: 'DeviceClass',
    plural: 'deviceclasses',
    namespaced: false,
    storageVersionHash: 'weQRMT6DeYM=',
    deleteReturns: 'DeviceClass',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
  served({
    group: 'resource.k8s.io',
    version: 'v1',
    kind: 'ResourceClaim',
    plural: 'resourceclaims',
    storageVersionHash: 'EJAWH5WrAYg=',
    subresources: [{ name: 'status', kind: 'resource.k8s.io/v1/ResourceClaim', verbs: ['get', 'patch', 'update'] }],
    deleteReturns: 'ResourceClaim',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'State', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
  served({
    group: 'resource.k8s.io',
    version: 'v1',
    kind: 'ResourceClaimTemplate',
    plural: 'resourceclaimtemplates',
    storageVersionHash: '24m0okHrUtk=',
    deleteReturns: 'ResourceClaimTemplate',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
  served({
    group: 'resource.k8s.io',
    version: 'v1',
    kind: 'ResourceSlice',
    plural: 'resourceslices',
    namespaced: false,
    storageVersionHash: 'z6Bc9vgk6yE=',
    deleteReturns: 'ResourceSlice',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Node', type: 'string', format: '', priority: 0 },
      { name: 'Driver', type: 'string', format: '', priority: 0 },
      { name: 'Pool', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
    fieldSelectors: ['metadata.name', 'spec.nodeName', 'spec.driver'],
    unknownFieldSelector: 'field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: no.such',
  }),
];
