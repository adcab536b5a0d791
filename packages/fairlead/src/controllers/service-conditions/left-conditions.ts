import type { Service } from '@fairlead/api';

/** Beginning of the condition types that one node's service proxy writes; the node's name follows (docs/decisions/0006). */
const degradedPrefix = 'fairlead.dev/Degraded.';

/** Field manager of a node's service proxy for these conditions. */
export function managerOfNode(node: string): string {
  return `fairlead-service-proxy-${node}`.slice(0, 128);
}

/** Nodes that have left a condition on the Service. */
export function nodesWithConditions(service: Service): string[] {
  return (service.status?.conditions ?? [])
    .filter(({ type }) => type.startsWith(degradedPrefix))
    .map(({ type }) => type.slice(degradedPrefix.length));
}
