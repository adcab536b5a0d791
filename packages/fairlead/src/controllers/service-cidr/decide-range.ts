import {
  type Cidr,
  cidrContains,
  type IPAddress,
  parseCidr,
  parseIp,
  type ServiceCIDR,
  type Stored,
} from '@fairlead/api';

/** Keeps a ServiceCIDR until no address is left that only it explains. */
export const rangeFinalizer = 'networking.k8s.io/service-cidr-finalizer';

/** What to do about a ServiceCIDR. */
export type RangeDecision =
  /** It is in use or may be used: it has the finalizer and says that it is ready. */
  | { readonly kind: 'ready' }
  /** It goes, but some addresses need it: it says so and stays. */
  | { readonly kind: 'held' }
  /** Nobody needs it: the finalizer goes. */
  | { readonly kind: 'release' };

/** Decides by the other ranges and the addresses in use. */
export function decideRange(
  range: Stored<ServiceCIDR>,
  others: Iterable<Stored<ServiceCIDR>>,
  addresses: Iterable<Stored<IPAddress>>,
): RangeDecision {
  if (range.metadata.deletionTimestamp === undefined) return { kind: 'ready' };
  const own = cidrsOf(range);
  const rest = [...others].filter(
    ({ metadata }) => metadata.uid !== range.metadata.uid && metadata.deletionTimestamp === undefined,
  );
  const cover = rest.flatMap(cidrsOf);
  for (const { metadata } of addresses) {
    const ip = parseIp(metadata.name);
    if (ip === undefined || !own.some((cidr) => cidrContains(cidr, ip))) continue;
    if (!cover.some((cidr) => cidrContains(cidr, ip))) return { kind: 'held' };
  }
  return { kind: 'release' };
}

function cidrsOf(range: ServiceCIDR): Cidr[] {
  return (range.spec?.cidrs ?? []).map(parseCidr).filter((cidr) => cidr !== undefined);
}
