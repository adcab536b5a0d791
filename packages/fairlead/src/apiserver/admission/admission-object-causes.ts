import type { FieldCause } from '@fairlead/api/schema';
import type { KubeObject } from '../watch/kube-object.ts';

/** Mistakes of policies, bindings and webhook configurations. */
export function admissionObjectCauses(_kind: string, _object: KubeObject, _old: KubeObject | undefined): FieldCause[] {
  return [];
}
