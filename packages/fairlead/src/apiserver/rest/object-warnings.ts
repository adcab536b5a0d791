import { isHeadless, serviceForm } from '../allocation/service-form.ts';
import { addressWarnings } from '../resources/address-warnings.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import type { KubeObject } from '../watch/kube-object.ts';

/** What a Kubernetes server remarks about a valid object of a kind, one `Warning` header each. */
export function objectWarnings({ kind, custom }: ServedResource, object: KubeObject): string[] {
  if (custom !== undefined) return [];
  const addresses = addressWarnings(kind, object);
  if (kind === 'Service') return [...addresses, ...serviceWarnings(object)];
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
  if (spec.type === 'ExternalName' && nonEmpty(spec.externalIPs)) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  return warnings;
}

function nonEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
