import type { EndpointSlice, Service, Stored } from '@fairlead/api';

/** Addresses of the scene that interpreter and kernel tests share. */
export const scene = {
  nodeName: 'here',
  nodeIps: ['192.0.2.1', '192.0.2.77'],
  podCidrs: ['10.244.1.0/24'],
  serviceCidrs: ['10.96.0.0/16'],
  /** Pods: a client and an endpoint on this node, an endpoint on another. */
  pod: '10.244.1.2',
  localEndpoint: '10.244.1.3',
  remoteEndpoint: '10.244.2.3',
  external: '198.51.100.7',
  /** The node's processes bind this, so that masquerading shows. */
  node: '192.0.2.77',
} as const;

/** Where a flow comes from. */
export const sources = ['pod', 'node', 'external'] as const;
/** What a flow addresses. */
export const destinations = ['clusterIP', 'nodePort', 'loadBalancer'] as const;
/** The three Services of the matrix. */
export const policies = ['plain', 'eTP Local', 'iTP Local'] as const;

/** One of {@link sources}. */
export type Source = (typeof sources)[number];
/** One of {@link destinations}. */
export type Destination = (typeof destinations)[number];
/** One of {@link policies}. */
export type Policy = (typeof policies)[number];

/** One row: which endpoints may answer, and whether they see the node instead of the client. */
export interface MatrixRow {
  readonly policy: Policy;
  readonly from: Source;
  readonly to: Destination;
  readonly endpoints: 'both' | 'local';
  readonly masquerade: boolean;
}

function row(
  policy: Policy,
  from: Source,
  to: Destination,
  endpoints: 'both' | 'local',
  snat: 'snat' | 'no',
): MatrixRow {
  return { policy, from, to, endpoints, masquerade: snat === 'snat' };
}

/** kube-proxy's 27 flows: one local and one remote endpoint, with detection of local Pods. */
export const trafficMatrix: readonly MatrixRow[] = [
  row('plain', 'pod', 'clusterIP', 'both', 'no'),
  row('plain', 'pod', 'nodePort', 'both', 'snat'),
  row('plain', 'pod', 'loadBalancer', 'both', 'snat'),
  row('plain', 'node', 'clusterIP', 'both', 'snat'),
  row('plain', 'node', 'nodePort', 'both', 'snat'),
  row('plain', 'node', 'loadBalancer', 'both', 'snat'),
  row('plain', 'external', 'clusterIP', 'both', 'snat'),
  row('plain', 'external', 'nodePort', 'both', 'snat'),
  row('plain', 'external', 'loadBalancer', 'both', 'snat'),
  row('eTP Local', 'pod', 'clusterIP', 'both', 'no'),
  row('eTP Local', 'pod', 'nodePort', 'both', 'no'),
  row('eTP Local', 'pod', 'loadBalancer', 'both', 'no'),
  row('eTP Local', 'node', 'clusterIP', 'both', 'snat'),
  row('eTP Local', 'node', 'nodePort', 'both', 'snat'),
  row('eTP Local', 'node', 'loadBalancer', 'both', 'snat'),
  row('eTP Local', 'external', 'clusterIP', 'both', 'snat'),
  row('eTP Local', 'external', 'nodePort', 'local', 'no'),
  row('eTP Local', 'external', 'loadBalancer', 'local', 'no'),
  row('iTP Local', 'pod', 'clusterIP', 'local', 'no'),
  row('iTP Local', 'pod', 'nodePort', 'both', 'snat'),
  row('iTP Local', 'pod', 'loadBalancer', 'both', 'snat'),
  row('iTP Local', 'node', 'clusterIP', 'local', 'snat'),
  row('iTP Local', 'node', 'nodePort', 'both', 'snat'),
  row('iTP Local', 'node', 'loadBalancer', 'both', 'snat'),
  row('iTP Local', 'external', 'clusterIP', 'local', 'snat'),
  row('iTP Local', 'external', 'nodePort', 'both', 'snat'),
  row('iTP Local', 'external', 'loadBalancer', 'both', 'snat'),
];

/** How the proxy tells sources apart, and what it hides. */
export const matrixModes = ['detection', 'no detection', 'masquerade all'] as const;
/** One of {@link matrixModes}. */
export type MatrixMode = (typeof matrixModes)[number];

/** The matrix in another mode: same flows, other endpoints and sources seen. */
export function matrixIn(mode: MatrixMode): readonly MatrixRow[] {
  return trafficMatrix.map((flow) => rowIn(mode, flow));
}

function rowIn(mode: MatrixMode, flow: MatrixRow): MatrixRow {
  const toCluster = flow.to === 'clusterIP';
  switch (mode) {
    case 'detection':
      return flow;
    case 'masquerade all':
      return toCluster ? { ...flow, masquerade: true } : flow;
    case 'no detection':
      // Nobody is known to be a Pod: under policy Local it is treated like somebody from outside.
      if (toCluster) return { ...flow, masquerade: false };
      return flow.policy === 'eTP Local' && flow.from === 'pod' ? { ...flow, endpoints: 'local' } : flow;
  }
}

/** Address and port of a destination of the Service with this policy. */
export function destinationOf(policy: Policy, to: Destination): { readonly ip: string; readonly port: number } {
  const index = policies.indexOf(policy) + 1;
  if (to === 'nodePort') return { ip: '192.0.2.1', port: 30080 + index };
  return { ip: to === 'clusterIP' ? `10.96.0.${index}` : `203.0.113.${index}`, port: 80 };
}

function metadata(name: string): Stored<Service>['metadata'] {
  return { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '2025-01-01T00:00:00Z' };
}

/** A Service of the scene; `spec` overrides. */
export function sceneService(
  name: string,
  spec: NonNullable<Service['spec']>,
  ingress: readonly string[] = [],
): Stored<Service> {
  return {
    metadata: metadata(name),
    spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }], ...spec },
    ...(ingress.length > 0 ? { status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } } } : {}),
  };
}

/** One endpoint of a scene slice. */
export interface SceneEndpoint {
  readonly ip: string;
  readonly nodeName?: string;
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  readonly zones?: readonly string[];
  readonly nodes?: readonly string[];
}

/** A slice of the scene. */
export function sceneSlice(
  service: string,
  endpoints: readonly SceneEndpoint[],
  ports: EndpointSlice['ports'] = [{ name: '', port: 8080, protocol: 'TCP' }],
  suffix = 'a',
): Stored<EndpointSlice> {
  return {
    metadata: { ...metadata(`${service}-${suffix}`), labels: { 'kubernetes.io/service-name': service } },
    addressType: endpoints[0]?.ip.includes(':') ? 'IPv6' : 'IPv4',
    ports,
    endpoints: endpoints.map(({ ip, nodeName, conditions, zones, nodes }) => ({
      addresses: [ip],
      conditions: conditions ?? { ready: true, serving: true, terminating: false },
      nodeName: nodeName ?? (ip.startsWith('10.244.1.') ? scene.nodeName : 'there'),
      ...(zones === undefined && nodes === undefined
        ? {}
        : {
            hints: {
              ...(zones === undefined ? {} : { forZones: zones.map((name) => ({ name })) }),
              ...(nodes === undefined ? {} : { forNodes: nodes.map((name) => ({ name })) }),
            },
          }),
    })),
  };
}

/** Service and slices of each policy of the matrix. */
export function matrixServices(): { readonly service: Stored<Service>; readonly slices: Stored<EndpointSlice>[] }[] {
  return policies.map((policy, index) => {
    const name = policy.toLowerCase().replace(' ', '-');
    const service = sceneService(
      name,
      {
        type: 'LoadBalancer',
        clusterIP: `10.96.0.${index + 1}`,
        ports: [{ port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 30081 + index }],
        ...(policy === 'eTP Local' ? { externalTrafficPolicy: 'Local' } : {}),
        ...(policy === 'iTP Local' ? { internalTrafficPolicy: 'Local' } : {}),
      },
      [`203.0.113.${index + 1}`],
    );
    return { service, slices: [sceneSlice(name, [{ ip: scene.localEndpoint }, { ip: scene.remoteEndpoint }])] };
  });
}
