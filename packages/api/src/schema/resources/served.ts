import type { ResourceFacts } from '../resource-facts.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const patchContentTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];
const columns: ResourceFacts['columns'] = [
  { name: 'Name', type: 'string', format: 'name', priority: 0 },
  { name: 'Age', type: 'string', format: '', priority: 0 },
];
const fieldSelectors = ['metadata.name', 'metadata.namespace'];
const unknownFieldSelector = '"no.such" is not a known field selector: only "metadata.name", "metadata.namespace"';

/** Names of a resource, and what of it is not as with most. */
type ToldFacts = Pick<ResourceFacts, 'group' | 'version' | 'kind' | 'plural'> & Partial<ResourceFacts>;

/** A namespaced resource with every verb and the usual columns and selectors, but for what is told. */
export function served(told: ToldFacts): ResourceFacts {
  return {
    singular: told.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    verbs,
    subresources: [],
    patchContentTypes,
    deleteReturns: 'Status',
    listKind: `${told.kind}List`,
    columns,
    fieldSelectors,
    unknownFieldSelector,
    ...told,
  };
}

/** A kind that is a question: it can only be created, and the answer is all there is of it. */
export function asked(told: ToldFacts): ResourceFacts {
  return {
    singular: told.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    verbs: ['create'],
    subresources: [],
    columns: [],
    fieldSelectors: [],
    ...told,
  };
}
