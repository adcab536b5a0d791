import type { FieldCause } from '@fairlead/api/schema';
import type { KubeObject } from '../watch/kube-object.ts';
import { bindingCauses, policyCauses } from './policy-causes.ts';
import { webhookListCauses } from './webhook-causes.ts';

/** Mistakes of policies, bindings and webhook configurations, in the order a Kubernetes server tells them. */
export function admissionObjectCauses(kind: string, object: KubeObject, old: KubeObject | undefined): FieldCause[] {
  switch (kind) {
    case 'ValidatingAdmissionPolicy':
      return old !== undefined && JSON.stringify(object.spec) === JSON.stringify(old.spec) ? [] : policyCauses(object);
    case 'ValidatingAdmissionPolicyBinding':
      return bindingCauses(object);
    default:
      return webhookListCauses(kind, object);
  }
}
