import type { Pod, Stored } from '@fairlead/api';
import type { TrafficCase } from './case-scene.ts';

/** The IPv6 address that stands for an IPv4 address of the scene. */
export function ipv6Of(ip: string): string {
  const [a = '', b = '', c = '', d = ''] = ip.split('.');
  if (a === '10' && b === '96' && c === '0') return `fd00:96::${Number(d).toString(16)}`;
  if (a === '10' && b === '96') return `fd00:96::${Number(c).toString(16)}:${Number(d).toString(16)}`;
  if (a === '10') return `fd00:${c}::${d}`;
  if (a === '192') return `2001:db8::${d}`;
  if (a === '203') return `2001:db8:113::${d}`;
  return `2001:db8:${c}::${d}`;
}

/** The scene's ranges in IPv6. */
export const ipv6Scene: { readonly podCidrs: readonly string[]; readonly serviceCidrs: readonly string[] } = {
  podCidrs: ['fd00:1::/64'],
  serviceCidrs: ['fd00:96::/96'],
};

function rangeOf(text: string): string {
  const [ip = '', bits = ''] = text.trim().split('/');
  // The ranges of the cases: whole networks of the scene, and smaller ones in them.
  const padding = text.startsWith(' ') ? ' ' : '';
  return `${padding}${ipv6Of(ip)}/${bits === '24' ? 64 : 124}${padding}`;
}

function podInIpv6(pod: Stored<Pod>): Stored<Pod> {
  const { spec, status } = pod;
  const ports = spec?.containers[0]?.ports?.map((port) => ({
    ...port,
    ...(port.hostIP === undefined ? {} : { hostIP: ipv6Of(port.hostIP) }),
  }));
  return {
    ...pod,
    spec: { ...spec, containers: [{ name: 'main', ...(ports === undefined ? {} : { ports }) }] },
    status: { ...status, podIPs: (status?.podIPs ?? []).map(({ ip }) => ({ ip: ipv6Of(ip) })) },
  };
}

/** The same case in IPv6. */
export function inIpv6({ name, steps }: TrafficCase): TrafficCase {
  return {
    name: `${name}, IPv6`,
    steps: steps.map((step) => ({
      name: step.name,
      ...(step.pods === undefined ? {} : { pods: step.pods.map(podInIpv6) }),
      flows: step.flows.map((each) => ({ ...each, to: ipv6Of(each.to) })),
      services: step.services.map(({ service, slices }) => {
        const { spec, status } = service;
        const ingress = status?.loadBalancer?.ingress;
        const isAddress = spec?.clusterIP !== undefined && spec.clusterIP !== '' && spec.clusterIP !== 'None';
        return {
          service: {
            ...service,
            spec: {
              ...spec,
              ...(isAddress ? { clusterIP: ipv6Of(spec.clusterIP ?? '') } : {}),
              ...(spec?.externalIPs === undefined ? {} : { externalIPs: spec.externalIPs.map(ipv6Of) }),
              ...(spec?.loadBalancerSourceRanges === undefined
                ? {}
                : { loadBalancerSourceRanges: spec.loadBalancerSourceRanges.map(rangeOf) }),
            },
            ...(ingress === undefined
              ? {}
              : {
                  status: {
                    ...status,
                    loadBalancer: { ingress: ingress.map((each) => ({ ...each, ip: ipv6Of(each.ip ?? '') })) },
                  },
                }),
          },
          slices: slices.map((slice) => ({
            ...slice,
            addressType: 'IPv6',
            endpoints: (slice.endpoints ?? []).map((endpoint) => ({
              ...endpoint,
              addresses: endpoint.addresses.map(ipv6Of),
            })),
          })),
        };
      }),
    })),
  };
}
