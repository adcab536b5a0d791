import type { ContainerPort, Pod, Stored } from '@fairlead/api';
import { flow, nodeAddress, nodePort, remote, type TrafficCase, web } from './case-scene.ts';
import { scene } from './traffic-matrix.ts';

const [, secondAddress] = scene.nodeIps;

/** A Pod of the scene's node with one container. */
export function scenePod(
  name: string,
  ip: string,
  ports: readonly ContainerPort[],
  more: { readonly phase?: NonNullable<Pod['status']>['phase']; readonly hostNetwork?: boolean } = {},
): Stored<Pod> {
  const { phase = 'Running', hostNetwork } = more;
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '2025-01-01T00:00:00Z',
    },
    spec: {
      nodeName: scene.nodeName,
      containers: [{ name: 'main', ports: [...ports] }],
      ...(hostNetwork === undefined ? {} : { hostNetwork }),
    },
    status: { phase, podIP: ip, podIPs: [{ ip }] },
  };
}

const localPod = (ports: readonly ContainerPort[], more?: Parameters<typeof scenePod>[3]): Stored<Pod> =>
  scenePod('local', scene.localEndpoint, ports, more);
const clientPod = (ports: readonly ContainerPort[]): Stored<Pod> => scenePod('self', scene.pod, ports);
const web8090: ContainerPort = { hostPort: 8090, containerPort: 8080 };
const atNodePort: ContainerPort = { hostPort: nodePort, containerPort: 8080 };

/** Host ports of Pods, alone and beside Services. */
export const hostPortCases: readonly TrafficCase[] = [
  {
    name: 'a host port leads to its Pod, which sees the client',
    steps: [
      {
        name: 'on every address of the node',
        services: [],
        pods: [
          localPod([
            web8090,
            { hostPort: 8091, containerPort: 8081, protocol: 'UDP' },
            { hostPort: 8092, containerPort: 8082, protocol: 'SCTP' },
            { containerPort: 8093 },
          ]),
        ],
        flows: [
          flow('from outside', 'external', nodeAddress, 8090, 'local'),
          flow('to the other address', 'external', secondAddress, 8090, 'local'),
          flow('from a Pod', 'pod', nodeAddress, 8090, 'local'),
          flow('from the node', 'node', nodeAddress, 8090, 'local'),
          flow('datagrams', 'external', nodeAddress, 8091, 'local', 'UDP'),
          flow('SCTP', 'external', nodeAddress, 8092, 'local', 'SCTP'),
          flow('another protocol', 'external', nodeAddress, 8090, 'PASS', 'UDP'),
          flow('no host port', 'external', nodeAddress, 8093, 'PASS'),
          flow('an address of somebody else', 'external', '203.0.113.99', 8090, 'PASS'),
        ],
      },
      {
        name: 'another Pod takes it over',
        services: [],
        pods: [clientPod([web8090])],
        flows: [
          flow('from outside', 'external', nodeAddress, 8090, 'self'),
          flow('the Pod itself', 'pod', nodeAddress, 8090, 'self masqueraded'),
        ],
      },
      {
        name: 'the Pod has ended',
        services: [],
        pods: [localPod([web8090], { phase: 'Succeeded' })],
        flows: [flow('from outside', 'external', nodeAddress, 8090, 'PASS')],
      },
      {
        name: 'a Pod in the network of the node listens itself',
        services: [],
        pods: [localPod([web8090], { hostNetwork: true })],
        flows: [flow('from outside', 'external', nodeAddress, 8090, 'PASS')],
      },
    ],
  },
  {
    name: 'a host port on one address',
    steps: [
      {
        name: 'alone',
        services: [],
        pods: [localPod([{ ...web8090, hostIP: secondAddress }])],
        flows: [
          flow('that address', 'external', secondAddress, 8090, 'local'),
          flow('another address', 'external', nodeAddress, 8090, 'PASS'),
        ],
      },
      {
        name: 'goes before one on every address',
        services: [],
        pods: [localPod([web8090]), clientPod([{ ...web8090, hostIP: secondAddress }])],
        flows: [
          flow('that address', 'external', secondAddress, 8090, 'self'),
          flow('another address', 'external', nodeAddress, 8090, 'local'),
        ],
      },
      {
        name: 'that the node does not have',
        services: [],
        pods: [localPod([{ ...web8090, hostIP: '203.0.113.99' }])],
        flows: [flow('routed on', 'external', '203.0.113.99', 8090, 'PASS')],
      },
    ],
  },
  {
    name: 'Services go before host ports',
    steps: [
      {
        name: 'a node port of the same number',
        services: web({ type: 'NodePort', ports: [{ port: 80, nodePort }] }, [remote()]),
        pods: [localPod([atNodePort])],
        flows: [flow('is the Service’s', 'external', nodeAddress, nodePort, 'remote masqueraded')],
      },
      {
        name: 'that has no endpoints',
        services: web({ type: 'NodePort', ports: [{ port: 80, nodePort }] }, []),
        pods: [localPod([atNodePort])],
        flows: [flow('is the Pod’s', 'external', nodeAddress, nodePort, 'local')],
      },
      {
        name: 'none any more',
        services: [],
        pods: [localPod([atNodePort])],
        flows: [flow('is the Pod’s', 'external', nodeAddress, nodePort, 'local')],
      },
      {
        name: 'an external IP that is an address of the node',
        services: web({ externalIPs: [secondAddress], ports: [{ port: 8090, targetPort: 8080 }] }, [remote()]),
        pods: [localPod([web8090])],
        flows: [
          flow('there the Service', 'external', secondAddress, 8090, 'remote masqueraded'),
          flow('elsewhere the Pod', 'external', nodeAddress, 8090, 'local'),
        ],
      },
    ],
  },
];
