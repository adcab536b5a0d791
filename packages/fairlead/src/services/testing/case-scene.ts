import type { EndpointSlice, Pod, Service, Stored } from '@fairlead/api';
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
  /** Pods of the node, for their host ports. */
  readonly pods?: readonly Stored<Pod>[];
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

/** Conditions of endpoints: serving, leaving but serving, leaving and failing, not there yet. */
export const ready = { ready: true, serving: true, terminating: false };
/** See {@link ready}. */
export const draining = { ready: false, serving: true, terminating: true };
/** See {@link ready}. */
export const failing = { ready: false, serving: false, terminating: true };
/** See {@link ready}. */
export const starting = { ready: false, serving: false, terminating: false };
/** The endpoint on this node. */
export const local = (
  conditions: SceneEndpoint['conditions'] = ready,
  more: Partial<SceneEndpoint> = {},
): SceneEndpoint => {
  return { ip: scene.localEndpoint, conditions, ...more };
};
/** The endpoint on another node. */
export const remote = (
  conditions: SceneEndpoint['conditions'] = ready,
  more: Partial<SceneEndpoint> = {},
): SceneEndpoint => {
  return { ip: scene.remoteEndpoint, conditions, ...more };
};
/** The client Pod as an endpoint. */
export const self = (conditions: SceneEndpoint['conditions'] = ready): SceneEndpoint => ({ ip: scene.pod, conditions });

/** Makes a {@link CaseFlow}. */
export const flow = (
  name: string,
  from: CaseSource,
  to: string,
  port: number,
  expected: string,
  protocol: Protocol = 'TCP',
): CaseFlow => ({ name, from, protocol, to, port, expected });

/** Spec of a Service of the scene. */
export type Spec = Parameters<typeof sceneService>[1];

/** Addresses and ports that the cases share. */
export const clusterIp = '10.96.11.1';
/** See {@link clusterIp}. */
export const otherIp = '10.96.11.2';
/** See {@link clusterIp}. */
export const balancer = '203.0.113.31';
/** See {@link clusterIp}. */
export const nodeAddress = '192.0.2.1';
/** See {@link clusterIp}. */
export const nodePort = 30500;

/** The Service of most cases. */
export function web(
  spec: Spec,
  endpoints: readonly SceneEndpoint[],
  ingress: readonly string[] = [],
): CaseStep['services'] {
  const service = sceneService('web', { clusterIP: clusterIp, ...spec }, ingress);
  return [{ service, slices: endpoints.length === 0 ? [] : [sceneSlice('web', endpoints)] }];
}

/** The same with addresses from a pool, as its controller leaves them. */
export function fromPool(services: CaseStep['services']): CaseStep['services'] {
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
export function sharing(port: number): CaseStep['services'] {
  const spec: Spec = { type: 'LoadBalancer', clusterIP: otherIp, ports: [{ port, targetPort: 8080, nodePort: 30501 }] };
  return [{ service: sceneService('other', spec, [balancer]), slices: [sceneSlice('other', [local()])] }];
}

/** Another Service at the same external IP, with an endpoint of its own. */
export function external(ip: string, port: number): CaseStep['services'] {
  const spec: Spec = { clusterIP: otherIp, externalIPs: [ip], ports: [{ port, targetPort: 8080 }] };
  return [{ service: sceneService('other', spec), slices: [sceneSlice('other', [local()])] }];
}

/** Of type LoadBalancer. */
export const loadBalancer = (spec: Spec = {}): Spec => ({
  type: 'LoadBalancer',
  ports: [{ port: 80, targetPort: 8080, nodePort }],
  ...spec,
});

/** One number on three protocols. */
export const threeProtocols: Spec = {
  type: 'NodePort',
  ports: [
    { name: 't', port: 53, nodePort },
    { name: 'u', port: 53, protocol: 'UDP', nodePort },
    { name: 's', port: 53, protocol: 'SCTP', nodePort },
  ],
};
/** Where the endpoints listen for {@link threeProtocols}. */
const threeTargets: EndpointSlice['ports'] = [
  { name: 't', port: 8080 },
  { name: 'u', port: 8081, protocol: 'UDP' },
  { name: 's', port: 8082, protocol: 'SCTP' },
];

/** A Service with some of the three protocols on one number. */
export function protocolsOf(names: readonly string[]): CaseStep['services'] {
  const ports = (threeProtocols?.ports ?? []).filter(({ name }) => names.includes(name ?? ''));
  const service = sceneService('dns', { ...threeProtocols, clusterIP: clusterIp, ports });
  return [{ service, slices: [sceneSlice('dns', [remote()], threeTargets)] }];
}
