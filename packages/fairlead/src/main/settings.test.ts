import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ConfigurationError,
  formatListenAddress,
  parseListenAddress,
  readConfigurationFile,
  SettingReader,
  variableOf,
} from './settings.ts';

const addresses: readonly [text: string, host: string | undefined, port?: number][] = [
  ['127.0.0.1:6443', '127.0.0.1', 6443],
  [':80', '0.0.0.0', 80],
  ['[::1]:443', '::1', 443],
  ['localhost:0', 'localhost', 0],
  ['127.0.0.1', undefined],
  ['::1:80', undefined],
  ['127.0.0.1:65536', undefined],
  ['127.0.0.1:', undefined],
  ['a:b', undefined],
];

for (const [text, host, port] of addresses) {
  test(`address ${text}`, () => {
    const parsed = parseListenAddress(text);
    assert.deepEqual(parsed, host === undefined ? undefined : { host, port });
    if (parsed !== undefined) assert.deepEqual(parseListenAddress(formatListenAddress(parsed)), parsed);
  });
}

test('every wrong value is reported, in one error', () => {
  const reader = new SettingReader({
    nodes: 'three',
    'service-cidr': '10.96.0.0',
    'node-port-range': '5-1',
    mode: 'magic',
    'compact-every': '5 minutes',
    'cluster-domain': 'a..b',
    'api-listen': 'nowhere',
  });
  reader.integer('nodes', 1, 1, 16);
  reader.cidrOfEachFamily('service-cidr', '10.96.0.0/16', [12, 28], [64, 124]);
  reader.portRange('node-port-range', '30000-32767');
  reader.oneOf('mode', ['kernel', 'userspace'], 'kernel');
  reader.duration('compact-every', 1);
  reader.domain('cluster-domain', 'cluster.local');
  reader.address('api-listen', '127.0.0.1:6443');
  reader.required('kubeconfig');
  assert.throws(
    () => reader.finish(),
    (error) => error instanceof ConfigurationError && error.problems.length === 8,
  );
});

const ranges: readonly [text: string, ok: boolean][] = [
  ['10.96.0.0/16', true],
  ['fd00:96::/108', true],
  ['10.96.0.0/16,fd00:96::/108', true],
  ['fd00:96::/108, 10.96.0.0/16', true],
  ['10.96.0.0/16,10.97.0.0/16', false],
  ['10.96.0.0/8', false],
  ['fd00:96::/48', false],
  ['10.96.0.0/16,', false],
];
for (const [text, ok] of ranges) {
  test(`ranges of each family: ${text}`, () => {
    const reader = new SettingReader({ ranges: text });
    const value = reader.cidrOfEachFamily('ranges', '10.0.0.0/16', [12, 28], [64, 124]);
    assert.equal(value, ok ? text.replace(' ', '') : '10.0.0.0/16');
    assert.equal(reader.problems.length, ok ? 0 : 1);
  });
}

test('a configuration file gives values, and names what it cannot', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-settings-'));
  try {
    const file = join(folder, 'fairlead.yaml');
    const settings = [
      { name: 'nodes', value: 'N', description: '' },
      { name: 'image', value: 'X', description: '', repeatable: true },
      { name: 'demo', description: '' },
    ];
    writeFileSync(file, 'nodes: 3\nimage: [a=b, c=d]\ndemo: true\n');
    assert.deepEqual(readConfigurationFile(file, settings), { nodes: '3', image: ['a=b', 'c=d'], demo: true });
    writeFileSync(file, 'nodez: 3\ndemo: 1\n');
    assert.throws(
      () => readConfigurationFile(file, settings),
      /unknown setting "nodez"[\s\S]*demo: must be true or false/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('variable names', () => assert.equal(variableOf('api-listen'), 'FAIRLEAD_API_LISTEN'));
