import { schemaTypes } from '../../schema/all-types.ts';
import { SchemaError } from '../../schema/schema-error.ts';
import type { SchemaField, SchemaType, SchemaValue } from '../../schema/schema-type.ts';
import { type ListKey, type MergeStructure, untyped } from './merge-structure.ts';

const structures = new Map<string, MergeStructure>();

/** The merge structure of a built-in type (`core.v1.Service`), made once from the schema source. */
export function structureOfType(typeId: string): MergeStructure {
  const type = schemaTypes[typeId];
  if (type === undefined) throw new SchemaError('unknown-kind', `no schema for ${typeId}`);
  return refStructure(typeId, type, undefined);
}

function refStructure(typeId: string, type: SchemaType, field: SchemaField | undefined): MergeStructure {
  switch (type.special) {
    case undefined:
      break;
    case 'quantity-string':
    case 'int-if-type-0-string-if-type-1':
      return { kind: 'scalar', scalar: 'any' };
    case 'rfc3339-seconds-utc-or-null':
    case 'rfc3339-six-decimals-utc-or-null':
      return { kind: 'scalar', scalar: 'string' };
    default:
      return untyped;
  }
  const fields = type.fields;
  if (fields === undefined) return untyped;
  const atomic = (field?.mapType ?? type.mapType) === 'atomic';
  const key = atomic ? `${typeId} atomic` : typeId;
  let structure = structures.get(key);
  if (structure === undefined) {
    structure = structOf(fields, atomic);
    structures.set(key, structure);
  }
  return structure;
}

/** Fields are resolved on first use, because types refer to each other in circles. */
function structOf(fields: Readonly<Record<string, SchemaField>>, atomic: boolean): MergeStructure {
  const resolved = new Map<string, MergeStructure | undefined>();
  return {
    kind: 'struct',
    atomic,
    field: (name) => {
      let structure = resolved.get(name);
      if (structure === undefined && Object.hasOwn(fields, name)) {
        structure = valueStructure(fields[name]!, fields[name]);
        resolved.set(name, structure);
      }
      return structure;
    },
  };
}

function valueStructure(value: SchemaValue, field: SchemaField | undefined): MergeStructure {
  switch (value.type) {
    case 'array':
      return listStructure(value, field);
    case 'map':
      return {
        kind: 'map',
        atomic: field?.mapType === 'atomic',
        values: value.values === undefined ? untyped : valueStructure(value.values, undefined),
      };
    case 'string':
    case 'bytes':
      return { kind: 'scalar', scalar: 'string' };
    case 'integer':
    case 'number':
      return { kind: 'scalar', scalar: 'numeric' };
    case 'boolean':
      return { kind: 'scalar', scalar: 'boolean' };
    case 'int-or-string':
    case 'quantity':
      return { kind: 'scalar', scalar: 'any' };
    case 'object':
    case 'any': {
      const type = value.ref === undefined ? undefined : schemaTypes[value.ref];
      return type === undefined || value.ref === undefined ? untyped : refStructure(value.ref, type, field);
    }
  }
}

function listStructure(value: SchemaValue, field: SchemaField | undefined): MergeStructure {
  const items = value.items === undefined ? untyped : valueStructure(value.items, undefined);
  if (field?.listType === 'set') return { kind: 'list', listType: 'set', items };
  if (field?.listType !== 'map') return { kind: 'list', listType: 'atomic', items };
  const fields = value.items?.ref === undefined ? undefined : schemaTypes[value.items.ref]?.fields;
  const keys = [...(field.listMapKeys ?? [])].sort().map((name) => listKey(name, fields?.[name]));
  return { kind: 'list', listType: 'map', items, keys };
}

function listKey(name: string, field: SchemaField | undefined): ListKey {
  if (field?.default !== undefined) return { name, defaultValue: field.default };
  if (field?.zeroDefault !== true) return { name, defaultValue: undefined };
  const zero = field.type === 'string' ? '' : field.type === 'boolean' ? false : 0;
  return { name, defaultValue: zero };
}
