import { isJsonObject } from '../../own-property.ts';
import { type ListKey, type MergeStructure, untyped } from './merge-structure.ts';
import { structureOfType } from './schema-structure.ts';

type Schema = Readonly<Record<string, unknown>>;

/**
 * The merge structure of a custom resource from its structural schema (`openAPIV3Schema`):
 * `x-kubernetes-list-type`, `-list-map-keys`, `-map-type`, `-preserve-unknown-fields`,
 * `-int-or-string` and `-embedded-resource`. Without a schema all of it is free-form.
 */
export function structureOfOpenApi(schema: Schema | undefined): MergeStructure {
  return rooted(schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
}

/** An object with kind, apiVersion and metadata of its own. */
function rooted(schema: Schema): MergeStructure {
  const string: MergeStructure = { kind: 'scalar', scalar: 'string' };
  const own = new Map<string, MergeStructure>([
    ['apiVersion', string],
    ['kind', string],
    ['metadata', structureOfType('meta.v1.ObjectMeta')],
  ]);
  return objectStructure(schema, own);
}

function valueStructure(schema: unknown): MergeStructure {
  if (!isJsonObject(schema)) return untyped;
  if (schema['x-kubernetes-int-or-string'] === true) return { kind: 'scalar', scalar: 'any' };
  if (schema['x-kubernetes-embedded-resource'] === true) return rooted(schema);
  switch (schema.type) {
    case 'object':
      return objectStructure(schema, new Map());
    case 'array':
      return listStructure(schema);
    case 'string':
      return { kind: 'scalar', scalar: 'string' };
    case 'integer':
    case 'number':
      return { kind: 'scalar', scalar: 'numeric' };
    case 'boolean':
      return { kind: 'scalar', scalar: 'boolean' };
    default:
      return untyped;
  }
}

function objectStructure(schema: Schema, own: ReadonlyMap<string, MergeStructure>): MergeStructure {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const atomic = schema['x-kubernetes-map-type'] === 'atomic';
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const additional = schema.additionalProperties;
  const names = Object.keys(properties);
  if (names.length === 0 && own.size === 0) {
    if (isJsonObject(additional)) return { kind: 'map', atomic, values: valueStructure(additional) };
    return { kind: 'map', atomic, values: untyped };
  }
  const fields = new Map(own);
  for (const name of names) if (!own.has(name)) fields.set(name, valueStructure(properties[name]));
  if (!open) return { kind: 'struct', atomic, field: (name) => fields.get(name) };
  return { kind: 'struct', atomic, field: (name) => fields.get(name), others: untyped };
}

function listStructure(schema: Schema): MergeStructure {
  const items = valueStructure(schema.items);
  const type = schema['x-kubernetes-list-type'];
  if (type === 'set') return { kind: 'list', listType: 'set', items };
  if (type !== 'map') return { kind: 'list', listType: 'atomic', items };
  const names = schema['x-kubernetes-list-map-keys'];
  const itemSchema = isJsonObject(schema.items) ? schema.items : {};
  const properties = isJsonObject(itemSchema.properties) ? itemSchema.properties : {};
  const keys: ListKey[] = (Array.isArray(names) ? (names as unknown[]).map(String) : []).sort().map((name) => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return { name, defaultValue: isJsonObject(property) ? property.default : undefined };
  });
  return { kind: 'list', listType: 'map', items, keys };
}
