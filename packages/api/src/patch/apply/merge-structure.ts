/** Scalars as the merge schema knows them: integers and floats are one, `any` is any scalar. */
export type ScalarKind = 'string' | 'numeric' | 'boolean' | 'any';

/**
 * How values of one place merge. Atomic containers are owned, compared and replaced as a whole.
 * `untyped` is decided by each value: objects merge by key, lists are atomic.
 */
export type MergeStructure =
  | { readonly kind: 'scalar'; readonly scalar: ScalarKind }
  | StructStructure
  | { readonly kind: 'map'; readonly atomic: boolean; readonly values: MergeStructure }
  | AtomicList
  | SetList
  | KeyedList
  | { readonly kind: 'untyped' };

/** An object with declared fields. */
export interface StructStructure {
  readonly kind: 'struct';
  readonly atomic: boolean;
  readonly field: (name: string) => MergeStructure | undefined;
  /** What fields that are not declared hold; `undefined`: there are none. */
  readonly others?: MergeStructure;
}

/** A list that is one value. */
export interface AtomicList {
  readonly kind: 'list';
  readonly listType: 'atomic';
  readonly items: MergeStructure;
}

/** A list of distinct scalars. */
export interface SetList {
  readonly kind: 'list';
  readonly listType: 'set';
  readonly items: MergeStructure;
}

/** A list of objects that are told apart by some of their fields. */
export interface KeyedList {
  readonly kind: 'list';
  readonly listType: 'map';
  readonly items: MergeStructure;
  /** Sorted by name. */
  readonly keys: readonly ListKey[];
}

/** A list whose items are known by more than their position. */
export type AssociativeList = SetList | KeyedList;

/** A key field of an associative list. */
export interface ListKey {
  readonly name: string;
  /** What an item that leaves the key out counts as having; `undefined`: it must be there. */
  readonly defaultValue: unknown;
}

/** Free-form JSON. */
export const untyped: MergeStructure = { kind: 'untyped' };

const untypedScalar: MergeStructure = { kind: 'scalar', scalar: 'any' };
const untypedMap: MergeStructure = { kind: 'map', atomic: false, values: untyped };
const untypedList: MergeStructure = { kind: 'list', listType: 'atomic', items: untyped };

/** The structure for one value: what `untyped` means for it, any other structure as it is. */
export function structureFor(structure: MergeStructure, value: unknown): Exclude<MergeStructure, { kind: 'untyped' }> {
  if (structure.kind !== 'untyped') return structure;
  const deduced = Array.isArray(value)
    ? untypedList
    : typeof value === 'object' && value !== null
      ? untypedMap
      : untypedScalar;
  return deduced as Exclude<MergeStructure, { kind: 'untyped' }>;
}

/** True when values of the structure are owned and replaced as a whole. */
export function isAtomic(structure: MergeStructure): boolean {
  switch (structure.kind) {
    case 'scalar':
      return true;
    case 'struct':
    case 'map':
      return structure.atomic;
    case 'list':
      return structure.listType === 'atomic';
    case 'untyped':
      return false;
  }
}

/** The structure of one entry of an object; `undefined` for a field that the structure does not declare. */
export function entryStructure(structure: MergeStructure, name: string): MergeStructure | undefined {
  if (structure.kind === 'struct') return structure.field(name) ?? structure.others;
  return structure.kind === 'map' ? structure.values : undefined;
}
