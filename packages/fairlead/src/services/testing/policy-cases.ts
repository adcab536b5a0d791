import {
  balancer,
  type CaseStep,
  clusterIp,
  draining,
  failing,
  flow,
  loadBalancer,
  local,
  nodeAddress,
  nodePort,
  ready,
  remote,
  self,
  starting,
  type TrafficCase,
  web,
} from './case-scene.ts';
import { type SceneEndpoint, scene, sceneService, sceneSlice } from './traffic-matrix.ts';

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

/** Which endpoints are used: policies, fallback, hints, slices. */
export const policyCases: readonly TrafficCase[] = [
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
