import { cidrContains, formatCidr, formatIp, isIpv4Mapped, parseCidr, parseIp } from '@fairlead/api';
import { goQuote } from '@fairlead/api/schema/field-cause';
import { legacyCidr, parseLegacyIp } from '@fairlead/api/schema/validate/addresses';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';

const future = 'will be considered invalid in a future Kubernetes release: use';

/** What a server remarks about an address that is read, but not written as it should be (KEP-4858). */
export function ipWarnings(field: string, text: unknown): string[] {
  const ip = typeof text === 'string' ? parseLegacyIp(text) : undefined;
  if (ip === undefined || typeof text !== 'string') return [];
  const canonical = formatIp(ip);
  if (isIpv4Mapped(ip)) {
    const plain = formatIp({ family: 4, value: ip.value & 0xffffffffn });
    return [`${field}: non-standard IP address ${goQuote(text)} ${future} ${goQuote(plain)}`];
  }
  if (parseIp(text) === undefined) {
    return [`${field}: non-standard IP address ${goQuote(text)} ${future} ${goQuote(canonical)}`];
  }
  if (ip.family === 4 || text === canonical) return [];
  return [`${field}: IPv6 address ${goQuote(text)} should be in RFC 5952 canonical format (${goQuote(canonical)})`];
}

/** What a server remarks about a range that is read, but not written as it should be. */
function cidrWarnings(field: string, text: unknown): string[] {
  const cidr = typeof text === 'string' ? legacyCidr(text) : undefined;
  if (cidr === undefined || typeof text !== 'string') return [];
  const [address = '', bits = ''] = text.trim().split('/');
  const ip = parseLegacyIp(address)!;
  const canonical = formatCidr(cidr);
  if (isIpv4Mapped(ip) || parseCidr(text) === undefined) {
    return [`${field}: non-standard CIDR value ${goQuote(text)} ${future} ${goQuote(canonical)}`];
  }
  if (ip.value !== cidr.network && cidrContains(cidr, ip)) {
    const single = `${formatIp(ip)}/${ip.family === 4 ? 32 : 128}`;
    return [
      `${field}: CIDR value ${goQuote(text)} is ambiguous in this context (should be ${goQuote(canonical)} or ${goQuote(single)}?)`,
    ];
  }
  if (ip.family === 4 || `${formatIp(ip)}/${Number(bits)}` === text) return [];
  return [`${field}: IPv6 CIDR value ${goQuote(text)} should be in RFC 5952 canonical format (${goQuote(canonical)})`];
}

/** Remarks about all addresses of a Service, NetworkPolicy, EndpointSlice, Endpoints or Node. */
export function addressWarnings(kind: string, object: KubeObject): string[] {
  const spec = recordOf(object.spec) ?? {};
  switch (kind) {
    case 'Service':
      return [
        ...each(spec.clusterIPs, 'spec.clusterIPs', ipWarnings),
        ...each(spec.externalIPs, 'spec.externalIPs', ipWarnings),
        ...(spec.loadBalancerIP === undefined ? [] : ipWarnings('spec.loadBalancerIP', spec.loadBalancerIP)),
        ...each(spec.loadBalancerSourceRanges, 'spec.loadBalancerSourceRanges', cidrWarnings),
      ];
    case 'NetworkPolicy':
      return [...peerWarnings(spec.ingress, 'spec.ingress', 'from'), ...peerWarnings(spec.egress, 'spec.egress', 'to')];
    case 'EndpointSlice':
      if (object.addressType === 'FQDN') return [];
      return each(object.endpoints, 'endpoints', (field, endpoint) =>
        each(recordOf(endpoint)?.addresses, `${field}.addresses`, ipWarnings),
      );
    case 'Endpoints':
      return each(object.subsets, 'subsets', (field, subset) =>
        ['addresses', 'notReadyAddresses'].flatMap((list) =>
          each(recordOf(subset)?.[list], `${field}.${list}`, (place, address) =>
            ipWarnings(`${place}.ip`, recordOf(address)?.ip),
          ),
        ),
      );
    case 'Node':
      return each(spec.podCIDRs, 'spec.podCIDRs', cidrWarnings);
    default:
      return [];
  }
}

/** Remarks about the addresses in the status of a Pod. */
export function statusAddressWarnings(pod: KubeObject): string[] {
  const status = recordOf(pod.status) ?? {};
  return ['podIPs', 'hostIPs'].flatMap((list) =>
    each(status[list], `status.${list}`, (field, item) => ipWarnings(`${field}.ip`, recordOf(item)?.ip)),
  );
}

function peerWarnings(rules: unknown, path: string, peers: string): string[] {
  return each(rules, path, (field, rule) =>
    each(recordOf(rule)?.[peers], `${field}.${peers}`, (place, peer) => {
      const block = recordOf(recordOf(peer)?.ipBlock);
      if (block === undefined) return [];
      return [
        ...cidrWarnings(`${place}.ipBlock.cidr`, block.cidr),
        ...each(block.except, `${place}.ipBlock.except`, cidrWarnings),
      ];
    }),
  );
}

/** The remarks about every item of a list. */
function each(list: unknown, path: string, remarks: (field: string, item: unknown) => string[]): string[] {
  return Array.isArray(list) ? list.flatMap((item: unknown, index) => remarks(`${path}[${index}]`, item)) : [];
}
