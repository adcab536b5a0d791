import { dns1035LabelErrors } from '../names.ts';
import { isJsonObject } from '../own-property.ts';
import { type FieldCause, invalid, required } from '../schema/field-cause.ts';
import { itemsOf, type JsonSchema } from './json-schema.ts';

/** Mistakes in kind and version of the resources that a value holds inside of it. */
export function embeddedCauses(value: unknown, schema: JsonSchema | undefined, path = ''): FieldCause[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items === undefined ? [] : value.flatMap((item, index) => embeddedCauses(item, items, `${path}[${index}]`));
  }
  if (!isJsonObject(value)) return [];
  const causes = schema['x-kubernetes-embedded-resource'] === true ? typeCauses(value, path) : [];
  const { properties, additionalProperties } = schema;
  for (const [name, inner] of Object.entries(value)) {
    const declared = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (declared !== undefined) causes.push(...embeddedCauses(inner, declared, path === '' ? name : `${path}.${name}`));
    else if (typeof additionalProperties === 'object') {
      causes.push(...embeddedCauses(inner, additionalProperties, `${path}[${name}]`));
    }
  }
  return causes;
}

function typeCauses(value: Readonly<Record<string, unknown>>, path: string): FieldCause[] {
  return ['apiVersion', 'kind'].flatMap((name) => {
    const field = `${path}.${name}`;
    const given = value[name];
    if (given === undefined) return [required(field)];
    if (typeof given !== 'string') return [invalid(field, given, 'must be a string')];
    if (given === '') return [invalid(field, given, 'must not be empty')];
    if (name === 'apiVersion') {
      return given.split('/').length <= 2 ? [] : [invalid(field, given, `unexpected GroupVersion string: ${given}`)];
    }
    return dns1035LabelErrors(given.toLowerCase()).map((error) =>
      invalid(field, given, `may have mixed case, but should otherwise match: ${error}`),
    );
  });
}
