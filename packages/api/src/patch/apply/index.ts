export { type ApplyOutcome, type ApplyRequest, applyPatch } from './apply-patch.ts';
export {
  type FieldSet,
  fieldPaths,
  hasField,
  intersectFields,
  isEmptySet,
  noFields,
  parseFieldSet,
  sameSet,
  subtractFields,
  unionFields,
} from './field-set.ts';
export { type ManagedFieldsEntry, sameButTimes } from './managed-fields.ts';
export { type ManagedType, managedType } from './managed-type.ts';
export { type ListKey, type MergeStructure, untyped } from './merge-structure.ts';
export { structureOfOpenApi } from './openapi-structure.ts';
export type { ConflictCause } from './reconcile-managers.ts';
export { structureOfType } from './schema-structure.ts';
export { type TrackedUpdate, trackUpdate } from './track-update.ts';
export type { InVersion, VersionedObject } from './version-comparisons.ts';
