import { decodeObject } from '../../schema/decode.ts';
import type { FieldSet } from './field-set.ts';
import type { MergeStructure } from './merge-structure.ts';
import { structureOfType } from './schema-structure.ts';

/** What field management must know about a kind. */
export interface ManagedType {
  readonly structure: MergeStructure;
  /**
   * The object as a server sees it before anybody wrote a field; what it already has is not owned
   * by whoever creates it. `{}` for custom resources.
   */
  readonly emptyObject: Readonly<Record<string, unknown>>;
}

const types = new Map<string, ManagedType>();

/** Field management of a built-in kind (`core.v1.Service`). */
export function managedType(typeId: string): ManagedType {
  let type = types.get(typeId);
  if (type === undefined) {
    type = { structure: structureOfType(typeId), emptyObject: decodeObject(typeId, {}).object };
    types.set(typeId, type);
  }
  return type;
}

const leaf: FieldSet = {};

/** Fields that the server itself fills in: nobody owns them. */
export const unownedFields: FieldSet = {
  'f:apiVersion': leaf,
  'f:kind': leaf,
  'f:metadata': {
    '.': leaf,
    'f:name': leaf,
    'f:namespace': leaf,
    'f:creationTimestamp': leaf,
    'f:selfLink': leaf,
    'f:uid': leaf,
    'f:clusterName': leaf,
    'f:generation': leaf,
    'f:managedFields': leaf,
    'f:resourceVersion': leaf,
  },
};
