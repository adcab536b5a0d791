import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortEndpoint } from './categorize-endpoints.ts';
import { parseCidr } from './cidr.ts';
import { compileService } from './compile.ts';
import { type AnnotationProblem, type L4Annotations, readL4Annotations } from './l4-annotations.ts';
import { slotTableSize, spreadOver } from './slot-table.ts';
import { intersectRanges, rangeTexts } from './source-lists.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';
import { tracePacket } from './trace.ts';

const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };
const context = { ...scene, nodePorts: true };

/** What was understood, as one readable text, and how many problems were told of. */
function read(name: string, value: string): string {
  const problems: AnnotationProblem[] = [];
  const read = readL4Annotations({ [`fairlead.dev/${name}`]: value }, problems);
  for (const { field } of problems) assert.equal(field, `metadata.annotations[fairlead.dev/${name}]`);
  const lists = (map: L4Annotations['allowed']): unknown =>
    Object.fromEntries([...map].map(([family, ranges]) => [family, rangeTexts(ranges)]));
  const understood = {
    ...(read.spread === 'default' ? {} : { spread: read.spread }),
    ...(read.userspace ? { userspace: true } : {}),
    ...(read.proxyProtocol === undefined ? {} : { proxyProtocol: read.proxyProtocol }),
    ...(read.weights.size === 0 ? {} : { weights: Object.fromEntries(read.weights) }),
    ...(read.allowed.size === 0 ? {} : { allowed: lists(read.allowed) }),
    ...(read.denied.size === 0 ? {} : { denied: lists(read.denied) }),
    ...(read.limits ?? {}),
    ...(read.portRanges.length === 0
      ? {}
      : { ranges: read.portRanges.map(({ protocol, from, to }) => `${from}-${to}/${protocol}`).join() }),
    ...(read.drainSeconds === undefined ? {} : { drain: read.drainSeconds }),
    ...(read.synProxy ? { synProxy: true } : {}),
  };
  return `${JSON.stringify(understood)} ${problems.length}`;
}

const rows: readonly [name: string, value: string, expected: string][] = [
  ['load-balancing', 'maglev', '{"spread":"connection"} 0'],
  ['load-balancing', 'source-hash', '{"spread":"source"} 0'],
  ['load-balancing', ' random ', '{"spread":"random"} 0'],
  ['proxy-mode', 'userspace', '{"userspace":true} 0'],
  ['proxy-mode', 'kernel', '{} 0'],
  ['proxy-mode', 'iptables', '{} 1'],
  ['proxy-protocol', 'v1', '{"userspace":true,"proxyProtocol":"v1"} 0'],
  ['proxy-protocol', 'v2', '{"userspace":true,"proxyProtocol":"v2"} 0'],
  ['proxy-protocol', '2', '{} 1'],
  ['load-balancing', 'Maglev', '{} 1'],
  ['load-balancing', '', '{} 1'],
  ['endpoint-weights', 'pod/a-0=3, node/n=0,zone/z=1000', '{"weights":{"pod/a-0":3,"node/n":0,"zone/z":1000}} 0'],
  ['endpoint-weights', 'pod/a=1001', '{} 1'],
  ['endpoint-weights', 'a=1, pod/b=-1, pod/c=1.5, pod/=1, pod/d', '{} 5'],
  ['endpoint-weights', 'pod/ok=2, bad', '{"weights":{"pod/ok":2}} 1'],
  [
    'deny-sources',
    '10.0.0.0/8,10.1.0.0/16, 2001:db8::1',
    '{"denied":{"IPv4":["10.0.0.0/8"],"IPv6":["2001:db8::1/128"]}} 0',
  ],
  ['deny-sources', '10.0.0.0/33', '{} 1'],
  ['deny-sources', '10.0.0.1, nobody', '{"denied":{"IPv4":["10.0.0.1/32"]}} 1'],
  ['allow-sources', '10.0.0.0/8', '{"allowed":{"IPv4":["10.0.0.0/8"]}} 0'],
  ['allow-sources', '', '{} 0'],
  ['allow-sources', 'nobody', '{"allowed":{"IPv4":[],"IPv6":[]}} 1'],
  ['max-connections-per-source', '1', '{"maxConnections":1} 0'],
  ['max-connections-per-source', '0', '{} 1'],
  ['max-connections-per-source', '1e3', '{} 1'],
  ['max-connections-per-source', '1000001', '{} 1'],
  ['new-connections-per-source', '10/second', '{"newConnections":{"count":10,"per":"second","burst":10}} 0'],
  ['new-connections-per-source', '2/second', '{"newConnections":{"count":2,"per":"second","burst":5}} 0'],
  ['new-connections-per-source', '600/minute burst 50', '{"newConnections":{"count":600,"per":"minute","burst":50}} 0'],
  ['new-connections-per-source', '0/second', '{} 1'],
  ['new-connections-per-source', '10/day', '{} 1'],
  ['new-connections-per-source', '10; drop', '{} 1'],
  ['port-ranges', '8000-8999', '{"ranges":"8000-8999/TCP"} 0'],
  ['port-ranges', '53/udp, 8000-8999/TCP', '{"ranges":"8000-8999/TCP,53-53/UDP"} 0'],
  ['port-ranges', 'all', '{"ranges":"1-65535/TCP,1-65535/UDP,1-65535/SCTP"} 0'],
  ['port-ranges', 'all/UDP, 53/UDP', '{"ranges":"1-65535/UDP"} 0'],
  ['port-ranges', '20-30, 10-19, 25-40, 42', '{"ranges":"10-40/TCP,42-42/TCP"} 0'],
  ['port-ranges', '0-10, 10-9, 65536, 1-, -1, a-b, 1-2/ICMP, 8000', '{"ranges":"8000-8000/TCP"} 7'],
  ['port-ranges', '', '{} 0'],
  ['drain-seconds', '30', '{"drain":30} 0'],
  ['drain-seconds', '0', '{"drain":0} 0'],
  ['drain-seconds', '86401', '{} 1'],
  ['drain-seconds', '30s', '{} 1'],
  ['drain-seconds', '-1', '{} 1'],
  ['syn-proxy', 'on', '{"synProxy":true} 0'],
  ['syn-proxy', 'off', '{} 0'],
  ['syn-proxy', 'true', '{} 1'],
];
for (const [name, value, expected] of rows) {
  test(`annotation ${name}: '${value}'`, () => assert.equal(read(name, value), expected));
}

test('ranges in both lists', () => {
  const ranges = (texts: readonly string[]) =>
    texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
  const both = intersectRanges(
    ranges(['10.0.0.0/8', '192.0.2.0/24', '198.51.100.7/32']),
    ranges(['10.1.0.0/16', '10.2.0.0/16', '192.0.0.0/8', '203.0.113.0/24']),
  );
  assert.deepEqual(rangeTexts(both), ['10.1.0.0/16', '10.2.0.0/16', '192.0.2.0/24']);
  assert.equal(intersectRanges(undefined, undefined), undefined);
});

function endpoints(count: number): PortEndpoint[] {
  return Array.from({ length: count }, (_, n) => {
    const endpoint = {
      addresses: [`10.0.0.${n}`],
      nodeName: `n${n % 2}`,
      zone: `z${n % 3}`,
      targetRef: { kind: 'Pod', name: `p-${n}` },
    };
    return { endpoint, ip: `10.0.0.${n}`, port: 80 };
  });
}

/** Share of the slots of each endpoint, in whole percent. */
function shares(count: number, annotations: Readonly<Record<string, string>>): string {
  const named = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`fairlead.dev/${name}`, value]));
  const { spread, weights } = readL4Annotations(named, []);
  const { endpoints: used, slots } = spreadOver(endpoints(count), {
    spread: spread === 'default' ? 'random' : spread,
    weights,
  });
  if (slots === undefined) return `${used.length} evenly`;
  const counts = used.map((_, index) => slots.places.filter((place) => place === index).length);
  return `${slots.by} ${counts.map((own) => Math.round((100 * own) / slots.places.length)).join(' ')}`;
}

const spreads: readonly [
  name: string,
  count: number,
  annotations: Readonly<Record<string, string>>,
  expected: string,
][] = [
  ['nothing asked', 3, {}, '3 evenly'],
  ['weights that say nothing', 2, { 'endpoint-weights': 'pod/other=5' }, '2 evenly'],
  ['one endpoint needs no table', 1, { 'load-balancing': 'maglev' }, '1 evenly'],
  ['Maglev', 4, { 'load-balancing': 'maglev' }, 'connection 25 25 25 25'],
  ['Maglev with weights', 2, { 'load-balancing': 'source-hash', 'endpoint-weights': 'pod/p-0=3' }, 'source 75 25'],
  [
    'the Pod before the node before the zone',
    3,
    { 'endpoint-weights': 'pod/p-0=2,node/n0=4,zone/z1=2' },
    'random 25 25 50',
  ],
  ['weight 0 takes none', 3, { 'endpoint-weights': 'pod/p-1=0' }, '2 evenly'],
  ['all 0 is as all 1', 2, { 'endpoint-weights': 'node/n0=0,node/n1=0' }, '2 evenly'],
];
for (const [name, count, annotations, expected] of spreads) {
  test(`spread: ${name}`, () => assert.equal(shares(count, annotations), expected));
}

test('tables have 100 slots per endpoint, as far as they go', () => {
  assert.deepEqual([1, 10, 11, 40, 41, 5000].map(slotTableSize), [1021, 1021, 4093, 4093, 16381, 16381]);
});

test('lists decide at every frontend; the interpreter says why', () => {
  const service = sceneService(
    'guarded',
    {
      type: 'LoadBalancer',
      clusterIP: '10.96.5.1',
      ports: [{ port: 80, nodePort: 30600 }],
      loadBalancerSourceRanges: ['198.51.100.0/24', '10.244.1.2/32'],
    },
    ['203.0.113.60'],
  );
  service.metadata.annotations = {
    'fairlead.dev/allow-sources': '198.51.100.0/28, 10.244.0.0/16',
    'fairlead.dev/deny-sources': '198.51.100.9',
  };
  const slice = sceneSlice('guarded', [{ ip: scene.remoteEndpoint }]);
  const { program, warnings } = compileService(service, [slice], node);
  assert.ok(program !== undefined && warnings.length === 0);
  const verdicts: readonly [source: string, clusterIp: string, nodePort: string, balancer: string][] = [
    ['198.51.100.7', 'endpoints', 'endpoints', 'endpoints'],
    ['198.51.100.9', 'deny', 'deny', 'deny'],
    ['198.51.100.77', 'allow', 'allow', 'loadBalancerSourceRanges'],
    ['10.244.1.2', 'endpoints', 'endpoints', 'endpoints'],
    ['10.244.1.3', 'endpoints', 'endpoints', 'loadBalancerSourceRanges'],
  ];
  for (const [source, ...expected] of verdicts) {
    const places = [
      ['10.96.5.1', 80],
      ['192.0.2.1', 30600],
      ['203.0.113.60', 80],
    ] as const;
    for (const [index, [destination, port]] of places.entries()) {
      const result = tracePacket([program], context, { source, destination, protocol: 'TCP', port });
      const reason = 'reason' in result ? /deny|allow|loadBalancerSourceRanges/.exec(result.reason)?.[0] : result.kind;
      assert.equal(reason, expected[index], `${source} → ${destination}`);
    }
  }
});

test('affinity wins over hashing, and says so', () => {
  const service = sceneService('both', { clusterIP: '10.96.5.2', sessionAffinity: 'ClientIP' });
  service.metadata.annotations = { 'fairlead.dev/load-balancing': 'maglev' };
  const slice = sceneSlice('both', [{ ip: scene.remoteEndpoint }, { ip: scene.localEndpoint }]);
  const { program, warnings } = compileService(service, [slice], node);
  assert.equal(program?.ports[0]?.clusterSlots, undefined);
  assert.match(warnings[0]?.message ?? '', /sessionAffinity/);
});
