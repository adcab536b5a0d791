import { isJsonObject } from '../../own-property.ts';
import type { FieldSet, FieldSetDraft } from './field-set.ts';
import { noFields, self } from './field-set.ts';
import { itemsByElement } from './list-items.ts';
import { entryStructure, isAtomic, type MergeStructure, structureFor, untyped } from './merge-structure.ts';
import { fieldElement } from './path-element.ts';

/**
 * The fields a configuration speaks about: leaves, list items and map entries, and of other
 * objects only those that are empty. This is what an apply owns.
 */
export function appliedFields(structure: MergeStructure, value: unknown): FieldSet {
  return below(structure, value);
}

/** Every field of a value including the containers: what an ordinary write owns of something new. */
export function allFields(structure: MergeStructure, value: unknown): FieldSet {
  const resolved = structureFor(structure, value);
  if (isAtomic(resolved) || isBare(value)) return noFields;
  const draft: FieldSetDraft = { [self]: noFields };
  if (resolved.kind === 'list' && resolved.listType !== 'atomic') {
    for (const [element, items] of itemsByElement(resolved, value)) {
      draft[element] = items.length > 1 ? noFields : allFields(resolved.items, items[0]);
    }
  } else if (isJsonObject(value)) {
    for (const name in value) {
      const entry = value[name];
      if (entry === undefined) continue;
      draft[fieldElement(name)] = allFields(entryStructure(resolved, name) ?? untyped, entry);
    }
  }
  return draft;
}

/** The fields below a value. The caller decides about the place itself. */
function below(structure: MergeStructure, value: unknown): FieldSet {
  const resolved = structureFor(structure, value);
  if (isAtomic(resolved)) return noFields;
  const draft: FieldSetDraft = {};
  if (resolved.kind === 'list' && resolved.listType !== 'atomic') {
    for (const [element, [first]] of itemsByElement(resolved, value)) {
      draft[element] = withSelf(
        isAtomic(structureFor(resolved.items, first)) ? noFields : below(resolved.items, first),
      );
    }
    return draft;
  }
  if (!isJsonObject(value)) return noFields;
  for (const name in value) {
    const entry = value[name];
    if (entry === undefined) continue;
    const declared = resolved.kind === 'struct' ? resolved.field(name) : undefined;
    const entrySchema = declared ?? entryStructure(resolved, name) ?? untyped;
    const inner = below(entrySchema, entry);
    const member = isAtomic(structureFor(entrySchema, entry)) || declared === undefined || isEmptyObject(entry);
    if (member) draft[fieldElement(name)] = withSelf(inner);
    else if (inner !== noFields && !isNothing(inner)) draft[fieldElement(name)] = inner;
  }
  return draft;
}

function withSelf(node: FieldSet): FieldSet {
  return isNothing(node) ? noFields : { [self]: noFields, ...node };
}

function isNothing(node: FieldSet): boolean {
  for (const _ in node) return false;
  return true;
}

function isEmptyObject(value: unknown): boolean {
  return value === null || (isJsonObject(value) && isBare(value));
}

/** Null, an empty object or an empty list: a leaf as far as ownership goes. */
export function isBare(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== 'object') return false;
  for (const name in value) if ((value as Record<string, unknown>)[name] !== undefined) return false;
  return true;
}
