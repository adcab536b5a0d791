import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointSlice, Service, Stored } from '@fairlead/api';
import type { BgpAdvertisement, BgpPeer, L2Announcement } from '@fairlead/api/fairlead-dev/types';
import { type AnnouncementSnapshot, compileAddresses } from './compile.ts';
import { linksFor, matchesPattern } from './layer2/interfaces.ts';
import { type ServiceReach, serviceReach } from './service-reach.ts';

const stored = (name: string) => ({ name, uid: name, resourceVersion: '1', creationTimestamp: '', generation: 1 });

interface ServiceText {
  readonly address?: string;
  readonly local?: boolean;
  readonly labels?: Record<string, string>;
  /** `NODE`, `NODE-draining`, `NODE-unready`. */
  readonly endpoints?: readonly string[];
  readonly type?: 'ClusterIP';
  readonly ipMode?: string;
}

function reach(name: string, text: ServiceText = {}): ServiceReach | undefined {
  const service: Stored<Service> = {
    metadata: { ...stored(name), namespace: 'default', labels: text.labels ?? {} },
    spec: { type: text.type ?? 'LoadBalancer', externalTrafficPolicy: text.local === true ? 'Local' : 'Cluster' },
    status: { loadBalancer: { ingress: [{ ip: text.address ?? '192.0.2.10', ipMode: text.ipMode ?? 'VIP' }] } },
  };
  const slice: EndpointSlice = {
    addressType: 'IPv4',
    endpoints: (text.endpoints ?? ['a']).map((one) => {
      const [nodeName = '', kind = 'ready'] = one.split('-');
      const ready = kind === 'ready';
      return {
        addresses: ['10.0.0.1'],
        nodeName,
        conditions: { ready, serving: kind !== 'unready', terminating: kind === 'draining' },
      };
    }),
  };
  return serviceReach(service, [slice], 'a');
}

interface World {
  readonly services?: readonly (ServiceReach | undefined)[];
  readonly pool?: string[];
  readonly layer2?: L2Announcement['spec'];
  readonly adverts?: readonly BgpAdvertisement['spec'][];
  readonly peers?: readonly string[];
  readonly peer?: Partial<BgpPeer['spec']>;
  readonly excluded?: boolean;
  readonly labels?: Record<string, string>;
}

function program(world: World) {
  const snapshot: AnnouncementSnapshot = {
    node: { labels: world.labels ?? {}, isExcluded: world.excluded ?? false },
    services: (world.services ?? [reach('web')]).filter((one) => one !== undefined),
    pools: [{ metadata: stored('p'), spec: { addresses: world.pool ?? ['192.0.2.0/24', '2001:db8::/64'] } }],
    l2Announcements: [{ metadata: stored('l'), spec: world.layer2 ?? {} }],
    bgpAdvertisements: (world.adverts ?? []).map((spec, n) => ({ metadata: stored(`b${n}`), spec: spec ?? {} })),
    bgpPeers: (world.peers ?? []).map((name) => ({
      metadata: stored(name),
      spec: { address: '192.0.2.1', peerASN: 1, localASN: 2, ...world.peer },
    })),
  };
  return compileAddresses(snapshot);
}

describe('who may announce on layer 2', () => {
  const rows: readonly (readonly [string, World, string])[] = [
    ['Cluster: any node', { services: [reach('web', { endpoints: ['b'] })] }, '192.0.2.10'],
    [
      'Cluster without endpoints: announced, so that clients are refused at once',
      { services: [reach('web', { endpoints: [] })] },
      '192.0.2.10',
    ],
    ['Local with an endpoint here', { services: [reach('web', { local: true, endpoints: ['a', 'b'] })] }, '192.0.2.10'],
    ['Local without one here', { services: [reach('web', { local: true, endpoints: ['b'] })] }, ''],
    ['Local without any', { services: [reach('web', { local: true, endpoints: [] })] }, ''],
    ['Local, not ready here', { services: [reach('web', { local: true, endpoints: ['a-unready', 'b'] })] }, ''],
    [
      'Local, draining here, ready elsewhere',
      { services: [reach('web', { local: true, endpoints: ['a-draining', 'b'] })] },
      '',
    ],
    [
      'Local, draining everywhere',
      { services: [reach('web', { local: true, endpoints: ['a-draining', 'b-draining'] })] },
      '192.0.2.10',
    ],
    [
      'a shared address: all its Services must be served here',
      { services: [reach('web', { local: true, endpoints: ['a'] }), reach('api', { local: true, endpoints: ['b'] })] },
      '',
    ],
    ['not a load balancer any more', { services: [reach('web', { type: 'ClusterIP' })] }, ''],
    ['traffic that goes through a proxy first', { services: [reach('web', { ipMode: 'Proxy' })] }, ''],
    ['an address in no pool', { pool: ['198.51.100.0/24'] }, ''],
    ['another pool', { layer2: { pools: ['q'] } }, ''],
    ['its pool', { layer2: { pools: ['p'] } }, '192.0.2.10'],
    ['labels of the Service', { layer2: { serviceSelector: { matchLabels: { tier: 'web' } } } }, ''],
    [
      'labels of the node',
      { layer2: { nodeSelector: { matchLabels: { edge: 'yes' } } }, labels: { edge: 'yes' } },
      '192.0.2.10',
    ],
    ['another node', { layer2: { nodeSelector: { matchLabels: { edge: 'yes' } } } }, ''],
    ['an excluded node', { excluded: true }, ''],
  ];
  for (const [name, world, expected] of rows) {
    test(name, () => assert.equal([...program(world).layer2.keys()].join(), expected));
  }
});

describe('what is announced by BGP', () => {
  const routes = (world: World): string =>
    [...program(world).bgp].map(([peer, own]) => `${peer}: ${[...own.keys()].join(' ')}`.trim()).join('; ');
  const rows: readonly (readonly [string, World, string])[] = [
    ['to all peers', { adverts: [{}], peers: ['q', 'r'] }, 'q: 192.0.2.10/32; r: 192.0.2.10/32'],
    ['to one', { adverts: [{ peers: ['r'] }], peers: ['q', 'r'] }, 'q:; r: 192.0.2.10/32'],
    ['without endpoints: nothing', { services: [reach('web', { endpoints: [] })], adverts: [{}], peers: ['q'] }, 'q:'],
    [
      'Local without one here',
      { services: [reach('web', { local: true, endpoints: ['b'] })], adverts: [{}], peers: ['q'] },
      'q:',
    ],
    [
      'aggregated',
      {
        services: [reach('web'), reach('api', { address: '192.0.2.77' })],
        adverts: [{ aggregationLength: 24 }],
        peers: ['q'],
      },
      'q: 192.0.2.0/24',
    ],
    [
      'IPv6',
      { services: [reach('web', { address: '2001:db8::7' })], adverts: [{ aggregationLengthV6: 64 }], peers: ['q'] },
      'q: 2001:db8::/64',
    ],
    [
      'a peer for other nodes',
      { adverts: [{}], peers: ['q'], peer: { nodeSelector: { matchLabels: { rack: '1' } } } },
      '',
    ],
    ['an excluded node keeps its sessions, without routes', { adverts: [{}], peers: ['q'], excluded: true }, 'q:'],
  ];
  for (const [name, world, expected] of rows) test(name, () => assert.equal(routes(world), expected));

  test('attributes; the first policy by name decides, Services of one prefix are joined', () => {
    const adverts = [
      { communities: ['65000:1', 'no-export', '1:2:3'], localPreference: 7, aggregationLength: 24 },
      { aggregationLength: 24 },
    ];
    const route = program({ services: [reach('web'), reach('api', { address: '192.0.2.11' })], adverts, peers: ['q'] })
      .bgp.get('q')
      ?.get('192.0.2.0/24');
    assert.deepEqual(route, {
      prefix: '192.0.2.0/24',
      localPreference: 7,
      communities: [
        [65_000, 1],
        [0xffff, 0xff01],
      ],
      largeCommunities: [[1, 2, 3]],
      services: ['default/api', 'default/web'],
    });
  });
});

describe('interfaces of an address', () => {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const link = (index: number, name: string, more: object = {}) => ({
    index,
    name,
    mac,
    mtu: 1500,
    isUp: true,
    isShared: true,
    ...more,
  });
  const interfaces = {
    links: [
      link(1, 'eth0'),
      link(2, 'eth1'),
      link(3, 'fl-pods'),
      link(4, 'bond0p', { isShared: false }),
      link(5, 'eth9', { isUp: false }),
    ],
    addresses: [
      { index: 1, address: Uint8Array.of(192, 0, 2, 1), prefix: 24 },
      { index: 2, address: Uint8Array.of(198, 51, 100, 1), prefix: 24 },
      { index: 5, address: Uint8Array.of(203, 0, 113, 1), prefix: 24 },
    ],
  };
  const rows: readonly (readonly [string, string, string[], string])[] = [
    ['the one whose subnet holds it', '192.0.2.10', [], '1'],
    ['else the one with the node’s address', '10.9.9.9', [], '2'],
    ['the named ones', '192.0.2.10', ['eth*'], '1,2'],
    ['no port of a bridge or bond', '192.0.2.10', ['bond*'], ''],
    ['none that is down', '203.0.113.9', [], ''],
    ['no pattern matches', '192.0.2.10', ['wlan?'], ''],
  ];
  for (const [name, address, patterns, expected] of rows) {
    test(name, () => {
      const links = linksFor(address, patterns, interfaces, ['198.51.100.1']);
      assert.equal(links.map(({ index }) => index).join(), expected);
    });
  }
  test('a dot in a pattern is a dot', () =>
    assert.deepEqual([matchesPattern('eth0.1*', 'eth0.12'), matchesPattern('eth0.1', 'eth0x1')], [true, false]));
});
