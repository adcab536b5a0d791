import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `apiextensions.k8s.io`. */
export const apiextensionsResources: readonly ResourceFacts[] = [
  served({
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    namespaced: false,
    storageVersionHash: 'jfWCUB31mvA=',
    subresources: [
      { name: 'status', kind: 'apiextensions.k8s.io/v1/CustomResourceDefinition', verbs: ['get', 'patch', 'update'] },
    ],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Created At', type: 'date', format: '', priority: 0 },
    ],
  }),
];
