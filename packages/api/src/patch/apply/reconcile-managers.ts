import { type Comparison, compareObjects, withoutFields } from './compare-objects.ts';
import { type FieldSet, fieldPaths, intersectFields, isEmptySet, subtractFields, unionFields } from './field-set.ts';
import { type ManagerFields, type ManagersOfObject, setFields } from './managed-fields.ts';
import type { MergeStructure } from './merge-structure.ts';
import type { VersionComparisons } from './version-comparisons.ts';

/** Fields of another manager that a write changes. */
export interface FieldConflict {
  readonly with: ManagerFields;
  readonly fields: FieldSet;
}

/** The fields that a change from `before` to `after` takes from managers other than `writer`. */
export function findConflicts(
  managers: ManagersOfObject,
  comparisons: VersionComparisons,
  writer: string | undefined,
): FieldConflict[] {
  const conflicts: FieldConflict[] = [];
  for (const [key, manager] of [...managers].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (key === writer) continue;
    const comparison = comparisons.of(manager.apiVersion);
    if (comparison === undefined) continue;
    const fields = intersectFields(manager.fields, unionFields(comparison.modified, comparison.added));
    if (!isEmptySet(fields)) conflicts.push({ with: manager, fields });
  }
  return conflicts;
}

/** Takes changed and removed fields from all managers but `writer`; forgets those of versions that are gone. Changes `managers`. */
export function yieldFields(
  managers: ManagersOfObject,
  comparisons: VersionComparisons,
  writer: string | undefined,
): void {
  for (const [key, manager] of managers) {
    if (key === writer) continue;
    const comparison = comparisons.of(manager.apiVersion);
    if (comparison === undefined) {
      managers.delete(key);
      continue;
    }
    const { added, modified, removed } = comparison;
    if (isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed)) continue;
    const fields = subtractFields(manager.fields, unionFields(unionFields(modified, added), removed));
    if (fields !== manager.fields) setFields(managers, key, { ...manager, fields });
  }
}

/** The comparison of two versions, and what of it concerns the managers of the fields. */
export function compareForManagers(
  structure: MergeStructure,
  before: unknown,
  after: unknown,
  resetFields: FieldSet,
): { readonly all: Comparison; readonly relevant: Comparison } {
  const all = compareObjects(structure, before, after);
  return { all, relevant: isEmptySet(resetFields) ? all : withoutFields(all, resetFields) };
}

/** One conflicting field, as a cause of a 409 answer. */
export interface ConflictCause {
  readonly reason: 'FieldManagerConflict';
  /** `.spec.ports[port=80,protocol="TCP"].name` */
  readonly field: string;
  readonly message: string;
}

/** The 409 answer for conflicts: message and causes. */
export function conflictAnswer(conflicts: readonly FieldConflict[]): {
  readonly message: string;
  readonly causes: ConflictCause[];
} {
  const causes: ConflictCause[] = [];
  const sections: string[] = [];
  for (const conflict of conflicts) {
    const name = managerText(conflict.with);
    const paths = fieldPaths(conflict.fields);
    for (const field of paths) causes.push({ reason: 'FieldManagerConflict', field, message: `conflict with ${name}` });
    sections.push(`conflicts with ${name}:`, ...paths.map((path) => `- ${path}`));
  }
  const [only] = causes;
  const message =
    causes.length === 1 && only !== undefined
      ? `Apply failed with 1 conflict: ${only.message}: ${only.field}`
      : `Apply failed with ${causes.length} conflicts: ${sections.join('\n')}`;
  return { message, causes };
}

function managerText({ manager, subresource, operation, apiVersion }: ManagerFields): string {
  const where = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  const how = operation === 'Update' ? ` using ${apiVersion}` : '';
  return `${JSON.stringify(manager)}${where}${how}`;
}
