import { type JsonObject, objectIn } from './fields.ts';

/** `podCIDR` of a Node is the first of `podCIDRs`; where the two differ the older field counts. */
export function applyNodeDefaults(node: JsonObject): void {
  const spec = objectIn(node, 'spec');
  if (spec === undefined) return;
  const ranges = Array.isArray(spec.podCIDRs) ? (spec.podCIDRs as unknown[]) : [];
  const own = spec.podCIDR;
  if (typeof own === 'string' && own !== '') {
    if (ranges[0] !== own) spec.podCIDRs = [own];
  } else if (ranges.length > 0) spec.podCIDR = ranges[0];
}
