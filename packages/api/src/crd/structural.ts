import { type FieldCause, forbidden, invalid, notSupported, required } from '../schema/field-cause.ts';
import { itemsOf, type JsonSchema } from './json-schema.ts';
import { LinearPattern } from './linear-pattern.ts';
import { prune } from './prune.ts';
import { valueCauses } from './validate-value.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const unsupported = ['$ref', 'definitions', 'dependencies', 'additionalItems', 'patternProperties', 'id'] as const;
/** Keywords that say what a value is, and so do not belong below allOf, anyOf, oneOf and not. */
const structuralOnly = [
  'type',
  'title',
  'description',
  'default',
  'additionalProperties',
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
] as const;
const maxDepth = 100;

/** Where a schema node stands. */
type Role = 'root' | 'field' | 'item';

/** Everything that keeps a schema from being structural (KEP-1111), with field paths from `path` on. */
export function structuralCauses(schema: JsonSchema, path: string): FieldCause[] {
  return node(schema, path, 'root', 0);
}

function node(schema: JsonSchema, path: string, role: Role, depth: number): FieldCause[] {
  if (depth > maxDepth) return [forbidden(path, 'schema is nested too deeply')];
  const causes: FieldCause[] = [...keywords(schema, path)];
  const type = schema.type ?? '';
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const preserve = schema['x-kubernetes-preserve-unknown-fields'];
  if (role === 'root') {
    if (type === '') causes.push(required(`${path}.type`, 'must not be empty at the root'));
    else if (type !== 'object') causes.push(invalid(`${path}.type`, type, 'must be object at the root'));
    causes.push(...rootMetadata(schema, path));
  } else if (type === '' && !intOrString && preserve !== true) {
    const what = role === 'field' ? 'object fields' : 'array items';
    causes.push(required(`${path}.type`, `must not be empty for specified ${what}`));
  }
  if (type !== '' && role !== 'root') {
    if (intOrString) causes.push(forbidden(`${path}.type`, 'must be empty if x-kubernetes-int-or-string is true'));
    else if (!types.includes(type)) causes.push(notSupported(`${path}.type`, type, types));
  }
  if (preserve === false) {
    causes.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  if (schema['x-kubernetes-embedded-resource'] === true) {
    if (type !== 'object') {
      const why = 'must be object if x-kubernetes-embedded-resource is true';
      causes.push(type === '' ? required(`${path}.type`, why) : invalid(`${path}.type`, type, why));
    } else if (preserve !== true && Object.keys(schema.properties ?? {}).length === 0) {
      causes.push(
        required(
          `${path}.properties`,
          'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
        ),
      );
    }
  }
  const items = itemsOf(schema);
  if (Array.isArray(schema.items) && schema.items.length > 0) {
    causes.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  } else if (type === 'array' && items === undefined) causes.push(required(`${path}.items`, 'must be specified'));
  if (items !== undefined) causes.push(...node(items, `${path}.items`, 'item', depth + 1));
  causes.push(...listCauses(schema, path), ...defaultCauses(schema, path));
  const { properties, additionalProperties } = schema;
  if (properties !== undefined && additionalProperties !== undefined && additionalProperties !== null) {
    causes.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  }
  if (typeof additionalProperties === 'object' && additionalProperties !== null) {
    causes.push(...node(additionalProperties, `${path}.additionalProperties`, 'field', depth + 1));
  }
  for (const [name, property] of Object.entries(properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    causes.push(...node(property, `${path}.properties[${name}]`, 'field', depth + 1));
  }
  for (const [index, part] of (schema.allOf ?? []).entries())
    causes.push(...valueOnly(part, schema, `${path}.allOf[${index}]`, depth));
  for (const [index, part] of (schema.anyOf ?? []).entries())
    causes.push(...valueOnly(part, schema, `${path}.anyOf[${index}]`, depth));
  for (const [index, part] of (schema.oneOf ?? []).entries())
    causes.push(...valueOnly(part, schema, `${path}.oneOf[${index}]`, depth));
  if (schema.not !== undefined) causes.push(...valueOnly(schema.not, schema, `${path}.not`, depth));
  return causes;
}

function keywords(schema: JsonSchema, path: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const name of unsupported) {
    if (schema[name] !== undefined) causes.push(forbidden(`${path}.${name}`, `${name} is not supported`));
  }
  if (schema.uniqueItems === true) {
    causes.push(
      forbidden(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  }
  const { pattern } = schema;
  if (pattern !== undefined && pattern !== '') {
    const compiled = LinearPattern.compile(pattern);
    if (!(compiled instanceof LinearPattern)) {
      const why = `must be a valid regular expression, but isn't: ${compiled.message}`;
      causes.push(invalid(`${path}.pattern`, pattern, why));
    }
  }
  return causes;
}

function rootMetadata(schema: JsonSchema, path: string): FieldCause[] {
  const metadata = schema.properties?.metadata;
  if (metadata === undefined) return [];
  const { description: _d, type: _t, properties, ...rest } = metadata;
  const names = Object.keys(properties ?? {});
  if (Object.keys(rest).length === 0 && names.every((name) => name === 'name' || name === 'generateName')) return [];
  const text = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
  return [forbidden(`${path}.properties[metadata]`, text)];
}

function listCauses(schema: JsonSchema, path: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  const mapType = schema['x-kubernetes-map-type'];
  const items = itemsOf(schema);
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular') {
    causes.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  } else if (mapType !== undefined && schema.type !== 'object') {
    causes.push(
      schema.type === undefined
        ? required(`${path}.type`, 'must be object if x-kubernetes-map-type is specified')
        : invalid(`${path}.type`, schema.type, 'must be object if x-kubernetes-map-type is specified'),
    );
  }
  if (listType !== undefined && schema.type !== 'array') {
    causes.push(
      schema.type === undefined
        ? required(`${path}.type`, 'must be array if x-kubernetes-list-type is specified')
        : invalid(`${path}.type`, schema.type, 'must be array if x-kubernetes-list-type is specified'),
    );
  } else if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) {
    causes.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
  }
  if (keys !== undefined && keys.length > 0 && listType !== 'map') {
    causes.push(
      listType === undefined
        ? required(`${path}.x-kubernetes-list-type`, 'must be map if x-kubernetes-list-map-keys is non-empty')
        : invalid(`${path}.x-kubernetes-list-type`, listType, 'must be map if x-kubernetes-list-map-keys is non-empty'),
    );
  }
  if (listType !== 'map') return causes;
  if (keys === undefined || keys.length === 0) {
    causes.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
    return causes;
  }
  if (items === undefined) {
    causes.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
    return causes;
  }
  if (items.type !== 'object') {
    causes.push(
      invalid(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"),
    );
  }
  if (items.type === undefined) return causes;
  const seen = new Set<string>();
  for (const [index, key] of keys.entries()) {
    const place = `${path}.x-kubernetes-list-map-keys[${index}]`;
    const property = items.properties?.[key];
    if (property === undefined) {
      causes.push(invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'));
    } else if (property.type === 'array' || property.type === 'object') {
      causes.push(
        invalid(
          `${path}.items.properties[${key}].type`,
          property.type,
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      );
    } else if (property.default === undefined && !(items.required ?? []).includes(key)) {
      causes.push(
        required(
          `${path}.items.properties[${key}].default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    }
    if (seen.has(key)) causes.push(invalid(place, key, 'must not contain duplicate entries'));
    seen.add(key);
  }
  return causes;
}

function defaultCauses(schema: JsonSchema, path: string): FieldCause[] {
  if (schema.default === undefined) return [];
  const place = `${path}.default`;
  const unknown: string[] = [];
  prune(schema.default, schema, false, unknown);
  if (unknown.length > 0) return [invalid(place, schema.default, `unknown fields: ${unknown.join(', ')}`)];
  return valueCauses(schema.default, schema, place).map((cause) =>
    cause.field === '<nil>' ? { ...cause, field: place } : cause,
  );
}

/** Schemas below allOf, anyOf, oneOf and not restrict values, but do not say what they are. */
function valueOnly(schema: JsonSchema, owner: JsonSchema, path: string, depth: number): FieldCause[] {
  if (depth > maxDepth) return [forbidden(path, 'schema is nested too deeply')];
  const causes: FieldCause[] = [...keywords(schema, path)];
  const intOrString = owner['x-kubernetes-int-or-string'] === true;
  for (const keyword of structuralOnly) {
    const value = schema[keyword];
    if (value === undefined || value === '' || value === false) continue;
    if (keyword === 'type' && intOrString && (value === 'integer' || value === 'string')) continue;
    if (keyword === 'description' || keyword === 'title') {
      causes.push(forbidden(`${path}.${keyword}`, 'must be empty to be structural'));
    } else if (keyword === 'type') causes.push(forbidden(`${path}.type`, 'must be empty to be structural'));
    else causes.push(forbidden(`${path}.${keyword}`, 'must be undefined to be structural'));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const own = owner.properties?.[name];
    const place = `${path}.properties[${name}]`;
    if (
      own === undefined &&
      owner['x-kubernetes-preserve-unknown-fields'] !== true &&
      typeof owner.additionalProperties !== 'object'
    ) {
      causes.push(
        required(
          place.replace(/\.(?:allOf|anyOf|oneOf)\[\d+\]|\.not/g, ''),
          `because it is defined in ${place.slice(place.search(/(?:allOf|anyOf|oneOf|not)\b/))}`,
        ),
      );
    }
    causes.push(...valueOnly(property, own ?? {}, place, depth + 1));
  }
  const items = itemsOf(schema);
  if (items !== undefined) causes.push(...valueOnly(items, itemsOf(owner) ?? {}, `${path}.items`, depth + 1));
  for (const word of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [index, part] of (schema[word] ?? []).entries()) {
      causes.push(...valueOnly(part, owner, `${path}.${word}[${index}]`, depth + 1));
    }
  }
  if (schema.not !== undefined) causes.push(...valueOnly(schema.not, owner, `${path}.not`, depth + 1));
  return causes;
}
