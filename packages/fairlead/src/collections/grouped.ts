// Hot path: a change costs a binary search and one copy of its group.
import type { Change, Collection } from './collection.ts';
import { DerivedCollection } from './collection-core.ts';

interface Group<V> {
  readonly keys: string[];
  readonly values: V[];
}

/**
 * Groups the members of a collection; each group is ordered by the members' keys, and gone when empty.
 * @param keyOf the group of a member, several groups, or `undefined` for none
 */
export function groupBy<V>(
  name: string,
  source: Collection<V>,
  keyOf: (value: V, key: string) => string | readonly string[] | undefined,
): DerivedCollection<readonly V[]> {
  return new GroupedCollection(name, source, keyOf);
}

class GroupedCollection<V> extends DerivedCollection<readonly V[]> {
  readonly #keyOf: (value: V, key: string) => string | readonly string[] | undefined;
  readonly #groups = new Map<string, Group<V>>();
  #touched = new Set<string>();

  constructor(
    name: string,
    source: Collection<V>,
    keyOf: (value: V, key: string) => string | readonly string[] | undefined,
  ) {
    super(name, [source], sameMembers);
    this.#keyOf = keyOf;
    this.follow(source, (changes) => {
      for (const change of changes) this.#note(change);
    });
  }

  flush(): void {
    const touched = this.#touched;
    this.#touched = new Set();
    const updates: [string, readonly V[] | undefined][] = [];
    for (const groupKey of touched) {
      this.recomputed++;
      updates.push([groupKey, this.#groups.get(groupKey)?.values.slice()]);
    }
    this.apply(updates);
  }

  #note({ key, old, new: next }: Change<V>): void {
    const before = old === undefined ? [] : asList(this.#keyOf(old, key));
    const after = next === undefined ? [] : asList(this.#keyOf(next, key));
    for (const groupKey of before) if (!after.includes(groupKey)) this.#remove(groupKey, key);
    if (next !== undefined) for (const groupKey of after) this.#put(groupKey, key, next);
  }

  #put(groupKey: string, key: string, value: V): void {
    this.#touched.add(groupKey);
    let group = this.#groups.get(groupKey);
    if (group === undefined) {
      group = { keys: [], values: [] };
      this.#groups.set(groupKey, group);
    }
    const at = positionOf(group.keys, key);
    if (group.keys[at] === key) {
      group.values[at] = value;
    } else {
      group.keys.splice(at, 0, key);
      group.values.splice(at, 0, value);
    }
  }

  #remove(groupKey: string, key: string): void {
    const group = this.#groups.get(groupKey);
    if (group === undefined) return;
    const at = positionOf(group.keys, key);
    if (group.keys[at] !== key) return;
    this.#touched.add(groupKey);
    group.keys.splice(at, 1);
    group.values.splice(at, 1);
    if (group.keys.length === 0) this.#groups.delete(groupKey);
  }
}

function asList(keys: string | readonly string[] | undefined): readonly string[] {
  if (keys === undefined) return [];
  return typeof keys === 'string' ? [keys] : keys;
}

function sameMembers<V>(a: readonly V[], b: readonly V[]): boolean {
  return a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
}

/** The index of `key`, or where it belongs. */
function positionOf(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
