import type { EndpointSlice, Service, Stored } from '@fairlead/api';
import { addressCondition } from '@fairlead/api/fairlead-dev/types';
import type { Protocol } from '../program.ts';
import { type SceneEndpoint, scene, sceneService, sceneSlice } from './traffic-matrix.ts';

/** Where a flow of a case comes from. */
export type CaseSource = 'pod' | 'node' | 'external' | 'stranger';

/** One flow: who connects where, and what becomes of it. */
export interface CaseFlow {
  readonly name: string;
  readonly from: CaseSource;
  readonly protocol: Protocol;
  readonly to: string;
  readonly port: number;
  /** `local remote` (endpoints by name), with ` masqueraded`; `DROP`, `REJECT` or `PASS`. */
  readonly expected: string;
}

/** Services and slices at one time, and flows through them. */
export interface CaseStep {
  readonly name: string;
  readonly services: readonly {
    readonly service: Stored<Service>;
    readonly slices: readonly Stored<EndpointSlice>[];
  }[];
  readonly flows: readonly CaseFlow[];
}

/** Steps of one story, from one state of the API to the next. */
export interface TrafficCase {
  readonly name: string;
  readonly steps: readonly CaseStep[];
}

/** Addresses of the sources; `stranger` is outside every list. */
export const sourceAddresses: Readonly<Record<CaseSource, string>> = {
  pod: scene.pod,
  node: scene.node,
  external: scene.external,
  stranger: '198.51.101.9',
};

/** Names of endpoints, by address. */
export const endpointNames: Readonly<Record<string, string>> = {
  [scene.localEndpoint]: 'local',
  [scene.remoteEndpoint]: 'remote',
  [scene.pod]: 'self',
};

const ready = { ready: true, serving: true, terminating: false };
const draining = { ready: false, serving: true, terminating: true };
const failing = { ready: false, serving: false, terminating: true };
const starting = { ready: false, serving: false, terminating: false };
const local = (conditions = ready, more: Partial<SceneEndpoint> = {}): SceneEndpoint => {
  return { ip: scene.localEndpoint, conditions, ...more };
};
const remote = (conditions = ready, more: Partial<SceneEndpoint> = {}): SceneEndpoint => {
  return { ip: scene.remoteEndpoint, conditions, ...more };
};
const self = (conditions = ready): SceneEndpoint => ({ ip: scene.pod, conditions });

const flow = (
  name: string,
  from: CaseSource,
  to: string,
  port: number,
  expected: string,
  protocol: Protocol = 'TCP',
): CaseFlow => ({ name, from, protocol, to, port, expected });

type Spec = Parameters<typeof sceneService>[1];

const clusterIp = '10.96.11.1';
const otherIp = '10.96.11.2';
const balancer = '203.0.113.31';
const nodeAddress = '192.0.2.1';
const nodePort = 30500;

function web(spec: Spec, endpoints: readonly SceneEndpoint[], ingress: readonly string[] = []): CaseStep['services'] {
  const service = sceneService('web', { clusterIP: clusterIp, ...spec }, ingress);
  return [{ service, slices: endpoints.length === 0 ? [] : [sceneSlice('web', endpoints)] }];
}

/** The same with addresses from a pool, as its controller leaves them. */
function fromPool(services: CaseStep['services']): CaseStep['services'] {
  const conditions = [
    {
      type: addressCondition,
      status: 'True',
      reason: 'Assigned',
      message: '',
      lastTransitionTime: '2025-01-01T00:00:00Z',
    },
  ];
  return services.map(({ service, slices }) => ({
    service: { ...service, status: { ...service.status, conditions } },
    slices,
  }));
}

/** Another Service at the same load balancer address. */
function sharing(port: number): CaseStep['services'] {
  const spec: Spec = { type: 'LoadBalancer', clusterIP: otherIp, ports: [{ port, targetPort: 8080, nodePort: 30501 }] };
  return [{ service: sceneService('other', spec, [balancer]), slices: [sceneSlice('other', [local()])] }];
}

const loadBalancer = (spec: Spec = {}): Spec => ({
  type: 'LoadBalancer',
  ports: [{ port: 80, targetPort: 8080, nodePort }],
  ...spec,
});

const threeProtocols: Spec = {
  type: 'NodePort',
  ports: [
    { name: 't', port: 53, nodePort },
    { name: 'u', port: 53, protocol: 'UDP', nodePort },
    { name: 's', port: 53, protocol: 'SCTP', nodePort },
  ],
};
const threeTargets: EndpointSlice['ports'] = [
  { name: 't', port: 8080 },
  { name: 'u', port: 8081, protocol: 'UDP' },
  { name: 's', port: 8082, protocol: 'SCTP' },
];

/** A Service with some of the three protocols on one number. */
function protocolsOf(names: readonly string[]): CaseStep['services'] {
  const ports = (threeProtocols?.ports ?? []).filter(({ name }) => names.includes(name ?? ''));
  const service = sceneService('dns', { ...threeProtocols, clusterIP: clusterIp, ports });
  return [{ service, slices: [sceneSlice('dns', [remote()], threeTargets)] }];
}

/** The four kinds of policy rows: internal and external, Cluster and Local, over states of endpoints. */
function terminatingCase(policy: 'Cluster' | 'Local'): TrafficCase {
  const spec = loadBalancer({ internalTrafficPolicy: policy, externalTrafficPolicy: policy });
  const isLocal = policy === 'Local';
  const step = (
    name: string,
    endpoints: readonly SceneEndpoint[],
    inside: string,
    outside: string,
    podOutside: string,
  ): CaseStep => ({
    name,
    services: web(spec, endpoints, [balancer]),
    flows: [
      flow('Pod → cluster IP', 'pod', clusterIp, 80, inside),
      flow('outside → load balancer', 'external', balancer, 80, outside),
      flow('outside → node port', 'external', nodeAddress, nodePort, outside),
      flow('Pod → load balancer', 'pod', balancer, 80, podOutside),
    ],
  });
  const hidden = (names: string): string => `${names} masqueraded`;
  const pods = (names: string): string => (isLocal ? names : hidden(names));
  const outsideOf = (everywhere: string, here: string): string => (isLocal ? here : hidden(everywhere));
  return {
    name: `terminating endpoints, policy ${policy}`,
    steps: [
      step(
        'all ready',
        [local(), remote()],
        isLocal ? 'local' : 'local remote',
        outsideOf('local remote', 'local'),
        pods('local remote'),
      ),
      step(
        'mixed: the local one drains',
        [local(draining), remote()],
        isLocal ? 'local' : 'remote',
        outsideOf('remote', 'local'),
        pods('remote'),
      ),
      step(
        'only draining ones',
        [local(draining), remote(draining)],
        isLocal ? 'local' : 'local remote',
        outsideOf('local remote', 'local'),
        pods('local remote'),
      ),
      step(
        'draining elsewhere only',
        [local(failing), remote(draining)],
        isLocal ? 'DROP' : 'remote',
        outsideOf('remote', 'DROP'),
        pods('remote'),
      ),
      step('none usable', [local(failing), remote(failing)], 'REJECT', 'REJECT', 'REJECT'),
      step('not ready yet', [local(starting), remote(starting)], 'REJECT', 'REJECT', 'REJECT'),
      step('all deleted', [], 'REJECT', 'REJECT', 'REJECT'),
      step('back', [remote()], isLocal ? 'DROP' : 'remote', outsideOf('remote', 'DROP'), pods('remote')),
    ],
  };
}

/** The upstream project's tables (conformance, network tests, proxier unit tests), as stories. */
export const trafficCases: readonly TrafficCase[] = [
  {
    name: 'cluster IPs',
    steps: [
      {
        name: 'three protocols on one number, and another Service',
        services: [
          ...protocolsOf(['t', 'u', 's']),
          {
            service: sceneService('other', { clusterIP: otherIp, ports: [{ port: 80, targetPort: 8080 }] }),
            slices: [sceneSlice('other', [local()])],
          },
        ],
        flows: [
          flow('TCP', 'pod', clusterIp, 53, 'remote'),
          flow('UDP', 'pod', clusterIp, 53, 'remote', 'UDP'),
          flow('SCTP', 'pod', clusterIp, 53, 'remote', 'SCTP'),
          flow('node port TCP', 'external', nodeAddress, nodePort, 'remote masqueraded'),
          flow('node port UDP', 'external', nodeAddress, nodePort, 'remote masqueraded', 'UDP'),
          flow('node port SCTP', 'external', nodeAddress, nodePort, 'remote masqueraded', 'SCTP'),
          flow('from the node', 'node', otherIp, 80, 'local masqueraded'),
          flow('from outside', 'external', otherIp, 80, 'local masqueraded'),
          flow("another Service's port", 'pod', clusterIp, 80, 'REJECT'),
          flow('another protocol', 'pod', otherIp, 80, 'REJECT', 'UDP'),
          flow('undefined port, node', 'node', otherIp, 81, 'REJECT'),
          flow('undefined port, outside', 'external', otherIp, 81, 'REJECT'),
          flow('unallocated, Pod', 'pod', '10.96.200.1', 80, 'DROP'),
          flow('unallocated, node', 'node', '10.96.200.1', 80, 'DROP'),
          flow('unallocated, outside', 'external', '10.96.200.1', 80, 'DROP'),
        ],
      },
      {
        name: 'TCP removed, the others go on',
        services: protocolsOf(['u', 's']),
        flows: [
          flow('TCP', 'pod', clusterIp, 53, 'REJECT'),
          flow('UDP', 'pod', clusterIp, 53, 'remote', 'UDP'),
          flow('SCTP', 'pod', clusterIp, 53, 'remote', 'SCTP'),
          flow('node port UDP', 'external', nodeAddress, nodePort, 'remote masqueraded', 'UDP'),
          flow('the deleted Service', 'pod', otherIp, 80, 'DROP'),
        ],
      },
      {
        name: 'UDP removed, TCP back',
        services: protocolsOf(['t']),
        flows: [
          flow('TCP', 'pod', clusterIp, 53, 'remote'),
          flow('UDP', 'pod', clusterIp, 53, 'REJECT', 'UDP'),
          flow('SCTP', 'pod', clusterIp, 53, 'REJECT', 'SCTP'),
        ],
      },
    ],
  },
  {
    name: 'no endpoints are refused, not silence',
    steps: [
      {
        name: 'at every frontend',
        services: web(loadBalancer({ externalIPs: ['203.0.113.32'] }), [], [balancer]),
        flows: (['pod', 'node', 'external'] as const).flatMap((from) => [
          flow(`${from} → cluster IP`, from, clusterIp, 80, 'REJECT'),
          flow(`${from} → load balancer`, from, balancer, 80, 'REJECT'),
          flow(`${from} → external IP`, from, '203.0.113.32', 80, 'REJECT'),
          flow(`${from} → node port`, from, nodeAddress, nodePort, 'REJECT'),
        ]),
      },
      {
        name: 'endpoints come',
        services: web(loadBalancer({ externalIPs: ['203.0.113.32'] }), [remote()], [balancer]),
        flows: [
          flow('Pod → cluster IP', 'pod', clusterIp, 80, 'remote'),
          flow('outside → external IP', 'external', '203.0.113.32', 80, 'remote masqueraded'),
          flow('outside → load balancer', 'external', balancer, 80, 'remote masqueraded'),
        ],
      },
      {
        name: 'the Service is deleted',
        services: [],
        flows: [flow('Pod → cluster IP', 'pod', clusterIp, 80, 'DROP')],
      },
    ],
  },
  {
    name: 'load balancer sources',
    steps: [
      {
        name: 'ranges with stray white space, one inside another',
        services: web(
          loadBalancer({ loadBalancerSourceRanges: [' 198.51.100.0/24 ', '198.51.100.0/28', '192.0.2.0/24'] }),
          [remote()],
          [balancer],
        ),
        flows: [
          flow('in range', 'external', balancer, 80, 'remote masqueraded'),
          flow('out of range', 'stranger', balancer, 80, 'DROP'),
          flow('Pod out of range', 'pod', balancer, 80, 'DROP'),
          flow('node in range', 'node', balancer, 80, 'remote masqueraded'),
          flow('node port bypasses ranges', 'stranger', nodeAddress, nodePort, 'remote masqueraded'),
          flow('cluster IP bypasses ranges', 'pod', clusterIp, 80, 'remote'),
        ],
      },
      {
        name: 'no ranges any more',
        services: web(loadBalancer(), [remote()], [balancer]),
        flows: [
          flow('stranger', 'stranger', balancer, 80, 'remote masqueraded'),
          flow('Pod', 'pod', balancer, 80, 'remote masqueraded'),
        ],
      },
      {
        name: 'the address moves',
        services: web(loadBalancer(), [remote()], ['203.0.113.33']),
        flows: [flow('new address', 'external', '203.0.113.33', 80, 'remote masqueraded')],
      },
    ],
  },
  {
    name: 'other ports of an address from a pool are refused, not routed on',
    steps: [
      {
        name: 'two Services share it',
        services: fromPool([...web(loadBalancer(), [remote()], [balancer]), ...sharing(443)]),
        flows: (['pod', 'node', 'external'] as const).flatMap((from) => [
          flow(`${from} → its port`, from, balancer, 80, 'remote masqueraded'),
          flow(`${from} → the other's port`, from, balancer, 443, 'local masqueraded'),
          flow(`${from} → undefined port`, from, balancer, 81, 'REJECT'),
          flow(`${from} → another protocol`, from, balancer, 80, 'REJECT', 'UDP'),
          flow(`${from} → a node port's number`, from, balancer, nodePort, 'REJECT'),
        ]),
      },
      {
        name: 'one of them leaves',
        services: fromPool(sharing(443)),
        flows: [
          flow('its port', 'external', balancer, 80, 'REJECT'),
          flow("the other's port", 'external', balancer, 443, 'local masqueraded'),
          flow('SCTP', 'external', balancer, 443, 'REJECT', 'SCTP'),
        ],
      },
      {
        name: 'policy Local without endpoints here is silent at its port only',
        services: fromPool(web(loadBalancer({ externalTrafficPolicy: 'Local' }), [remote()], [balancer])),
        flows: [
          flow('its port', 'external', balancer, 80, 'DROP'),
          flow('undefined port', 'external', balancer, 81, 'REJECT'),
        ],
      },
      {
        name: 'addresses that somebody else chose may be those of machines',
        services: web(loadBalancer({ externalIPs: ['203.0.113.32'] }), [remote()], [balancer]),
        flows: [
          flow('load balancer', 'external', balancer, 81, 'PASS'),
          flow('external IP', 'external', '203.0.113.32', 81, 'PASS'),
        ],
      },
      {
        name: "an address of this machine: what listens there is the machine's own",
        services: fromPool(web(loadBalancer(), [remote()], ['192.0.2.77'])),
        flows: [
          flow('its port', 'external', '192.0.2.77', 80, 'remote masqueraded'),
          flow('undefined port', 'external', '192.0.2.77', 81, 'PASS'),
        ],
      },
      {
        name: 'given back',
        services: fromPool(web({}, [remote()])),
        flows: [flow('any port', 'external', balancer, 80, 'PASS')],
      },
    ],
  },
  {
    name: 'ipMode',
    steps: [
      {
        name: 'Proxy is not captured, VIP is',
        services: (() => {
          const [own] = web(loadBalancer(), [remote()]);
          if (own === undefined) return [];
          const ingress = [
            { ip: balancer, ipMode: 'Proxy' },
            { ip: '203.0.113.34', ipMode: 'VIP' },
          ];
          return [{ ...own, service: { ...own.service, status: { loadBalancer: { ingress } } } }];
        })(),
        flows: [
          flow('Proxy', 'pod', balancer, 80, 'PASS'),
          flow('VIP', 'external', '203.0.113.34', 80, 'remote masqueraded'),
        ],
      },
    ],
  },
  terminatingCase('Cluster'),
  terminatingCase('Local'),
  {
    name: 'policies are switched live',
    steps: (['Cluster', 'Local', 'Cluster'] as const).map((policy, index) => ({
      name: `${index + 1}: ${policy}`,
      services: web(
        loadBalancer({ externalTrafficPolicy: policy, internalTrafficPolicy: policy }),
        [local(), remote()],
        [balancer],
      ),
      flows: [
        flow('Pod → cluster IP', 'pod', clusterIp, 80, policy === 'Local' ? 'local' : 'local remote'),
        flow(
          'outside → node port',
          'external',
          nodeAddress,
          nodePort,
          policy === 'Local' ? 'local' : 'local remote masqueraded',
        ),
        flow('node → node port', 'node', nodeAddress, nodePort, 'local remote masqueraded'),
      ],
    })),
  },
  {
    name: 'hairpin',
    steps: [
      {
        name: 'a Pod to itself, at every frontend',
        services: web(loadBalancer(), [self()], [balancer]),
        flows: [
          flow('cluster IP', 'pod', clusterIp, 80, 'self masqueraded'),
          flow('node port', 'pod', nodeAddress, nodePort, 'self masqueraded'),
          flow('load balancer', 'pod', balancer, 80, 'self masqueraded'),
        ],
      },
      {
        name: 'with policy Local, which does not masquerade otherwise',
        services: web(
          loadBalancer({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }),
          [self()],
          [balancer],
        ),
        flows: [
          flow('cluster IP', 'pod', clusterIp, 80, 'self masqueraded'),
          flow('node port', 'pod', nodeAddress, nodePort, 'self masqueraded'),
          flow('load balancer', 'pod', balancer, 80, 'self masqueraded'),
        ],
      },
    ],
  },
  {
    name: 'topology hints',
    steps: [
      {
        name: 'this zone',
        services: web({}, [local(ready, { zones: ['a'] }), remote(ready, { zones: ['b'] })]),
        flows: [flow('Pod', 'pod', clusterIp, 80, 'local')],
      },
      {
        name: 'this node before this zone',
        services: web({}, [
          local(ready, { zones: ['a'], nodes: ['there'] }),
          remote(ready, { zones: ['a'], nodes: [scene.nodeName] }),
        ]),
        flows: [flow('Pod', 'pod', clusterIp, 80, 'remote')],
      },
      {
        name: 'one without hint: all',
        services: web({}, [local(ready, { zones: ['a'] }), remote()]),
        flows: [flow('Pod', 'pod', clusterIp, 80, 'local remote')],
      },
      {
        name: 'the zone empties: no black hole',
        services: web({}, [remote(ready, { zones: ['b'] })]),
        flows: [flow('Pod', 'pod', clusterIp, 80, 'remote')],
      },
      {
        name: 'policy Local knows no hints',
        services: web({ internalTrafficPolicy: 'Local' }, [
          local(ready, { zones: ['b'] }),
          remote(ready, { zones: ['a'] }),
        ]),
        flows: [flow('Pod', 'pod', clusterIp, 80, 'local')],
      },
    ],
  },
  {
    name: 'types and labels change',
    steps: [
      {
        name: 'ClusterIP',
        services: web({}, [remote()]),
        flows: [
          flow('cluster IP', 'pod', clusterIp, 80, 'remote'),
          flow('no node port yet', 'external', nodeAddress, nodePort, 'PASS'),
        ],
      },
      {
        name: 'NodePort',
        services: web({ type: 'NodePort', ports: [{ port: 80, nodePort }] }, [remote()]),
        flows: [
          flow('cluster IP', 'pod', clusterIp, 80, 'remote'),
          flow('node port', 'external', nodeAddress, nodePort, 'remote masqueraded'),
          flow('node port at the secondary address', 'external', '192.0.2.77', nodePort, 'remote masqueraded'),
        ],
      },
      {
        name: 'ExternalName',
        services: web({ type: 'ExternalName', externalName: 'example.com', clusterIP: '' }, [remote()]),
        flows: [
          flow('cluster IP is free', 'pod', clusterIp, 80, 'DROP'),
          flow('node port is free', 'external', nodeAddress, nodePort, 'PASS'),
        ],
      },
      {
        name: 'for another proxy',
        services: web({}, [remote()]).map(({ service, slices }) => ({
          service: {
            ...service,
            metadata: { ...service.metadata, labels: { 'service.kubernetes.io/service-proxy-name': 'other' } },
          },
          slices,
        })),
        flows: [flow('cluster IP', 'pod', clusterIp, 80, 'DROP')],
      },
      {
        name: 'ours again',
        services: web({}, [remote()]),
        flows: [flow('cluster IP', 'pod', clusterIp, 80, 'remote')],
      },
      {
        name: 'headless',
        services: web({ clusterIP: 'None' }, [remote()]),
        flows: [flow('cluster IP', 'pod', clusterIp, 80, 'DROP')],
      },
    ],
  },
  {
    name: 'slices',
    steps: [
      {
        name: 'named ports that differ per Pod, an endpoint twice, and one without the port',
        services: [
          {
            service: sceneService('web', {
              clusterIP: clusterIp,
              ports: [{ name: 'http', port: 80, targetPort: 'http' }],
            }),
            slices: [
              sceneSlice('web', [local()], [{ name: 'http', port: 8080 }], 'a'),
              sceneSlice('web', [remote()], [{ name: 'http', port: 9090 }], 'b'),
              sceneSlice('web', [local()], [{ name: 'http', port: 8080 }], 'c'),
              sceneSlice('web', [self()], [{ name: 'metrics', port: 8080 }], 'd'),
            ],
          },
        ],
        flows: [flow('Pod', 'pod', clusterIp, 80, 'local remote')],
      },
    ],
  },
];

/** The IPv6 address that stands for an IPv4 address of the scene. */
export function ipv6Of(ip: string): string {
  const [a = '', b = '', c = '', d = ''] = ip.split('.');
  if (a === '10' && b === '96' && c === '0') return `fd00:96::${Number(d).toString(16)}`;
  if (a === '10' && b === '96') return `fd00:96::${Number(c).toString(16)}:${Number(d).toString(16)}`;
  if (a === '10') return `fd00:${c}::${d}`;
  if (a === '192') return `2001:db8::${d}`;
  if (a === '203') return `2001:db8:113::${d}`;
  return `2001:db8:${c}::${d}`;
}

/** The scene's ranges in IPv6. */
export const ipv6Scene: { readonly podCidrs: readonly string[]; readonly serviceCidrs: readonly string[] } = {
  podCidrs: ['fd00:1::/64'],
  serviceCidrs: ['fd00:96::/96'],
};

function rangeOf(text: string): string {
  const [ip = '', bits = ''] = text.trim().split('/');
  // The ranges of the cases: whole networks of the scene, and smaller ones in them.
  const padding = text.startsWith(' ') ? ' ' : '';
  return `${padding}${ipv6Of(ip)}/${bits === '24' ? 64 : 124}${padding}`;
}

/** The same case in IPv6. */
export function inIpv6({ name, steps }: TrafficCase): TrafficCase {
  return {
    name: `${name}, IPv6`,
    steps: steps.map((step) => ({
      name: step.name,
      flows: step.flows.map((each) => ({ ...each, to: ipv6Of(each.to) })),
      services: step.services.map(({ service, slices }) => {
        const { spec, status } = service;
        const ingress = status?.loadBalancer?.ingress;
        const isAddress = spec?.clusterIP !== undefined && spec.clusterIP !== '' && spec.clusterIP !== 'None';
        return {
          service: {
            ...service,
            spec: {
              ...spec,
              ...(isAddress ? { clusterIP: ipv6Of(spec.clusterIP ?? '') } : {}),
              ...(spec?.externalIPs === undefined ? {} : { externalIPs: spec.externalIPs.map(ipv6Of) }),
              ...(spec?.loadBalancerSourceRanges === undefined
                ? {}
                : { loadBalancerSourceRanges: spec.loadBalancerSourceRanges.map(rangeOf) }),
            },
            ...(ingress === undefined
              ? {}
              : {
                  status: {
                    ...status,
                    loadBalancer: { ingress: ingress.map((each) => ({ ...each, ip: ipv6Of(each.ip ?? '') })) },
                  },
                }),
          },
          slices: slices.map((slice) => ({
            ...slice,
            addressType: 'IPv6',
            endpoints: (slice.endpoints ?? []).map((endpoint) => ({
              ...endpoint,
              addresses: endpoint.addresses.map(ipv6Of),
            })),
          })),
        };
      }),
    })),
  };
}
