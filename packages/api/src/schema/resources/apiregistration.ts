import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `apiregistration.k8s.io`. */
export const apiregistrationResources: readonly ResourceFacts[] = [
  served({
    group: 'apiregistration.k8s.io',
    version: 'v1',
    kind: 'APIService',
    plural: 'apiservices',
    categories: ['api-extensions'],
    namespaced: false,
    storageVersionHash: 'InPBPD7+PqM=',
    subresources: [{ name: 'status', kind: 'apiregistration.k8s.io/v1/APIService', verbs: ['get', 'patch', 'update'] }],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Service', type: 'string', format: '', priority: 0 },
      { name: 'Available', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
];
