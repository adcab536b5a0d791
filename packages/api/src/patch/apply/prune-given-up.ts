import { type FieldSet, intersectFields, isEmptySet, subtractFields, unionFields } from './field-set.ts';
import type { ManagerFields } from './managed-fields.ts';
import type { MergeStructure } from './merge-structure.ts';
import { appliedFields } from './object-fields.ts';
import { removeFields, withDeclaredParents } from './remove-fields.ts';

/** What is left of `merged` in `pruned`, with the fields in `owned` that are not. */
export function withOwned(structure: MergeStructure, merged: object, pruned: object, owned: FieldSet): object {
  const fieldsOf = (object: object): FieldSet =>
    withDeclaredParents(structure, appliedFields(structure, object), object);
  const kept = unionFields(fieldsOf(pruned), withDeclaredParents(structure, owned, merged));
  return (removeFields(structure, merged, subtractFields(fieldsOf(merged), kept)) ?? {}) as object;
}

/**
 * Removes the fields, entries and list items that the manager applied last time (`last`) and that
 * nobody owns any more: not its new configuration and no other manager. A container goes only
 * when the manager owned it or something in it, and nothing else is left that somebody owns.
 */
export function pruneGivenUp(
  structure: MergeStructure,
  merged: unknown,
  last: FieldSet,
  managers: Iterable<ManagerFields>,
): unknown {
  if (isEmptySet(last)) return merged;
  const everything = withDeclaredParents(structure, appliedFields(structure, merged), merged);
  const lastOwned = withDeclaredParents(structure, last, merged);
  let owned: FieldSet = {};
  for (const { fields } of managers) owned = unionFields(owned, fields);
  const stillOwned = withDeclaredParents(structure, owned, merged);

  // Without anything of the last configuration: what is left was never this manager's.
  const without = removeFields(structure, merged, lastOwned);
  const never = withDeclaredParents(structure, appliedFields(structure, without), without);
  // Somebody's fields come back, with the containers they are in.
  const back = removeFields(structure, merged, subtractFields(everything, unionFields(never, stillOwned)));
  const kept = withDeclaredParents(structure, appliedFields(structure, back), back);
  // Items that vanished with their container but were not this manager's come back too.
  return removeFields(structure, merged, intersectFields(subtractFields(everything, kept), lastOwned));
}
