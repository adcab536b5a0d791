import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `storage.k8s.io`. */
export const storageResources: readonly ResourceFacts[] = [
  served({
    group: 'storage.k8s.io',
    version: 'v1',
    kind: 'StorageClass',
    plural: 'storageclasses',
    shortNames: ['sc'],
    namespaced: false,
    storageVersionHash: 'K+m6uJwbjGY=',
    deleteReturns: 'StorageClass',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Provisioner', type: 'string', format: '', priority: 0 },
      { name: 'ReclaimPolicy', type: 'string', format: '', priority: 0 },
      { name: 'VolumeBindingMode', type: 'string', format: '', priority: 0 },
      { name: 'AllowVolumeExpansion', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
];
