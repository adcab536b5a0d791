import type { ResourceFacts } from '../resource-facts.ts';
import { asked } from './served.ts';

/** Served resources of the group `authentication.k8s.io`. */
export const authenticationResources: readonly ResourceFacts[] = [
  asked({
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    namespaced: false,
  }),
  asked({
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'TokenReview',
    plural: 'tokenreviews',
    namespaced: false,
  }),
];
