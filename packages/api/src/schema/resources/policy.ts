import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `policy`. */
export const policyResources: readonly ResourceFacts[] = [
  served({
    group: 'policy',
    version: 'v1',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    shortNames: ['pdb'],
    storageVersionHash: 'EVWiDmWqyJw=',
    subresources: [{ name: 'status', kind: 'policy/v1/PodDisruptionBudget', verbs: ['get', 'patch', 'update'] }],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Min Available', type: 'string', format: '', priority: 0 },
      { name: 'Max Unavailable', type: 'string', format: '', priority: 0 },
      { name: 'Allowed Disruptions', type: 'integer', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
];
