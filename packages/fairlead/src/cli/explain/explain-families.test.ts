import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Node, Pod, Service, Stored } from '@fairlead/api';
import { explain } from './explain.ts';
import { parseQuestion } from './explain-command.ts';
import { formatExplanation } from './explanation.ts';
import type { World } from './world.ts';

function stored<T>(name: string, object: T, labels: Record<string, string> = {}): Stored<T> {
  const metadata = {
    name,
    namespace: 'shop',
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return { ...object, metadata: { ...metadata, labels } } as Stored<T>;
}

const pod = (name: string, ...ips: readonly string[]): [string, Stored<Pod>] => [
  `shop/${name}`,
  stored<Pod>(name, {
    spec: { containers: [], nodeName: 'n1' },
    status: { podIP: ips[0] ?? '', podIPs: ips.map((ip) => ({ ip })) },
  }),
];
const hosted = (name: string, ip: string): [string, Stored<Pod>] => {
  const [key, { spec, ...others }] = pod(name, ip);
  const ports = [{ hostPort: 8090, containerPort: 80 }];
  return [key, { ...others, spec: { ...spec, containers: [{ name: 'main', ports }] } }];
};
const slice = (addressType: 'IPv4' | 'IPv6', ready: string, unready: string): Stored<EndpointSlice> =>
  stored<EndpointSlice>(
    `web-${addressType}`,
    {
      addressType,
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [
        { addresses: [ready], nodeName: 'n1', conditions: { ready: true } },
        { addresses: [unready], nodeName: 'n1', conditions: { ready: false } },
      ],
    },
    { 'kubernetes.io/service-name': 'web' },
  );
const web = stored<Service>('web', {
  spec: {
    type: 'ClusterIP',
    clusterIP: '10.96.0.7',
    clusterIPs: ['10.96.0.7', 'fd00:10:96::7'],
    ipFamilies: ['IPv4', 'IPv6'],
    ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
  },
});
const node = stored<Node>('n1', {
  spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24', 'fd00:10:244::/64'] },
  status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
});
const world: World = {
  services: new Map([['shop/web', web]]),
  slices: new Map([
    ['shop/web', [slice('IPv4', '10.244.0.2', '10.244.0.3'), slice('IPv6', 'fd00:10:244::2', 'fd00:10:244::3')]],
  ]),
  pods: new Map([
    pod('ready', '10.244.0.2', 'fd00:10:244::2'),
    pod('unready', '10.244.0.3', 'fd00:10:244::3'),
    pod('old', '10.244.0.4'),
    hosted('edge', '10.244.0.5'),
  ]),
  nodes: new Map([['n1', node]]),
  ingresses: [],
  ingressClasses: [],
  clusterDomain: 'cluster.local',
};

const rows: readonly [
  name: string,
  target: string,
  from: string,
  says: readonly string[],
  silent: readonly string[],
][] = [
  [
    'a Pod to an IPv6 cluster IP comes with its IPv6 address, and meets IPv6 endpoints only',
    '[fd00:10:96::7]:80',
    'pod/shop/unready',
    [
      '[fd00:10:96::7]:80/TCP is the cluster IP of Service shop/web',
      'the source counts as pod; the endpoint sees the client’s address',
      '[fd00:10:244::2]:8080  Pod shop/ready on n1',
      'fd00:10:244::3  Pod shop/unready: not ready',
    ],
    ['10.244.0.3'],
  ],
  ['to an IPv4 one with its IPv4 address', '10.96.0.7', 'pod/shop/unready', ['10.244.0.2:8080'], ['unused    fd00']],
  [
    'straight to a Pod',
    '[fd00:10:244::2]:8080',
    'pod/shop/unready',
    ['straight to [fd00:10:244::2]:8080  Pod shop/ready'],
    [],
  ],
  ['from outside', '[fd00:10:96::7]:80', 'external', ['the source counts as external'], []],
  ['from a node that tells no IPv6 address', '[fd00:10:96::7]:80', 'node/n1', ['reaches that endpoint'], []],
  [
    'a host port',
    '192.0.2.1:8090',
    'pod/shop/old',
    [
      '192.0.2.1:8090/TCP is the host port of Pod shop/edge',
      'the source counts as pod; the Pod sees the client’s address',
      '10.244.0.5:80  Pod shop/edge on n1',
    ],
    ['Service'],
  ],
  ['a host port from the Pod itself', '192.0.2.1:8090', 'pod/shop/edge', ['(the client itself)'], ['Service']],
  ['a Pod without IPv6', '[fd00:10:96::7]:80', 'pod/shop/old', ['no address of its family'], ['reaches']],
];
for (const [name, target, from, says, silent] of rows) {
  test(`explain, two families: ${name}`, () => {
    const question = parseQuestion({ target, from, headers: [], udp: false });
    const text = formatExplanation(explain(world, question, 'fairlead')).join('\n');
    for (const expected of says) assert.ok(text.includes(expected), `${expected}\nin\n${text}`);
    const later = text.split('\n').slice(1).join('\n');
    for (const unwanted of silent) assert.ok(!later.includes(unwanted), `${unwanted}\nin\n${text}`);
  });
}
