import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `flowcontrol.apiserver.k8s.io`. */
export const flowcontrolResources: readonly ResourceFacts[] = [
  served({
    group: 'flowcontrol.apiserver.k8s.io',
    version: 'v1',
    kind: 'FlowSchema',
    plural: 'flowschemas',
    namespaced: false,
    storageVersionHash: 'GJVAJZSZBIw=',
    subresources: [
      { name: 'status', kind: 'flowcontrol.apiserver.k8s.io/v1/FlowSchema', verbs: ['get', 'patch', 'update'] },
    ],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'PriorityLevel', type: 'string', format: '', priority: 0 },
      { name: 'MatchingPrecedence', type: 'string', format: '', priority: 0 },
      { name: 'DistinguisherMethod', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
      { name: 'MissingPL', type: 'string', format: '', priority: 0 },
    ],
  }),
  served({
    group: 'flowcontrol.apiserver.k8s.io',
    version: 'v1',
    kind: 'PriorityLevelConfiguration',
    plural: 'prioritylevelconfigurations',
    namespaced: false,
    storageVersionHash: 'Kir5PVfvNeI=',
    subresources: [
      {
        name: 'status',
        kind: 'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration',
        verbs: ['get', 'patch', 'update'],
      },
    ],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Type', type: 'string', format: '', priority: 0 },
      { name: 'NominalConcurrencyShares', type: 'string', format: '', priority: 0 },
      { name: 'Queues', type: 'string', format: '', priority: 0 },
      { name: 'HandSize', type: 'string', format: '', priority: 0 },
      { name: 'QueueLengthLimit', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
];
