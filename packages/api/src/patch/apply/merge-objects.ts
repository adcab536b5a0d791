import { isJsonObject, setOwn } from '../../own-property.ts';
import { itemIdentity, itemsByElement } from './list-items.ts';
import {
  type AssociativeList,
  entryStructure,
  isAtomic,
  type MergeStructure,
  structureFor,
  untyped,
} from './merge-structure.ts';
import { isBare } from './object-fields.ts';
import type { PathElement } from './path-element.ts';

/**
 * Lays an applied configuration over the live object. Leaves and atomic values of the
 * configuration win, objects merge by name, associative lists by item; what the configuration
 * does not mention stays. Nulls of the configuration stay in the result as nulls.
 */
export function mergeObjects(structure: MergeStructure, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  const resolved = structureFor(structure, config);
  if (isAtomic(resolved) || live === undefined || (isBare(live) && isBare(config))) return config;
  if (resolved.kind === 'list' && resolved.listType !== 'atomic') {
    const items = mergeLists(resolved, Array.isArray(live) ? live : [], Array.isArray(config) ? config : []);
    return items.length > 0 ? items : undefined;
  }
  if (isWrongForm(live) || isWrongForm(config)) return config;
  return mergeEntries(resolved, isJsonObject(live) ? live : {}, isJsonObject(config) ? config : {});
}

function isWrongForm(value: unknown): boolean {
  return value !== null && !isJsonObject(value);
}

function mergeEntries(
  structure: MergeStructure,
  live: Record<string, unknown>,
  config: Record<string, unknown>,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...live };
  for (const name of Object.keys(config)) {
    const current = Object.hasOwn(live, name) ? live[name] : undefined;
    const merged = mergeObjects(entryStructure(structure, name) ?? untyped, current, config[name]);
    if (merged === undefined) delete result[name];
    else setOwn(result, name, merged);
  }
  return result;
}

/**
 * Merges the items of two lists into one order: items of both follow the configuration; items
 * that only the live list has keep their place among the live items around them.
 */
function mergeLists(list: AssociativeList, live: readonly unknown[], config: readonly unknown[]): unknown[] {
  const wanted = itemsByElement(list, config);
  const current = itemsByElement(list, live);
  const shared = [...wanted.keys()].filter((element) => current.get(element)?.length === 1);
  const configured = [...wanted];
  const result: unknown[] = [];
  let sharedAt = 0;
  let configAt = 0;

  const takeConfigured = (until: PathElement | undefined): void => {
    while (configAt < configured.length) {
      const [element, [item]] = configured[configAt++]!;
      const old = current.get(element);
      const merged = mergeObjects(list.items, old?.length === 1 ? old[0] : undefined, item);
      if (merged !== undefined) result.push(merged);
      if (element === until) return;
    }
  };

  for (const item of live) {
    const identity = itemIdentity(list, item);
    if (!identity.ok || !wanted.has(identity.element)) {
      result.push(item);
      continue;
    }
    // Items that the configuration puts later come with it; the next common one draws in all before it.
    if (identity.element !== shared[sharedAt]) continue;
    takeConfigured(identity.element);
    sharedAt++;
  }
  takeConfigured(undefined);
  return result;
}
