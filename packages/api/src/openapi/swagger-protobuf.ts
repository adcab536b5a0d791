import { ProtobufWriter } from './protobuf-writer.ts';

/** How a value is written: `string`, `bool`, `int64`, `double`, `any`, a message's name, or one of these with `*` for a list. */
type Form = string;

interface Message {
  /** Fields by their JSON name: tag and form. */
  readonly fields?: Readonly<Record<string, readonly [tag: number, form: Form]>>;
  /** Tag of the list that takes `x-…` keys, as a name with a value in YAML. */
  readonly extensions?: number;
  /** All other keys go into this list, as a name with a value. */
  readonly named?: readonly [tag: number, form: Form];
  /** The message holds nothing but the value, in one of several fields. */
  readonly wraps?: (value: unknown) => readonly [tag: number, form: Form];
}

/** Bounds of numbers and lengths, which three messages have from different tags on. */
function bounds(first: number): Record<string, readonly [number, Form]> {
  const names = ['maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength', 'pattern'];
  const forms: readonly Form[] = ['double', 'bool', 'double', 'bool', 'int64', 'int64', 'string'];
  const rest = {
    maxItems: [first + 7, 'int64'],
    minItems: [first + 8, 'int64'],
    uniqueItems: [first + 9, 'bool'],
  } as const;
  return { ...Object.fromEntries(names.map((name, index) => [name, [first + index, forms[index]!]])), ...rest };
}

const parameterHead = {
  required: [1, 'bool'],
  in: [2, 'string'],
  description: [3, 'string'],
  name: [4, 'string'],
} as const;

/** Messages of `openapi.v2` (the gnostic model, OpenAPIv2.proto) that our document uses. */
const messages: Readonly<Record<string, Message>> = {
  Document: {
    fields: {
      swagger: [1, 'string'],
      info: [2, 'Info'],
      paths: [8, 'Paths'],
      definitions: [9, 'Definitions'],
      security: [12, 'SecurityRequirement*'],
      securityDefinitions: [13, 'SecurityDefinitions'],
    },
    extensions: 16,
  },
  Info: { fields: { title: [1, 'string'], version: [2, 'string'], description: [3, 'string'] }, extensions: 7 },
  Paths: { named: [2, 'PathItem'], extensions: 1 },
  PathItem: {
    fields: {
      get: [2, 'Operation'],
      put: [3, 'Operation'],
      post: [4, 'Operation'],
      delete: [5, 'Operation'],
      options: [6, 'Operation'],
      head: [7, 'Operation'],
      patch: [8, 'Operation'],
      parameters: [9, 'ParametersItem*'],
    },
    extensions: 10,
  },
  Operation: {
    fields: {
      tags: [1, 'string*'],
      summary: [2, 'string'],
      description: [3, 'string'],
      operationId: [5, 'string'],
      produces: [6, 'string*'],
      consumes: [7, 'string*'],
      parameters: [8, 'ParametersItem*'],
      responses: [9, 'Responses'],
      schemes: [10, 'string*'],
      deprecated: [11, 'bool'],
    },
    extensions: 13,
  },
  ParametersItem: { wraps: () => [1, 'Parameter'] },
  Parameter: { wraps: (value) => (placeOf(value) === 'body' ? [1, 'BodyParameter'] : [2, 'NonBodyParameter']) },
  BodyParameter: {
    fields: {
      description: [1, 'string'],
      name: [2, 'string'],
      in: [3, 'string'],
      required: [4, 'bool'],
      schema: [5, 'Schema'],
    },
    extensions: 6,
  },
  NonBodyParameter: { wraps: (value) => (placeOf(value) === 'query' ? [3, 'QueryParameter'] : [4, 'PathParameter']) },
  QueryParameter: {
    fields: { ...parameterHead, type: [6, 'string'], format: [7, 'string'], default: [10, 'any'], ...bounds(11) },
    extensions: 23,
  },
  PathParameter: {
    fields: { ...parameterHead, type: [5, 'string'], format: [6, 'string'], default: [9, 'any'], ...bounds(10) },
    extensions: 22,
  },
  Responses: { named: [1, 'ResponseValue'], extensions: 2 },
  ResponseValue: { wraps: () => [1, 'Response'] },
  Response: { fields: { description: [1, 'string'], schema: [2, 'SchemaItem'] }, extensions: 5 },
  SchemaItem: { wraps: () => [1, 'Schema'] },
  Definitions: { named: [1, 'Schema'] },
  Schema: {
    fields: {
      $ref: [1, 'string'],
      format: [2, 'string'],
      title: [3, 'string'],
      description: [4, 'string'],
      default: [5, 'any'],
      multipleOf: [6, 'double'],
      ...bounds(7),
      maxProperties: [17, 'int64'],
      minProperties: [18, 'int64'],
      required: [19, 'string*'],
      enum: [20, 'any*'],
      additionalProperties: [21, 'AdditionalPropertiesItem'],
      type: [22, 'TypeItem'],
      items: [23, 'ItemsItem'],
      properties: [25, 'Definitions'],
      externalDocs: [29, 'ExternalDocs'],
      example: [30, 'any'],
    },
    extensions: 31,
  },
  AdditionalPropertiesItem: { wraps: (value) => (typeof value === 'boolean' ? [2, 'bool'] : [1, 'Schema']) },
  TypeItem: { wraps: () => [1, 'string'] },
  ItemsItem: { wraps: () => [1, 'Schema'] },
  ExternalDocs: { fields: { description: [1, 'string'], url: [2, 'string'] }, extensions: 3 },
  SecurityDefinitions: { named: [1, 'SecurityDefinitionsItem'] },
  SecurityDefinitionsItem: { wraps: () => [2, 'ApiKeySecurity'] },
  ApiKeySecurity: {
    fields: { type: [1, 'string'], name: [2, 'string'], in: [3, 'string'], description: [4, 'string'] },
    extensions: 5,
  },
  SecurityRequirement: { named: [1, 'StringArray'] },
  StringArray: { wraps: () => [1, 'string*'] },
};

function placeOf(value: unknown): unknown {
  return (value as { readonly in?: unknown }).in;
}

/** The OpenAPI v2 document in protobuf, as old clients read it (`openapi.v2.Document`). */
export function encodeSwagger(document: object): Uint8Array {
  const writer = new ProtobufWriter();
  writeMessage(writer, 'Document', document);
  return writer.finish();
}

function writeMessage(writer: ProtobufWriter, name: string, value: unknown): void {
  const message = messages[name];
  if (message === undefined) throw new Error(`no message ${name}`);
  if (message.wraps !== undefined) {
    const [tag, form] = message.wraps(value);
    writeField(writer, tag, form, value);
    return;
  }
  const { fields = {}, named, extensions } = message;
  for (const [key, inner] of Object.entries(value as object)) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field !== undefined) writeField(writer, field[0], field[1], inner);
    else if (extensions !== undefined && key.startsWith('x-')) writeNamed(writer, extensions, key, 'any', inner);
    else if (named !== undefined) writeNamed(writer, named[0], key, named[1], inner);
  }
}

function writeNamed(writer: ProtobufWriter, tag: number, key: string, form: Form, value: unknown): void {
  writer.message(tag, () => {
    writer.text(1, key);
    writeField(writer, 2, form, value);
  });
}

function writeField(writer: ProtobufWriter, tag: number, form: Form, value: unknown): void {
  if (form.endsWith('*')) {
    for (const one of value as unknown[]) writeField(writer, tag, form.slice(0, -1), one);
    return;
  }
  if (form === 'string') writer.text(tag, String(value));
  else if (form === 'bool') writer.integer(tag, value === true ? 1n : 0n);
  else if (form === 'int64') writer.integer(tag, BigInt(value as number));
  else if (form === 'double') writer.double(tag, Number(value));
  // Any value is a YAML text of its own, and JSON is YAML.
  else if (form === 'any') writer.message(tag, () => writer.text(2, `${JSON.stringify(value)}\n`));
  else writer.message(tag, () => writeMessage(writer, form, value));
}
