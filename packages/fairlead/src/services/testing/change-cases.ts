import {
  balancer,
  type CaseStep,
  clusterIp,
  flow,
  loadBalancer,
  local,
  nodeAddress,
  nodePort,
  remote,
  type Spec,
  type TrafficCase,
  web,
} from './case-scene.ts';
import { ipv6Of } from './ipv6-cases.ts';
import { sceneService, sceneSlice } from './traffic-matrix.ts';

const ofPort = (port: NonNullable<NonNullable<Spec['ports']>[number]>): Spec => ({
  type: 'NodePort',
  ports: [{ nodePort, ...port }],
});

/** Services that change while they are served. */
export const changeCases: readonly TrafficCase[] = [
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
    name: 'a load balancer becomes a cluster IP, and back',
    steps: [
      {
        name: 'LoadBalancer',
        services: web(loadBalancer(), [remote()], [balancer]),
        flows: [
          flow('load balancer', 'external', balancer, 80, 'remote masqueraded'),
          flow('node port', 'external', nodeAddress, nodePort, 'remote masqueraded'),
        ],
      },
      {
        name: 'ClusterIP, while the status still names the address',
        services: web({}, [remote()], [balancer]),
        flows: [
          flow('cluster IP', 'pod', clusterIp, 80, 'remote'),
          flow('load balancer', 'external', balancer, 80, 'PASS'),
          flow('node port', 'external', nodeAddress, nodePort, 'PASS'),
        ],
      },
      {
        name: 'LoadBalancer without node ports',
        services: web(
          loadBalancer({ allocateLoadBalancerNodePorts: false, ports: [{ port: 80, targetPort: 8080 }] }),
          [remote()],
          [balancer],
        ),
        flows: [
          flow('load balancer', 'external', balancer, 80, 'remote masqueraded'),
          flow('node port', 'external', nodeAddress, nodePort, 'PASS'),
        ],
      },
    ],
  },
  {
    name: 'ports change',
    steps: [
      {
        name: 'as it was',
        services: web(ofPort({ name: 'a', port: 80 }), [], []).map(({ service }) => ({
          service,
          slices: [sceneSlice('web', [remote()], [{ name: 'a', port: 8080 }])],
        })),
        flows: [flow('port', 'pod', clusterIp, 80, 'remote')],
      },
      {
        name: 'renamed, and its slices with it',
        services: web(ofPort({ name: 'b', port: 80 }), [], []).map(({ service }) => ({
          service,
          slices: [sceneSlice('web', [remote()], [{ name: 'b', port: 8080 }])],
        })),
        flows: [flow('port', 'pod', clusterIp, 80, 'remote')],
      },
      {
        name: 'the endpoint listens elsewhere',
        services: web(ofPort({ name: 'b', port: 80 }), [], []).map(({ service }) => ({
          service,
          slices: [sceneSlice('web', [remote(), local()], [{ name: 'b', port: 9090 }])],
        })),
        flows: [
          flow('port', 'pod', clusterIp, 80, 'local remote'),
          flow('node port', 'external', nodeAddress, nodePort, 'local remote masqueraded'),
        ],
      },
      {
        name: 'other numbers',
        services: web(ofPort({ name: 'b', port: 81, nodePort: 30502 }), [], []).map(({ service }) => ({
          service,
          slices: [sceneSlice('web', [remote()], [{ name: 'b', port: 8080 }])],
        })),
        flows: [
          flow('new port', 'pod', clusterIp, 81, 'remote'),
          flow('old port', 'pod', clusterIp, 80, 'REJECT'),
          flow('new node port', 'external', nodeAddress, 30502, 'remote masqueraded'),
          flow('old node port', 'external', nodeAddress, nodePort, 'PASS'),
        ],
      },
      {
        name: 'another protocol at the number',
        services: web(ofPort({ name: 'b', port: 81, protocol: 'UDP', nodePort: 30502 }), [], []).map(({ service }) => ({
          service,
          slices: [sceneSlice('web', [remote()], [{ name: 'b', port: 8081, protocol: 'UDP' }])],
        })),
        flows: [
          flow('UDP', 'pod', clusterIp, 81, 'remote', 'UDP'),
          flow('TCP', 'pod', clusterIp, 81, 'REJECT'),
          flow('UDP node port', 'external', nodeAddress, 30502, 'remote masqueraded', 'UDP'),
        ],
      },
      {
        name: 'none left',
        services: web({ type: 'NodePort', ports: [] }, [remote()]),
        flows: [
          flow('a Service without ports has no address', 'pod', clusterIp, 81, 'DROP'),
          flow('node port', 'external', nodeAddress, 30502, 'PASS'),
        ],
      },
      {
        name: 'back',
        services: web(ofPort({ port: 80, targetPort: 8080 }), [remote()]),
        flows: [
          flow('port', 'pod', clusterIp, 80, 'remote'),
          flow('node port', 'external', nodeAddress, nodePort, 'remote masqueraded'),
        ],
      },
    ],
  },
  {
    name: 'the cluster IP of a deleted Service goes to another',
    steps: [
      {
        name: 'first',
        services: web({}, [remote()]),
        flows: [flow('port', 'pod', clusterIp, 80, 'remote')],
      },
      {
        name: 'second',
        services: [
          {
            service: sceneService('after', { clusterIP: clusterIp, ports: [{ port: 80, targetPort: 8080 }] }),
            slices: [sceneSlice('after', [local()])],
          },
        ],
        flows: [
          flow('port', 'pod', clusterIp, 80, 'local'),
          flow('from outside', 'external', clusterIp, 80, 'local masqueraded'),
          flow('undefined port', 'pod', clusterIp, 81, 'REJECT'),
        ],
      },
    ],
  },
  {
    name: 'endpoints of which no slice says the node',
    steps: [
      {
        name: 'policy Cluster',
        services: web(loadBalancer(), [remote(undefined, { nodeName: '' })], [balancer]),
        flows: [
          flow('cluster IP', 'pod', clusterIp, 80, 'remote'),
          flow('load balancer', 'external', balancer, 80, 'remote masqueraded'),
        ],
      },
      {
        name: 'policy Local: they are not here',
        services: web(
          loadBalancer({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }),
          [remote(undefined, { nodeName: '' })],
          [balancer],
        ),
        flows: [
          flow('cluster IP', 'pod', clusterIp, 80, 'DROP'),
          flow('load balancer', 'external', balancer, 80, 'DROP'),
          flow('load balancer from a Pod', 'pod', balancer, 80, 'remote'),
        ],
      },
    ],
  },
];

const dualIp = ipv6Of(clusterIp);

function dual(clusterIPs: readonly string[]): CaseStep['services'] {
  const spec: Spec = {
    type: 'NodePort',
    clusterIP: clusterIPs[0] ?? '',
    clusterIPs: [...clusterIPs],
    ipFamilyPolicy: clusterIPs.length > 1 ? 'PreferDualStack' : 'SingleStack',
    ports: [{ port: 80, targetPort: 8080, nodePort }],
  };
  const slices = [
    sceneSlice('web', [remote()]),
    // The controller writes slices of the families that the Service has.
    ...(clusterIPs.length > 1
      ? [sceneSlice('web', [remote(undefined, { ip: ipv6Of(remote().ip) })], undefined, 'b')]
      : []),
  ];
  return [{ service: sceneService('web', spec), slices }];
}

const inFamilies = (v4: string, v6: string, v6Port: string): CaseStep['flows'] => [
  flow('IPv4', 'pod', clusterIp, 80, v4),
  flow('IPv4 node port', 'external', nodeAddress, nodePort, `${v4} masqueraded`),
  flow('IPv6', 'pod', dualIp, 80, v6),
  flow('IPv6 node port', 'external', ipv6Of(nodeAddress), nodePort, v6Port),
];

/** A Service gets a second family and gives it up again; these have both families, so there is no other form of them. */
export const dualStackCases: readonly TrafficCase[] = [
  {
    name: 'a second family comes and goes',
    steps: [
      { name: 'IPv4', services: dual([clusterIp]), flows: inFamilies('remote', 'DROP', 'PASS') },
      {
        name: 'both',
        services: dual([clusterIp, dualIp]),
        flows: inFamilies('remote', 'remote', 'remote masqueraded'),
      },
      { name: 'IPv4 again', services: dual([clusterIp]), flows: inFamilies('remote', 'DROP', 'PASS') },
    ],
  },
];
