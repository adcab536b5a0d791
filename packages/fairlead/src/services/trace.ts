import { inAnyCidr, parseIp } from './cidr.ts';
import { anyHostAddress } from './host-ports.ts';
import {
  allPorts,
  type DirectReturn,
  type EndpointTarget,
  externalVerdict,
  formatTarget,
  internalVerdict,
  lastPortOf,
  type Protocol,
  type ServicePortProgram,
  type ServiceProgram,
  shortCircuitVerdict,
  type Verdict,
  type VipFrontend,
} from './program.ts';
import { sourceRefusal } from './source-lists.ts';

/** The first packet of a connection, as it meets this node. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** What the node knows about addresses. */
export interface TraceContext {
  /** Sources that count as Pods of this node; empty: no detection. */
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** Addresses of the machine. */
  readonly nodeIps: readonly string[];
  /** False for a machine that is not a node. */
  readonly nodePorts: boolean;
  /** Every connection to a cluster IP is masqueraded. */
  readonly masqueradeAll?: boolean;
  /** Node ports answer on addresses in these ranges only. */
  readonly nodePortCidrs?: readonly string[];
}

/** How a packet reached its verdict. */
export interface TraceMatch {
  readonly service: string;
  readonly port: ServicePortProgram;
  readonly frontend: VipFrontend['kind'] | 'nodePort';
  readonly source: 'pod' | 'node' | 'external';
}

/** The verdict on a packet. `pass`: no Service's business. */
export type TraceResult =
  | {
      readonly kind: 'endpoints';
      /** `address:port` of all that may get the connection, sorted. */
      readonly endpoints: readonly string[];
      /** Endpoints see the node's address instead of the client's. */
      readonly masquerade: boolean;
      /** Not translated: packets reach the endpoint in this way, and it answers the client itself. */
      readonly direct?: DirectReturn['by'];
      /** The endpoint, if any, that is the client itself and is masqueraded for that. */
      readonly hairpin: string | undefined;
      readonly match: TraceMatch;
    }
  | { readonly kind: 'drop' | 'reject'; readonly reason: string; readonly match: TraceMatch | undefined }
  | { readonly kind: 'pass' };

interface Found {
  /** Key of the program. */
  readonly service: string;
  readonly port: ServicePortProgram;
  readonly vip: VipFrontend | undefined;
}

function sourceClass(packet: Packet, context: TraceContext): TraceMatch['source'] {
  if (inAnyCidr(packet.source, context.podCidrs)) return 'pod';
  return context.nodeIps.includes(packet.source) || inAnyCidr(packet.source, ['127.0.0.0/8', '::1/128'])
    ? 'node'
    : 'external';
}

function find(programs: Iterable<ServiceProgram>, context: TraceContext, packet: Packet) {
  let unserved: 'cluster IP' | 'load balancer address' | undefined;
  let byAddress: Found | undefined;
  let byNodePort: Found | undefined;
  let inRange: Found | undefined;
  let byHostPort: Found | undefined;
  let byAnyHostPort: Found | undefined;
  const family = parseIp(packet.destination)?.family;
  const listed = context.nodePortCidrs === undefined || inAnyCidr(packet.destination, context.nodePortCidrs);
  const isHere = context.nodeIps.includes(packet.destination);
  const atNode = context.nodePorts && listed && isHere;
  for (const program of programs) {
    for (const port of allPorts(program)) {
      if (port.family !== family) continue;
      const host = port.vips.find(({ kind }) => kind === 'hostPort');
      if (host !== undefined) {
        if (port.protocol !== packet.protocol || port.port !== packet.port || !isHere) continue;
        const foundHost = { service: program.key, port, vip: host };
        if (host.ip === packet.destination) byHostPort ??= foundHost;
        else if (host.ip === anyHostAddress[port.family]) byAnyHostPort ??= foundHost;
        continue;
      }
      const vip = port.vips.find((candidate) => candidate.ip === packet.destination);
      if (vip?.kind === 'clusterIP') unserved = 'cluster IP';
      else if (vip?.announced === true && !context.nodeIps.includes(vip.ip)) unserved ??= 'load balancer address';
      if (port.protocol !== packet.protocol) continue;
      const found = { service: program.key, port, vip };
      if (vip !== undefined && 'lastPort' in port) {
        if (packet.port >= port.port && packet.port <= lastPortOf(port)) inRange ??= found;
        continue;
      }
      if (vip !== undefined && port.port === packet.port) byAddress ??= found;
      else if (atNode && port.nodePort === packet.port) byNodePort ??= { ...found, vip: undefined };
    }
  }
  // A range yields to a node port, and that to an address's own port.
  return { found: byAddress ?? byNodePort ?? inRange, hostPort: byHostPort ?? byAnyHostPort, unserved };
}

function decide(
  found: Found,
  source: TraceMatch['source'],
  context: TraceContext,
): { verdict: Verdict; masquerade: boolean } {
  const { port, vip } = found;
  if (vip?.kind === 'clusterIP') {
    const masquerade = context.masqueradeAll === true || (context.podCidrs.length > 0 && source !== 'pod');
    return { verdict: internalVerdict(port), masquerade };
  }
  if (port.externalTrafficPolicy === 'Cluster') return { verdict: externalVerdict(port), masquerade: true };
  if (source === 'pod') return { verdict: shortCircuitVerdict(port), masquerade: false };
  if (source === 'node') return { verdict: shortCircuitVerdict(port), masquerade: true };
  return { verdict: externalVerdict(port), masquerade: false };
}

function matchOf({ service, port, vip }: Found, source: TraceMatch['source']): TraceMatch {
  return { service, port, frontend: vip?.kind ?? 'nodePort', source };
}

function toEndpoints(
  targets: readonly EndpointTarget[],
  masquerade: boolean,
  packet: Packet,
  match: TraceMatch,
): TraceResult {
  const isSelf = (target: EndpointTarget): boolean => target.ip === packet.source && target.onThisNode !== 'no';
  const placeOf = ({ ip, port }: EndpointTarget): string => formatTarget({ ip, port: port === 0 ? packet.port : port });
  const self = targets.find(isSelf);
  return {
    kind: 'endpoints',
    endpoints: targets.map(placeOf).sort(),
    masquerade,
    hairpin: self === undefined ? undefined : placeOf(self),
    match,
  };
}

/** Whoever connects, the Pod sees him, unless it is the Pod itself. */
function toHostPort(found: Found, packet: Packet, source: TraceMatch['source']): TraceResult {
  return toEndpoints(found.port.clusterEndpoints, false, packet, matchOf(found, source));
}

/**
 * Walks a packet through programs as the kernel does through the rules.
 *
 * Used by tests, which compare it with real packets, and by `fairlead explain`.
 * Session affinity, hashing and limits are not followed: all possible endpoints are named. Packets from outside are
 * taken to come over an uplink.
 */
export function tracePacket(programs: Iterable<ServiceProgram>, context: TraceContext, packet: Packet): TraceResult {
  const { found: ofService, hostPort, unserved } = find(programs, context, packet);
  const found = ofService ?? hostPort;
  if (found === undefined) {
    if (unserved !== undefined) {
      return { kind: 'reject', reason: `the ${unserved} has no such port`, match: undefined };
    }
    if (inAnyCidr(packet.destination, context.serviceCidrs)) {
      return { kind: 'drop', reason: 'no Service has this cluster IP', match: undefined };
    }
    return { kind: 'pass' };
  }
  const source = sourceClass(packet, context);
  if (found === hostPort) return toHostPort(found, packet, source);
  const match = matchOf(found, source);
  const refusal = sourceRefusal(found.port, found.vip, packet.source);
  if (refusal !== undefined) return { kind: 'drop', reason: refusal, match };
  const { directReturn } = found.port;
  // Picked up on arrival, before anything else; who is on the node, and its own addresses, are translated.
  if (
    directReturn !== undefined &&
    source === 'external' &&
    found.vip !== undefined &&
    found.vip.kind !== 'clusterIP'
  ) {
    return {
      kind: 'endpoints',
      endpoints: directReturn.endpoints.map(formatTarget).sort(),
      masquerade: false,
      direct: directReturn.by,
      hairpin: undefined,
      match,
    };
  }
  const { verdict, masquerade } = decide(found, source, context);
  // Where a Service translates nothing, a host port of the same number does, before anything is refused.
  if (verdict.kind !== 'balance' && hostPort !== undefined) return toHostPort(hostPort, packet, source);
  if (verdict.kind === 'reject') return { kind: 'reject', reason: 'no usable endpoints', match };
  if (verdict.kind === 'drop') return { kind: 'drop', reason: 'no usable endpoints on this node', match };
  return toEndpoints(verdict.endpoints, masquerade, packet, match);
}
