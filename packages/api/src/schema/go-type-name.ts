import { goStringType } from './go-string-types.ts';
import type { SchemaValue } from './schema-type.ts';

/** What Go's JSON package calls a JSON value in its errors. */
export function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'number';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** The Go type that a server names in a type error: `[]v1.ServicePort`, `v1.Protocol`. */
export function goTypeName(schema: SchemaValue, field = '', struct = ''): string {
  switch (schema.type) {
    case 'string':
      return goStringType(struct, field);
    case 'boolean':
      return 'bool';
    case 'integer':
      return schema.format === 'int32' ? 'int32' : 'int64';
    case 'number':
      return 'float64';
    case 'bytes':
      return '[]uint8';
    case 'array':
      if (schema.items?.ref === 'apiextensions.v1.ValidationRule') return 'v1.ValidationRules';
      return `[]${schema.items === undefined ? 'interface {}' : goTypeName(schema.items, field, struct)}`;
    case 'map':
      if (schema.values?.type === 'quantity') return 'v1.ResourceList';
      return `map[string]${schema.values === undefined ? 'interface {}' : goTypeName(schema.values, field, struct)}`;
    case 'int-or-string':
      return 'intstr.IntOrString';
    case 'quantity':
      return 'resource.Quantity';
    case 'object':
    case 'any':
      return schema.ref === undefined ? 'map[string]interface {}' : schema.ref.split('.').slice(-2).join('.');
  }
}
