import { type JsonObject, objectIn, setDefault } from './fields.ts';

/** All of a Node can be used unless it says less; `podCIDR` of a Node is the first of `podCIDRs`; where the two differ the older field counts. */
export function applyNodeDefaults(node: JsonObject): void {
  const status = objectIn(node, 'status');
  if (status?.capacity !== undefined) setDefault(status, 'allocatable', structuredClone(status.capacity));
  const spec = objectIn(node, 'spec');
  if (spec === undefined) return;
  const ranges = Array.isArray(spec.podCIDRs) ? (spec.podCIDRs as unknown[]) : [];
  const own = spec.podCIDR;
  if (typeof own === 'string' && own !== '') {
    if (ranges[0] !== own) spec.podCIDRs = [own];
  } else if (ranges.length > 0) spec.podCIDR = ranges[0];
}
