import { schemaTypes } from '../schema/all-types.ts';
import type { SchemaField, SchemaType, SchemaValue } from '../schema/schema-type.ts';
import { descriptionOf } from './descriptions.ts';
import { schemaName, schemaRef } from './schema-name.ts';

/** A node of an OpenAPI document. */
export type OpenApiNode = Record<string, unknown>;

/** The body of a PATCH: no type of its own. */
const PATCH = 'meta.v1.Patch';

/** The schemas of some types and of all they refer to, in name order. */
export function componentSchemas(typeIds: Iterable<string>, groupVersions: readonly string[]): OpenApiNode {
  const wanted = new Set<string>();
  const queue = [...typeIds];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    const type = schemaTypes[id];
    if (wanted.has(id) || (type === undefined && id !== PATCH)) continue;
    wanted.add(id);
    for (const field of Object.values(type?.fields ?? {})) {
      const ref = refOf(field);
      if (ref !== undefined && field.after134 !== true) queue.push(ref);
    }
  }
  const schemas: OpenApiNode = {};
  for (const id of [...wanted].sort()) {
    const type = schemaTypes[id];
    if (id === PATCH)
      schemas[schemaName(id)] = { description: 'A patch, in the form of its media type.', type: 'object' };
    else if (type !== undefined) schemas[schemaName(id)] = typeSchema(id, type, groupVersions);
  }
  return schemas;
}

function refOf(value: SchemaValue): string | undefined {
  if (value.ref !== undefined) return value.ref;
  const inner = value.items ?? value.values;
  return inner === undefined ? undefined : refOf(inner);
}

function typeSchema(id: string, type: SchemaType, groupVersions: readonly string[]): OpenApiNode {
  const description = descriptionOf(id);
  const head: OpenApiNode = description === undefined ? {} : { description };
  if (type.special !== undefined) return { ...head, ...specialSchema(id, type) };
  const properties: OpenApiNode = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(type.fields ?? {})) {
    if (field.after134 === true) continue;
    properties[name] = fieldSchema(id, name, field);
    if (field.required === true) required.push(name);
  }
  return {
    ...head,
    type: 'object',
    ...(required.length > 0 ? { required: required.sort() } : {}),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...gvkExtension(id, type, groupVersions),
    ...(type.mapType === 'atomic' ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(type.unions === undefined ? {} : { 'x-kubernetes-unions': type.unions }),
  };
}

function gvkExtension(id: string, type: SchemaType, groupVersions: readonly string[]): OpenApiNode {
  const kind = id.slice(id.lastIndexOf('.') + 1);
  const gvks =
    type.gvk === 'all-groups' ? groupVersions.map((gv) => `${gv.includes('/') ? gv : `/${gv}`}/${kind}`) : type.gvk;
  if (gvks === undefined) return {};
  return {
    'x-kubernetes-group-version-kind': gvks.map((gvk) => {
      const [group = '', version = '', name = ''] = gvk.split('/');
      return { group, kind: name, version };
    }),
  };
}

function specialSchema(id: string, type: SchemaType): OpenApiNode {
  switch (type.special) {
    case 'quantity-string':
      return { oneOf: [{ type: 'string' }, { type: 'number' }] };
    case 'int-if-type-0-string-if-type-1':
      return { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
    case 'rfc3339-seconds-utc-or-null':
    case 'rfc3339-six-decimals-utc-or-null':
      return { type: 'string', format: 'date-time' };
    case 'raw-json-object':
      return { type: 'object' };
    default:
      return id === 'runtime.RawExtension' ? { type: 'object' } : {};
  }
}

function fieldSchema(typeId: string, name: string, field: SchemaField): OpenApiNode {
  const description = descriptionOf(typeId, name);
  const isList = field.type === 'array';
  return {
    ...(description === undefined ? {} : { description }),
    ...valueSchema(field, field.default),
    ...(isList && field.listType !== undefined ? { 'x-kubernetes-list-type': field.listType } : {}),
    ...(field.listMapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': field.listMapKeys }),
    ...(field.mapType === undefined ? {} : { 'x-kubernetes-map-type': field.mapType }),
    ...(field.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
    ...(field.patchStrategy === undefined ? {} : { 'x-kubernetes-patch-strategy': field.patchStrategy }),
  };
}

function valueSchema(value: SchemaValue, preset?: string | number | boolean): OpenApiNode {
  const zero = value.zeroDefault === true;
  if (value.ref !== undefined) {
    // A default beside $ref would be ignored in OpenAPI 3.0, hence the wrapping.
    return zero ? { allOf: [schemaRef(value.ref)], default: {} } : { allOf: [schemaRef(value.ref)] };
  }
  const fallback = preset ?? (zero ? zeroOf(value) : undefined);
  const tail: OpenApiNode = {
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(value.enum === undefined ? {} : { enum: value.enum }),
  };
  switch (value.type) {
    case 'array':
      return { type: 'array', items: itemSchema(value.items ?? { type: 'any' }), ...tail };
    case 'map':
      return { type: 'object', additionalProperties: itemSchema(value.values ?? { type: 'any' }), ...tail };
    case 'bytes':
      return { type: 'string', format: 'byte', ...tail };
    case 'int-or-string':
      return { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
    case 'quantity':
      return { oneOf: [{ type: 'string' }, { type: 'number' }] };
    case 'any':
      return {};
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
    case 'object':
      return { type: value.type, ...(value.format === undefined ? {} : { format: value.format }), ...tail };
  }
}

function itemSchema(value: SchemaValue): OpenApiNode {
  return value.ref !== undefined && value.zeroDefault !== true ? schemaRef(value.ref) : valueSchema(value);
}

function zeroOf(value: SchemaValue): unknown {
  if (value.type === 'string' || value.type === 'bytes') return '';
  if (value.type === 'boolean') return false;
  return value.type === 'integer' || value.type === 'number' ? 0 : {};
}
