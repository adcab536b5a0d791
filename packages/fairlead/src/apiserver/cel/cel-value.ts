import { itemsOf, type JsonSchema } from '@fairlead/api/crd/index';
import { celLibrary } from './cel-library.ts';

/** Words that are no field names in CEL; a field of that name is written `__word__`. */
const reserved: ReadonlySet<string> = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
]);

/** The name of a field in CEL (Kubernetes' escaping); `undefined` for names that cannot be written. */
export function celFieldName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_][A-Za-z0-9_.\-/]*$/.test(name)) return undefined;
  if (!/__|[.\-/]/.test(name)) return name;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}

/** Turns JSON into CEL values by a schema; parts are converted once per instance. */
export class CelValues {
  readonly #done = new Map<object, unknown>();

  /** `isResource`: kind, apiVersion and the name in the metadata can be seen without the schema. */
  convert(value: unknown, schema: JsonSchema | undefined, isResource = false): unknown {
    if (value === null || value === undefined) return null;
    if (typeof value === 'bigint') return schema?.type === 'number' ? Number(value) : value;
    if (typeof value === 'number') {
      if (schema?.type === 'number') return value;
      return Number.isSafeInteger(value) ? BigInt(value) : value;
    }
    if (typeof value === 'string') return textValue(value, schema);
    if (typeof value !== 'object') return value;
    const known = this.#done.get(value);
    if (known !== undefined) return known;
    const converted = Array.isArray(value)
      ? value.map((item) => this.convert(item, itemsOf(schema)))
      : this.#object(value as Record<string, unknown>, schema, isResource);
    this.#done.set(value, converted);
    return converted;
  }

  #object(value: Record<string, unknown>, schema: JsonSchema | undefined, isResource: boolean): object {
    const result: Record<string, unknown> = {};
    const put = (key: string, inner: unknown): void => {
      Object.defineProperty(result, key, { value: inner, enumerable: true, configurable: true, writable: true });
    };
    if (schema === undefined) {
      for (const [name, inner] of Object.entries(value)) put(name, this.convert(inner, undefined));
      return result;
    }
    if (isResource || schema['x-kubernetes-embedded-resource'] === true) {
      const { apiVersion, kind, metadata } = value;
      if (apiVersion !== undefined) put('apiVersion', apiVersion);
      if (kind !== undefined) put('kind', kind);
      const { name, generateName } = (metadata ?? {}) as Record<string, unknown>;
      put('metadata', {
        ...(name === undefined ? {} : { name }),
        ...(generateName === undefined ? {} : { generateName }),
      });
    }
    const additional = schema.additionalProperties;
    for (const [name, inner] of Object.entries(value)) {
      const property =
        schema.properties !== undefined && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      if (property !== undefined) {
        const escaped = celFieldName(name);
        if (escaped !== undefined && !Object.hasOwn(result, escaped)) {
          if (inner !== null || property.nullable === true) {
            put(escaped, this.convert(inner, property));
            // Behind a dot a reserved word is no keyword: published rules read `ref.namespace`.
            if (reserved.has(name)) put(name, this.convert(inner, property));
          }
        }
      } else if (typeof additional === 'object') put(name, this.convert(inner, additional));
      else if (
        schema.properties === undefined &&
        schema['x-kubernetes-preserve-unknown-fields'] === true &&
        !isResource
      ) {
        put(name, this.convert(inner, undefined));
      }
    }
    return result;
  }
}

function textValue(value: string, schema: JsonSchema | undefined): unknown {
  switch (schema?.format) {
    case 'date-time':
    case 'datetime':
    case 'date': {
      const time = Date.parse(schema.format === 'date' ? `${value}T00:00:00Z` : value);
      return Number.isNaN(time) ? value : new Date(time);
    }
    case 'duration':
      try {
        return celLibrary().evaluate('duration(text)', { text: value }) as unknown;
      } catch {
        return value;
      }
    case 'byte':
      return Uint8Array.from(Buffer.from(value, 'base64'));
    default:
      return value;
  }
}
