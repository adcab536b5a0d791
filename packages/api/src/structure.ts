import { schemaTypes } from './schema/all-types.ts';
import type { SchemaField, SchemaValue } from './schema/schema-type.ts';

/** One step into an object: a field name or map key, or `'[]'` for an item of a list. */
export type StructureStep = string;

/**
 * What the schema says about a place in an object, with everything merge
 * algorithms need: `listType`, `listMapKeys`, `mapType`, `patchMergeKey`,
 * `patchStrategy`. `undefined` where the schema knows nothing (free-form JSON).
 *
 *     fieldStructure('core.v1.Service', 'spec', 'ports')            // the list
 *     fieldStructure('core.v1.Service', 'spec', 'ports', '[]')      // one ServicePort
 */
export function fieldStructure(
  typeId: string,
  ...path: readonly StructureStep[]
): SchemaField | SchemaValue | undefined {
  let value: SchemaField | SchemaValue | undefined = { type: 'object', ref: typeId };
  for (const step of path) {
    if (value === undefined) return undefined;
    value = step === '[]' ? value.items : childStructure(value, step);
  }
  return value;
}

/** The structure of one field or map entry of a value. */
export function childStructure(value: SchemaValue | undefined, name: string): SchemaField | SchemaValue | undefined {
  if (value === undefined) return undefined;
  if (value.type === 'map') return value.values;
  const fields = value.ref === undefined ? undefined : schemaTypes[value.ref]?.fields;
  return fields !== undefined && Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** The fields of an object value; `undefined` for anything else. */
export function structureFields(value: SchemaValue | undefined): Readonly<Record<string, SchemaField>> | undefined {
  return value?.type === 'object' && value.ref !== undefined ? schemaTypes[value.ref]?.fields : undefined;
}
