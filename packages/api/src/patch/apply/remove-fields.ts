import { isJsonObject, setOwn } from '../../own-property.ts';
import { type FieldSet, type FieldSetDraft, fieldsBelow, hasElement, isEmptySet, noFields, self } from './field-set.ts';
import { itemIdentity, itemsByElement } from './list-items.ts';
import { entryStructure, type MergeStructure, structureFor, untyped } from './merge-structure.ts';
import { fieldElement } from './path-element.ts';

/** The value without the fields, entries and list items of the set. A container that loses everything becomes null. */
export function removeFields(structure: MergeStructure, value: unknown, removed: FieldSet): unknown {
  if (isEmptySet(removed)) return value;
  const resolved = structureFor(structure, value);
  if (resolved.kind === 'scalar') return value;
  if (resolved.kind === 'list') {
    if (!Array.isArray(value)) return null;
    const kept = resolved.listType === 'atomic' ? value : keepItems(resolved, value, removed);
    return kept.length > 0 ? kept : null;
  }
  if (!isJsonObject(value)) return null;
  const result: Record<string, unknown> = {};
  let kept = 0;
  for (const name of Object.keys(value)) {
    const element = fieldElement(name);
    if (hasElement(removed, element)) continue;
    const inner = fieldsBelow(removed, element);
    setOwn(result, name, removeFields(entryStructure(resolved, name) ?? untyped, value[name], inner));
    kept++;
  }
  return kept > 0 ? result : null;
}

function keepItems(list: Parameters<typeof itemIdentity>[0], items: readonly unknown[], removed: FieldSet): unknown[] {
  const kept: unknown[] = [];
  for (const item of items) {
    const identity = itemIdentity(list, item);
    if (!identity.ok) {
      kept.push(item);
    } else if (!hasElement(removed, identity.element)) {
      kept.push(removeFields(list.items, item, fieldsBelow(removed, identity.element)));
    }
  }
  return kept;
}

/**
 * The set with every declared field that has fields of the set below it. An applier does not own
 * the objects around its fields, but they go and stay with them.
 */
export function withDeclaredParents(structure: MergeStructure, set: FieldSet, value: unknown): FieldSet {
  const resolved = structureFor(structure, value);
  const items =
    resolved.kind === 'list' && resolved.listType !== 'atomic' ? itemsByElement(resolved, value) : undefined;
  const draft: FieldSetDraft = {};
  for (const element in set) {
    if (element === self) continue;
    const node = set[element]!;
    if (isEmptySet(node)) {
      draft[element] = noFields;
      continue;
    }
    const name = element.startsWith('f:') ? element.slice(2) : undefined;
    const entry = name !== undefined && isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    const child =
      resolved.kind === 'list'
        ? resolved.items
        : name === undefined
          ? untyped
          : (entryStructure(resolved, name) ?? untyped);
    const inner = withDeclaredParents(child, node, items?.get(element)?.[0] ?? entry);
    const declared = name !== undefined && resolved.kind === 'struct' && resolved.field(name) !== undefined;
    draft[element] = declared || node[self] !== undefined ? { [self]: noFields, ...inner } : inner;
  }
  return draft;
}
