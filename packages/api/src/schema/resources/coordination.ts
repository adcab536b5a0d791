import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `coordination.k8s.io`. */
export const coordinationResources: readonly ResourceFacts[] = [
  served({
    group: 'coordination.k8s.io',
    version: 'v1',
    kind: 'Lease',
    plural: 'leases',
    storageVersionHash: 'gqkMMb/YqFM=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Holder', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
];
