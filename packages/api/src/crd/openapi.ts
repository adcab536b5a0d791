import { schemaRef } from '../openapi/schema-name.ts';
import type { JsonSchema } from './json-schema.ts';

/** A custom kind of one group version, for OpenAPI. */
export interface CustomSchema {
  readonly kind: string;
  readonly listKind: string;
  readonly schema: JsonSchema;
}

const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';
// These three texts are part of the recorded interface: clients show them.
const kindText = `Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: ${conventions}#types-kinds`;
const apiVersionText = `APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: ${conventions}#resources`;
const metadataText = `Standard object's metadata. More info: ${conventions}#metadata`;

/** Id of a custom kind in an OpenAPI document: `com.example.v1.Widget` for `example.com/v1`. */
export function customTypeId(group: string, version: string, kind: string): string {
  return `crd:${[...group.split('.').reverse(), version, kind].join('.')}`;
}

/** The OpenAPI schemas of a custom kind and its list, by name. */
export function customSchemas(group: string, version: string, custom: CustomSchema): Record<string, object> {
  const { kind, listKind, schema } = custom;
  const id = customTypeId(group, version, kind);
  const typeMeta = {
    apiVersion: { description: apiVersionText, type: 'string' },
    kind: { description: kindText, type: 'string' },
  };
  const own = publish(schema, true) as { properties?: object };
  const gvk = (name: string): object => ({ 'x-kubernetes-group-version-kind': [{ group, kind: name, version }] });
  return {
    [id.slice(4)]: {
      ...own,
      type: 'object',
      properties: {
        ...own.properties,
        ...typeMeta,
        metadata: { allOf: [schemaRef('meta.v1.ObjectMeta')], description: metadataText },
      },
      ...gvk(kind),
    },
    [customTypeId(group, version, listKind).slice(4)]: {
      description: `${listKind} is a list of ${kind}`,
      type: 'object',
      required: ['items'],
      properties: {
        ...typeMeta,
        items: { description: `List of ${kind} objects.`, type: 'array', items: schemaRef(id) },
        metadata: { allOf: [schemaRef('meta.v1.ListMeta')], description: metadataText },
      },
      ...gvk(listKind),
    },
  };
}

/** What every embedded resource has. */
const embeddedProperties: Record<string, JsonSchema> = {
  apiVersion: { type: 'string', description: apiVersionText },
  kind: { type: 'string', description: kindText },
  metadata: { allOf: [schemaRef('meta.v1.ObjectMeta') as JsonSchema], description: metadataText },
};

function notOfType(name: string): boolean {
  return name !== 'kind' && name !== 'apiVersion';
}

/** A schema as OpenAPI v3 tells it: a node that keeps unknown fields tells nothing about its type twice. */
function publish(schema: JsonSchema, isRoot = false): object {
  const { items, properties, additionalProperties, required, ...rest } = schema;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const all = embedded ? { ...properties, ...embeddedProperties } : properties;
  const wanted = embedded ? ['kind', 'apiVersion', ...(required ?? []).filter(notOfType)] : required;
  return {
    ...rest,
    ...(wanted === undefined ? {} : { required: wanted }),
    ...(items === undefined || Array.isArray(items) ? {} : { items: publish(items as JsonSchema) }),
    ...(all === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(all).map(([name, one]) => [name, publish(one)])) }),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'object' ? publish(additionalProperties) : additionalProperties,
        }),
    ...(schema['x-kubernetes-int-or-string'] === true && !isRoot
      ? { anyOf: schema.anyOf ?? [{ type: 'integer' }, { type: 'string' }] }
      : {}),
  };
}
