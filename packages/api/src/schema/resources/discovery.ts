import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `discovery.k8s.io`. */
export const discoveryResources: readonly ResourceFacts[] = [
  served({
    group: 'discovery.k8s.io',
    version: 'v1',
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    storageVersionHash: 'qgS0xkrxYAI=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'AddressType', type: 'string', format: '', priority: 0 },
      { name: 'Ports', type: 'string', format: '', priority: 0 },
      { name: 'Endpoints', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
];
