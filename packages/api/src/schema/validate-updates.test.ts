import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateObject } from './index.ts';
import { complaints, deploymentSpec, type Json, pod } from './validate-fixtures.ts';

const service = (more: Json): Json => ({
  spec: { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'], ports: [{ port: 80 }], ...more },
});
const updates: readonly (readonly [string, string, string, Json, Json, readonly string[]])[] = [
  [
    'cluster IP',
    'v1',
    'Service',
    service({}),
    service({ clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2'] }),
    ['spec.clusterIPs[0]: Invalid value: ["10.96.0.2"]: may not change once set'],
  ],
  [
    'phase of a living namespace',
    'v1',
    'Namespace',
    { status: { phase: 'Active' } },
    { status: { phase: 'Terminating' } },
    ['status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty'],
  ],
  [
    'load balancer class',
    'v1',
    'Service',
    service({ type: 'LoadBalancer', loadBalancerClass: 'e/x' }),
    service({ type: 'LoadBalancer', loadBalancerClass: 'e/y' }),
    ['spec.loadBalancerClass: Invalid value: "e/y": may not change once set'],
  ],
  [
    'selector',
    'apps/v1',
    'Deployment',
    deploymentSpec({}),
    deploymentSpec({ selector: { matchLabels: { a: 'c' } } }),
    [
      'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
      'spec.selector: Invalid value: {"matchLabels":{"a":"c"}}: field is immutable',
    ],
  ],
  [
    'immutable',
    'v1',
    'ConfigMap',
    { data: { k: '1' }, immutable: true },
    { data: { k: '2' }, immutable: true },
    ['data: Forbidden: field is immutable when `immutable` is set'],
  ],
  [
    'no longer immutable',
    'v1',
    'ConfigMap',
    { immutable: true },
    {},
    ['immutable: Forbidden: field is immutable when `immutable` is set'],
  ],
  ['type', 'v1', 'Secret', {}, { type: 'other' }, ['type: Invalid value: "other": field is immutable']],
  [
    'address type, endpoints unchanged',
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'] }] },
    { addressType: 'IPv6', endpoints: [{ addresses: ['192.0.2.1'] }] },
    ['addressType: Invalid value: "IPv6": field is immutable'],
  ],
  [
    'uid',
    'v1',
    'ConfigMap',
    { metadata: { uid: 'a' } },
    { metadata: { uid: 'b' } },
    ['metadata.uid: Invalid value: "b": field is immutable', 'metadata.uid: Invalid value: "b": field is immutable'],
  ],
  [
    'new finalizer while deleted',
    'v1',
    'ConfigMap',
    { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['e.x/3'] } },
    Array(2).fill(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"e.x/3"}',
    ),
  ],
  [
    'image may change',
    'v1',
    'Pod',
    pod({}),
    pod({ containers: [{ name: 'c', image: 'other:1', imagePullPolicy: 'Always' }] }),
    [],
  ],
  [
    'containers may not be added',
    'v1',
    'Pod',
    pod({}),
    pod({
      containers: [
        { name: 'c', image: 'i' },
        { name: 'd', image: 'i' },
      ],
    }),
    ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  ],
];
for (const [name, apiVersion, kind, old, object, expected] of updates) {
  test(`${kind} update: ${name}`, () => assert.deepEqual(complaints(apiVersion, kind, object, old), expected));
}

test('Pod update: a node comes by binding only', () => {
  const [complaint] = complaints('v1', 'Pod', pod({ nodeName: 'n' }), pod({}));
  assert.match(complaint ?? '', /^spec: Forbidden: pod updates may not change/);
});

test('Pod update: the rest of the spec stays', () => {
  const [complaint = '', ...more] = complaints('v1', 'Pod', pod({ hostname: 'b' }), pod({ hostname: 'a' }));
  assert.match(complaint, /^spec: Forbidden: pod updates may not change fields other than `spec.containers/);
  assert.deepEqual(more, []);
});

test('loopback endpoints are allowed where Pods have them', () => {
  const slice = {
    metadata: { name: 'x' },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.244.0.1'] }],
    ports: [],
  };
  assert.equal(validateObject('discovery.k8s.io/v1', 'EndpointSlice', slice).length, 1);
  assert.deepEqual(
    validateObject('discovery.k8s.io/v1', 'EndpointSlice', slice, undefined, { allowLoopbackEndpoints: true }),
    [],
  );
});
