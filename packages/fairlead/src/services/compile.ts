import type { EndpointSlice, Service, Stored } from '@fairlead/api';
import { objectKey } from '@fairlead/api';
import { categorizeEndpoints, isReady, type NodeTopology, type PortEndpoint } from './categorize-endpoints.ts';
import type { IpFamily } from './cidr.ts';
import { type AnnotationProblem, annotationPrefix, type L4Annotations, readL4Annotations } from './l4-annotations.ts';
import { withoutPorts } from './port-ranges.ts';
import type {
  DirectReturn,
  EndpointTarget,
  PortRangeProgram,
  Protocol,
  ServicePortProgram,
  ServiceProgram,
  VipFrontend,
} from './program.ts';
import { addressesOf, endpointsOf, isPortNumber } from './service-endpoints.ts';
import { vipsOf } from './service-vips.ts';
import { directSlots, spreadOver } from './slot-table.ts';
import { rangeTexts } from './source-lists.ts';

/** What a kernel may lack, without which some annotation cannot be followed. */
export type KernelFeature = 'syn-proxy' | 'netdev-forward' | 'vxlan' | 'ipip';

/** What compiling needs to know of the node. */
export interface NodeContext extends NodeTopology {
  /** Addresses of the node; a source range that admits one admits the node's own load balancer traffic. */
  readonly nodeIps: readonly string[];
  /** Value of `service.kubernetes.io/service-proxy-name` of the Services that are ours. Default: no such label. */
  readonly proxyName?: string;
  /** False for a machine that is not a node: no endpoint can ever be on it. */
  readonly isNode?: boolean;
  /** What its kernel cannot do, each with the name of what is missing. Default: nothing. */
  readonly lacking?: ReadonlyMap<KernelFeature, string>;
}

/** Something that is not as the user asked; the rest of the Service is served. */
export interface CompileWarning extends AnnotationProblem {
  /** The Service is in order: it is this node that cannot follow. */
  readonly ofNode?: true;
}

/** The result for one Service; `program` is absent when nothing is to be proxied. */
export interface CompiledService {
  readonly program: ServiceProgram | undefined;
  readonly warnings: readonly CompileWarning[];
}

const proxyNameLabel = 'service.kubernetes.io/service-proxy-name';
const headlessLabel = 'service.kubernetes.io/headless';
const families: readonly IpFamily[] = ['IPv4', 'IPv6'];
const defaultAffinityTimeoutSeconds = 10800;

/**
 * Whether this proxy serves the Service; not if it is ExternalName, headless, or another proxy's by its
 * label. `proxyName`: the label's value that is ours; absent: Services without the label are.
 */
export function isProxied(service: Service, proxyName?: string): boolean {
  const labels = service.metadata?.labels;
  if (labels?.[proxyNameLabel] !== proxyName || labels?.[headlessLabel] !== undefined) return false;
  if (service.spec?.type === 'ExternalName') return false;
  const clusterIp = service.spec?.clusterIP ?? service.spec?.clusterIPs?.[0] ?? '';
  return clusterIp !== '' && clusterIp !== 'None';
}

function toTarget(endpoint: PortEndpoint, node: NodeTopology): EndpointTarget {
  const nodeName = endpoint.endpoint.nodeName ?? '';
  const onThisNode = nodeName === '' ? 'unknown' : nodeName === node.nodeName ? 'yes' : 'no';
  return { ip: endpoint.ip, port: endpoint.port, onThisNode };
}

/** What all ports of a Service in one family have in common. */
interface PortSurroundings {
  readonly service: Stored<Service>;
  readonly family: IpFamily;
  readonly vips: readonly VipFrontend[];
  readonly slices: readonly EndpointSlice[];
  readonly annotations: L4Annotations;
  readonly node: NodeContext;
}

interface PortIdentity {
  readonly key: string;
  readonly portName: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort?: number;
}

/** Without a translation the endpoint must listen on the port that the client asked for. */
function directReturnOf(
  { service, vips, annotations, node }: PortSurroundings,
  { protocol, port }: PortIdentity,
  endpoints: readonly PortEndpoint[],
): DirectReturn | undefined {
  const by = annotations.directReturn;
  if (by === 'off' || protocol === 'SCTP' || endpoints.length === 0) return undefined;
  if (!vips.some(({ kind }) => kind !== 'clusterIP')) return undefined;
  if (endpoints.some((endpoint) => endpoint.port !== port)) return undefined;
  const hash =
    service.spec?.sessionAffinity === 'ClientIP' || annotations.spread === 'source' ? 'source' : 'connection';
  const spread = directSlots(endpoints, hash, annotations.weights);
  return { by, endpoints: spread.endpoints.map((endpoint) => toTarget(endpoint, node)), slots: spread.slots };
}

function compileFrontend(
  around: PortSurroundings,
  identity: PortIdentity,
  endpoints: readonly PortEndpoint[],
): ServicePortProgram {
  const { service, family, vips, annotations, node } = around;
  const spec = service.spec ?? {};
  const hasOutside = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || spec.externalIPs?.length;
  // Where no endpoint can be local, policy Local would only be a hole.
  const internalTrafficPolicy = node.isNode === false ? 'Cluster' : (spec.internalTrafficPolicy ?? 'Cluster');
  const externalTrafficPolicy = (hasOutside ? spec.externalTrafficPolicy : undefined) ?? 'Cluster';
  const usesLocal = internalTrafficPolicy === 'Local' || externalTrafficPolicy === 'Local';
  const categories = categorizeEndpoints(endpoints, node);
  const affinity = spec.sessionAffinity === 'ClientIP';
  const { weights } = annotations;
  const wanted = annotations.spread === 'default' ? 'random' : annotations.spread;
  // A router that spreads an address over nodes may move a connection; what it meets there must not be chance.
  const behindRouter = spec.type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
  const wantedLocally = annotations.spread === 'default' && behindRouter ? 'connection' : wanted;
  const sticky = { spread: 'random', weights: new Map() } as const;
  const cluster = spreadOver(categories.cluster, affinity ? sticky : { spread: wanted, weights });
  const local = spreadOver(usesLocal ? categories.local : [], affinity ? sticky : { spread: wantedLocally, weights });
  const direct = directReturnOf(
    around,
    identity,
    externalTrafficPolicy === 'Local' ? categories.local : categories.cluster,
  );
  const denied = rangeTexts(annotations.denied.get(family));
  const nodePortSources = rangeTexts(annotations.allowed.get(family));
  return {
    ...identity,
    family,
    vips,
    internalTrafficPolicy,
    externalTrafficPolicy,
    clusterEndpoints: cluster.endpoints.map((endpoint) => toTarget(endpoint, node)),
    localEndpoints: local.endpoints.map((endpoint) => toTarget(endpoint, node)),
    ...(cluster.slots === undefined ? {} : { clusterSlots: cluster.slots }),
    ...(local.slots === undefined ? {} : { localSlots: local.slots }),
    ...(denied === undefined ? {} : { deniedSources: denied }),
    ...(nodePortSources === undefined ? {} : { nodePortSources }),
    ...(annotations.limits === undefined ? {} : { limits: annotations.limits }),
    ...(annotations.proxyProtocol === undefined || identity.protocol !== 'TCP'
      ? {}
      : { proxyProtocol: annotations.proxyProtocol }),
    ...(affinity
      ? {
          affinityTimeoutSeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinityTimeoutSeconds,
        }
      : {}),
    ...(direct === undefined ? {} : { directReturn: direct }),
    ...(annotations.synProxy && identity.protocol === 'TCP' ? { synProxy: true } : {}),
  };
}

function compilePorts(around: PortSurroundings): ServicePortProgram[] {
  const { service, family, slices } = around;
  const usesNodePort = service.spec?.type === 'NodePort' || service.spec?.type === 'LoadBalancer';
  return (service.spec?.ports ?? []).flatMap((port) => {
    if (!isPortNumber(port.port)) return [];
    const protocol: Protocol = port.protocol ?? 'TCP';
    const identity: PortIdentity = {
      key: `${objectKey(service)}:${port.port}/${protocol}/${family}`,
      portName: port.name ?? '',
      protocol,
      port: port.port,
      ...(usesNodePort && isPortNumber(port.nodePort) ? { nodePort: port.nodePort } : {}),
    };
    return [compileFrontend(around, identity, endpointsOf(slices, port, family))];
  });
}

/** Ports that the spec names keep their own rules: ranges are what is left beside them. */
function compileRanges(around: PortSurroundings): PortRangeProgram[] {
  const { service, family, slices, annotations } = around;
  if (annotations.portRanges.length === 0) return [];
  const named = (service.spec?.ports ?? []).map(({ port, protocol }) => ({ port, protocol: protocol ?? 'TCP' }));
  const endpoints = addressesOf(slices, family);
  // The handshake is answered before the kernel knows whether the port is served at all.
  const plain: PortSurroundings = {
    ...around,
    annotations: { ...annotations, synProxy: false, directReturn: 'off' },
  };
  return withoutPorts(annotations.portRanges, named).map(({ protocol, from, to }) => {
    const key = `${objectKey(service)}:${from}-${to}/${protocol}/${family}`;
    return { ...compileFrontend(plain, { key, portName: '', protocol, port: from }, endpoints), lastPort: to };
  });
}

/** Endpoints, not addresses: what a Pod has in a second family makes it no better a target. */
function countLocalReady(slices: readonly EndpointSlice[], node: NodeTopology): number {
  const counts = families.map((family) => {
    const addresses = new Set<string>();
    for (const slice of slices) {
      if (slice.addressType !== family) continue;
      for (const endpoint of slice.endpoints ?? []) {
        if (endpoint.nodeName === node.nodeName && isReady(endpoint)) addresses.add(endpoint.addresses[0] ?? '');
      }
    }
    return addresses.size;
  });
  return Math.max(...counts);
}

function hashes(spread: L4Annotations['spread']): boolean {
  return spread === 'source' || spread === 'connection';
}

/** Without what this node's kernel cannot do, each with a warning that says what is missing. */
function followable(annotations: L4Annotations, { lacking }: NodeContext, warnings: CompileWarning[]): L4Annotations {
  const missing = (name: string, feature: KernelFeature, lost: string): boolean => {
    const what = lacking?.get(feature);
    if (what === undefined) return false;
    const field = `metadata.annotations[${annotationPrefix}${name}]`;
    warnings.push({ field, message: `this node has no ${what}: ${lost}`, ofNode: true });
    return true;
  };
  const { directReturn } = annotations;
  const translated = 'connections are translated, and answers pass through this node';
  const noDirect =
    directReturn !== 'off' &&
    (missing('direct-server-return', 'netdev-forward', translated) ||
      (directReturn !== 'mac' && missing('direct-server-return', directReturn, translated)));
  const noSynProxy =
    annotations.synProxy && missing('syn-proxy', 'syn-proxy', 'floods of SYN packets reach the endpoints');
  return {
    ...annotations,
    ...(noDirect ? { directReturn: 'off' } : {}),
    ...(noSynProxy ? { synProxy: false } : {}),
  };
}

/** What direct server return leaves to translation, or does without. */
function directReturnWarnings(
  service: Service,
  annotations: L4Annotations,
  ports: readonly ServicePortProgram[],
): CompileWarning[] {
  if (annotations.directReturn === 'off') return [];
  const field = `metadata.annotations[${annotationPrefix}direct-server-return]`;
  const warnings: CompileWarning[] = [];
  for (const [index, { port, targetPort, protocol }] of (service.spec?.ports ?? []).entries()) {
    const own = ports.filter((each) => each.port === port && each.protocol === (protocol ?? 'TCP'));
    const served = own.some(({ clusterEndpoints, vips }) => clusterEndpoints.length > 0 && vips.length > 1);
    if (!served || own.some(({ directReturn }) => directReturn !== undefined)) continue;
    if (own.every(({ clusterEndpoints }) => clusterEndpoints.every((target) => target.port === port))) continue;
    const message = `spec.ports[${index}]: endpoints listen on ${targetPort ?? 'another port'}, not on ${port}, so connections are translated`;
    warnings.push({ field, message });
  }
  if (annotations.limits !== undefined) {
    warnings.push({ field, message: 'limits per source do not hold for packets that are not tracked' });
  }
  return warnings;
}

/**
 * Service and its EndpointSlices → what this node installs for it. Pure.
 *
 * Bad addresses and ranges become warnings with a field path; the rest of the
 * Service is served. A Service that only another proxy or DNS serves has no program.
 */
export function compileService(
  service: Stored<Service>,
  slices: readonly EndpointSlice[],
  node: NodeContext,
): CompiledService {
  if (!isProxied(service, node.proxyName)) return { program: undefined, warnings: [] };
  const warnings: CompileWarning[] = [];
  const spec = service.spec ?? {};
  const annotations = followable(readL4Annotations(service.metadata.annotations, warnings), node, warnings);
  const vips = vipsOf(service, annotations, node.nodeIps, warnings);
  if (spec.externalIPs?.length) {
    warnings.push({
      field: 'spec.externalIPs',
      message: 'external IPs let a Service capture any address (CVE-2020-8554)',
    });
  }
  if (spec.sessionAffinity === 'ClientIP' && (hashes(annotations.spread) || annotations.weights.size > 0)) {
    warnings.push({
      field: 'metadata.annotations',
      message: 'sessionAffinity ClientIP wins over fairlead.dev/load-balancing and fairlead.dev/endpoint-weights',
    });
  }
  const ports: ServicePortProgram[] = [];
  const ranges: PortRangeProgram[] = [];
  for (const family of families) {
    const ofFamily = vips.get(family) ?? [];
    if (!ofFamily.some((vip) => vip.kind === 'clusterIP')) continue;
    const around = { service, family, vips: ofFamily, slices, annotations, node };
    ports.push(...compilePorts(around));
    ranges.push(...compileRanges(around));
  }
  warnings.push(...directReturnWarnings(service, annotations, ports));
  const healthCheckNodePort =
    spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && isPortNumber(spec.healthCheckNodePort)
      ? { healthCheckNodePort: spec.healthCheckNodePort }
      : {};
  const program: ServiceProgram = {
    key: objectKey(service),
    ports,
    ...(ranges.length === 0 ? {} : { ranges }),
    ...(annotations.drainSeconds === undefined ? {} : { drainSeconds: annotations.drainSeconds }),
    ...(annotations.userspace ? { proxyMode: 'userspace' as const } : {}),
    ...healthCheckNodePort,
    localReadyEndpoints: countLocalReady(slices, node),
  };
  return { program, warnings };
}
