import {
  balancer,
  clusterIp,
  external,
  flow,
  fromPool,
  loadBalancer,
  local,
  nodeAddress,
  nodePort,
  otherIp,
  protocolsOf,
  remote,
  self,
  sharing,
  type TrafficCase,
  web,
} from './case-scene.ts';
import { sceneService, sceneSlice } from './traffic-matrix.ts';

/** Frontends: who reaches which address and port. */
export const frontendCases: readonly TrafficCase[] = [
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
    name: 'load balancer sources with policy Local',
    steps: [
      {
        name: 'one endpoint here, one elsewhere',
        services: web(
          loadBalancer({
            externalTrafficPolicy: 'Local',
            loadBalancerSourceRanges: ['198.51.100.0/24', '192.0.2.0/24'],
          }),
          [local(), remote()],
          [balancer],
        ),
        flows: [
          flow('in range', 'external', balancer, 80, 'local'),
          flow('out of range', 'stranger', balancer, 80, 'DROP'),
          flow('Pod out of range', 'pod', balancer, 80, 'DROP'),
          flow('node in range', 'node', balancer, 80, 'local remote masqueraded'),
          flow('node port bypasses ranges', 'stranger', nodeAddress, nodePort, 'local'),
        ],
      },
      {
        name: 'nothing here',
        services: web(
          loadBalancer({ externalTrafficPolicy: 'Local', loadBalancerSourceRanges: ['198.51.100.0/24'] }),
          [remote()],
          [balancer],
        ),
        flows: [
          flow('in range', 'external', balancer, 80, 'DROP'),
          flow('out of range', 'stranger', balancer, 80, 'DROP'),
          flow('node port', 'stranger', nodeAddress, nodePort, 'DROP'),
          flow('cluster IP', 'external', clusterIp, 80, 'remote masqueraded'),
        ],
      },
      {
        name: 'nothing anywhere',
        services: web(
          loadBalancer({ externalTrafficPolicy: 'Local', loadBalancerSourceRanges: ['198.51.100.0/24'] }),
          [],
          [balancer],
        ),
        flows: [
          flow('in range', 'external', balancer, 80, 'REJECT'),
          // Who may not ask is not told that nobody is there.
          flow('out of range', 'stranger', balancer, 80, 'DROP'),
        ],
      },
    ],
  },
  {
    name: 'external IPs',
    steps: [
      {
        name: 'an address of this machine',
        services: web({ externalIPs: ['192.0.2.77'] }, [remote()]),
        flows: [
          flow('from outside', 'external', '192.0.2.77', 80, 'remote masqueraded'),
          flow('from a Pod', 'pod', '192.0.2.77', 80, 'remote masqueraded'),
          flow('from the node', 'node', '192.0.2.77', 80, 'remote masqueraded'),
          flow("another port is the machine's", 'external', '192.0.2.77', 81, 'PASS'),
        ],
      },
      {
        name: 'policy Local',
        services: web({ externalIPs: ['192.0.2.77'], externalTrafficPolicy: 'Local' }, [local(), remote()]),
        flows: [
          flow('from outside', 'external', '192.0.2.77', 80, 'local'),
          flow('from a Pod', 'pod', '192.0.2.77', 80, 'local remote'),
          flow('from the node', 'node', '192.0.2.77', 80, 'local remote masqueraded'),
        ],
      },
      {
        name: 'no endpoints',
        services: web({ externalIPs: ['192.0.2.77'] }, []),
        flows: [
          flow('from outside', 'external', '192.0.2.77', 80, 'REJECT'),
          flow('from the node', 'node', '192.0.2.77', 80, 'REJECT'),
        ],
      },
      {
        name: 'the address and number of a node port: the address wins',
        services: [
          ...web({ type: 'NodePort', ports: [{ port: 80, targetPort: 8080, nodePort }] }, [remote()]),
          ...external('192.0.2.77', nodePort),
        ],
        flows: [
          flow('at the external IP', 'external', '192.0.2.77', nodePort, 'local masqueraded'),
          flow('at another address of the machine', 'external', nodeAddress, nodePort, 'remote masqueraded'),
        ],
      },
      {
        name: 'the first of two Services has it',
        services: web({ externalIPs: [balancer] }, [remote()]),
        flows: [flow('from outside', 'external', balancer, 80, 'remote masqueraded')],
      },
      {
        name: 'and keeps it',
        services: [...web({ externalIPs: [balancer] }, [remote()]), ...external(balancer, 80)],
        flows: [
          flow('from outside', 'external', balancer, 80, 'remote masqueraded'),
          flow("the other's cluster IP", 'pod', otherIp, 80, 'local'),
        ],
      },
      {
        name: 'until it goes',
        services: external(balancer, 80),
        flows: [flow('from outside', 'external', balancer, 80, 'local masqueraded')],
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
];
