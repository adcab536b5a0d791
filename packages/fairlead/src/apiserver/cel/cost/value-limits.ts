import { itemsOf, type JsonSchema } from '@fairlead/api/crd/index';
import { celFieldName } from '../cel-value.ts';

/** A request holds no more bytes, so a text or list without a bound holds no more than fits. */
export const requestMaxBytes: number = 3 * 1024 * 1024;

/** How large values of a schema can be, as far as cost estimates look at it. */
export interface ValueLimits {
  /** Most characters, items or entries; 0 for what has no length. */
  readonly maxElements: number;
  /** Fewest bytes of JSON. */
  readonly minBytes: number;
  /** Of a list's items or a map's values. */
  readonly item?: ValueLimits;
  /** By the names that CEL has for fields. */
  readonly fields?: ReadonlyMap<string, ValueLimits>;
}

const anyText: JsonSchema = { type: 'string' };
const withMetadata: Readonly<Record<string, JsonSchema>> = {
  kind: anyText,
  apiVersion: anyText,
  metadata: { type: 'object', properties: { name: anyText, generateName: anyText } },
};
const known = new WeakMap<JsonSchema, ValueLimits>();

/** The limits of a schema's values; `undefined` where CEL sees nothing of them. `isResource`: it has metadata. */
export function limitsOf(schema: JsonSchema, isResource: boolean): ValueLimits | undefined {
  if (isResource) return computeLimits({ ...schema, properties: { ...schema.properties, ...withMetadata } });
  const before = known.get(schema);
  if (before !== undefined) return before;
  const limits = computeLimits(schema);
  if (limits !== undefined) known.set(schema, limits);
  return limits;
}

function innerLimits(schema: JsonSchema): ValueLimits | undefined {
  return limitsOf(schema, schema['x-kubernetes-embedded-resource'] === true);
}

function computeLimits(schema: JsonSchema): ValueLimits | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return { maxElements: inBytes(schema.maxLength) ?? requestMaxBytes - 2, minBytes: 1 };
  }
  switch (schema.type) {
    case 'array':
      return listLimits(schema);
    case 'object':
      return typeof schema.additionalProperties === 'object' ? mapLimits(schema) : objectLimits(schema);
    case 'string':
      return textLimits(schema);
    case 'boolean':
      return { maxElements: 0, minBytes: 4 };
    case 'number':
    case 'integer':
      return { maxElements: 0, minBytes: 1 };
    default:
      return undefined;
  }
}

function listLimits(schema: JsonSchema): ValueLimits | undefined {
  const items = itemsOf(schema);
  const item = items === undefined ? undefined : innerLimits(items);
  if (item === undefined) return undefined;
  const fitting = Math.floor((requestMaxBytes - 2) / (item.minBytes + 1));
  return { maxElements: atLeastNone(schema.maxItems) ?? fitting, minBytes: 2, item };
}

function mapLimits(schema: JsonSchema): ValueLimits | undefined {
  const item = innerLimits(schema.additionalProperties as JsonSchema);
  if (item === undefined) return undefined;
  // A key takes its two quotes, two characters, a colon and a comma.
  const fitting = Math.floor((requestMaxBytes - 2) / (item.minBytes + 6));
  return { maxElements: atLeastNone(schema.maxProperties) ?? fitting, minBytes: 2, item };
}

function objectLimits(schema: JsonSchema): ValueLimits {
  const fields = new Map<string, ValueLimits>();
  const required = new Set(schema.required ?? []);
  let minBytes = 2;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const limits = innerLimits(property);
    if (limits === undefined) continue;
    const field = celFieldName(name);
    if (field !== undefined) fields.set(field, limits);
    // What has a default need not be sent.
    if (required.has(name) && property.default === undefined) minBytes += name.length + limits.minBytes + 4;
  }
  return { maxElements: 0, minBytes, fields };
}

function textLimits(schema: JsonSchema): ValueLimits {
  switch (schema.format) {
    case 'byte':
      return { maxElements: atLeastNone(schema.maxLength) ?? requestMaxBytes - 2, minBytes: 2 };
    case 'duration':
      return { maxElements: 32, minBytes: 3 };
    case 'date':
      return { maxElements: 12, minBytes: 12 };
    case 'date-time':
      return { maxElements: 32, minBytes: 21 };
  }
  return { maxElements: inBytes(schema.maxLength) ?? longestOf(schema.enum) ?? requestMaxBytes - 2, minBytes: 2 };
}

/** A bound counts characters, a request bytes: a character has up to four. */
function inBytes(maxLength: number | undefined): number | undefined {
  return maxLength === undefined ? undefined : Math.max(0, Number(maxLength)) * 4;
}

function atLeastNone(bound: number | undefined): number | undefined {
  return bound === undefined ? undefined : Math.max(0, Number(bound));
}

function longestOf(values: readonly unknown[] | undefined): number | undefined {
  if (values === undefined || values.length === 0) return undefined;
  return Math.max(...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)));
}
