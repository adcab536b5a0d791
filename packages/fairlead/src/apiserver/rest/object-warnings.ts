import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isHeadless, serviceForm } from '../allocation/service-form.ts';
import { addressWarnings, statusAddressWarnings } from '../resources/address-warnings.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import { persistentVolumeWarnings, wholeClaimWarnings } from '../warnings/volume-warnings.ts';
import { hasTemplate, workloadWarnings } from '../warnings/workload-warnings.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';

const ingressClass = 'kubernetes.io/ingress.class';

/** What a Kubernetes server remarks about a valid object of a kind, one `Warning` header each. */
export function objectWarnings(
  { kind, group, custom }: ServedResource,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource?: string,
): string[] {
  if (custom !== undefined) return [];
  const addresses = addressWarnings(kind, object);
  if (kind === 'Service') return [...addresses, ...serviceWarnings(object)];
  if (kind === 'PersistentVolumeClaim' && group === '') return wholeClaimWarnings(object);
  if (kind === 'PersistentVolume') return subresource === undefined ? persistentVolumeWarnings(object) : [];
  if (kind === 'Pod' && subresource === 'status') return statusAddressWarnings(object);
  if (kind === 'Pod' || hasTemplate(kind)) return workloadWarnings(kind, object, old);
  if (kind === 'Secret' && group === '') return certificateWarnings(object);
  if (kind === 'Ingress' && old === undefined && object.metadata.annotations?.[ingressClass] !== undefined) {
    return [`annotation ${JSON.stringify(ingressClass)} is deprecated, please use 'spec.ingressClassName' instead`];
  }
  if (kind === 'EndpointSlice' && object.addressType === 'FQDN') {
    return ['spec.addressType: FQDN endpoints are deprecated'];
  }
  return addresses;
}

/** What a Kubernetes server remarks about a valid Service. */
function serviceWarnings(object: KubeObject): string[] {
  const spec = serviceForm(object);
  const warnings: string[] = [];
  if (isHeadless(spec)) {
    if ((spec.loadBalancerIP ?? '') !== '') warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (nonEmpty(spec.externalIPs)) warnings.push('spec.externalIPs is ignored for headless services');
    if (spec.sessionAffinity !== undefined && spec.sessionAffinity !== 'None') {
      warnings.push('spec.SessionAffinity is ignored for headless services');
    }
  }
  if (spec.type !== 'ExternalName' && (spec.externalName ?? '') !== '') {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.type === 'ExternalName' && nonEmpty(spec.externalIPs)) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  return warnings;
}

/** What Go's TLS package says about the pair in a Secret of type `kubernetes.io/tls`. */
function certificateWarnings(secret: KubeObject): string[] {
  if (secret.type !== 'kubernetes.io/tls') return [];
  const data = recordOf(secret.data) ?? {};
  const text = (key: string): string => Buffer.from(String(data[key] ?? ''), 'base64').toString('latin1');
  const [certificate, key] = [text('tls.crt'), text('tls.key')];
  const fault = pairFault(certificate, key);
  return fault === undefined ? [] : [`tls: ${fault}`];
}

function pairFault(certificate: string, key: string): string | undefined {
  if (!/-----BEGIN CERTIFICATE-----/.test(certificate)) return missing('certificate', certificate, key);
  if (!privateKey.test(key)) return missing('key', certificate, key);
  try {
    const same = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
    return same ? undefined : 'private key does not match public key';
  } catch {
    return 'failed to parse private key';
  }
}

const privateKey = /-----BEGIN (?:[A-Z0-9]+ )?PRIVATE KEY-----/;

/** Why a PEM text of a pair is none: nothing there, or the other one of the two. */
function missing(which: 'certificate' | 'key', certificate: string, key: string): string {
  const given = which === 'certificate' ? certificate : key;
  if (!given.includes('-----BEGIN ')) return `failed to find any PEM data in ${which} input`;
  if (which === 'certificate') {
    return privateKey.test(certificate) && /-----BEGIN CERTIFICATE-----/.test(key)
      ? 'failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
      : 'failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: []';
  }
  return /-----BEGIN CERTIFICATE-----/.test(key)
    ? 'found a certificate rather than a key in the PEM for the private key'
    : 'failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: []';
}

function nonEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
