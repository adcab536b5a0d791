import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `batch`. */
export const batchResources: readonly ResourceFacts[] = [
  served({
    group: 'batch',
    version: 'v1',
    kind: 'CronJob',
    plural: 'cronjobs',
    shortNames: ['cj'],
    categories: ['all'],
    storageVersionHash: 'sd5LIXh4Fjs=',
    subresources: [{ name: 'status', kind: 'batch/v1/CronJob', verbs: ['get', 'patch', 'update'] }],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Schedule', type: 'string', format: '', priority: 0 },
      { name: 'Timezone', type: 'string', format: '', priority: 0 },
      { name: 'Suspend', type: 'boolean', format: '', priority: 0 },
      { name: 'Active', type: 'integer', format: '', priority: 0 },
      { name: 'Last Schedule', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
      { name: 'Containers', type: 'string', format: '', priority: 1 },
      { name: 'Images', type: 'string', format: '', priority: 1 },
      { name: 'Selector', type: 'string', format: '', priority: 1 },
    ],
  }),
  served({
    group: 'batch',
    version: 'v1',
    kind: 'Job',
    plural: 'jobs',
    categories: ['all'],
    storageVersionHash: 'mudhfqk/qZY=',
    subresources: [{ name: 'status', kind: 'batch/v1/Job', verbs: ['get', 'patch', 'update'] }],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Status', type: 'string', format: '', priority: 0 },
      { name: 'Completions', type: 'string', format: '', priority: 0 },
      { name: 'Duration', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
      { name: 'Containers', type: 'string', format: '', priority: 1 },
      { name: 'Images', type: 'string', format: '', priority: 1 },
      { name: 'Selector', type: 'string', format: '', priority: 1 },
    ],
    fieldSelectors: ['metadata.name', 'metadata.namespace', 'status.successful'],
    unknownFieldSelector: 'field label "no.such" not supported for Job',
  }),
];
