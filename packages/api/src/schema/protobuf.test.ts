import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SchemaField, SchemaValue } from './index.ts';
import { decodeObject, decodeProtobufObject, decodeProtobufType, SchemaError, schemaTypes } from './index.ts';

/** Writes what the decoder reads, from the same table: enough for round trips of plain types. */
function encode(typeId: string, object: Readonly<Record<string, unknown>>): number[] {
  const out: number[] = [];
  for (const [name, field] of Object.entries(schemaTypes[typeId]?.fields ?? {})) {
    const value = object[name];
    if (value === undefined || value === null || field.tag === undefined) continue;
    const bytes: number[] = [];
    for (const item of field.type === 'array' ? (value as unknown[]) : [value]) bytes.push(...encodeField(field, item));
    for (const tag of [...(field.via ?? [])].reverse())
      bytes.splice(0, bytes.length, ...lengthDelimited(tag, [...bytes]));
    out.push(...bytes);
  }
  return out;
}

function encodeField(field: SchemaField, value: unknown): number[] {
  const tag = field.tag ?? 0;
  const schema = field.type === 'array' ? (field.items ?? field) : field;
  if (field.type === 'map') {
    return Object.entries(value as object).flatMap(([key, item]) =>
      lengthDelimited(tag, [...lengthDelimited(1, utf8(key)), ...encodeValue(2, field.values ?? field, item)]),
    );
  }
  return encodeValue(tag, schema, value);
}

function encodeValue(tag: number, schema: SchemaValue, value: unknown): number[] {
  switch (schema.type) {
    case 'integer':
      return [...varint(BigInt(tag << 3)), ...varint(BigInt.asUintN(64, BigInt(value as number)))];
    case 'boolean':
      return [...varint(BigInt(tag << 3)), value === true ? 1 : 0];
    case 'bytes':
      return lengthDelimited(tag, [...Buffer.from(value as string, 'base64')]);
    case 'object':
      return lengthDelimited(tag, encode(schema.ref ?? '', value as Record<string, unknown>));
    case 'int-or-string':
      return lengthDelimited(
        tag,
        typeof value === 'string'
          ? [8, 1, ...lengthDelimited(3, utf8(value))]
          : [8, 0, 16, ...varint(BigInt.asUintN(64, BigInt(value as number)))],
      );
    default:
      return lengthDelimited(tag, utf8(String(value)));
  }
}

function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

function lengthDelimited(tag: number, bytes: readonly number[]): number[] {
  return [...varint(BigInt((tag << 3) | 2)), ...varint(BigInt(bytes.length)), ...bytes];
}

const MAGIC = [0x6b, 0x38, 0x73, 0x00];

function envelope(apiVersion: string, kind: string, raw: readonly number[]): Uint8Array {
  const meta = [...lengthDelimited(1, utf8(apiVersion)), ...lengthDelimited(2, utf8(kind))];
  return new Uint8Array([
    ...MAGIC,
    ...lengthDelimited(1, meta),
    ...lengthDelimited(2, raw),
    ...lengthDelimited(3, []),
    ...lengthDelimited(4, []),
  ]);
}

test('a Service as a client writes it', () => {
  const service = {
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      ports: [
        { name: 'http', protocol: 'TCP', port: 80, targetPort: 'http', nodePort: 30080 },
        { port: -1, targetPort: 8080 },
      ],
      selector: { app: 'web' },
      type: 'NodePort',
      publishNotReadyAddresses: true,
    },
  };
  const decoded = decodeProtobufObject(envelope('v1', 'Service', encode('core.v1.Service', service)));
  assert.equal(decoded.kind, 'Service');
  const expected = decodeObject('core.v1.Service', { kind: 'Service', apiVersion: 'v1', ...service });
  assert.equal(JSON.stringify(decoded.object), JSON.stringify(expected.object));
});

test('inlined messages: a probe handler and an ephemeral container', () => {
  const probe = { httpGet: { path: '/x', port: 80 }, periodSeconds: 5 };
  assert.deepEqual(decodeProtobufType('core.v1.Probe', new Uint8Array(encode('core.v1.Probe', probe))), probe);
});

test('bytes, maps and pointers to zero', () => {
  const secret = { metadata: { name: 's' }, data: { a: 'AAEC', b: '' }, type: 'Opaque' };
  assert.deepEqual(decodeProtobufType('core.v1.Secret', new Uint8Array(encode('core.v1.Secret', secret))), secret);
  const spec = { replicas: 0 };
  assert.equal(
    decodeProtobufType('apps.v1.DeploymentSpec', new Uint8Array(encode('apps.v1.DeploymentSpec', spec))).replicas,
    0,
  );
});

test('times are seconds and nanoseconds', () => {
  // spec { renewTime: { seconds: 1, nanos: 5000 } }; the MicroTime has tag 4.
  const bytes = new Uint8Array([0x22, 5, 8, 1, 16, 0x88, 0x27]);
  assert.deepEqual(decodeProtobufType('coordination.v1.LeaseSpec', bytes), {
    renewTime: '1970-01-01T00:00:01.000005Z',
  });
});

test('an envelope without a kind is of the expected kind', () => {
  const bytes = envelope('', '', encode('core.v1.ConfigMap', { metadata: { name: 'n' } }));
  const { object } = decodeProtobufObject(bytes, { apiVersion: 'v1', kind: 'ConfigMap' });
  assert.deepEqual(object, { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'n' } });
});

const broken: readonly (readonly [string, Uint8Array, string, string])[] = [
  [
    'no prefix',
    new Uint8Array(utf8('hello')),
    'protobuf',
    'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
  ],
  ['nothing after the prefix', new Uint8Array(MAGIC), 'protobuf', 'empty body'],
  ['unknown kind', envelope('v1', 'Nope', []), 'unknown-kind', 'no kind "Nope" is registered for version "v1"'],
  ['cut short', envelope('v1', 'ConfigMap', [10, 200]), 'protobuf', 'unexpected EOF'],
  [
    'not UTF-8',
    envelope('v1', 'ConfigMap', lengthDelimited(1, lengthDelimited(1, [0xff]))),
    'protobuf',
    'proto: field contains invalid UTF-8',
  ],
];

for (const [name, bytes, code, message] of broken) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => decodeProtobufObject(bytes),
      (error: unknown) => error instanceof SchemaError && error.code === code && error.message === message,
    );
  });
}

test('deep nesting is refused, not a crash', () => {
  let bytes: number[] = [];
  // JSONSchemaProps.not has tag 27 and holds a JSONSchemaProps.
  const tag = schemaTypes['apiextensions.v1.JSONSchemaProps']?.fields?.not?.tag ?? 0;
  for (let depth = 0; depth < 400; depth++) bytes = lengthDelimited(tag, bytes);
  assert.throws(() => decodeProtobufType('apiextensions.v1.JSONSchemaProps', new Uint8Array(bytes)), SchemaError);
});

test('random bytes throw nothing but SchemaError', () => {
  const types = [
    'core.v1.Pod',
    'core.v1.Service',
    'apps.v1.Deployment',
    'apiextensions.v1.CustomResourceDefinition',
    'meta.v1.Status',
  ];
  const pod = encode('core.v1.Pod', {
    metadata: { name: 'p', labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  const mutated = fc.array(fc.tuple(fc.nat(pod.length), fc.nat(255)), { maxLength: 6 }).map((changes) => {
    const bytes = Uint8Array.from(pod);
    for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (type, bytes) => {
      try {
        decodeProtobufType(type, bytes);
      } catch (error) {
        assert.ok(error instanceof SchemaError, String(error));
      }
    }),
    { numRuns: 1500 },
  );
});
