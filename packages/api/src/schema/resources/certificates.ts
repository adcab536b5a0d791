import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `certificates.k8s.io`. */
export const certificatesResources: readonly ResourceFacts[] = [
  served({
    group: 'certificates.k8s.io',
    version: 'v1',
    kind: 'CertificateSigningRequest',
    plural: 'certificatesigningrequests',
    shortNames: ['csr'],
    namespaced: false,
    fieldSelectors: ['metadata.name', 'spec.signerName'],
    unknownFieldSelector: 'field label not supported: no.such',
    storageVersionHash: '95fRKMXA+00=',
    subresources: [
      { name: 'approval', kind: 'certificates.k8s.io/v1/CertificateSigningRequest', verbs: ['get', 'patch', 'update'] },
      { name: 'status', kind: 'certificates.k8s.io/v1/CertificateSigningRequest', verbs: ['get', 'patch', 'update'] },
    ],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
      { name: 'SignerName', type: 'string', format: '', priority: 0 },
      { name: 'Requestor', type: 'string', format: '', priority: 0 },
      { name: 'RequestedDuration', type: 'string', format: '', priority: 0 },
      { name: 'Condition', type: 'string', format: '', priority: 0 },
    ],
  }),
];
