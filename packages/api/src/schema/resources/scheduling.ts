import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `scheduling.k8s.io`. */
export const schedulingResources: readonly ResourceFacts[] = [
  served({
    group: 'scheduling.k8s.io',
    version: 'v1',
    kind: 'PriorityClass',
    plural: 'priorityclasses',
    shortNames: ['pc'],
    namespaced: false,
    storageVersionHash: '1QwjyaZjj3Y=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Value', type: 'integer', format: '', priority: 0 },
      { name: 'Global-Default', type: 'boolean', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
      { name: 'PreemptionPolicy', type: 'string', format: '', priority: 0 },
    ],
  }),
];
