import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Ingress, IngressClass, Lease, Node, Pod, Service, Stored } from '@fairlead/api';
import type { AddressPool, BgpAdvertisement, BgpPeer, L2Announcement } from '@fairlead/api/fairlead-dev/types';
import type { DnsGateway, DnsRoute } from '../../dns/gateway-kinds.ts';
import type { ServiceImport } from '../../dns/multicluster-kinds.ts';
import { explain } from './explain.ts';
import { parseQuestion } from './explain-command.ts';
import { candidateNames } from './explain-name.ts';
import { formatExplanation } from './explanation.ts';
import type { World } from './world.ts';

function stored<T>(name: string, object: T, extra: object = {}): Stored<T> {
  const meta = { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...extra };
  return { ...object, metadata: meta } as Stored<T>;
}

const inShop = { namespace: 'shop' };

function service(name: string, spec: Service['spec']): [string, Stored<Service>] {
  return [`shop/${name}`, stored<Service>(name, { spec }, inShop)];
}

function pod(name: string, ip: string): [string, Stored<Pod>] {
  const spec: Pod['spec'] = { containers: [], nodeName: 'n1' };
  return [`shop/${name}`, stored<Pod>(name, { spec, status: { podIP: ip } }, inShop)];
}

function slice(
  of: string,
  endpoints: readonly (readonly [ip: string, ready: boolean])[],
): [string, Stored<EndpointSlice>[]] {
  const content: EndpointSlice = {
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: endpoints.map(([ip, ready]) => ({
      addresses: [ip],
      nodeName: 'n1',
      conditions: { ready, serving: ready, terminating: false },
    })),
  };
  return [`shop/${of}`, [stored(`${of}-x`, content, { ...inShop, labels: { 'kubernetes.io/service-name': of } })]];
}

const http = [{ name: 'http', port: 80, protocol: 'TCP' as const, targetPort: 'http' }];
const clusterIp = (ip: string): Service['spec'] => ({
  type: 'ClusterIP',
  clusterIP: ip,
  clusterIPs: [ip],
  ports: http,
});
const path = (value: string, name: string) => ({
  path: value,
  pathType: 'Prefix' as const,
  backend: { service: { name, port: { name: 'http' } } },
});

/** A Service with a load balancer address. */
function balanced(name: string, ip: string, address: string): [string, Stored<Service>] {
  const [key, plain] = service(name, { ...clusterIp(ip), type: 'LoadBalancer' });
  return [key, { ...plain, status: { loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] } } }];
}

function withAnnotation(
  [key, object]: [string, Stored<Service>],
  name: string,
  value: string,
): [string, Stored<Service>] {
  return [key, { ...object, metadata: { ...object.metadata, annotations: { [name]: value } } }];
}

/** Sent to endpoints untranslated, which one node says that it cannot do. */
function direct(name: string, ip: string, address: string): [string, Stored<Service>] {
  const [key, plain] = balanced(name, ip, address);
  const ports = [{ name: 'http', port: 8080, protocol: 'TCP' as const, targetPort: 'http' }];
  const lacking = { type: 'fairlead.dev/Degraded.n1', status: 'True' as const, reason: 'KernelFeatureMissing' };
  const condition = { ...lacking, message: 'no right to use BPF', lastTransitionTime: '2026-01-01T00:00:00Z' };
  return withAnnotation(
    [key, { ...plain, spec: { ...plain.spec, ports }, status: { ...plain.status, conditions: [condition] } }],
    'fairlead.dev/direct-server-return',
    'ipip',
  );
}

const world: World = {
  announcements: {
    leases: new Map([
      ['address-203-0-113-5', stored<Lease>('address-203-0-113-5', { spec: { holderIdentity: 'n1' } })],
    ]),
    pools: [stored<AddressPool>('pool', { spec: { addresses: ['203.0.113.0/24'] } })],
    l2Announcements: [stored<L2Announcement>('all', {})],
    bgpAdvertisements: [stored<BgpAdvertisement>('all', {})],
    bgpPeers: [
      stored<BgpPeer>('router', {
        spec: { address: '192.0.2.1', peerASN: 64512, localASN: 64513 },
        status: { sessions: [{ node: 'n1', state: 'Established' }] },
      }),
    ],
  },
  clusterDomain: 'cluster.local',
  zones: {
    external: 'apps.test',
    clusterset: 'clusterset.local',
    imports: [stored<ServiceImport>('web', { spec: { type: 'ClusterSetIP', ips: ['10.112.0.7'], ports: [] } }, inShop)],
    importSlices: new Map(),
    gateways: new Map([
      ['shop/edge', stored<DnsGateway>('edge', { status: { addresses: [{ value: '192.0.2.77' }] } }, inShop)],
    ]),
    routes: [stored<DnsRoute>('r', { spec: { hostnames: ['*.apps.test'], parentRefs: [{ name: 'edge' }] } }, inShop)],
  },
  services: new Map([
    service('web', { ...clusterIp('10.96.0.20'), type: 'NodePort', ports: [{ ...http[0]!, nodePort: 30080 }] }),
    service('empty', clusterIp('10.96.0.21')),
    balanced('public', '10.96.0.22', '203.0.113.5'),
    balanced('unannounced', '10.96.0.23', '198.51.100.5'),
    withAnnotation(service('guarded', clusterIp('10.96.0.24')), 'fairlead.dev/http-failover', 'web'),
    direct('direct', '10.96.0.25', '198.51.100.6'),
    service('peers', { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'], ports: http }),
    service('other', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }),
    service('far', { type: 'ExternalName', externalName: 'example.org' }),
  ]),
  slices: new Map([
    slice('web', [
      ['10.244.0.2', true],
      ['10.244.0.3', true],
      ['10.244.0.4', false],
    ]),
    slice('empty', []),
    slice('guarded', [['10.244.0.4', true]]),
    slice('public', [['10.244.0.2', true]]),
    slice('unannounced', [['10.244.0.2', true]]),
    slice('direct', [['10.244.0.2', true]]),
    slice('peers', [['10.244.0.2', true]]),
  ]),
  pods: new Map([pod('web-a', '10.244.0.2'), pod('web-b', '10.244.0.3'), pod('web-c', '10.244.0.4')]),
  nodes: new Map([
    [
      'n1',
      stored<Node>('n1', {
        spec: { podCIDR: '10.244.0.0/24' },
        status: { addresses: [{ type: 'InternalIP', address: '192.0.2.10' }] },
      }),
    ],
  ]),
  ingresses: [
    stored<Ingress>(
      'shop',
      {
        spec: {
          ingressClassName: 'fairlead',
          rules: [
            {
              host: 'shop.example',
              http: { paths: [path('/', 'web'), path('/none', 'empty'), path('/safe', 'guarded')] },
            },
            { host: '*.wild.example', http: { paths: [path('/', 'web')] } },
          ],
        },
        status: { loadBalancer: { ingress: [{ ip: '192.0.2.10' }] } },
      },
      inShop,
    ),
    stored<Ingress>(
      'secure',
      {
        spec: {
          ingressClassName: 'fairlead',
          tls: [{ hosts: ['secure.example'] }],
          rules: [{ host: 'secure.example', http: { paths: [path('/', 'web')] } }],
        },
        status: { loadBalancer: { ingress: [{ ip: '192.0.2.10' }] } },
      },
      inShop,
    ),
  ],
  ingressClasses: [stored<IngressClass>('fairlead', { spec: { controller: 'fairlead.dev/gateway' } })],
};

const both = ['10.244.0.2:8080', '10.244.0.3:8080'];
const rows: readonly [
  target: string,
  from: string | undefined,
  outcome: string,
  endpoints: readonly string[],
  says: RegExp,
][] = [
  ['web.shop.svc.cluster.local', undefined, 'reaches', both, /cluster IP of Service shop\/web, port http/],
  [
    '203.0.113.5:80',
    'external',
    'reaches',
    ['10.244.0.2:8080'],
    /announced 203\.0\.113\.5 is answered for on layer 2 by node n1/,
  ],
  ['203.0.113.5:80', 'external', 'reaches', ['10.244.0.2:8080'], /announced to BGP peer router by n1 \(Established\)/],
  ['198.51.100.5:80', 'external', 'reaches', ['10.244.0.2:8080'], /198\.51\.100\.5 is announced by no node/],
  [
    '198.51.100.6:8080',
    'external',
    'reaches',
    ['10.244.0.2:8080'],
    /sent to the endpoint in IP, untranslated; it answers/,
  ],
  ['198.51.100.6:8080', 'node/n1', 'reaches', ['10.244.0.2:8080'], /node n1: no right to use BPF/],
  ['web', 'pod/shop/web-a', 'reaches', both, /web is web\.shop\.svc\.cluster\.local, by the search list/],
  ['web', 'pod/shop/web-a', 'reaches', both, /10\.244\.0\.2:8080 .*\(the client itself\)/],
  ['web', 'pod/shop/web-a', 'reaches', both, /the endpoint sees the client’s address/],
  ['web', 'pod/shop/web-a', 'reaches', both, /unused {4}10\.244\.0\.4 {2}Pod shop\/web-c: not ready/],
  ['web', undefined, 'no-such-name', [], /web is no name of the cluster/],
  ['web', undefined, 'no-such-name', [], /from a Pod of namespace shop it is web\.shop\.svc\.cluster\.local/],
  ['10.96.0.20:80', undefined, 'reaches', both, /counts as node; the endpoint sees the node’s address/],
  ['10.96.0.20:81', undefined, 'refused', [], /the cluster IP has no such port/],
  ['10.96.0.21', undefined, 'refused', [], /no usable endpoints/],
  ['192.0.2.10:30080', 'external', 'reaches', both, /node port of Service shop\/web/],
  ['peers.shop', 'pod/shop/web-b', 'reaches', ['10.244.0.2:80'], /straight to .*no Service is involved/],
  ['other.shop.svc.cluster.local', undefined, 'reaches', both, /is an alias of web\.shop\.svc\.cluster\.local/],
  ['far.shop.svc.cluster.local', undefined, 'no-such-name', [], /example\.org is no name of the cluster; the upstream/],
  [
    'web.shop.svc.clusterset.local',
    undefined,
    'outside',
    [],
    /web\.shop\.svc\.clusterset\.local has the address 10\.112\.0\.7/,
  ],
  ['any.apps.test', 'external', 'outside', [], /any\.apps\.test is matched by \*\.apps\.test/],
  ['any.apps.test', 'external', 'outside', [], /any\.apps\.test has the address 192\.0\.2\.77/],
  ['two.labels.apps.test', 'external', 'no-such-name', [], /no name of the cluster/],
  ['198.51.100.7', undefined, 'outside', [], /no address of the cluster/],
  [
    'http://shop.example/',
    'external',
    'reaches',
    both,
    /route {5}prefix \/ of host shop\.example: Ingress shop\/shop, spec\.rules\[0\]/,
  ],
  [
    'http://shop.example/safe',
    'external',
    'reaches',
    ['10.244.0.4:8080'],
    /over 1 endpoint, and 2 that stand in[\s\S]*10\.244\.0\.2:8080 .*stands in, priority 1/,
  ],
  ['http://secure.example/', 'external', 'answered', [], /https-redirect, in this order\nresult {4}308: to HTTPS/],
  ['http://shop.example//none', 'external', 'answered', [], /503: the Service has no ready endpoint/],
  ['http://shop.example/x/..;/none', 'external', 'answered', [], /400: the path cannot be read in one way only/],
  ['http://shop.example/none', 'external', 'answered', [], /503: the Service has no ready endpoint/],
  ['http://192.0.2.10/', 'external', 'answered', [], /404: no Ingress has host 192\.0\.2\.10/],
  ['http://shop.example:8080/none', 'external', 'answered', [], /503: the Service has no ready endpoint/],
  ['http://any.wild.example/', 'external', 'reaches', both, /any\.wild\.example is a host of the gateway/],
  ['http://two.labels.wild.example/', 'external', 'no-such-name', [], /no host of the gateway/],
  ['http://unknown.example/', 'external', 'no-such-name', [], /no host of the gateway and no name of the cluster/],
  ['web', 'pod/shop/missing', 'no-such-name', [], /there is no Pod shop\/missing/],
];

for (const [target, from, outcome, endpoints, says] of rows) {
  test(`${target} from ${from ?? 'the machine'}: ${outcome}, ${says.source}`, () => {
    const question = parseQuestion({ target, headers: [], udp: false, ...(from === undefined ? {} : { from }) });
    const explanation = explain(world, question, 'fairlead');
    const text = formatExplanation(explanation).join('\n');
    assert.equal(explanation.outcome, outcome, text);
    assert.deepEqual([...explanation.endpoints].sort(), [...endpoints].sort(), text);
    assert.match(text, says);
  });
}

/** The same without any node, as beside `agent --dns-only` of a test API. */
const nodeless: World = { ...world, nodes: new Map() };
for (const [target, from, outcome, says] of [
  [
    'web.shop.svc.cluster.local',
    undefined,
    'reaches',
    /outside: the cluster has no node.*cluster IP of Service shop\/web/s,
  ],
  ['web', undefined, 'no-such-name', /the upstream servers decide.*it is web\.shop\.svc/s],
  ['any.apps.test', 'external', 'outside', /outside: the cluster has no node.*192\.0\.2\.77/s],
  ['web', 'node/n1', 'no-such-name', /there is no node n1/],
] as const) {
  test(`without nodes: ${target} from ${from ?? 'the machine'}`, () => {
    const question = parseQuestion({ target, headers: [], udp: false, ...(from === undefined ? {} : { from }) });
    const explanation = explain(nodeless, question, 'fairlead');
    const text = formatExplanation(explanation).join('\n');
    assert.equal(explanation.outcome, outcome, text);
    assert.match(text, says);
  });
}

test('search lists', () => {
  assert.deepEqual(candidateNames('a', 'ns', 'd'), ['a.ns.svc.d', 'a.svc.d', 'a.d', 'a']);
  assert.deepEqual(candidateNames('a.', 'ns', 'd'), ['a']);
  assert.deepEqual(candidateNames('a.b.c.d.e.f', 'ns', 'd')[0], 'a.b.c.d.e.f');
  assert.deepEqual(candidateNames('a', undefined, 'd'), ['a']);
});

for (const [target, headers, from] of [
  ['ftp://x/', [], undefined],
  ['a:b', [], undefined],
  ['host:99999', [], undefined],
  ['host', ['a: b'], undefined],
  ['http://x/', ['nocolon'], undefined],
  ['host', [], 'pod/x'],
  ['host', [], 'space'],
] as const) {
  test(`refused: ${target} ${headers.join()} ${from ?? ''}`, () => {
    const options = { target, headers, udp: false, ...(from === undefined ? {} : { from }) };
    assert.throws(() => parseQuestion(options), { name: 'UsageError' });
  });
}
