import { type ManagedType, managedType } from '@fairlead/api/patch/apply/index';
import type { ServedResource } from '../resources/served-resources.ts';

/** Field management of a resource. */
export function managedTypeOf(resource: ServedResource): ManagedType {
  return resource.custom?.managed ?? managedType(resource.typeId);
}
