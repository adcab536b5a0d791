import type { EndpointSlice, LoadBalancerIngress, Service, ServicePort, Stored } from '@fairlead/api';
import { objectKey } from '@fairlead/api';
import { categorizeEndpoints, isReady, type NodeTopology, type PortEndpoint } from './categorize-endpoints.ts';
import { canonicalIp, cidrContains, formatIp, type IpFamily, type ParsedCidr, parseCidr, parseIp } from './cidr.ts';
import { type L4Annotations, readL4Annotations } from './l4-annotations.ts';
import type { EndpointTarget, Protocol, ServicePortProgram, ServiceProgram, VipFrontend } from './program.ts';
import { spreadOver } from './slot-table.ts';
import { intersectRanges, rangeTexts } from './source-lists.ts';

/** What compiling needs to know of the node. */
export interface NodeContext extends NodeTopology {
  /** Addresses of the node; a source range that admits one admits the node's own load balancer traffic. */
  readonly nodeIps: readonly string[];
}

/** A problem of the user's making; the rest of the Service is served. */
export interface CompileWarning {
  /** Field path, e.g. `spec.loadBalancerSourceRanges[1]`. */
  readonly field: string;
  readonly message: string;
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

/** Whether this proxy leaves the Service alone: ExternalName, headless, or labelled for another proxy. */
export function isProxied(service: Service): boolean {
  const labels = service.metadata?.labels;
  if (labels?.[proxyNameLabel] !== undefined || labels?.[headlessLabel] !== undefined) return false;
  if (service.spec?.type === 'ExternalName') return false;
  const clusterIp = service.spec?.clusterIP ?? service.spec?.clusterIPs?.[0] ?? '';
  return clusterIp !== '' && clusterIp !== 'None';
}

function isPortNumber(port: unknown): port is number {
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536;
}

/** All endpoints of one port, from every slice, once per address and port. */
function endpointsOf(slices: readonly EndpointSlice[], port: ServicePort, family: IpFamily): PortEndpoint[] {
  const protocol = port.protocol ?? 'TCP';
  const found = new Map<string, PortEndpoint>();
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    const slicePort = slice.ports?.find(
      (candidate) => (candidate.name ?? '') === (port.name ?? '') && (candidate.protocol ?? 'TCP') === protocol,
    );
    // A slice port without a number means all ports; the L4 proxy has nothing to translate to.
    if (slicePort === undefined || !isPortNumber(slicePort.port)) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const ip = canonicalIp(endpoint.addresses[0] ?? '', family);
      if (ip === undefined) continue;
      const identity = `${ip} ${slicePort.port}`;
      const previous = found.get(identity);
      // While a controller moves an endpoint between slices it is in both: the ready copy counts.
      if (previous !== undefined && (isReady(previous.endpoint) || !isReady(endpoint))) continue;
      found.set(identity, { endpoint, ip, port: slicePort.port });
    }
  }
  return [...found.values()];
}

function toTarget(endpoint: PortEndpoint, node: NodeTopology): EndpointTarget {
  const nodeName = endpoint.endpoint.nodeName ?? '';
  const onThisNode = nodeName === '' ? 'unknown' : nodeName === node.nodeName ? 'yes' : 'no';
  return { ip: endpoint.ip, port: endpoint.port, onThisNode };
}

/** The ranges of each family; a family without ranges is not filtered. */
function sourceRangesOf(
  service: Service,
  warnings: CompileWarning[],
): ReadonlyMap<IpFamily, readonly ReturnType<typeof parseCidr>[]> {
  const ranges = new Map<IpFamily, NonNullable<ReturnType<typeof parseCidr>>[]>();
  for (const [index, text] of (service.spec?.loadBalancerSourceRanges ?? []).entries()) {
    const cidr = parseCidr(text.trim());
    if (cidr === undefined) {
      warnings.push({ field: `spec.loadBalancerSourceRanges[${index}]`, message: `'${text}' is not an address range` });
    } else ranges.set(cidr.family, [...(ranges.get(cidr.family) ?? []), cidr]);
  }
  return ranges;
}

/** Which sources may use a load balancer address; `undefined`: all. */
function loadBalancerRanges(
  ip: string,
  family: IpFamily,
  ranges: ReadonlyMap<IpFamily, readonly ReturnType<typeof parseCidr>[]>,
  node: NodeContext,
): readonly ParsedCidr[] | undefined {
  const own = (ranges.get(family) ?? []).filter((cidr) => cidr !== undefined);
  if (own.length === 0) return undefined;
  // The node may use the address it connects to as its source: a range that admits the node admits that.
  const nodeAdmitted = node.nodeIps.some((text) => {
    const nodeIp = parseIp(text);
    return nodeIp !== undefined && own.some((cidr) => cidrContains(cidr, nodeIp));
  });
  const vip = nodeAdmitted ? parseCidr(ip) : undefined;
  return vip === undefined ? own : [...own, vip];
}

function vipFrontend(kind: VipFrontend['kind'], ip: string, ranges: readonly ParsedCidr[] | undefined): VipFrontend {
  const sourceRanges = rangeTexts(ranges);
  return { kind, ip, ...(sourceRanges === undefined ? {} : { sourceRanges }) };
}

/** An address to capture: `ipMode: Proxy` means that traffic must really leave for the load balancer. */
function isCaptured(ingress: LoadBalancerIngress): ingress is LoadBalancerIngress & { ip: string } {
  return ingress.ip !== undefined && ingress.ip !== '' && (ingress.ipMode ?? 'VIP') === 'VIP';
}

function vipsOf(
  service: Service,
  annotations: L4Annotations,
  node: NodeContext,
  warnings: CompileWarning[],
): Map<IpFamily, VipFrontend[]> {
  const vips = new Map<IpFamily, VipFrontend[]>(families.map((family) => [family, []]));
  const seen = new Set<string>();
  const add = (text: string, field: string, make: (ip: string, family: IpFamily) => VipFrontend): void => {
    const parsed = parseIp(text);
    if (parsed === undefined) {
      warnings.push({ field, message: `'${text}' is not an IP address` });
      return;
    }
    const ip = formatIp(parsed);
    if (seen.has(ip)) return;
    seen.add(ip);
    vips.get(parsed.family)?.push(make(ip, parsed.family));
  };
  const spec = service.spec ?? {};
  const { allowed } = annotations;
  const clusterIps = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ''];
  for (const [index, ip] of clusterIps.entries()) {
    add(ip, `spec.clusterIPs[${index}]`, (text, family) => vipFrontend('clusterIP', text, allowed.get(family)));
  }
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    add(ip, `spec.externalIPs[${index}]`, (text, family) => vipFrontend('externalIP', text, allowed.get(family)));
  }
  if (spec.type === 'LoadBalancer') {
    const ranges = sourceRangesOf(service, warnings);
    for (const [index, ingress] of (service.status?.loadBalancer?.ingress ?? []).entries()) {
      if (!isCaptured(ingress)) continue;
      add(ingress.ip, `status.loadBalancer.ingress[${index}].ip`, (ip, family) =>
        vipFrontend(
          'loadBalancer',
          ip,
          intersectRanges(loadBalancerRanges(ip, family, ranges, node), allowed.get(family)),
        ),
      );
    }
  }
  return vips;
}

function compilePort(
  service: Stored<Service>,
  port: ServicePort,
  family: IpFamily,
  vips: readonly VipFrontend[],
  slices: readonly EndpointSlice[],
  annotations: L4Annotations,
  node: NodeContext,
): ServicePortProgram {
  const spec = service.spec ?? {};
  const protocol: Protocol = port.protocol ?? 'TCP';
  const usesNodePort = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  const internalTrafficPolicy = spec.internalTrafficPolicy ?? 'Cluster';
  const externalTrafficPolicy =
    (usesNodePort || spec.externalIPs?.length ? spec.externalTrafficPolicy : undefined) ?? 'Cluster';
  const usesLocal = internalTrafficPolicy === 'Local' || externalTrafficPolicy === 'Local';
  const categories = categorizeEndpoints(endpointsOf(slices, port, family), node);
  const affinity = spec.sessionAffinity === 'ClientIP';
  const how = affinity ? { ...annotations, spread: 'random' as const, weights: new Map() } : annotations;
  const cluster = spreadOver(categories.cluster, how);
  const local = spreadOver(usesLocal ? categories.local : [], how);
  const denied = rangeTexts(annotations.denied.get(family));
  const nodePortSources = rangeTexts(annotations.allowed.get(family));
  return {
    key: `${objectKey(service)}:${port.port}/${protocol}/${family}`,
    portName: port.name ?? '',
    protocol,
    family,
    port: port.port,
    vips,
    ...(usesNodePort && isPortNumber(port.nodePort) ? { nodePort: port.nodePort } : {}),
    internalTrafficPolicy,
    externalTrafficPolicy,
    clusterEndpoints: cluster.endpoints.map((endpoint) => toTarget(endpoint, node)),
    localEndpoints: local.endpoints.map((endpoint) => toTarget(endpoint, node)),
    ...(cluster.slots === undefined ? {} : { clusterSlots: cluster.slots }),
    ...(local.slots === undefined ? {} : { localSlots: local.slots }),
    ...(denied === undefined ? {} : { deniedSources: denied }),
    ...(nodePortSources === undefined ? {} : { nodePortSources }),
    ...(annotations.limits === undefined ? {} : { limits: annotations.limits }),
    ...(affinity
      ? {
          affinityTimeoutSeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinityTimeoutSeconds,
        }
      : {}),
  };
}

function countLocalReady(slices: readonly EndpointSlice[], node: NodeTopology): number {
  const addresses = new Set<string>();
  for (const slice of slices) {
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.nodeName === node.nodeName && isReady(endpoint)) addresses.add(endpoint.addresses[0] ?? '');
    }
  }
  return addresses.size;
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
  if (!isProxied(service)) return { program: undefined, warnings: [] };
  const warnings: CompileWarning[] = [];
  const spec = service.spec ?? {};
  const annotations = readL4Annotations(service.metadata.annotations, warnings);
  const vips = vipsOf(service, annotations, node, warnings);
  if (spec.externalIPs?.length) {
    warnings.push({
      field: 'spec.externalIPs',
      message: 'external IPs let a Service capture any address (CVE-2020-8554)',
    });
  }
  if (spec.sessionAffinity === 'ClientIP' && (annotations.spread !== 'random' || annotations.weights.size > 0)) {
    warnings.push({
      field: 'metadata.annotations',
      message: 'sessionAffinity ClientIP wins over fairlead.dev/load-balancing and fairlead.dev/endpoint-weights',
    });
  }
  const ports: ServicePortProgram[] = [];
  for (const family of families) {
    const ofFamily = vips.get(family) ?? [];
    if (!ofFamily.some((vip) => vip.kind === 'clusterIP')) continue;
    for (const port of spec.ports ?? []) {
      if (isPortNumber(port.port)) ports.push(compilePort(service, port, family, ofFamily, slices, annotations, node));
    }
  }
  const healthCheckNodePort =
    spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && isPortNumber(spec.healthCheckNodePort)
      ? { healthCheckNodePort: spec.healthCheckNodePort }
      : {};
  const program: ServiceProgram = {
    key: objectKey(service),
    ports,
    ...healthCheckNodePort,
    localReadyEndpoints: countLocalReady(slices, node),
  };
  return { program, warnings };
}
