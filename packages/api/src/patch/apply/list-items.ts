import { isJsonObject } from '../../own-property.ts';
import type { AssociativeList } from './merge-structure.ts';
import { keyElement, type PathElement, valueElement } from './path-element.ts';

/** What identifies a list item, or Kubernetes' text for why nothing does. */
export type ItemIdentity =
  | { readonly ok: true; readonly element: PathElement }
  | { readonly ok: false; readonly error: string };

/** Finds out what identifies an item of an associative list. */
export function itemIdentity(list: AssociativeList, item: unknown): ItemIdentity {
  if (list.listType === 'set') {
    if (item === null) return refused("associative list without keys has an element that's an explicit null");
    if (Array.isArray(item)) return refused('not supported: associative list with lists as elements');
    if (typeof item === 'object') return refused("associative list without keys has an element that's a map type");
    return { ok: true, element: valueElement(item) };
  }
  if (item === null) return refused('associative list with keys may not have a null element');
  if (!isJsonObject(item)) return refused('associative list with keys may not have non-map elements');
  const names: string[] = [];
  const values: unknown[] = [];
  for (const { name, defaultValue } of list.keys) {
    const given = Object.hasOwn(item, name) ? item[name] : undefined;
    const value = given === undefined ? defaultValue : given;
    if (value === undefined) continue;
    names.push(name);
    values.push(value);
  }
  if (names.length === 0) {
    const keys = list.keys.map(({ name }) => JSON.stringify(name)).join(' ');
    return refused(
      `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`,
    );
  }
  return { ok: true, element: keyElement(names, values) };
}

function refused(error: string): ItemIdentity {
  return { ok: false, error };
}

/** The items of a list by identity, in order of first appearance; items without one are left out. */
export function itemsByElement(list: AssociativeList, items: unknown): Map<PathElement, unknown[]> {
  const found = new Map<PathElement, unknown[]>();
  if (!Array.isArray(items)) return found;
  for (const item of items as unknown[]) {
    const identity = itemIdentity(list, item);
    if (!identity.ok) continue;
    const same = found.get(identity.element);
    if (same === undefined) found.set(identity.element, [item]);
    else same.push(item);
  }
  return found;
}
