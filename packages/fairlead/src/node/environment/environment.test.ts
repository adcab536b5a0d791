import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, Service } from '@fairlead/api';
import { type ConfigSource, containerEnvironment } from './container-env.ts';
import { expandVariables } from './expand.ts';
import { fieldValue, quantityValue, resourceFieldValue } from './field-ref.ts';
import { serviceEnvironment, visibleServices } from './service-env.ts';

const service = (namespace: string, name: string, clusterIP: string, ports: object[], type = 'ClusterIP'): Service =>
  ({ metadata: { namespace, name }, spec: { clusterIP, ports, type } }) as Service;

test('service variables: all seven forms per port, the first port as the default', () => {
  const env = serviceEnvironment([
    service('default', 'my-web', '10.96.0.9', [
      { name: 'http', port: 80 },
      { name: 'dns-udp', port: 53, protocol: 'UDP' },
    ]),
  ]);
  assert.deepEqual(env, {
    MY_WEB_SERVICE_HOST: '10.96.0.9',
    MY_WEB_SERVICE_PORT: '80',
    MY_WEB_SERVICE_PORT_HTTP: '80',
    MY_WEB_SERVICE_PORT_DNS_UDP: '53',
    MY_WEB_PORT: 'tcp://10.96.0.9:80',
    MY_WEB_PORT_80_TCP: 'tcp://10.96.0.9:80',
    MY_WEB_PORT_80_TCP_PROTO: 'tcp',
    MY_WEB_PORT_80_TCP_PORT: '80',
    MY_WEB_PORT_80_TCP_ADDR: '10.96.0.9',
    MY_WEB_PORT_53_UDP: 'udp://10.96.0.9:53',
    MY_WEB_PORT_53_UDP_PROTO: 'udp',
    MY_WEB_PORT_53_UDP_PORT: '53',
    MY_WEB_PORT_53_UDP_ADDR: '10.96.0.9',
  });
});

for (const [name, one, expected] of [
  ['headless', service('default', 'db', 'None', [{ port: 80 }]), {}],
  ['no address yet', service('default', 'db', '', [{ port: 80 }]), {}],
  ['no ports', service('default', 'db', '10.96.0.1', []), {}],
  ['ExternalName', service('default', 'db', '', [{ port: 80 }], 'ExternalName'), {}],
  [
    'IPv6 is bracketed in URLs only',
    service('default', 'db', 'fd00::1', [{ port: 80 }]),
    { DB_SERVICE_HOST: 'fd00::1', DB_PORT: 'tcp://[fd00::1]:80' },
  ],
] as const) {
  test(`service variables: ${name}`, () => {
    const env = serviceEnvironment([one]);
    if (Object.keys(expected).length === 0) assert.deepEqual(env, {});
    for (const [key, value] of Object.entries(expected)) assert.equal(env[key], value);
  });
}

test('visible Services: own namespace and default/kubernetes; links off leaves the API alone', () => {
  const all = [
    service('default', 'kubernetes', '10.96.0.1', [{ port: 443 }]),
    service('shop', 'web', '10.96.0.2', [{ port: 80 }]),
    service('other', 'web', '10.96.0.3', [{ port: 80 }]),
  ];
  const names = (links: boolean): string[] =>
    visibleServices(all, 'shop', links).map((one) => `${one.metadata?.namespace}/${one.metadata?.name}`);
  assert.deepEqual(names(true), ['default/kubernetes', 'shop/web']);
  assert.deepEqual(names(false), ['default/kubernetes']);
});

for (const [text, expected] of [
  ['$(A)', 'one'],
  ['x$(A)y$(B)', 'xoney$(A)'],
  ['$(NONE)', '$(NONE)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$one'],
  ['$A', '$A'],
  ['$(A', '$(A'],
  ['cost: 5$', 'cost: 5$'],
  ['', ''],
] as const) {
  test(`expansion of ${JSON.stringify(text)}`, () => {
    const env: Record<string, string> = { A: 'one', B: '$(A)' };
    assert.equal(
      expandVariables(text, (name) => env[name]),
      expected,
    );
  });
}

const pod: Pod = {
  metadata: {
    name: 'p',
    namespace: 'shop',
    uid: 'u-1',
    labels: { app: 'web', 'a/b': 'c' },
    annotations: { note: 'line\n2' },
  },
  spec: { containers: [], serviceAccountName: 'robot' },
};
const facts = { podIps: ['10.244.0.7', 'fd00::7'], nodeIps: ['172.29.0.11', 'fd00::11'], nodeName: 'node-1' };

for (const [path, expected] of [
  ['metadata.name', 'p'],
  ['metadata.namespace', 'shop'],
  ['metadata.uid', 'u-1'],
  ["metadata.labels['a/b']", 'c'],
  ["metadata.labels['missing']", ''],
  ["metadata.annotations['note']", 'line\n2'],
  ['metadata.labels', 'a/b="c"\napp="web"'],
  ['spec.nodeName', 'node-1'],
  ['spec.serviceAccountName', 'robot'],
  ['status.podIP', '10.244.0.7'],
  ['status.podIPs', '10.244.0.7,fd00::7'],
  ['status.hostIP', '172.29.0.11'],
  ['status.hostIPs', '172.29.0.11,fd00::11'],
  ['status.phase', undefined],
] as const) {
  test(`fieldRef ${path}`, () => assert.equal(fieldValue(pod, path, facts), expected));
}

for (const [text, expected] of [
  ['500m', 0.5],
  ['2', 2],
  ['64Mi', 67108864],
  ['1e3', 1000],
  ['1k', 1000],
  ['abc', Number.NaN],
] as const) {
  test(`quantity ${text}`, () => assert.equal(quantityValue(text), expected));
}

test('resourceFieldRef rounds up to the divisor', () => {
  const container: Container = { name: 'c', resources: { limits: { cpu: '1500m', memory: '64Mi' } } };
  assert.equal(resourceFieldValue(container, { resource: 'limits.cpu' }), '2');
  assert.equal(resourceFieldValue(container, { resource: 'limits.memory', divisor: '1Mi' }), '64');
  assert.equal(resourceFieldValue(container, { resource: 'requests.memory', divisor: '1Mi' }), '64');
  assert.equal(resourceFieldValue(container, { resource: 'limits.gpu' }), undefined);
});

const source: ConfigSource = {
  configMap: async (_namespace, name) => (name === 'cm' ? { data: { A: 'from-cm', B: 'b' } } : undefined),
  secret: async (_namespace, name) =>
    name === 'sec' ? { data: { KEY: Buffer.from('hidden').toString('base64') } } : undefined,
  claim: async () => undefined,
  volume: async () => undefined,
  token: async () => ({ token: 'token', expiresAt: 0 }),
};

test('container environment: order of precedence, references, optional sources', async () => {
  const container: Container = {
    name: 'c',
    envFrom: [
      { configMapRef: { name: 'cm' } },
      { prefix: 'S_', secretRef: { name: 'sec' } },
      { configMapRef: { name: 'none', optional: true } },
    ],
    env: [
      { name: 'B', value: '$(A)-$(BASE)' },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'K', valueFrom: { secretKeyRef: { name: 'sec', key: 'KEY' } } },
      { name: 'GONE', valueFrom: { configMapKeyRef: { name: 'none', key: 'x', optional: true } } },
    ],
  };
  const env = await containerEnvironment(pod, container, { BASE: '1', A: 'base' }, { A: 'service' }, facts, source);
  assert.deepEqual(env, { BASE: '1', A: 'from-cm', B: 'from-cm-1', S_KEY: 'hidden', POD: 'p', K: 'hidden' });
});

for (const [name, container, message] of [
  ['missing map', { name: 'c', envFrom: [{ configMapRef: { name: 'none' } }] }, 'configmap "none" not found'],
  [
    'missing key',
    { name: 'c', env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'cm', key: 'Z' } } }] },
    "couldn't find key Z in ConfigMap shop/cm",
  ],
  [
    'missing secret',
    { name: 'c', env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'none', key: 'Z' } } }] },
    'secret "none" not found',
  ],
  [
    'bad field',
    { name: 'c', env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }] },
    'unsupported fieldPath: spec.x',
  ],
] as [string, Container, string][]) {
  test(`container environment, user mistake: ${name}`, async () => {
    await assert.rejects(containerEnvironment(pod, container, {}, {}, facts, source), { message });
  });
}
