import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `node.k8s.io`. */
export const nodeResources: readonly ResourceFacts[] = [
  served({
    group: 'node.k8s.io',
    version: 'v1',
    kind: 'RuntimeClass',
    plural: 'runtimeclasses',
    namespaced: false,
    storageVersionHash: 'WQTu1GL3T2Q=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Handler', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
];
