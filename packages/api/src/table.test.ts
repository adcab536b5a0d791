import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceFor } from './schema/index.ts';
import { tableRows } from './table.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const meta = { name: 'x', creationTimestamp: '2026-01-01T00:57:00Z' };

function cells(group: string, plural: string, object: Readonly<Record<string, unknown>>): unknown[] {
  const resource = resourceFor(group, 'v1', plural);
  assert.ok(resource !== undefined, plural);
  const { columnDefinitions, rows } = tableRows(resource, [{ metadata: meta, ...object }], NOW);
  assert.equal(rows[0]?.cells.length, columnDefinitions.length);
  return rows[0]?.cells ?? [];
}

const running = (name: string, more: object = {}): object => ({
  name,
  ready: true,
  restartCount: 0,
  state: { running: {} },
  ...more,
});
const waiting = (reason: string): object => ({
  name: 'c',
  ready: false,
  restartCount: 0,
  state: { waiting: { reason } },
});
const ended = (reason: string | undefined, exitCode: number): object => ({
  name: 'c',
  ready: false,
  restartCount: 0,
  state: { terminated: { ...(reason === undefined ? {} : { reason }), exitCode } },
});
const one = { containers: [{ name: 'c' }] };
const twoInits = { containers: [{ name: 'c' }], initContainers: [{ name: 'c' }, { name: 'd' }] };

// [READY, STATUS, RESTARTS]
const pods: readonly (readonly [string, object, object, object, readonly [string, string, string]])[] = [
  ['new', one, { phase: 'Pending' }, {}, ['0/1', 'Pending', '0']],
  ['running', one, { phase: 'Running', containerStatuses: [running('c')] }, {}, ['1/1', 'Running', '0']],
  [
    'creating',
    one,
    { phase: 'Pending', containerStatuses: [waiting('ContainerCreating')] },
    {},
    ['0/1', 'ContainerCreating', '0'],
  ],
  [
    'crash loop',
    one,
    {
      phase: 'Running',
      containerStatuses: [
        {
          ...waiting('CrashLoopBackOff'),
          restartCount: 3,
          lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:59:00Z' } },
        },
      ],
    },
    {},
    ['0/1', 'CrashLoopBackOff', '3 (60s ago)'],
  ],
  [
    'unknown image',
    one,
    { phase: 'Pending', containerStatuses: [waiting('ErrImageNeverPull')] },
    {},
    ['0/1', 'ErrImageNeverPull', '0'],
  ],
  ['completed', one, { phase: 'Succeeded', containerStatuses: [ended('Completed', 0)] }, {}, ['0/1', 'Completed', '0']],
  [
    'exit code without reason',
    one,
    { phase: 'Failed', containerStatuses: [ended(undefined, 3)] },
    {},
    ['0/1', 'ExitCode:3', '0'],
  ],
  [
    'one of two completed',
    { containers: [{ name: 'c' }, { name: 'd' }] },
    { phase: 'Running', containerStatuses: [ended('Completed', 0), running('d')] },
    {},
    ['1/2', 'NotReady', '0'],
  ],
  [
    'init running',
    twoInits,
    {
      phase: 'Pending',
      initContainerStatuses: [
        ended('Completed', 0),
        { name: 'd', ready: false, restartCount: 0, state: { running: {} } },
      ],
    },
    {},
    ['0/1', 'Init:1/2', '0'],
  ],
  [
    'init failed',
    twoInits,
    { phase: 'Pending', initContainerStatuses: [ended('Error', 1)] },
    {},
    ['0/1', 'Init:Error', '0'],
  ],
  [
    'init crash loop',
    twoInits,
    { phase: 'Pending', initContainerStatuses: [waiting('CrashLoopBackOff')] },
    {},
    ['0/1', 'Init:CrashLoopBackOff', '0'],
  ],
  [
    'sidecar',
    { containers: [{ name: 'c' }], initContainers: [{ name: 's', restartPolicy: 'Always' }] },
    { phase: 'Running', initContainerStatuses: [running('s', { started: true })], containerStatuses: [running('c')] },
    {},
    ['2/2', 'Running', '0'],
  ],
  [
    'terminating',
    one,
    { phase: 'Running', containerStatuses: [running('c')] },
    { deletionTimestamp: '2026-01-01T00:59:59Z' },
    ['1/1', 'Terminating', '0'],
  ],
  ['reason of the Pod', one, { phase: 'Failed', reason: 'Evicted' }, {}, ['0/1', 'Evicted', '0']],
];
for (const [name, spec, status, metadata, expected] of pods) {
  test(`Pod row: ${name}`, () => {
    const row = cells('', 'pods', { spec, status, metadata: { ...meta, ...metadata } });
    assert.deepEqual(row, ['x', ...expected, '3m', '<none>', '<none>', '<none>', '<none>']);
  });
}

test('Pod row: wide columns', () => {
  const row = cells('', 'pods', {
    spec: { ...one, nodeName: 'n', readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }] },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      podIPs: [{ ip: '10.0.0.1' }],
      conditions: [{ type: 'a', status: 'True' }],
    },
  });
  assert.deepEqual(row.slice(5), ['10.0.0.1', 'n', '<none>', '1/2']);
});

const port = { port: 80, protocol: 'TCP' };
const rows: readonly (readonly [string, string, string, object, readonly unknown[]])[] = [
  [
    'ClusterIP',
    '',
    'services',
    {
      spec: {
        type: 'ClusterIP',
        clusterIP: '10.96.0.1',
        ports: [port, { port: 53, protocol: 'UDP' }],
        selector: { b: '2', a: '1' },
      },
    },
    ['x', 'ClusterIP', '10.96.0.1', '<none>', '80/TCP,53/UDP', '3m', 'a=1,b=2'],
  ],
  [
    'headless',
    '',
    'services',
    { spec: { type: 'ClusterIP', clusterIP: 'None' } },
    ['x', 'ClusterIP', 'None', '<none>', '<none>', '3m', '<none>'],
  ],
  [
    'NodePort',
    '',
    'services',
    { spec: { type: 'NodePort', clusterIP: '10.96.0.1', ports: [{ ...port, nodePort: 30080 }] } },
    ['x', 'NodePort', '10.96.0.1', '<none>', '80:30080/TCP', '3m', '<none>'],
  ],
  [
    'pending LoadBalancer',
    '',
    'services',
    { spec: { type: 'LoadBalancer', clusterIP: '10.96.0.1', ports: [port] } },
    ['x', 'LoadBalancer', '10.96.0.1', '<pending>', '80/TCP', '3m', '<none>'],
  ],
  [
    'LoadBalancer',
    '',
    'services',
    {
      spec: { type: 'LoadBalancer', clusterIP: '10.96.0.1', externalIPs: ['192.0.2.9'], ports: [port] },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
    },
    ['x', 'LoadBalancer', '10.96.0.1', '192.0.2.1,192.0.2.9', '80/TCP', '3m', '<none>'],
  ],
  [
    'ExternalName',
    '',
    'services',
    { spec: { type: 'ExternalName', externalName: 'a.b' } },
    ['x', 'ExternalName', '<none>', 'a.b', '<none>', '3m', '<none>'],
  ],
  [
    'Deployment',
    'apps',
    'deployments',
    {
      spec: {
        replicas: 3,
        selector: { matchLabels: { a: 'b' } },
        template: {
          spec: {
            containers: [
              { name: 'c', image: 'i:1' },
              { name: 'd', image: 'j' },
            ],
          },
        },
      },
      status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
    },
    ['x', '2/3', 3, 1, '3m', 'c,d', 'i:1,j', 'a=b'],
  ],
  [
    'ReplicaSet',
    'apps',
    'replicasets',
    {
      spec: {
        replicas: 3,
        selector: { matchLabels: { a: 'b' } },
        template: { spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
      status: { replicas: 2, readyReplicas: 1 },
    },
    ['x', 3, 2, 1, '3m', 'c', 'i', 'a=b'],
  ],
  [
    'Node',
    '',
    'nodes',
    {
      metadata: { ...meta, labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'edge' } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: {
          kubeletVersion: 'v1',
          osImage: 'Debian',
          kernelVersion: '6',
          containerRuntimeVersion: 'fairlead://0',
        },
      },
    },
    ['x', 'Ready,SchedulingDisabled', 'edge,worker', '3m', 'v1', '10.0.0.1', '<none>', 'Debian', '6', 'fairlead://0'],
  ],
  [
    'Node without heartbeat',
    '',
    'nodes',
    { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
    ['x', 'NotReady', '<none>', '3m', '', '<none>', '<none>', '<unknown>', '<unknown>', '<unknown>'],
  ],
  [
    'Endpoints',
    '',
    'endpoints',
    { subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: '::1' }], ports: [{ port: 80 }, { port: 81 }] }] },
    ['x', '10.0.0.1:80,[::1]:80,10.0.0.1:81 + 1 more...', '3m'],
  ],
  [
    'EndpointSlice',
    'discovery.k8s.io',
    'endpointslices',
    {
      addressType: 'IPv4',
      ports: [{ port: 80 }, {}],
      endpoints: ['1', '2', '3', '4', '5'].map((n) => ({ addresses: [`10.0.0.${n}`] })),
    },
    ['x', 'IPv4', '80,*', '10.0.0.1,10.0.0.2,10.0.0.3 + 2 more...', '3m'],
  ],
  [
    'empty EndpointSlice',
    'discovery.k8s.io',
    'endpointslices',
    { addressType: 'IPv4', ports: null, endpoints: null },
    ['x', 'IPv4', '<unset>', '<unset>', '3m'],
  ],
  [
    'Ingress',
    'networking.k8s.io',
    'ingresses',
    {
      spec: { ingressClassName: 'n', tls: [{}], rules: [{ host: 'a' }, { host: 'b' }, { host: 'c' }, { host: 'd' }] },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'h' }] } },
    },
    ['x', 'n', 'a,b,c + 1 more...', '192.0.2.1,h', '80, 443', '3m'],
  ],
  [
    'IngressClass',
    'networking.k8s.io',
    'ingressclasses',
    { spec: { controller: 'a/b', parameters: { apiGroup: 'g', kind: 'K', name: 'n' } } },
    ['x', 'a/b', 'K.g/n', '3m'],
  ],
  [
    'Event',
    '',
    'events',
    {
      involvedObject: { kind: 'Service', name: 's' },
      reason: 'R',
      message: ' M\n',
      type: 'Normal',
      source: { component: 'me', host: 'h' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:59:30Z',
      count: 4,
    },
    ['30s', 'Normal', 'R', 'service/s', '', 'me, h', 'M', '60m', 4, 'x'],
  ],
  [
    'new Event',
    'events.k8s.io',
    'events',
    {
      regarding: { kind: 'Pod', name: 'p', fieldPath: 'spec' },
      reason: 'R',
      note: 'M',
      type: 'Warning',
      reportingController: 'c/d',
      reportingInstance: 'i',
      eventTime: '2026-01-01T00:59:00.000000Z',
      deprecatedSource: {},
    },
    ['60s', 'Warning', 'R', 'pod/p', 'spec', 'c/d, i', 'M', '60s', 1, 'x'],
  ],
  ['Lease', 'coordination.k8s.io', 'leases', { spec: { holderIdentity: 'h' } }, ['x', 'h', '3m']],
  ['ConfigMap', '', 'configmaps', { data: { a: '' }, binaryData: { b: '' } }, ['x', 2, '3m']],
  ['Secret', '', 'secrets', { type: 'Opaque', data: { a: '' } }, ['x', 'Opaque', 1, '3m']],
  ['Namespace', '', 'namespaces', { status: { phase: 'Active' } }, ['x', 'Active', '3m']],
  ['ServiceAccount', '', 'serviceaccounts', {}, ['x', 0, '3m']],
  [
    'webhook configuration',
    'admissionregistration.k8s.io',
    'validatingwebhookconfigurations',
    { webhooks: [{}, {}] },
    ['x', 2, '3m'],
  ],
  [
    'policy',
    'admissionregistration.k8s.io',
    'validatingadmissionpolicies',
    { spec: { validations: [{}], paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } } },
    ['x', 1, 'v1/ConfigMap', '3m'],
  ],
  [
    'policy without parameters',
    'admissionregistration.k8s.io',
    'validatingadmissionpolicies',
    { spec: { validations: [{}] } },
    ['x', 1, '<unset>', '3m'],
  ],
  [
    'policy binding by name',
    'admissionregistration.k8s.io',
    'validatingadmissionpolicybindings',
    { spec: { policyName: 'p', paramRef: { name: 'c' } } },
    ['x', 'p', '*/c', '3m'],
  ],
  [
    'policy binding by selector',
    'admissionregistration.k8s.io',
    'validatingadmissionpolicybindings',
    {
      spec: {
        policyName: 'p',
        paramRef: {
          selector: { matchLabels: { b: '2', a: '1' }, matchExpressions: [{ key: 'k', operator: 'Exists' }] },
        },
      },
    },
    [
      'x',
      'p',
      '&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:Exists,Values:[],},},}',
      '3m',
    ],
  ],
  ['definition', 'apiextensions.k8s.io', 'customresourcedefinitions', {}, ['x', meta.creationTimestamp]],
];
for (const [name, group, plural, object, expected] of rows) {
  test(`row: ${name}`, () => assert.deepEqual(cells(group, plural, object as Record<string, unknown>), expected));
}

test('an object without a creation time has an unknown age', () => {
  assert.deepEqual(cells('', 'namespaces', { metadata: { name: 'x' } }), ['x', '', '<unknown>']);
});
