import {
  type IpAddress,
  type LabelRequirements,
  matchesLabels,
  parseIp,
  requirementsOfSelector,
  type Stored,
} from '@fairlead/api';
import {
  type AddressRange,
  joinRanges,
  parseAddressRange,
  rangesHold,
  readableRanges,
} from '@fairlead/api/fairlead-dev/address-range';
import type { AddressPool } from '@fairlead/api/fairlead-dev/types';
import type { AddressRequest } from './address-request.ts';

/** A pool as the allocation reads it. */
export interface CompiledPool {
  readonly name: string;
  readonly ranges: readonly AddressRange[];
  /** What else counts as the pool's, from before it shrank. */
  readonly retained: readonly AddressRange[];
  readonly autoAssign: boolean;
  readonly avoidBuggy: boolean;
  readonly priority: number;
  readonly services: LabelRequirements;
  readonly namespaces: LabelRequirements;
  readonly loadBalancerClass: string;
  /** Mistakes, with their field paths; a pool with a wrong selector serves nobody. */
  readonly problems: readonly string[];
  readonly usable: boolean;
}

/** Reads a pool; wrong entries become problems, the others count. Pure. */
export function compilePool(pool: Stored<AddressPool>): CompiledPool {
  const { spec, status } = pool;
  const problems: string[] = [];
  const ranges: AddressRange[] = [];
  for (const [index, text] of spec.addresses.entries()) {
    const range = parseAddressRange(text);
    if ('problem' in range) problems.push(`spec.addresses[${index}]: ${range.problem}`);
    else ranges.push(range);
  }
  let usable = ranges.length > 0;
  const requirements = (field: 'serviceSelector' | 'namespaceSelector'): LabelRequirements => {
    const parsed = requirementsOfSelector(spec[field] ?? {});
    if (parsed.ok) return parsed.requirements;
    problems.push(`spec.${field}: ${parsed.error}`);
    usable = false;
    return [];
  };
  return {
    name: pool.metadata.name,
    ranges: joinRanges(ranges),
    retained: readableRanges([...(status?.addresses ?? []), ...(status?.retained ?? [])]),
    autoAssign: spec.autoAssign ?? true,
    avoidBuggy: spec.avoidBuggyAddresses ?? false,
    priority: spec.priority ?? 0,
    services: requirements('serviceSelector'),
    namespaces: requirements('namespaceSelector'),
    loadBalancerClass: spec.loadBalancerClass ?? '',
    problems,
    usable,
  };
}

/** The order in which pools are tried: priority, then more conditions, then name. */
export function comparePools(a: CompiledPool, b: CompiledPool): number {
  const conditions = (pool: CompiledPool): number => pool.services.length + pool.namespaces.length;
  return b.priority - a.priority || conditions(b) - conditions(a) || (a.name < b.name ? -1 : 1);
}

/** Whether the pool may serve a Service of these labels in a namespace of those. */
export function poolServes(
  pool: CompiledPool,
  request: AddressRequest,
  namespaceLabels: Readonly<Record<string, string>> | undefined,
): boolean {
  return (
    pool.usable &&
    pool.loadBalancerClass === request.loadBalancerClass &&
    matchesLabels(pool.services, request.labels) &&
    matchesLabels(pool.namespaces, namespaceLabels)
  );
}

/** Addresses that some clients take for a network or broadcast address. */
export function isBuggy(ip: IpAddress): boolean {
  const last = ip.value & 255n;
  return ip.family === 4 && (last === 0n || last === 255n);
}

/** Whether a pool hands out an address; one that it only retains does not count. */
export function poolOffers(pool: CompiledPool, address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && rangesHold(pool.ranges, ip) && !(pool.avoidBuggy && isBuggy(ip));
}

/** Whether an address in use counts as the pool's. */
export function poolHolds(pool: CompiledPool, address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && (rangesHold(pool.ranges, ip) || rangesHold(pool.retained, ip));
}

/** Numbers above this are not told apart in a status. */
const mostCounted = BigInt(Number.MAX_SAFE_INTEGER);

function buggyIn({ family, first, last }: AddressRange): bigint {
  if (family === 6) return 0n;
  const ending = (byte: bigint): bigint => (last - byte + 256n) / 256n - (first - byte + 255n) / 256n;
  return ending(0n) + ending(255n);
}

/** How many addresses the pool can hand out in all. */
export function poolSize(pool: CompiledPool): number {
  let size = 0n;
  for (const range of pool.ranges) size += range.last - range.first + 1n - (pool.avoidBuggy ? buggyIn(range) : 0n);
  return Number(size < mostCounted ? size : mostCounted);
}
