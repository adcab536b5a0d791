import type { IpFamily } from './cidr.ts';

/** Transport protocols a Service port can have. */
export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** Identity of one frontend group: `namespace/name:PORT/PROTOCOL/FAMILY`. */
export type ServicePortKey = string;

/** One place a connection can be sent to. */
export interface EndpointTarget {
  /** Canonical address text. */
  readonly ip: string;
  readonly port: number;
  /** On this node; `unknown` when the slice does not say (hand-made slices). */
  readonly onThisNode: 'yes' | 'no' | 'unknown';
}

/** An address, other than the node's own, at which a Service port is reached. */
export interface VipFrontend {
  readonly kind: 'clusterIP' | 'externalIP' | 'loadBalancer';
  readonly ip: string;
  /** Only sources in these prefixes may connect; absent: everybody. Never nested. */
  readonly sourceRanges?: readonly string[];
}

/** How new connections are spread over endpoints, when not evenly at random. */
export interface SlotTable {
  /** What chooses the slot: chance, the client's address, or its address and port. */
  readonly by: 'random' | 'source' | 'connection';
  /** Index of the endpoint, by slot. */
  readonly places: readonly number[];
}

/** Bounds for each client address. */
export interface SourceLimits {
  /** At a time. */
  readonly maxConnections?: number;
  readonly newConnections?:
    | { readonly count: number; readonly per: 'second' | 'minute' | 'hour'; readonly burst: number }
    | undefined;
}

/** One port of one Service in one address family, ready to be installed. */
export interface ServicePortProgram {
  readonly key: ServicePortKey;
  /** Empty for the only port of a Service. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly family: IpFamily;
  readonly port: number;
  readonly vips: readonly VipFrontend[];
  readonly nodePort?: number;
  /** Governs cluster IPs. */
  readonly internalTrafficPolicy: 'Cluster' | 'Local';
  /** Governs node ports, external IPs and load balancer addresses. */
  readonly externalTrafficPolicy: 'Cluster' | 'Local';
  /** Usable endpoints anywhere, after readiness fallback and topology hints. */
  readonly clusterEndpoints: readonly EndpointTarget[];
  /** Usable endpoints on this node, after readiness fallback. Empty unless a policy is Local. */
  readonly localEndpoints: readonly EndpointTarget[];
  /** Slots of the cluster endpoints; absent: evenly at random. */
  readonly clusterSlots?: SlotTable;
  readonly localSlots?: SlotTable;
  /** Sources that may not connect, to any frontend. Never nested. */
  readonly deniedSources?: readonly string[];
  /** Only these sources may connect to the node port; absent: everybody. Never nested. */
  readonly nodePortSources?: readonly string[];
  readonly limits?: SourceLimits;
  /** Session affinity by client address; absent: none. */
  readonly affinityTimeoutSeconds?: number;
}

/** Everything this node does for one Service. */
export interface ServiceProgram {
  /** `namespace/name`. */
  readonly key: string;
  readonly ports: readonly ServicePortProgram[];
  /** Port of the health check server (load balancer with externalTrafficPolicy Local). */
  readonly healthCheckNodePort?: number;
  /** Ready, not terminating endpoints on this node: the health check's count. */
  readonly localReadyEndpoints: number;
}

/**
 * What happens to a new connection of one traffic class.
 *
 * `set` tells which of the port's endpoint sets is balanced over, so that a data
 * plane can keep the two apart.
 */
export type Verdict =
  | { readonly kind: 'balance'; readonly set: 'cluster' | 'local'; readonly endpoints: readonly EndpointTarget[] }
  | { readonly kind: 'drop' }
  | { readonly kind: 'reject' };

function clusterVerdict(port: ServicePortProgram): Verdict {
  if (port.clusterEndpoints.length === 0) return { kind: 'reject' };
  return { kind: 'balance', set: 'cluster', endpoints: port.clusterEndpoints };
}

/** Nothing on this node is silence, so that a load balancer tries another; nothing anywhere is a refusal. */
function localVerdict(port: ServicePortProgram): Verdict {
  if (port.localEndpoints.length > 0) return { kind: 'balance', set: 'local', endpoints: port.localEndpoints };
  return { kind: port.clusterEndpoints.length > 0 ? 'drop' : 'reject' };
}

/** Verdict for connections to a cluster IP. */
export function internalVerdict(port: ServicePortProgram): Verdict {
  return port.internalTrafficPolicy === 'Local' ? localVerdict(port) : clusterVerdict(port);
}

/** Verdict for connections from outside to a node port, external IP or load balancer address. */
export function externalVerdict(port: ServicePortProgram): Verdict {
  return port.externalTrafficPolicy === 'Local' ? localVerdict(port) : clusterVerdict(port);
}

/** Verdict for the same destinations from this node or a Pod on it: the policy Local is short-circuited. */
export function shortCircuitVerdict(port: ServicePortProgram): Verdict {
  return clusterVerdict(port);
}

/** `ip port` as one readable text, with brackets for IPv6. */
export function formatTarget(target: { readonly ip: string; readonly port: number }): string {
  return target.ip.includes(':') ? `[${target.ip}]:${target.port}` : `${target.ip}:${target.port}`;
}
