import { type Pod, selectorMatches, type TopologySpreadConstraint } from '@fairlead/api';
import { type Misfit, matchesNodeSelection, type NodeLoad, taintsOf, tolerates } from './node-fit.ts';

const reason = "node(s) didn't match pod topology spread constraints";

/**
 * Why a hard spread constraint keeps a Pod off a node: with it there, the node's domain would have more than
 * `maxSkew` matching Pods above the emptiest domain.
 */
export function spreadMisfit(pod: Pod, load: NodeLoad, nodes: readonly NodeLoad[]): Misfit | undefined {
  for (const constraint of constraintsOf(pod, 'DoNotSchedule')) {
    const domain = load.node.metadata.labels?.[constraint.topologyKey];
    if (domain === undefined) return { reasons: [`${reason} (missing required label)`], forWantOfRoom: false };
    const counts = countByDomain(pod, constraint, nodes);
    // Fewer domains than asked for count as an empty one more.
    const least = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
    const self = takes(constraint, pod, pod) ? 1 : 0;
    if ((counts.get(domain) ?? 0) + self - least > constraint.maxSkew)
      return { reasons: [reason], forWantOfRoom: true };
  }
  return undefined;
}

/** How many matching Pods the domains of a node have, over all soft constraints: less is better. */
export function spreadScore(pod: Pod, load: NodeLoad, nodes: readonly NodeLoad[]): number {
  let score = 0;
  for (const constraint of constraintsOf(pod, 'ScheduleAnyway')) {
    const domain = load.node.metadata.labels?.[constraint.topologyKey];
    const counts = countByDomain(pod, constraint, nodes);
    // A node without the label is worse than the fullest domain.
    score += domain === undefined ? Math.max(0, ...counts.values()) + 1 : (counts.get(domain) ?? 0);
  }
  return score;
}

function constraintsOf(pod: Pod, when: TopologySpreadConstraint['whenUnsatisfiable']): TopologySpreadConstraint[] {
  return (pod.spec?.topologySpreadConstraints ?? []).filter((constraint) => constraint.whenUnsatisfiable === when);
}

function countByDomain(
  pod: Pod,
  constraint: TopologySpreadConstraint,
  nodes: readonly NodeLoad[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { node, pods } of nodes) {
    const domain = node.metadata.labels?.[constraint.topologyKey];
    if (domain === undefined) continue;
    if (constraint.nodeAffinityPolicy !== 'Ignore' && !matchesNodeSelection(pod, node)) continue;
    if (constraint.nodeTaintsPolicy === 'Honor') {
      const blocked = taintsOf(node).some((taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(pod, taint));
      if (blocked) continue;
    }
    const matching = pods.filter(
      (other) => other.metadata?.deletionTimestamp === undefined && takes(constraint, pod, other),
    );
    counts.set(domain, (counts.get(domain) ?? 0) + matching.length);
  }
  return counts;
}

function takes(constraint: TopologySpreadConstraint, owner: Pod, other: Pod): boolean {
  if (constraint.labelSelector === undefined || owner.metadata?.namespace !== other.metadata?.namespace) return false;
  if (!selectorMatches(constraint.labelSelector, other.metadata?.labels)) return false;
  return (constraint.matchLabelKeys ?? []).every((key) => {
    const own = owner.metadata?.labels?.[key];
    return own === undefined || own === other.metadata?.labels?.[key];
  });
}
