import { type Pod, type PodAffinityTerm, selectorMatches } from '@fairlead/api';
import type { Misfit, NodeLoad } from './node-fit.ts';

/** Labels of a namespace; undefined when it is not known. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>> | undefined;

/**
 * Why Pods elsewhere keep a Pod off a node: its own required affinity and anti-affinity, and the anti-affinity
 * of Pods that run already. Terms speak about domains: all nodes with the same value of the topology label.
 */
export function affinityMisfit(
  pod: Pod,
  load: NodeLoad,
  nodes: readonly NodeLoad[],
  labelsOf: NamespaceLabels,
): Misfit | undefined {
  const because = (reason: string, forWantOfRoom: boolean): Misfit => ({ reasons: [reason], forWantOfRoom });
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  for (const term of podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    const domain = load.node.metadata.labels?.[term.topologyKey];
    if (domain === undefined) return because("node(s) didn't match pod affinity rules", false);
    if (podsInDomain(term.topologyKey, domain, nodes).some((other) => takes(term, pod, other, labelsOf))) continue;
    // The first of a group that wants to be together has nobody to join.
    const anywhere = nodes.some(({ pods }) => pods.some((other) => takes(term, pod, other, labelsOf)));
    if (!anywhere && takes(term, pod, pod, labelsOf)) continue;
    return because("node(s) didn't match pod affinity rules", false);
  }
  for (const term of podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    const domain = load.node.metadata.labels?.[term.topologyKey];
    if (domain === undefined) continue;
    if (podsInDomain(term.topologyKey, domain, nodes).some((other) => takes(term, pod, other, labelsOf))) {
      return because("node(s) didn't match pod anti-affinity rules", true);
    }
  }
  for (const other of nodes) {
    for (const running of other.pods) {
      for (const term of requiredAnti(running)) {
        const domain = other.node.metadata.labels?.[term.topologyKey];
        if (domain === undefined || load.node.metadata.labels?.[term.topologyKey] !== domain) continue;
        if (takes(term, running, pod, labelsOf)) {
          return because("node(s) didn't satisfy existing pods anti-affinity rules", true);
        }
      }
    }
  }
  return undefined;
}

/** Weights of preferred terms, once per Pod that a term takes in the node's domain; anti-affinity counts against it. */
export function affinityScore(pod: Pod, load: NodeLoad, nodes: readonly NodeLoad[], labelsOf: NamespaceLabels): number {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  let score = 0;
  for (const [sign, terms] of [
    [1, podAffinity?.preferredDuringSchedulingIgnoredDuringExecution],
    [-1, podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution],
  ] as const) {
    for (const { weight, podAffinityTerm: term } of terms ?? []) {
      const domain = load.node.metadata.labels?.[term.topologyKey];
      if (domain === undefined) continue;
      const there = podsInDomain(term.topologyKey, domain, nodes);
      score += sign * weight * there.filter((other) => takes(term, pod, other, labelsOf)).length;
    }
  }
  return score;
}

function requiredAnti(pod: Pod): readonly PodAffinityTerm[] {
  return pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

function podsInDomain(key: string, domain: string, nodes: readonly NodeLoad[]): Pod[] {
  return nodes.flatMap(({ node, pods }) => (node.metadata.labels?.[key] === domain ? pods : []));
}

/** Whether a term of `owner` speaks about `other`. */
function takes(term: PodAffinityTerm, owner: Pod, other: Pod, labelsOf: NamespaceLabels): boolean {
  if (term.labelSelector === undefined) return false;
  const namespace = other.metadata?.namespace ?? '';
  const named = term.namespaces ?? [];
  const inNamespace =
    named.includes(namespace) ||
    (term.namespaceSelector !== undefined && selectorMatches(term.namespaceSelector, labelsOf(namespace) ?? {})) ||
    (named.length === 0 && term.namespaceSelector === undefined && namespace === (owner.metadata?.namespace ?? ''));
  if (!inNamespace || !selectorMatches(term.labelSelector, other.metadata?.labels)) return false;
  const label = (pod: Pod, key: string): string | undefined => pod.metadata?.labels?.[key];
  return (
    (term.matchLabelKeys ?? []).every(
      (key) => label(owner, key) === undefined || label(owner, key) === label(other, key),
    ) &&
    (term.mismatchLabelKeys ?? []).every(
      (key) => label(owner, key) === undefined || label(owner, key) !== label(other, key),
    )
  );
}
