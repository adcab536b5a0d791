import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { gatewayTraceArgs, readGatewayTrace } from './gateway-trace-settings.ts';
import { SettingReader, type SettingValues } from './settings.ts';

const at = (url: string): SettingValues => ({ 'gateway-trace-otlp': url });
const rows: readonly (readonly [
  name: string,
  values: SettingValues,
  options: readonly [url: string, share: number, b3: boolean] | undefined,
  problems?: number,
])[] = [
  ['nothing', {}, undefined],
  ['off', at('off'), undefined],
  ['a collector', at('http://otel:4318'), ['http://otel:4318/v1/traces', 0.01, false]],
  ['a path of its own', at('https://otel/api/traces'), ['https://otel/api/traces', 0.01, false]],
  ['a share', { ...at('http://otel'), 'gateway-trace-sample': '100%' }, ['http://otel/v1/traces', 1, false]],
  ['none begin here', { ...at('http://otel'), 'gateway-trace-sample': '0%' }, ['http://otel/v1/traces', 0, false]],
  ['B3', { ...at('http://otel'), 'gateway-trace-b3': true }, ['http://otel/v1/traces', 0.01, true]],
  ['gRPC', at('grpc://otel:4317'), undefined, 1],
  ['a host', at('otel:4318'), undefined, 1],
  ['a password that every log would show', at('http://a:b@otel'), undefined, 1],
  ['everything wrong', { ...at('x'), 'gateway-trace-sample': '1' }, undefined, 2],
  [
    'attributes',
    { ...at('http://otel'), 'gateway-trace-attributes': 'a.b=c, d=%20x' },
    ['http://otel/v1/traces', 0.01, false],
  ],
  ['attributes that are none', { ...at('http://otel'), 'gateway-trace-attributes': 'a.b,=c,d=%zz' }, undefined, 3],
  ['attributes without a collector', { 'gateway-trace-attributes': 'a=b' }, undefined, 1],
  ['headers without a collector', { 'gateway-trace-headers-file': '/x' }, undefined, 1],
  ['a share without a collector', { 'gateway-trace-sample': '1%' }, undefined, 1],
];

test('attributes are decoded, and the file is found from anywhere', () => {
  const read = readGatewayTrace(
    new SettingReader({
      ...at('http://otel'),
      'gateway-trace-attributes': 'service.name=edge,note=a%2Cb%20c',
      'gateway-trace-headers-file': 'headers',
    }),
  );
  assert.deepEqual(read?.attributes, [
    ['service.name', 'edge'],
    ['note', 'a,b c'],
  ]);
  assert.equal(read?.headersFile, resolve('headers'));
});

describe('settings of traces', () => {
  for (const [name, values, options, problems = 0] of rows) {
    test(name, () => {
      const reader = new SettingReader(values);
      const read = readGatewayTrace(reader);
      assert.equal(reader.problems.length, problems, reader.problems.join('\n'));
      if (problems > 0) return;
      assert.deepEqual(read === undefined ? undefined : [read.url.href, read.share, read.b3], options);
      // What the gateway's process gets means the same.
      const args = gatewayTraceArgs(new SettingReader(values));
      assert.equal(args.filter((arg) => arg.startsWith('--')).length, Object.keys(values).length);
    });
  }
});
