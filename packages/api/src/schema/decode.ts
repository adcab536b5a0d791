import { exactInteger, isJsonNumber } from '../json-number.ts';
import { getOwn, isJsonObject, setOwn } from '../own-property.ts';
import { canonicalQuantity, QUANTITY_ERROR, quantityFault } from '../quantity.ts';
import { schemaTypes } from './all-types.ts';
import { base64Encode, base64Fault } from './base64.ts';
import { conversionText } from './conversion-text.ts';
import type { FieldCause } from './field-cause.ts';
import { goTypeName, jsonKind } from './go-type-name.ts';
import { SchemaError } from './schema-error.ts';
import type { SchemaField, SchemaType, SchemaValue } from './schema-type.ts';
import { canonicalTime } from './time-text.ts';
import { isStruct, zeroValue } from './zero-value.ts';

/** A wrong type, in the words of Go's JSON package and, where they differ, of the code that converts merged patches. */
export interface DecodingFault extends FieldCause {
  readonly conversion?: string;
}

/** A decoded object with everything that was wrong with its JSON. */
export interface DecodedObject {
  /** The object as a Kubernetes server would write it: known fields only, in order, empties left out. */
  readonly object: Record<string, unknown>;
  /** Paths of fields the schema does not know, in the order of the input. */
  readonly unknownFields: string[];
  /**
   * Wrong JSON types, in the order of the input; a server answers 400 with the first message
   * (`json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string`).
   */
  readonly errors: DecodingFault[];
}

/** Where the value of a decoding comes from, which decides what its numbers may be. */
export interface DecodingSource {
  /**
   * `json` (default): a text, whose integers must be written as such and fit. `maps`: merged by a server, as strategic
   * patches and applies are; there Go converts numbers, which cuts off what is too large.
   */
  readonly form?: 'json' | 'maps';
  /** Texts of numbers that are no plain integers, by path, as `parseJsonStrict` tells them. */
  readonly numberTexts?: ReadonlyMap<string, string> | undefined;
}

/** Decodes a JSON value as an object of a type (`core.v1.Service`). Never throws on bad input. */
export function decodeObject(typeId: string, value: unknown, source: DecodingSource = {}): DecodedObject {
  const type = schemaTypes[typeId];
  if (type?.fields === undefined) throw new SchemaError('unknown-kind', `no schema for ${typeId}`);
  const decoder = new Decoder(source);
  let object: Record<string, unknown> = {};
  if (isJsonObject(value)) {
    object = decoder.struct(typeId, type, value);
  } else {
    decoder.fail(
      `json: cannot unmarshal ${jsonKind(value)} into Go value of type ${goTypeName({ type: 'object', ref: typeId })}`,
    );
  }
  return { object, unknownFields: decoder.unknownFields, errors: decoder.errors };
}

class Decoder {
  readonly unknownFields: string[] = [];
  readonly errors: DecodingFault[] = [];
  /** Field names and list indexes from the root. */
  readonly #path: (string | number)[] = [];
  /** Names of struct fields from the root: what Go tells of the path, without indexes and keys of maps. */
  readonly #names: string[] = [];
  /** Short name of the innermost type, which Go puts before the path. */
  #struct = '';
  /** The path that is told instead, inside of what Go reads by code of its own. */
  #told: string | undefined;
  readonly #cutsOff: boolean;
  readonly #numberTexts: ReadonlyMap<string, string> | undefined;

  constructor({ form, numberTexts }: DecodingSource) {
    this.#cutsOff = form === 'maps';
    this.#numberTexts = numberTexts;
  }

  fail(message: string, conversion?: string): undefined {
    const more = conversion === undefined ? {} : { conversion };
    this.errors.push({ reason: 'FieldValueInvalid', field: this.#text(), message, ...more });
    return undefined;
  }

  #text(): string {
    let text = '';
    for (const part of this.#path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
    return text;
  }

  /** How the request wrote the number at this place. */
  #numberText(input: number | bigint): string {
    return this.#numberTexts?.get(this.#text()) ?? String(input);
  }

  #mismatch(input: unknown, goType: string, schema: SchemaValue, literal = false): undefined {
    const found = literal && isJsonNumber(input) ? `number ${this.#numberText(input)}` : jsonKind(input);
    return this.fail(
      `json: cannot unmarshal ${found} into Go struct field ${this.#struct}.${this.#told ?? this.#names.join('.')} of type ${goType}`,
      conversionText(input, schema, this.#names.at(-1) ?? '', this.#struct),
    );
  }

  struct(typeId: string, type: SchemaType, input: Record<string, unknown>): Record<string, unknown> {
    const outer = this.#struct;
    this.#struct = typeId.slice(typeId.lastIndexOf('.') + 1);
    const fields = type.fields ?? {};
    const found: Record<string, unknown> = {};
    for (const key of Object.keys(input)) {
      const field = getOwn(fields, key) as SchemaField | undefined;
      this.#path.push(key);
      this.#names.push(key);
      if (field === undefined) {
        this.unknownFields.push(this.#text());
      } else if (input[key] !== null && input[key] !== undefined) {
        const value = this.value(field, input[key], key);
        if (value !== undefined) found[key] = value;
      }
      this.#path.pop();
      this.#names.pop();
    }
    this.#struct = outer;
    return complete(fields, found);
  }

  value(schema: SchemaValue, input: unknown, name: string): unknown {
    const special = schema.ref === undefined ? undefined : schemaTypes[schema.ref]?.special;
    if (special !== undefined) return this.#special(special, input, name);
    switch (schema.type) {
      case 'string':
        return typeof input === 'string'
          ? input
          : this.#mismatch(input, goTypeName(schema, name, this.#struct), schema);
      case 'boolean':
        return typeof input === 'boolean' ? input : this.#mismatch(input, 'bool', schema);
      case 'integer':
        return this.#integer(input, schema);
      case 'number':
        return isJsonNumber(input) ? Number(input) : this.#mismatch(input, 'float64', schema);
      case 'bytes':
        return this.#bytes(input);
      case 'array':
        return this.#array(schema, input, name);
      case 'map':
        return this.#map(schema, input, name);
      case 'object':
        return this.#object(schema, input);
      case 'int-or-string':
        return this.#special('int-if-type-0-string-if-type-1', input, name);
      case 'quantity':
        return this.#special('quantity-string', input, name);
      case 'any':
        return input;
    }
  }

  #integer(input: unknown, schema: SchemaValue): number | bigint | undefined {
    const goType = schema.type === 'integer' && schema.format !== 'int32' ? 'int64' : 'int32';
    if (!isJsonNumber(input)) return this.#mismatch(input, goType, schema);
    if (this.#cutsOff && schema.type === 'integer' && (typeof input === 'bigint' || Number.isInteger(input))) {
      return convertedInteger(input, goType);
    }
    const fits =
      typeof input === 'bigint'
        ? goType === 'int64'
        : (goType === 'int32' ? (input | 0) === input : Number.isSafeInteger(input)) &&
          (this.#numberTexts === undefined || !this.#numberTexts.has(this.#text()));
    return fits ? (Object.is(input, -0) ? 0 : input) : this.#mismatch(input, goType, schema, true);
  }

  #bytes(input: unknown): string | undefined {
    // Go reads a list of numbers as bytes too.
    if (Array.isArray(input)) return this.#byteList(input);
    if (typeof input !== 'string') return this.#mismatch(input, '[]uint8', { type: 'bytes' });
    const text = /[\r\n]/.test(input) ? input.replace(/[\r\n]/g, '') : input;
    const fault = base64Fault(text);
    const why = `illegal base64 data at input byte ${fault}`;
    return fault < 0 ? text : this.fail(why, `error decoding from json: ${why}`);
  }

  #byteList(input: readonly unknown[]): string | undefined {
    const bytes: number[] = [];
    for (const item of input) {
      const byte = item ?? 0;
      const whole = typeof byte === 'number' && Number.isInteger(byte) && byte >= 0 && byte <= 255;
      if (!whole) return this.#mismatch(byte, 'uint8', { type: 'integer' }, isJsonNumber(byte));
      bytes.push(byte);
    }
    return base64Encode(Uint8Array.from(bytes));
  }

  #array(schema: SchemaValue, input: unknown, name: string): unknown[] | undefined {
    const items = schema.items ?? { type: 'any' };
    if (!Array.isArray(input)) return this.#mismatch(input, goTypeName(schema, name, this.#struct), schema);
    return input.map((item, index) => {
      if (item === null) return zeroValue(items);
      this.#path.push(index);
      const value = this.value(items, item, name);
      this.#path.pop();
      return value ?? zeroValue(items);
    });
  }

  #map(schema: SchemaValue, input: unknown, name: string): Record<string, unknown> | undefined {
    const values = schema.values ?? { type: 'any' };
    if (!isJsonObject(input)) return this.#mismatch(input, goTypeName(schema, name, this.#struct), schema);
    const result: Record<string, unknown> = {};
    // Go writes map keys sorted.
    const keys = Object.keys(input);
    for (const key of keys) {
      const value = input[key];
      const inner = values.type === 'object' || values.type === 'array' || this.#numberTexts !== undefined;
      if (inner) this.#path.push(key);
      setOwn(result, key, value === null ? zeroValue(values) : (this.value(values, value, name) ?? zeroValue(values)));
      if (inner) this.#path.pop();
    }
    return keys.length > 1 ? sortKeys(result) : result;
  }

  #object(schema: SchemaValue, input: unknown): unknown {
    const type = schema.ref === undefined ? undefined : schemaTypes[schema.ref];
    if (schema.ref === undefined || type === undefined) return input;
    if (!isJsonObject(input)) return this.#mismatch(input, goTypeName(schema), schema);
    return this.struct(schema.ref, type, input);
  }

  #special(special: string, input: unknown, name: string): unknown {
    switch (special) {
      case 'quantity-string': {
        if (typeof input !== 'string' && !isJsonNumber(input)) return this.fail(QUANTITY_ERROR);
        const text = typeof input === 'string' ? input.trim() : this.#numberText(input);
        return canonicalQuantity(text) ?? this.fail(quantityFault(text));
      }
      case 'int-if-type-0-string-if-type-1':
        return typeof input === 'string' ? input : this.#integer(input, { type: 'int-or-string' });
      case 'rfc3339-seconds-utc-or-null':
      case 'rfc3339-six-decimals-utc-or-null': {
        if (typeof input !== 'string') return this.#mismatch(input, 'string', { type: 'any' });
        const time = canonicalTime(input, special === 'rfc3339-six-decimals-utc-or-null');
        return time.ok ? time.text : this.fail(time.error);
      }
      case 'schema-if-present-else-bool':
        return typeof input === 'boolean' ? input : this.#propsOr(input, name);
      case 'schema-or-array-of-schema':
        return Array.isArray(input) ? input.map((item) => this.#propsOr(item, name)) : this.#propsOr(input, name);
      case 'schema-or-array-of-string':
        return Array.isArray(input) ? input : this.#propsOr(input, name);
      default:
        return input;
    }
  }

  #propsOr(input: unknown, name: string): unknown {
    const outer = this.#told;
    this.#told ??= this.#names.join('.');
    const value = this.value({ type: 'object', ref: 'apiextensions.v1.JSONSchemaProps' }, input, name);
    this.#told = outer;
    return value;
  }
}

/** A number as Go converts it to an integer type: the low bits; what no 64 bits can hold becomes the smallest integer. */
function convertedInteger(value: number | bigint, goType: 'int32' | 'int64'): number | bigint {
  const tooLarge = typeof value === 'number' && Math.abs(value) >= 2 ** 63;
  const integer = tooLarge ? -(2n ** 63n) : BigInt(value);
  return exactInteger(goType === 'int32' ? BigInt.asIntN(32, integer) : integer);
}

/** Orders fields as the schema does, leaves out what Go's omitempty would, fills in what Go always writes. */
function complete(
  fields: Readonly<Record<string, SchemaField>>,
  found: Record<string, unknown>,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const name in fields) {
    const field = fields[name];
    if (field === undefined) continue;
    const value = found[name];
    if (value === undefined) {
      if (field.omit === 'never' && field.pointer !== true) result[name] = zeroValue(field);
      else if (field.omit === 'never') result[name] = null;
      else if (field.omit === 'empty' && field.pointer !== true && isStruct(field)) result[name] = zeroValue(field);
    } else if (field.omit === 'never' || field.pointer === true || !isEmpty(value) || isStruct(field)) {
      result[name] = value;
    }
  }
  return result;
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === 0 || value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  for (const key in value) if (Object.hasOwn(value, key)) return false;
  return true;
}

function sortKeys(map: Record<string, unknown>): Record<string, unknown> {
  const keys = Object.keys(map);
  let sorted = true;
  for (let i = 1; i < keys.length && sorted; i++) sorted = (keys[i - 1] ?? '') < (keys[i] ?? '');
  if (sorted) return map;
  const result: Record<string, unknown> = {};
  for (const key of keys.sort()) setOwn(result, key, map[key]);
  return result;
}
