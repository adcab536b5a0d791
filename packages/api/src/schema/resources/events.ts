import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `events.k8s.io`. */
export const eventsResources: readonly ResourceFacts[] = [
  served({
    group: 'events.k8s.io',
    version: 'v1',
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    storageVersionHash: 'r2yiGXH7wu8=',
    columns: [
      { name: 'Last Seen', type: 'string', format: '', priority: 0 },
      { name: 'Type', type: 'string', format: '', priority: 0 },
      { name: 'Reason', type: 'string', format: '', priority: 0 },
      { name: 'Object', type: 'string', format: '', priority: 0 },
      { name: 'Subobject', type: 'string', format: '', priority: 1 },
      { name: 'Source', type: 'string', format: '', priority: 1 },
      { name: 'Message', type: 'string', format: '', priority: 0 },
      { name: 'First Seen', type: 'string', format: '', priority: 1 },
      { name: 'Count', type: 'string', format: '', priority: 1 },
      { name: 'Name', type: 'string', format: 'name', priority: 1 },
    ],
    fieldSelectors: [
      'metadata.name',
      'metadata.namespace',
      'reason',
      'regarding.apiVersion',
      'regarding.fieldPath',
      'regarding.kind',
      'regarding.name',
      'regarding.namespace',
      'regarding.resourceVersion',
      'regarding.uid',
      'reportingController',
      'type',
    ],
    unknownFieldSelector: 'field label not supported: no.such',
  }),
];
