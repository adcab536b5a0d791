// Hot path: every ordinary write compares two versions of an object.
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import { type FieldSet, type FieldSetDraft, noFields, self, subtractTrees } from './field-set.ts';
import { itemsByElement } from './list-items.ts';
import {
  type AssociativeList,
  entryStructure,
  isAtomic,
  type MergeStructure,
  structureFor,
  untyped,
} from './merge-structure.ts';
import { allFields, isBare } from './object-fields.ts';
import { fieldElement, type PathElement } from './path-element.ts';

/** What changed between two versions of an object, by field. */
export interface Comparison {
  /** Fields only the later version has. */
  readonly added: FieldSet;
  /** Leaves both versions have, with other values. */
  readonly modified: FieldSet;
  /** Fields only the earlier version has. */
  readonly removed: FieldSet;
}

interface Draft {
  added: FieldSetDraft | undefined;
  modified: FieldSetDraft | undefined;
  removed: FieldSetDraft | undefined;
}

function put(draft: Draft, side: keyof Draft, element: PathElement, node: FieldSet): void {
  const nodes = draft[side] ?? {};
  nodes[element] = node;
  draft[side] = nodes;
}

/** Compares two versions of an object field by field. */
export function compareObjects(structure: MergeStructure, before: unknown, after: unknown): Comparison {
  const found = compareBoth(structure, before, after);
  if (found === undefined || found === 'modified') return unchanged;
  return { added: found.added ?? noFields, modified: found.modified ?? noFields, removed: found.removed ?? noFields };
}

const unchanged: Comparison = { added: noFields, modified: noFields, removed: noFields };

/** The comparison without the fields below those of `ignored`. */
export function withoutFields(comparison: Comparison, ignored: FieldSet): Comparison {
  return {
    added: subtractTrees(comparison.added, ignored),
    modified: subtractTrees(comparison.modified, ignored),
    removed: subtractTrees(comparison.removed, ignored),
  };
}

/** Compares two values of one place: `modified` for a leaf, a draft for the places below, or nothing. */
function compareBoth(structure: MergeStructure, before: unknown, after: unknown): Draft | 'modified' | undefined {
  if (before === after) return undefined;
  const resolved = structureFor(structure, after);
  if (isAtomic(resolved) || (isBare(before) && isBare(after))) {
    return jsonEqual(before, after) ? undefined : 'modified';
  }
  const draft: Draft = { added: undefined, modified: undefined, removed: undefined };
  if (resolved.kind === 'list' && resolved.listType !== 'atomic') {
    if (isWrong(before, true) || isWrong(after, true)) return 'modified';
    compareLists(draft, resolved, before, after);
  } else {
    if (isWrong(before, false) || isWrong(after, false)) return 'modified';
    compareEntries(draft, resolved, before, after);
  }
  return (draft.added ?? draft.modified ?? draft.removed) ? draft : undefined;
}

/** True for a value that is neither null nor of the wanted form; free-form JSON may change its form. */
function isWrong(value: unknown, list: boolean): boolean {
  return value !== null && (list ? !Array.isArray(value) : !isJsonObject(value));
}

function compareEntries(draft: Draft, structure: MergeStructure, before: unknown, after: unknown): void {
  const left = isJsonObject(before) ? before : {};
  const right = isJsonObject(after) ? after : {};
  for (const name in right) {
    const now = right[name];
    const then = left[name];
    if (now === then || now === undefined) continue;
    place(draft, fieldElement(name), entryStructure(structure, name) ?? untyped, then, now);
  }
  for (const name in left) {
    if (left[name] === undefined || right[name] !== undefined) continue;
    place(draft, fieldElement(name), entryStructure(structure, name) ?? untyped, left[name], undefined);
  }
}

function compareLists(draft: Draft, list: AssociativeList, before: unknown, after: unknown): void {
  const left = itemsByElement(list, before);
  const right = itemsByElement(list, after);
  for (const [element, now] of right) {
    const then = left.get(element) ?? [];
    if (then.length <= 1 && now.length <= 1) {
      place(draft, element, list.items, then[0], now[0]);
    } else if (then.length > 1 && now.length > 1) {
      if (!jsonEqual(then, now)) put(draft, 'modified', element, noFields);
    } else if (then.length > 1) {
      put(draft, 'removed', element, noFields);
      put(draft, 'added', element, allFields(list.items, now[0]));
    } else {
      if (then.length > 0) put(draft, 'removed', element, allFields(list.items, then[0]));
      put(draft, 'added', element, noFields);
    }
  }
  for (const [element, then] of left) {
    if (right.has(element)) continue;
    put(draft, 'removed', element, then.length > 1 ? noFields : allFields(list.items, then[0]));
  }
}

/** Records what happened to one place: only before, only after, or in both versions. */
function place(draft: Draft, element: PathElement, structure: MergeStructure, before: unknown, after: unknown): void {
  if (before === undefined) {
    put(draft, 'added', element, allFields(structure, after));
    return;
  }
  if (after === undefined) {
    put(draft, 'removed', element, allFields(structure, before));
    return;
  }
  const found = compareBoth(structure, before, after);
  if (found === undefined) return;
  if (found === 'modified') {
    put(draft, 'modified', element, noFields);
    // Free-form JSON that was or becomes an object brings or takes its own fields.
    if (isJsonObject(after) && structure.kind === 'untyped')
      attach(draft, 'added', element, allFields(structure, after));
    if (isJsonObject(before) && structure.kind === 'untyped')
      attach(draft, 'removed', element, allFields(structure, before));
    return;
  }
  if (found.added !== undefined) put(draft, 'added', element, found.added);
  if (found.modified !== undefined) put(draft, 'modified', element, found.modified);
  if (found.removed !== undefined) put(draft, 'removed', element, found.removed);
}

function attach(draft: Draft, side: 'added' | 'removed', element: PathElement, node: FieldSet): void {
  const { [self]: _, ...fields } = node;
  for (const _field in fields) {
    put(draft, side, element, fields);
    return;
  }
}
