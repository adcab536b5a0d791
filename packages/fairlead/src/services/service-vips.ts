import type { LoadBalancerIngress, Service } from '@fairlead/api';
import { addressCondition } from '@fairlead/api/fairlead-dev/types';
import { cidrContains, formatIp, type IpFamily, type ParsedCidr, parseCidr, parseIp } from './cidr.ts';
import type { AnnotationProblem, L4Annotations } from './l4-annotations.ts';
import type { VipFrontend } from './program.ts';
import { intersectRanges, rangeTexts } from './source-lists.ts';

const families: readonly IpFamily[] = ['IPv4', 'IPv6'];

/** The ranges of each family; a family without ranges is not filtered. */
function sourceRangesOf(
  service: Service,
  warnings: AnnotationProblem[],
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
  nodeIps: readonly string[],
): readonly ParsedCidr[] | undefined {
  const own = (ranges.get(family) ?? []).filter((cidr) => cidr !== undefined);
  if (own.length === 0) return undefined;
  // The node may use the address it connects to as its source: a range that admits the node admits that.
  const nodeAdmitted = nodeIps.some((text) => {
    const nodeIp = parseIp(text);
    return nodeIp !== undefined && own.some((cidr) => cidrContains(cidr, nodeIp));
  });
  const vip = nodeAdmitted ? parseCidr(ip) : undefined;
  return vip === undefined ? own : [...own, vip];
}

function vipFrontend(
  kind: VipFrontend['kind'],
  ip: string,
  ranges: readonly ParsedCidr[] | undefined,
  announced = false,
): VipFrontend {
  const sourceRanges = rangeTexts(ranges);
  return {
    kind,
    ip,
    ...(sourceRanges === undefined ? {} : { sourceRanges }),
    ...(announced ? { announced: true as const } : {}),
  };
}

/** The controller of address pools leaves this condition on every Service whose addresses it looks after. */
function isFromPool(service: Service): boolean {
  return service.status?.conditions?.some(({ type }) => type === addressCondition) === true;
}

/** An address to capture: `ipMode: Proxy` means that traffic must really leave for the load balancer. */
function isCaptured(ingress: LoadBalancerIngress): ingress is LoadBalancerIngress & { ip: string } {
  return ingress.ip !== undefined && ingress.ip !== '' && (ingress.ipMode ?? 'VIP') === 'VIP';
}

/**
 * The addresses of a Service by family, with who may connect to each. Addresses that are none become
 * problems with a field path.
 */
export function vipsOf(
  service: Service,
  annotations: L4Annotations,
  nodeIps: readonly string[],
  warnings: AnnotationProblem[],
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
    const fromPool = isFromPool(service);
    for (const [index, ingress] of (service.status?.loadBalancer?.ingress ?? []).entries()) {
      if (!isCaptured(ingress)) continue;
      add(ingress.ip, `status.loadBalancer.ingress[${index}].ip`, (ip, family) =>
        vipFrontend(
          'loadBalancer',
          ip,
          intersectRanges(loadBalancerRanges(ip, family, ranges, nodeIps), allowed.get(family)),
          fromPool,
        ),
      );
    }
  }
  return vips;
}
