import { itemsOf, type JsonSchema } from '@fairlead/api/crd/index';
import { type SchemaValue, schemaTypes } from '@fairlead/api/schema';
import { celFieldName } from '../cel-value.ts';
import { type CelType, dyn } from './cel-type.ts';

const text: CelType = { kind: 'string' };

/** The type of values of a custom resource's schema; `undefined` where CEL sees nothing of them. */
export function typeOfSchema(schema: JsonSchema, isResource: boolean, name = 'selfType'): CelType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) return dyn;
  switch (schema.type) {
    case 'integer':
      return { kind: 'int' };
    case 'number':
      return { kind: 'double' };
    case 'boolean':
      return { kind: 'bool' };
    case 'string':
      return textType(schema.format);
    case 'array': {
      const items = itemsOf(schema);
      const item = items === undefined ? undefined : typeOfSchema(items, embedded(items), `${name}.@idx`);
      return item === undefined ? undefined : { kind: 'list', item };
    }
    case 'object':
      return objectType(schema, isResource, name);
    default:
      return undefined;
  }
}

function embedded(schema: JsonSchema): boolean {
  return schema['x-kubernetes-embedded-resource'] === true;
}

function textType(format: string | undefined): CelType {
  switch (format) {
    case 'byte':
      return { kind: 'bytes' };
    case 'duration':
      return { kind: 'duration' };
    case 'date':
    case 'date-time':
    case 'datetime':
      return { kind: 'timestamp' };
    default:
      return text;
  }
}

function objectType(schema: JsonSchema, isResource: boolean, name: string): CelType {
  const { additionalProperties, properties = {} } = schema;
  if (typeof additionalProperties === 'object') {
    const value = typeOfSchema(additionalProperties, embedded(additionalProperties), `${name}.@elem`);
    return { kind: 'map', key: text, value: value ?? dyn };
  }
  const byName = new Map<string, JsonSchema>();
  for (const [property, inner] of Object.entries(properties)) {
    const escaped = celFieldName(property);
    if (escaped === undefined) continue;
    byName.set(escaped, inner);
    // A reserved word is no keyword behind a dot.
    if (escaped !== property && /^[a-z]+$/.test(property)) byName.set(property, inner);
  }
  return {
    kind: 'object',
    name,
    field(field) {
      if (isResource && (field === 'kind' || field === 'apiVersion')) return text;
      if (isResource && field === 'metadata') return resourceMetadata;
      const inner = byName.get(field);
      return inner === undefined ? undefined : typeOfSchema(inner, embedded(inner), `${name}.${field}`);
    },
  };
}

const resourceMetadata: CelType = {
  kind: 'object',
  name: 'metadata',
  field: (name) => (name === 'name' || name === 'generateName' ? text : undefined),
};

/** The type of objects of a built-in kind (`core.v1.Service`). */
export function typeOfBuiltIn(typeId: string): CelType {
  const type = schemaTypes[typeId];
  if (type?.special !== undefined) return specialType(type.special);
  if (type?.fields === undefined) return dyn;
  const { fields } = type;
  return {
    kind: 'object',
    name: typeId,
    field(name) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      return field === undefined ? undefined : typeOfValue(field);
    },
  };
}

function specialType(special: string): CelType {
  return special.startsWith('rfc3339') ? { kind: 'timestamp' } : special === 'quantity-string' ? text : dyn;
}

function typeOfValue(value: SchemaValue): CelType {
  switch (value.type) {
    case 'string':
    case 'quantity':
      return text;
    case 'bytes':
      return { kind: 'bytes' };
    case 'boolean':
      return { kind: 'bool' };
    case 'integer':
      return { kind: 'int' };
    case 'number':
      return { kind: 'double' };
    case 'array':
      return { kind: 'list', item: value.items === undefined ? dyn : typeOfValue(value.items) };
    case 'map':
      return { kind: 'map', key: text, value: value.values === undefined ? dyn : typeOfValue(value.values) };
    case 'object':
      return value.ref === undefined ? dyn : typeOfBuiltIn(value.ref);
    default:
      return dyn;
  }
}
