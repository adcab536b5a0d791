import type { CertificateRequest, NameKind } from './certificate-request.ts';

/** Signer of client certificates that this server takes. */
export const apiServerClientSigner = 'kubernetes.io/kube-apiserver-client';
/** Signer of client certificates of node agents. */
export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
/** Signer of serving certificates of node agents. */
const kubeletServingSigner = 'kubernetes.io/kubelet-serving';

const nodePrefix = 'system:node:';
const nodesGroup = 'system:nodes';

/** Bit of keyUsage (RFC 5280 4.2.1.3) by the name of a usage. */
const keyUsages: Readonly<Record<string, number>> = {
  signing: 0x80,
  'digital signature': 0x80,
  'content commitment': 0x40,
  'key encipherment': 0x20,
  'data encipherment': 0x10,
  'key agreement': 0x08,
  'cert sign': 0x04,
  'crl sign': 0x02,
  'encipher only': 0x01,
};
/** Object identifier of an extended key usage by its name. */
const purposes: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

/** Bits of keyUsage and identifiers of extended usages of a list of usages. */
export function usagesOf(names: readonly string[]): {
  readonly keyUsage: number;
  readonly purposes: readonly string[];
} {
  const keyUsage = names.reduce((mask, name) => mask | (keyUsages[name] ?? 0), 0);
  return { keyUsage, purposes: [...new Set(names.flatMap((name) => purposes[name] ?? []))] };
}

/** True for the signers whose certificates this server issues. */
export function isOwnSigner(signer: string): boolean {
  return signer === apiServerClientSigner || signer === kubeletClientSigner || signer === kubeletServingSigner;
}

/** Why a signer of this server does not sign a request; `undefined` when it does. */
export function refusalOf(signer: string, request: CertificateRequest, usages: readonly string[]): string | undefined {
  if (signer !== apiServerClientSigner) return refusalOfNode(signer === kubeletServingSigner, request, usages);
  const optional = ['digital signature', 'key encipherment', 'client auth'];
  const foreign = usages.find((usage) => !optional.includes(usage));
  if (foreign !== undefined) return `invalid usage for client certificate: ${foreign}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

function refusalOfNode(serving: boolean, request: CertificateRequest, usages: readonly string[]): string | undefined {
  const { organizations, nameKinds, commonName } = request;
  if (organizations.length !== 1 || organizations[0] !== nodesGroup) {
    return `subject organization is not ${nodesGroup}`;
  }
  if (serving && !nameKinds.has('dns') && !nameKinds.has('ip')) return 'DNS or IP subjectAltName is required';
  const refused: readonly NameKind[] = serving ? ['email', 'uri'] : ['dns', 'email', 'ip', 'uri'];
  const kind = refused.find((one) => nameKinds.has(one));
  if (kind !== undefined) return `${kindNames[kind]} subjectAltNames are not allowed`;
  if (!commonName.startsWith(nodePrefix)) return `subject common name does not begin with ${nodePrefix}`;
  const needed = ['digital signature', serving ? 'server auth' : 'client auth'];
  const given = usages.filter((usage) => usage !== 'key encipherment');
  const fits = given.length === needed.length && needed.every((usage) => given.includes(usage));
  return fits ? undefined : `usages did not match [${[...needed, 'key encipherment'].sort().join(' ')}]`;
}

const kindNames: Readonly<Record<NameKind, string>> = {
  email: 'Email',
  dns: 'DNS',
  uri: 'URI',
  ip: 'IP',
  other: 'other',
};
