/**
 * The form of the schema source: every built-in Kubernetes type as plain data.
 *
 * One table serves strict decoding, defaulting, OpenAPI, protobuf, patches and
 * the generated TypeScript types, so a field is described in exactly one place.
 */

/** JSON form of a value. `any` is unrestricted JSON; `bytes` is base64 text in JSON. */
export type JsonType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'object'
  | 'array'
  | 'map'
  | 'int-or-string'
  | 'quantity'
  | 'bytes'
  | 'any';

/** A value inside a list or map. */
export interface SchemaValue {
  readonly type: JsonType;
  /** OpenAPI format: int32, int64, double, byte, date-time. */
  readonly format?: string;
  /** Short id of the type, e.g. `core.v1.ServicePort`. */
  readonly ref?: string;
  readonly enum?: readonly string[];
  readonly items?: SchemaValue;
  readonly values?: SchemaValue;
  /** The published default is the zero value (`""`, `0`, `false`, `{}`). */
  readonly zeroDefault?: boolean;
  /** In protobuf the list travels in a message with one repeated string, tag 1. */
  readonly wrapper?: string;
}

/** A field of an object type. Fields stand in the order the server writes them. */
export interface SchemaField extends SchemaValue {
  readonly description?: string;
  readonly required?: boolean;
  readonly default?: string | number | boolean;
  /** `empty` leaves out empty values, `zero` leaves out zero structs, `never` always writes. */
  readonly omit: 'empty' | 'zero' | 'never';
  /** Distinguishes "absent" from the zero value, also in protobuf. */
  readonly pointer?: boolean;
  /** Protobuf tag; absent for fields that never travel as protobuf. */
  readonly tag?: number;
  /** Tags of the submessages around a field that JSON inlines. */
  readonly via?: readonly number[];
  /**
   * Protobuf type where it does not follow from `type` and `ref`
   * (`string`, `int32`, `int64`, `bool`, `double`, `bytes`, `repeated T`, `map<K,V>`).
   */
  readonly protoType?: string;
  readonly protoName?: string;
  /** `kind` and `apiVersion`: in the protobuf envelope, not in the message. */
  readonly typeMeta?: boolean;
  /** Absent means atomic. */
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** Absent means granular. */
  readonly mapType?: 'atomic' | 'granular';
  readonly patchMergeKey?: string;
  readonly patchStrategy?: string;
  /** Newer than 1.34: decoded from protobuf, but not in OpenAPI. */
  readonly after134?: boolean;
}

/** One named type. */
export interface SchemaType {
  readonly description?: string;
  /** `group/version/Kind` (the core group is empty), or `all-groups` for meta types. */
  readonly gvk?: readonly string[] | 'all-groups';
  /** `false`: not published in OpenAPI. */
  readonly inOpenAPI?: boolean;
  readonly mapType?: 'atomic' | 'granular';
  readonly unions?: readonly unknown[];
  readonly after134?: boolean;
  /** Name of a JSON form of its own (times, quantities, raw JSON ...). */
  readonly special?: string;
  readonly jsonType?: string;
  readonly format?: string;
  /** Wire fields of a special type. */
  readonly protoFields?: Readonly<Record<string, { readonly tag: number; readonly protoType: string }>>;
  /** `false`: the type has no protobuf form. */
  readonly protobuf?: false;
  readonly fields?: Readonly<Record<string, SchemaField>>;
}

/** Types by short id: `core.v1.Service`, `meta.v1.ObjectMeta`, `util.intstr.IntOrString`. */
export type SchemaTypes = Readonly<Record<string, SchemaType>>;
