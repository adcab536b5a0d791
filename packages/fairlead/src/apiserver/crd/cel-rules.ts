import type { JsonSchema } from '@fairlead/api/crd/index';
import type { FieldCause } from '@fairlead/api/schema';
import type { KubeObject } from '../watch/kube-object.ts';

/** The CEL rules of a schema (placeholder until compiled below). */
export class CelRules {
  readonly isEmpty: boolean = true;

  constructor(_schema: JsonSchema) {}

  causes(_object: KubeObject, _old: KubeObject | undefined): FieldCause[] {
    return [];
  }
}
