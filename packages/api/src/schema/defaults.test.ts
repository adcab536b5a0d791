import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDefaults, decodeObject, schemaForKind } from './index.ts';

type Json = Readonly<Record<string, unknown>>;

function defaulted(apiVersion: string, kind: string, input: Json): Record<string, unknown> {
  const schema = schemaForKind(apiVersion, kind);
  assert.ok(schema !== undefined);
  const { object, errors } = decodeObject(schema.id, { apiVersion, kind, metadata: { name: 'x' }, ...input });
  assert.deepEqual(errors, []);
  const result = applyDefaults(apiVersion, kind, object);
  assert.equal(result, object, 'in place');
  const text = JSON.stringify(result);
  assert.equal(JSON.stringify(decodeObject(schema.id, result).object), text, 'keys are in schema order');
  assert.equal(JSON.stringify(applyDefaults(apiVersion, kind, result)), text, 'twice changes nothing');
  return result;
}

const POD_SPEC = {
  dnsPolicy: 'ClusterFirst',
  restartPolicy: 'Always',
  schedulerName: 'default-scheduler',
  securityContext: {},
  terminationGracePeriodSeconds: 30,
};
const CONTAINER = {
  name: 'c',
  image: 'img',
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'Always',
};
const TEMPLATE = { metadata: { labels: { a: 'b' } }, spec: { ...POD_SPEC, containers: [CONTAINER] } };
const SERVICE = { internalTrafficPolicy: 'Cluster', sessionAffinity: 'None', type: 'ClusterIP' };
const PORT = { port: 80, protocol: 'TCP', targetPort: 80 };
const input = {
  selector: { matchLabels: { a: 'b' } },
  template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'img' }] } },
};

const specs: readonly (readonly [string, string, string, Json, Json])[] = [
  ['ClusterIP', 'v1', 'Service', { ports: [{ port: 80 }] }, { ...SERVICE, ports: [PORT] }],
  [
    'named target port',
    'v1',
    'Service',
    { ports: [{ port: 80, targetPort: 'http' }] },
    { ...SERVICE, ports: [{ ...PORT, targetPort: 'http' }] },
  ],
  [
    'NodePort',
    'v1',
    'Service',
    { type: 'NodePort' },
    { ...SERVICE, type: 'NodePort', externalTrafficPolicy: 'Cluster' },
  ],
  [
    'LoadBalancer',
    'v1',
    'Service',
    { type: 'LoadBalancer' },
    { ...SERVICE, type: 'LoadBalancer', externalTrafficPolicy: 'Cluster', allocateLoadBalancerNodePorts: true },
  ],
  [
    'ExternalName',
    'v1',
    'Service',
    { type: 'ExternalName', externalName: 'a.b' },
    { type: 'ExternalName', externalName: 'a.b', sessionAffinity: 'None' },
  ],
  [
    'external addresses',
    'v1',
    'Service',
    { externalIPs: ['192.0.2.1'] },
    { ...SERVICE, externalIPs: ['192.0.2.1'], externalTrafficPolicy: 'Cluster' },
  ],
  [
    'affinity',
    'v1',
    'Service',
    { sessionAffinity: 'ClientIP' },
    { ...SERVICE, sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } },
  ],
  [
    'Deployment',
    'apps/v1',
    'Deployment',
    input,
    {
      ...input,
      template: TEMPLATE,
      replicas: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
  ],
  [
    'Deployment that recreates',
    'apps/v1',
    'Deployment',
    { ...input, replicas: 0, strategy: { type: 'Recreate' } },
    {
      ...input,
      template: TEMPLATE,
      replicas: 0,
      strategy: { type: 'Recreate' },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
  ],
  ['ReplicaSet', 'apps/v1', 'ReplicaSet', input, { ...input, template: TEMPLATE, replicas: 1 }],
  [
    'IngressClass',
    'networking.k8s.io/v1',
    'IngressClass',
    { controller: 'a/b', parameters: { kind: 'K', name: 'n' } },
    { controller: 'a/b', parameters: { kind: 'K', name: 'n', scope: 'Cluster' } },
  ],
];
for (const [name, apiVersion, kind, spec, expected] of specs) {
  test(`defaults: ${kind} (${name})`, () => assert.deepEqual(defaulted(apiVersion, kind, { spec }).spec, expected));
}

test('defaults: Pod with probes, volumes and resources', () => {
  const pod = defaulted('v1', 'Pod', {
    spec: {
      hostNetwork: true,
      containers: [
        {
          name: 'c',
          image: 'r/img@sha256:aa',
          ports: [{ containerPort: 80 }],
          env: [{ name: 'E', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          resources: { limits: { cpu: '1500m' } },
          livenessProbe: { httpGet: { port: 80 } },
          startupProbe: { grpc: { port: 80 }, periodSeconds: 2 },
        },
      ],
      volumes: [
        { name: 's', secret: { secretName: 's' } },
        { name: 'h', hostPath: { path: '/x' } },
        { name: 'none' },
        { name: 'p', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
      ],
    },
  });
  const probe = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  assert.deepEqual(pod.spec, {
    ...POD_SPEC,
    enableServiceLinks: true,
    hostNetwork: true,
    containers: [
      {
        ...CONTAINER,
        image: 'r/img@sha256:aa',
        imagePullPolicy: 'IfNotPresent',
        ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
        env: [{ name: 'E', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
        resources: { limits: { cpu: '1500m' }, requests: { cpu: '1500m' } },
        livenessProbe: { ...probe, httpGet: { path: '/', port: 80, scheme: 'HTTP' } },
        startupProbe: { ...probe, grpc: { port: 80, service: '' }, periodSeconds: 2 },
      },
    ],
    volumes: [
      { name: 's', secret: { secretName: 's', defaultMode: 420 } },
      { name: 'h', hostPath: { path: '/x', type: '' } },
      { name: 'none', emptyDir: {} },
      {
        name: 'p',
        projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }] },
      },
    ],
  });
  assert.deepEqual(pod.status, { phase: 'Pending', qosClass: 'Burstable' });
});

const pullPolicies: readonly (readonly [string, string])[] = [
  ['a', 'Always'],
  ['a:latest', 'Always'],
  ['a:1', 'IfNotPresent'],
  ['host:5000/a', 'Always'],
  ['host:5000/a:1', 'IfNotPresent'],
  ['a:latest@sha256:0', 'IfNotPresent'],
];
test('defaults: pull policy follows the tag', () => {
  for (const [image, expected] of pullPolicies) {
    const pod = defaulted('v1', 'Pod', { spec: { containers: [{ name: 'c', image }] } }) as {
      spec: { containers: { imagePullPolicy: string }[] };
    };
    assert.equal(pod.spec.containers[0]?.imagePullPolicy, expected, image);
  }
});

test('defaults: Secret, EndpointSlice, Endpoints', () => {
  const secret = defaulted('v1', 'Secret', { data: { a: 'eA==' }, stringData: { k: 'vä' } });
  assert.deepEqual(secret.data, { a: 'eA==', k: 'dsOk' });
  assert.equal(secret.type, 'Opaque');
  assert.equal('stringData' in secret, false);
  const slice = defaulted('discovery.k8s.io/v1', 'EndpointSlice', {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.1'] }],
    ports: [{ port: 80 }],
  });
  assert.deepEqual(slice.ports, [{ name: '', protocol: 'TCP', port: 80 }]);
  assert.deepEqual(slice.endpoints, [{ addresses: ['192.0.2.1'], conditions: {} }]);
  const endpoints = defaulted('v1', 'Endpoints', {
    subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80 }] }],
  });
  assert.deepEqual(endpoints.subsets, [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80, protocol: 'TCP' }] }]);
});

test('defaults: a namespace being finalized keeps its finalizers', () => {
  const namespace = defaulted('v1', 'Namespace', { spec: { finalizers: [] }, status: { phase: 'Terminating' } });
  assert.deepEqual(namespace.spec, {});
  assert.deepEqual(namespace.metadata, { name: 'x', labels: { 'kubernetes.io/metadata.name': 'x' } });
});
