import type { Node, Pod, Stored } from '@fairlead/api';
import { controllerOf } from '../workload/pod-state.ts';
import { type Misfit, matchesTerm, type NodeLoad, nodeMisfit, taintsOf, tolerates } from './node-fit.ts';
import { affinityMisfit, affinityScore, type NamespaceLabels } from './pod-affinity.ts';
import { spreadMisfit, spreadScore } from './topology-spread.ts';

/** Why the Pod's volumes cannot be had on a node; undefined if they can. */
export type VolumeMisfit = (node: Stored<Node>) => Misfit | undefined;

/** The chosen node, or why no node would do, in the words of `FailedScheduling`. */
export type NodeChoice =
  | { readonly ok: true; readonly node: string }
  | {
      readonly ok: false;
      readonly message: string;
      /** Nodes that would do without some of the Pods that are on them. */
      readonly full: readonly NodeLoad[];
    };

/**
 * Chooses a node for a Pod. Of those that it may run on, the one with, in this order: the most of the Pod's own
 * preferences (node and Pod affinity, soft spreading); the fewest Pods of the same owner; the fewest untolerated
 * `PreferNoSchedule` taints; the fewest Pods; the first name.
 */
export function chooseNode(
  pod: Pod,
  nodes: readonly NodeLoad[],
  labelsOf: NamespaceLabels = () => undefined,
  volumeMisfit: VolumeMisfit = () => undefined,
): NodeChoice {
  if (nodes.length === 0) return { ok: false, message: 'no nodes available to schedule pods', full: [] };
  const owner = controllerOf(pod)?.uid;
  const misfits: Misfit[] = [];
  const full: NodeLoad[] = [];
  const fitting: NodeLoad[] = [];
  for (const load of nodes) {
    const why = misfitOf(pod, load, nodes, labelsOf, volumeMisfit);
    if (why === undefined) fitting.push(load);
    else {
      misfits.push(why);
      if (why.forWantOfRoom) full.push(load);
    }
  }
  let best: { readonly name: string; readonly score: readonly (number | string)[] } | undefined;
  for (const load of fitting) {
    const wishes =
      nodePreference(pod, load.node) + affinityScore(pod, load, nodes, labelsOf) - spreadScore(pod, load, nodes);
    const siblings = owner === undefined ? 0 : load.pods.filter((other) => controllerOf(other)?.uid === owner).length;
    const unwanted = taintsOf(load.node).filter(
      (taint) => taint.effect === 'PreferNoSchedule' && !tolerates(pod, taint),
    ).length;
    const { name } = load.node.metadata;
    const score = [-wishes, siblings, unwanted, load.pods.length, name];
    if (best === undefined || isLess(score, best.score)) best = { name, score };
  }
  if (best !== undefined) return { ok: true, node: best.name };
  return { ok: false, message: failureMessage(nodes.length, misfits), full };
}

/** Why a Pod cannot run on a node, whatever it would prefer. */
export function misfitOf(
  pod: Pod,
  load: NodeLoad,
  nodes: readonly NodeLoad[],
  labelsOf: NamespaceLabels,
  volumeMisfit: VolumeMisfit = () => undefined,
): Misfit | undefined {
  return (
    nodeMisfit(pod, load) ??
    volumeMisfit(load.node) ??
    spreadMisfit(pod, load, nodes) ??
    affinityMisfit(pod, load, nodes, labelsOf)
  );
}

/** What is said where a Pod waits for what no node can give it, in the words of `FailedScheduling`. */
export function hopelessMessage(nodeCount: number, reason: string): string {
  const none = `0/${nodeCount} nodes are available`;
  return `${none}: ${reason}. preemption: ${none}: ${nodeCount} Preemption is not helpful for scheduling.`;
}

/** Counts of each reason, then whether taking Pods away could help: told when there are none to take. */
function failureMessage(nodeCount: number, misfits: readonly Misfit[]): string {
  const none = `0/${nodeCount} nodes are available`;
  const helpless = misfits.map(({ forWantOfRoom }) =>
    forWantOfRoom ? 'No preemption victims found for incoming pod' : 'Preemption is not helpful for scheduling',
  );
  const reasons = tally(misfits.flatMap((misfit) => misfit.reasons));
  return `${none}: ${reasons}. preemption: ${none}: ${tally(helpless)}.`;
}

function tally(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}

/** Sum of the weights of the preferred node affinity terms that a node matches. */
function nodePreference(pod: Pod, node: Stored<Node>): number {
  let sum = 0;
  for (const { weight, preference } of pod.spec?.affinity?.nodeAffinity
    ?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
    if (matchesTerm(preference, node)) sum += weight;
  }
  return sum;
}

function isLess(a: readonly (number | string)[], b: readonly (number | string)[]): boolean {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
