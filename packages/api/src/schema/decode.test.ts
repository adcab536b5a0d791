import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeObject, parseJsonStrict, SchemaError } from './index.ts';

const typeErrors: readonly (readonly [string, string, unknown, string])[] = [
  [
    'number for text',
    'core.v1.Service',
    { metadata: { name: 5 } },
    'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string',
  ],
  [
    'text for number',
    'core.v1.Service',
    { spec: { ports: [{ port: '80' }] } },
    'json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32',
  ],
  [
    'object for list',
    'core.v1.Service',
    { spec: { ports: { port: 80 } } },
    'json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
  ],
  [
    'fraction',
    'core.v1.Service',
    { spec: { ports: [{ port: 80.5 }] } },
    'json: cannot unmarshal number 80.5 into Go struct field ServicePort.spec.ports.port of type int32',
  ],
  [
    'overflow',
    'core.v1.Service',
    { spec: { ports: [{ port: 99999999999 }] } },
    'json: cannot unmarshal number 99999999999 into Go struct field ServicePort.spec.ports.port of type int32',
  ],
  [
    'number in text map',
    'core.v1.Service',
    { metadata: { labels: { a: 1 } } },
    'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
  ],
  [
    'list for map',
    'core.v1.Service',
    { metadata: { labels: [] } },
    'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string',
  ],
  [
    'text for object',
    'core.v1.Service',
    { spec: 'x' },
    'json: cannot unmarshal string into Go struct field Service.spec of type v1.ServiceSpec',
  ],
  [
    'bool for int-or-string',
    'core.v1.Service',
    { spec: { ports: [{ targetPort: true }] } },
    'json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32',
  ],
  [
    'text for bool',
    'core.v1.Service',
    { spec: { publishNotReadyAddresses: 'yes' } },
    'json: cannot unmarshal string into Go struct field ServiceSpec.spec.publishNotReadyAddresses of type bool',
  ],
  ['bad base64', 'core.v1.Secret', { data: { k: '!' } }, 'illegal base64 data at input byte 0'],
  [
    'bad time',
    'coordination.v1.Lease',
    { spec: { renewTime: 'x' } },
    'parsing time "x" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "x" as "2006"',
  ],
  [
    'a time without decimals',
    'coordination.v1.LeaseSpec',
    { renewTime: '2026-01-01T00:00:00Z' },
    'parsing time "2026-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
  ],
  [
    'a time with a decimal too many',
    'coordination.v1.LeaseSpec',
    { renewTime: '2026-01-01T00:00:00.1234567Z' },
    'parsing time "2026-01-01T00:00:00.1234567Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "7Z" as "Z07:00"',
  ],
  ['not an object', 'core.v1.Service', [], 'json: cannot unmarshal array into Go value of type v1.Service'],
];

for (const [name, typeId, value, message] of typeErrors) {
  test(`type error: ${name}`, () => {
    assert.equal(decodeObject(typeId, value).errors[0]?.message, message);
  });
}

test('unknown fields are dropped and listed with their paths', () => {
  const { object, unknownFields } = decodeObject('core.v1.Service', {
    nope: 1,
    metadata: { name: 'a', x: {} },
    spec: { ports: [{ port: 80, y: 1 }, { port: 81 }], z: null },
  });
  assert.deepEqual(unknownFields, ['nope', 'metadata.x', 'spec.ports[0].y', 'spec.z']);
  assert.equal(
    JSON.stringify(object),
    '{"metadata":{"name":"a"},"spec":{"ports":[{"port":80,"targetPort":0},{"port":81,"targetPort":0}]},"status":{"loadBalancer":{}}}',
  );
});

const forms: readonly (readonly [string, string, unknown, string])[] = [
  [
    'key order is the schema order',
    'core.v1.ConfigMap',
    { data: { b: '2', a: '1' }, kind: 'ConfigMap', apiVersion: 'v1', metadata: {} },
    '{"kind":"ConfigMap","apiVersion":"v1","metadata":{},"data":{"a":"1","b":"2"}}',
  ],
  [
    'null and empty values are left out',
    'core.v1.ConfigMap',
    { metadata: { name: '', labels: {} }, data: null },
    '{"metadata":{}}',
  ],
  ['empty but pointed-to values stay', 'core.v1.Volume', { name: 'v', emptyDir: {} }, '{"name":"v","emptyDir":{}}'],
  [
    'null in a text map is an empty text',
    'core.v1.ConfigMap',
    { data: { a: null } },
    '{"metadata":{},"data":{"a":""}}',
  ],
  [
    'fields that are always written',
    'discovery.v1.EndpointSlice',
    { addressType: 'IPv4' },
    '{"metadata":{},"addressType":"IPv4","endpoints":null,"ports":null}',
  ],
  [
    'zero counts as absent unless pointed to',
    'apps.v1.DeploymentSpec',
    { replicas: 0, minReadySeconds: 0, selector: {}, template: {} },
    '{"replicas":0,"selector":{},"template":{"metadata":{},"spec":{"containers":null}},"strategy":{}}',
  ],
  [
    'quantities become canonical',
    'core.v1.ResourceRequirements',
    { limits: { cpu: 1.5, memory: '1024Mi' } },
    '{"limits":{"cpu":"1500m","memory":"1Gi"}}',
  ],
  [
    'times become UTC',
    'coordination.v1.LeaseSpec',
    { renewTime: '2026-01-01T02:00:00.500000+02:00' },
    '{"renewTime":"2026-01-01T00:00:00.500000Z"}',
  ],
  [
    'a __proto__ key is a key',
    'core.v1.ConfigMap',
    JSON.parse('{"data":{"__proto__":"x"}}'),
    '{"metadata":{},"data":{"__proto__":"x"}}',
  ],
];

for (const [name, typeId, value, expected] of forms) {
  test(`form: ${name}`, () => {
    const { object, errors } = decodeObject(typeId, value);
    assert.deepEqual(errors, []);
    assert.equal(JSON.stringify(object), expected);
    assert.equal(JSON.stringify(decodeObject(typeId, object).object), expected, 'decoding twice changes nothing');
  });
}

test('duplicate keys are found, the last one wins', () => {
  const text = '{"a":1,"s":{"p":[{"n":"x:y","n":2},{"n":"\\"}:"}]},"a":3}';
  assert.deepEqual(parseJsonStrict(text), {
    value: { a: 3, s: { p: [{ n: 2 }, { n: '"}:' }] } },
    duplicateFields: ['s.p[0].n', 'a'],
  });
  assert.deepEqual(parseJsonStrict('{"a":{"b":1},"c":{"b":1}}').duplicateFields, []);
});

const syntaxErrors: readonly (readonly [string, string])[] = [
  ['{"metadata":', 'unexpected end of JSON input'],
  ['', 'unexpected end of JSON input'],
  ['{broken', "invalid character 'b' looking for beginning of object key string"],
  ['spec: x', "invalid character 's' looking for beginning of value"],
  ['{"a":1}}', "invalid character '}' after top-level value"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['[1 2]', "invalid character '2' after array element"],
  ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
];

for (const [text, message] of syntaxErrors) {
  test(`syntax error: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseJsonStrict(text),
      (error: unknown) => error instanceof SchemaError && error.code === 'json' && error.message === message,
    );
  });
}
