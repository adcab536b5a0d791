import { type Cidr, cidrAddress, cidrOverlaps, cidrSize, formatCidr, parseCidr } from '@fairlead/api';

/** The ranges given to nodes, or why a cluster range cannot be cut so. */
export type RangeResult =
  | { readonly ok: true; readonly range: string }
  | { readonly ok: false; readonly reason: string };

/**
 * The first sub-range of a cluster range that overlaps none in use.
 * @param maskSize prefix length of a node's range
 */
export function freePodRange(clusterCidr: string, maskSize: number, used: Iterable<string>): RangeResult {
  const cluster = parseCidr(clusterCidr);
  if (cluster === undefined) return { ok: false, reason: `"${clusterCidr}" is not a range` };
  const taken = [...used].map(parseCidr).filter((cidr): cidr is Cidr => cidr !== undefined);
  const bits = cluster.family === 4 ? 32 : 128;
  if (maskSize < cluster.prefix || maskSize > bits) {
    return { ok: false, reason: `ranges of /${maskSize} do not fit into ${clusterCidr}` };
  }
  const step = 1n << BigInt(bits - maskSize);
  for (let offset = 0n; offset < cidrSize(cluster); offset += step) {
    const ip = cidrAddress(cluster, offset);
    if (ip === undefined) break;
    const range: Cidr = { family: ip.family, network: ip.value, prefix: maskSize };
    if (!taken.some((other) => other.family === ip.family && cidrOverlaps(other, range))) {
      return { ok: true, range: formatCidr(range) };
    }
  }
  return { ok: false, reason: `no range of /${maskSize} is free in ${clusterCidr}` };
}
