import { parseJson } from '../json-number.ts';
import { setOwn } from '../own-property.ts';
import { schemaTypes } from './all-types.ts';
import { base64Encode } from './base64.ts';
import { decodeObject } from './decode.ts';
import { schemaForKind } from './lookup.ts';
import { ProtobufReader, wireBytes, wireDouble, wireExactInteger, wireInteger, wireText } from './protobuf-reader.ts';
import { SchemaError } from './schema-error.ts';
import type { SchemaField, SchemaType, SchemaValue } from './schema-type.ts';

/** A request body in Kubernetes' protobuf: the kind from its envelope, and the object as JSON. */
export interface ProtobufObject {
  /** Empty when the envelope names none; then `typeId` must be given to decode the object. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly object: Record<string, unknown>;
}

/** The envelope of `application/vnd.kubernetes.protobuf` (`runtime.Unknown`). */
export interface ProtobufEnvelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The message itself. */
  readonly raw: Uint8Array;
}

/** Messages inside messages: deeper input is refused, as a stack overflow would take the process down. */
const MAX_DEPTH = 200;

/**
 * Opens the envelope:
 *
 *     6b 38 73 00 | 1: TypeMeta {1: apiVersion, 2: kind} | 2: raw | 3: contentEncoding | 4: contentType
 */
export function openProtobufEnvelope(bytes: Uint8Array): ProtobufEnvelope {
  if (bytes.length === 0) throw new SchemaError('protobuf', 'empty data');
  if (!(bytes[0] === 0x6b && bytes[1] === 0x38 && bytes[2] === 0x73 && bytes[3] === 0)) {
    throw new SchemaError(
      'protobuf',
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  }
  if (bytes.length === 4) throw new SchemaError('protobuf', 'empty body');
  const reader = new ProtobufReader(bytes.subarray(4));
  let apiVersion = '';
  let kind = '';
  let raw = new Uint8Array();
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.tag === 1) {
      const meta = new ProtobufReader(wireBytes(field.value));
      for (let part = meta.next(); part !== undefined; part = meta.next()) {
        if (part.tag === 1) apiVersion = wireText(part.value);
        else if (part.tag === 2) kind = wireText(part.value);
      }
    } else if (field.tag === 2) {
      raw = wireBytes(field.value) as Uint8Array<ArrayBuffer>;
    }
  }
  return { apiVersion, kind, raw };
}

/**
 * Decodes a whole request body. Where the envelope names no kind, the body is
 * decoded as `expected` (the kind of the resource it was sent to).
 * Throws a SchemaError: `protobuf` for malformed bytes, `unknown-kind` for a kind without a schema.
 */
export function decodeProtobufObject(
  bytes: Uint8Array,
  expected?: { readonly apiVersion: string; readonly kind: string },
): ProtobufObject {
  const envelope = openProtobufEnvelope(bytes);
  const apiVersion = envelope.apiVersion === '' ? (expected?.apiVersion ?? '') : envelope.apiVersion;
  const kind = envelope.kind === '' ? (expected?.kind ?? '') : envelope.kind;
  const schema = schemaForKind(apiVersion, kind);
  if (schema === undefined) {
    throw new SchemaError(
      'unknown-kind',
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`,
    );
  }
  const message = readMessage(schema.id, schema.type, envelope.raw, 0);
  const { object } = decodeObject(schema.id, { ...message, apiVersion, kind });
  return { apiVersion, kind, object };
}

/** Decodes one message without an envelope as a type (`core.v1.ServiceSpec`). */
export function decodeProtobufType(typeId: string, bytes: Uint8Array): Record<string, unknown> {
  const type = schemaTypes[typeId];
  if (type?.fields === undefined) throw new SchemaError('unknown-kind', `no schema for ${typeId}`);
  return decodeObject(typeId, readMessage(typeId, type, bytes, 0)).object;
}

/** A message type indexed by tag: its own fields, and the submessages around inlined ones. */
interface TagPlan {
  readonly fields: ReadonlyMap<number, readonly [string, SchemaField]>;
  readonly inlined: ReadonlyMap<number, TagPlan>;
}

const plans = new Map<string, TagPlan>();

function planOf(typeId: string, type: SchemaType): TagPlan {
  let plan = plans.get(typeId);
  if (plan === undefined) {
    plan = buildPlan(Object.entries(type.fields ?? {}), 0);
    plans.set(typeId, plan);
  }
  return plan;
}

function buildPlan(entries: readonly (readonly [string, SchemaField])[], depth: number): TagPlan {
  const fields = new Map<number, readonly [string, SchemaField]>();
  const below = new Map<number, (readonly [string, SchemaField])[]>();
  for (const entry of entries) {
    const { tag, via } = entry[1];
    const step = via?.[depth];
    if (step !== undefined) below.set(step, [...(below.get(step) ?? []), entry]);
    else if (tag !== undefined) fields.set(tag, entry);
  }
  const inlined = new Map([...below].map(([tag, inner]) => [tag, buildPlan(inner, depth + 1)] as const));
  return { fields, inlined };
}

function readMessage(typeId: string, type: SchemaType, bytes: Uint8Array, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  readInto(result, planOf(typeId, type), bytes, depth);
  return result;
}

function readInto(result: Record<string, unknown>, plan: TagPlan, bytes: Uint8Array, depth: number): void {
  if (depth > MAX_DEPTH) throw new SchemaError('protobuf', 'proto: message nested too deeply');
  const reader = new ProtobufReader(bytes);
  for (let wire = reader.next(); wire !== undefined; wire = reader.next()) {
    const inner = plan.inlined.get(wire.tag);
    if (inner !== undefined) {
      readInto(result, inner, wireBytes(wire.value), depth + 1);
      continue;
    }
    const entry = plan.fields.get(wire.tag);
    if (entry === undefined) continue;
    const [name, field] = entry;
    if (field.type === 'array' && field.wrapper === undefined) {
      const list = (result[name] as unknown[] | undefined) ?? [];
      list.push(readValue(field.items ?? { type: 'any' }, wire.value, depth + 1));
      result[name] = list;
    } else if (field.type === 'map') {
      const map = (result[name] as Record<string, unknown> | undefined) ?? {};
      readMapEntry(map, field.values ?? { type: 'any' }, wireBytes(wire.value), depth + 1);
      result[name] = map;
    } else {
      result[name] = readValue(field, wire.value, depth + 1);
    }
  }
}

function readMapEntry(map: Record<string, unknown>, values: SchemaValue, bytes: Uint8Array, depth: number): void {
  const reader = new ProtobufReader(bytes);
  let key = '';
  let value: unknown;
  for (let wire = reader.next(); wire !== undefined; wire = reader.next()) {
    if (wire.tag === 1) key = wireText(wire.value);
    else if (wire.tag === 2) value = readValue(values, wire.value, depth);
  }
  setOwn(map, key, value ?? (values.type === 'string' || values.type === 'bytes' ? '' : null));
}

function readValue(schema: SchemaValue, value: bigint | Uint8Array, depth: number): unknown {
  const type = schema.ref === undefined ? undefined : schemaTypes[schema.ref];
  if (type?.special !== undefined) return readSpecial(type.special, wireBytes(value), depth);
  switch (schema.type) {
    case 'string':
      return wireText(value);
    case 'integer':
      return wireExactInteger(value, schema.format === 'int32' ? 32 : 64);
    case 'boolean':
      return wireInteger(value, 64) !== 0;
    case 'number':
      return wireDouble(value);
    case 'bytes':
      return base64Encode(wireBytes(value));
    case 'int-or-string':
      return readSpecial('int-if-type-0-string-if-type-1', wireBytes(value), depth);
    case 'quantity':
      return readSpecial('quantity-string', wireBytes(value), depth);
    case 'object':
      return schema.ref === undefined || type === undefined
        ? rawJson(wireBytes(value), depth)
        : readMessage(schema.ref, type, wireBytes(value), depth);
    case 'array':
      return readWrapped(schema, wireBytes(value), depth);
    case 'map':
    case 'any':
      return rawJson(wireBytes(value), depth);
  }
}

/** A list that travels in a message of its own, tag 1. */
function readWrapped(schema: SchemaValue, bytes: Uint8Array, depth: number): unknown[] {
  const reader = new ProtobufReader(bytes);
  const list: unknown[] = [];
  for (let wire = reader.next(); wire !== undefined; wire = reader.next()) {
    if (wire.tag === 1) list.push(readValue(schema.items ?? { type: 'string' }, wire.value, depth + 1));
  }
  return list;
}

function readSpecial(special: string, bytes: Uint8Array, depth: number): unknown {
  const fields = new Map<number, (bigint | Uint8Array)[]>();
  const reader = new ProtobufReader(bytes);
  for (let wire = reader.next(); wire !== undefined; wire = reader.next()) {
    fields.set(wire.tag, [...(fields.get(wire.tag) ?? []), wire.value]);
  }
  const first = fields.get(1)?.at(-1);
  const second = fields.get(2)?.at(-1);
  switch (special) {
    case 'quantity-string':
      return first === undefined ? '0' : wireText(first);
    case 'int-if-type-0-string-if-type-1': {
      if (first === undefined || wireInteger(first, 64) === 0)
        return second === undefined ? 0 : wireInteger(second, 32);
      const text = fields.get(3)?.at(-1);
      return text === undefined ? '' : wireText(text);
    }
    case 'rfc3339-seconds-utc-or-null':
    case 'rfc3339-six-decimals-utc-or-null':
      return timeText(first, second, special === 'rfc3339-six-decimals-utc-or-null');
    case 'schema-if-present-else-bool':
      return second === undefined ? first !== undefined && wireInteger(first, 64) !== 0 : readProps(second, depth);
    case 'schema-or-array-of-schema':
      return first !== undefined
        ? readProps(first, depth)
        : (fields.get(2) ?? []).map((item) => readProps(item, depth));
    case 'schema-or-array-of-string':
      return first !== undefined ? readProps(first, depth) : (fields.get(2) ?? []).map(wireText);
    default:
      return first === undefined ? null : rawJson(wireBytes(first), depth);
  }
}

function readProps(value: bigint | Uint8Array, depth: number): unknown {
  return readValue({ type: 'object', ref: 'apiextensions.v1.JSONSchemaProps' }, value, depth + 1);
}

/** Seconds and nanoseconds since 1970; a message without either is the zero time, `null`. */
function timeText(
  seconds: bigint | Uint8Array | undefined,
  nanos: bigint | Uint8Array | undefined,
  micro: boolean,
): string | null {
  if (seconds === undefined && nanos === undefined) return null;
  const at = seconds === undefined ? 0 : wireInteger(seconds, 64);
  // Go's zero time; and years that RFC 3339 cannot write.
  if (at === -62135596800) return null;
  if (at < -62135596800 || at > 253402300799) throw new SchemaError('protobuf', 'Time: year outside of range [0,9999]');
  const text = new Date(at * 1000).toISOString().slice(0, 19);
  if (!micro) return `${text}Z`;
  const fraction = nanos === undefined ? 0 : Math.floor(wireInteger(nanos, 32) / 1000);
  if (fraction < 0 || fraction > 999_999) throw new SchemaError('protobuf', 'Time: nanoseconds out of range');
  return `${text}.${String(fraction).padStart(6, '0')}Z`;
}

/** Raw JSON; an object embedded by a protobuf client may carry its own envelope instead. */
function rawJson(bytes: Uint8Array, depth: number): unknown {
  if (bytes.length === 0) return null;
  if (depth > MAX_DEPTH) throw new SchemaError('protobuf', 'proto: message nested too deeply');
  if (bytes[0] === 0x6b && bytes[1] === 0x38 && bytes[2] === 0x73 && bytes[3] === 0) {
    const envelope = openProtobufEnvelope(bytes);
    const schema = schemaForKind(envelope.apiVersion, envelope.kind);
    if (schema === undefined)
      throw new SchemaError('unknown-kind', `no kind ${JSON.stringify(envelope.kind)} is registered`);
    const message = readMessage(schema.id, schema.type, envelope.raw, depth + 1);
    return decodeObject(schema.id, { ...message, apiVersion: envelope.apiVersion, kind: envelope.kind }).object;
  }
  try {
    return parseJson(wireText(bytes));
  } catch (cause) {
    if (cause instanceof SchemaError) throw cause;
    throw new SchemaError('protobuf', `invalid JSON inside protobuf: ${(cause as Error).message}`, { cause });
  }
}
