import type { IpFamily } from './cidr.ts';

/** Transport protocols a Service port can have. */
export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** Identity of one frontend group: `namespace/name:PORT/PROTOCOL/FAMILY`. */
export type ServicePortKey = string;

/** One place a connection can be sent to. */
export interface EndpointTarget {
  /** Canonical address text. */
  readonly ip: string;
  /** In a port range 0: the port that the client asked for. */
  readonly port: number;
  /** On this node; `unknown` when the slice does not say (hand-made slices). */
  readonly onThisNode: 'yes' | 'no' | 'unknown';
}

/** An address at which a port is reached: of a Service other than the node's own, of a Pod's host port one of those. */
export interface VipFrontend {
  readonly kind: 'clusterIP' | 'externalIP' | 'loadBalancer' | 'hostPort';
  /** Of a host port on all addresses of the node the unspecified one of its family. */
  readonly ip: string;
  /** Only sources in these prefixes may connect; absent: everybody. Never nested. */
  readonly sourceRanges?: readonly string[];
  /**
   * From an address pool, and announced by nodes: only Services are reached there, so other ports are refused.
   * An address that others chose may be a machine's own, of which more is reached than Services.
   */
  readonly announced?: true;
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

/** Connections that are not translated: the endpoint has the Service's address, and answers clients itself. */
export interface DirectReturn {
  /** How packets reach the endpoint: by its link address, or in a tunnel to its own address. */
  readonly by: 'mac' | 'vxlan' | 'ipip';
  readonly endpoints: readonly EndpointTarget[];
  /** Never by chance: every packet of a connection is sent on its own. */
  readonly slots: SlotTable;
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
  /** Endpoints get a PROXY protocol header before the client's bytes. TCP; the userspace proxy only. */
  readonly proxyProtocol?: 'v1' | 'v2';
  /** Session affinity by client address; absent: none. */
  readonly affinityTimeoutSeconds?: number;
  /** TCP handshakes of clients are answered by the kernel, and only completed ones reach endpoints. */
  readonly synProxy?: true;
  /** For external IPs and load balancer addresses, when clients are elsewhere. Absent: translation. */
  readonly directReturn?: DirectReturn;
}

/**
 * A range of ports of one Service in one address family, from `port` to `lastPort`, both included.
 * It is reached at its addresses, never at node ports, and only the address is translated.
 */
export interface PortRangeProgram extends ServicePortProgram {
  readonly lastPort: number;
}

/** Everything this node does for one Service, or for the host ports of one Pod. */
export interface ServiceProgram {
  /** `namespace/name` of the Service; of a Pod see `hostPortKeyOf`. */
  readonly key: string;
  readonly ports: readonly ServicePortProgram[];
  /** Disjoint from each other and from `ports`. Absent: none. */
  readonly ranges?: readonly PortRangeProgram[];
  /** Connections to an endpoint end this long after new ones have ceased to reach it. Absent: never. */
  readonly drainSeconds?: number;
  /** Relayed by the userspace proxy although the kernel could. */
  readonly proxyMode?: 'userspace';
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

/** Single ports and ranges. */
export function allPorts(program: ServiceProgram): readonly (ServicePortProgram | PortRangeProgram)[] {
  return program.ranges === undefined ? program.ports : [...program.ports, ...program.ranges];
}

/** The last port of a range; of a single port, itself. */
export function lastPortOf(port: ServicePortProgram | PortRangeProgram): number {
  return 'lastPort' in port ? port.lastPort : port.port;
}

/** `ip port` as one readable text, with brackets for IPv6; without a port in a port range. */
export function formatTarget(target: { readonly ip: string; readonly port: number }): string {
  if (target.port === 0) return target.ip;
  return target.ip.includes(':') ? `[${target.ip}]:${target.port}` : `${target.ip}:${target.port}`;
}

/**
 * Whether all that a Service needs of the kernel is what every Service needs: elements of the shared maps, without rules
 * and sets for sources, clients, limits or ranges of ports.
 */
export function isPlainProgram({ ports, ranges = [] }: ServiceProgram): boolean {
  const hasMore = (port: ServicePortProgram): boolean =>
    port.clusterSlots !== undefined ||
    port.localSlots !== undefined ||
    port.deniedSources !== undefined ||
    port.nodePortSources !== undefined ||
    port.limits !== undefined ||
    port.affinityTimeoutSeconds !== undefined ||
    port.synProxy !== undefined ||
    port.directReturn !== undefined ||
    port.vips.some(({ sourceRanges }) => sourceRanges !== undefined);
  return ranges.length === 0 && !ports.some(hasMore);
}
