import { cidrContains, formatCidr, inAnyCidr, type ParsedCidr, withoutNestedCidrs } from './cidr.ts';
import type { ServicePortProgram, VipFrontend } from './program.ts';

/** Ranges in both of two lists; `undefined` is everything. */
export function intersectRanges(
  a: readonly ParsedCidr[] | undefined,
  b: readonly ParsedCidr[] | undefined,
): readonly ParsedCidr[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const narrower = (one: ParsedCidr, other: ParsedCidr): ParsedCidr[] => {
    if (one.prefix >= other.prefix) return cidrContains(other, one) ? [one] : [];
    return cidrContains(one, other) ? [other] : [];
  };
  return a.flatMap((one) => b.flatMap((other) => narrower(one, other)));
}

/** Ranges as the program has them: text, none inside another. */
export function rangeTexts(ranges: readonly ParsedCidr[] | undefined): readonly string[] | undefined {
  return ranges === undefined ? undefined : withoutNestedCidrs(ranges).map(formatCidr);
}

/** Why a client may not connect to a frontend; `undefined` when it may. `vip` absent: a node port. */
export function sourceRefusal(
  port: ServicePortProgram,
  vip: VipFrontend | undefined,
  client: string,
): string | undefined {
  if (port.deniedSources !== undefined && inAnyCidr(client, port.deniedSources)) {
    return 'source is in fairlead.dev/deny-sources';
  }
  const ranges = vip === undefined ? port.nodePortSources : vip.sourceRanges;
  if (ranges === undefined || inAnyCidr(client, ranges)) return undefined;
  return vip?.kind === 'loadBalancer'
    ? 'source is in none of spec.loadBalancerSourceRanges'
    : 'source is not in fairlead.dev/allow-sources';
}
