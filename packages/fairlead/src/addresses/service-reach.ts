import { type EndpointSlice, formatIp, objectKey, parseIp, type Service, type Stored } from '@fairlead/api';

/** How well a set of endpoints can take traffic: `ready`; `draining`: terminating, still serving; `none`. */
export type EndpointLevel = 'none' | 'draining' | 'ready';

/** What announcing needs to know of a Service of type LoadBalancer; changes only when that changes. */
export interface ServiceReach {
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Canonical addresses that nodes take traffic for. */
  readonly addresses: readonly string[];
  readonly isLocal: boolean;
  readonly anywhere: EndpointLevel;
  readonly here: EndpointLevel;
}

const rank: Readonly<Record<EndpointLevel, number>> = { none: 0, draining: 1, ready: 2 };

function levelOf(slices: readonly EndpointSlice[], nodeName: string | undefined): EndpointLevel {
  let level: EndpointLevel = 'none';
  for (const slice of slices) {
    for (const { conditions, nodeName: at } of slice.endpoints ?? []) {
      if (nodeName !== undefined && at !== nodeName) continue;
      const ready = conditions?.ready !== false;
      const draining = conditions?.serving === true && conditions.terminating === true;
      const own: EndpointLevel = ready ? 'ready' : draining ? 'draining' : 'none';
      if (rank[own] > rank[level]) level = own;
      if (level === 'ready') return level;
    }
  }
  return level;
}

/** Reads a Service and its slices; `undefined` for a Service without addresses to announce. Pure. */
export function serviceReach(
  service: Stored<Service>,
  slices: readonly EndpointSlice[],
  nodeName: string,
): ServiceReach | undefined {
  if (service.spec?.type !== 'LoadBalancer' || service.metadata.deletionTimestamp !== undefined) return undefined;
  const addresses: string[] = [];
  for (const { ip, ipMode } of service.status?.loadBalancer?.ingress ?? []) {
    const parsed = (ipMode ?? 'VIP') === 'VIP' ? parseIp(ip ?? '') : undefined;
    if (parsed !== undefined) addresses.push(formatIp(parsed));
  }
  if (addresses.length === 0) return undefined;
  return {
    key: objectKey(service),
    labels: service.metadata.labels ?? {},
    addresses,
    isLocal: service.spec.externalTrafficPolicy === 'Local',
    anywhere: levelOf(slices, undefined),
    here: levelOf(slices, nodeName),
  };
}
