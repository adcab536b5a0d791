import {
  type Node,
  type NodeSelectorRequirement,
  type NodeSelectorTerm,
  type Pod,
  quantityToNumber,
  type Stored,
  type Taint,
  type Toleration,
} from '@fairlead/api';
import { controllerOf } from '../workload/pod-state.ts';

/** A node with the Pods on it, those on the way there included. */
export interface NodeLoad {
  readonly node: Stored<Node>;
  readonly pods: readonly Pod[];
}

/** The chosen node, or why no node would do, in the words of `FailedScheduling`. */
export type NodeChoice =
  | { readonly ok: true; readonly node: string }
  | { readonly ok: false; readonly message: string };

/**
 * Chooses a node for a Pod: of those that it may run on, the one with the fewest Pods of the same owner,
 * then with the fewest untolerated `PreferNoSchedule` taints, then with the fewest Pods, then by name.
 */
export function chooseNode(pod: Pod, nodes: readonly NodeLoad[]): NodeChoice {
  const reasons = new Map<string, number>();
  const owner = controllerOf(pod)?.uid;
  let best: { readonly name: string; readonly score: readonly (number | string)[] } | undefined;
  for (const load of nodes) {
    const reason = misfit(pod, load);
    if (reason !== undefined) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      continue;
    }
    const siblings = owner === undefined ? 0 : load.pods.filter((other) => controllerOf(other)?.uid === owner).length;
    const unwanted = taintsOf(load.node).filter(
      (taint) => taint.effect === 'PreferNoSchedule' && !tolerates(pod, taint),
    ).length;
    const { name } = load.node.metadata;
    const score = [siblings, unwanted, load.pods.length, name];
    if (best === undefined || isLess(score, best.score)) best = { name, score };
  }
  if (best !== undefined) return { ok: true, node: best.name };
  const list = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  const all = `0/${nodes.length} nodes are available`;
  return {
    ok: false,
    message: list.length === 0 ? 'no nodes available to schedule pods' : `${all}: ${list.join(', ')}.`,
  };
}

/** Why a Pod cannot run on a node; `undefined` if it can. */
export function misfit(pod: Pod, { node, pods }: NodeLoad): string | undefined {
  const blocking = taintsOf(node).find((taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(pod, taint));
  if (node.spec?.unschedulable === true) {
    const cordon: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
    if (!tolerates(pod, cordon)) return 'node(s) were unschedulable';
  }
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  if (ready !== 'True') return 'node(s) were not ready';
  if (blocking !== undefined) {
    return `node(s) had untolerated taint {${blocking.key}: ${blocking.value ?? ''}}`;
  }
  if (!matchesNodeSelection(pod, node)) return "node(s) didn't match Pod's node affinity/selector";
  return shortage(pod, node, pods);
}

/** Whether a Pod tolerates a taint. */
export function tolerates(pod: Pod, taint: Taint): boolean {
  return toleratedBy(pod, taint) !== undefined;
}

/** The first toleration of a Pod that covers a taint. */
export function toleratedBy(pod: Pod, taint: Taint): Toleration | undefined {
  return pod.spec?.tolerations?.find(({ key, operator, value, effect }) => {
    if (effect !== undefined && effect !== taint.effect) return false;
    if (key !== undefined && key !== '' && key !== taint.key) return false;
    if (key === undefined || key === '') return operator === 'Exists';
    return operator === 'Exists' || (value ?? '') === (taint.value ?? '');
  });
}

/** `nodeSelector` and the required node affinity. */
export function matchesNodeSelection(pod: Pod, node: Stored<Node>): boolean {
  const labels = node.metadata.labels ?? {};
  const selector = Object.entries(pod.spec?.nodeSelector ?? {});
  if (!selector.every(([key, value]) => labels[key] === value)) return false;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || (required.nodeSelectorTerms ?? []).some((term) => matchesTerm(term, node));
}

function matchesTerm(term: NodeSelectorTerm, node: Stored<Node>): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields = { 'metadata.name': node.metadata.name };
  return (
    matchExpressions.every((requirement) => fulfils(requirement, node.metadata.labels ?? {})) &&
    matchFields.every((requirement) => fulfils(requirement, fields))
  );
}

function fulfils(
  { key, operator, values = [] }: NodeSelectorRequirement,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < Number(values[0]);
  }
}

/** The first resource that the node has too little of. */
function shortage(pod: Pod, node: Stored<Node>, pods: readonly Pod[]): string | undefined {
  const allocatable = node.status?.allocatable ?? node.status?.capacity ?? {};
  const limit = amount(allocatable.pods);
  if (limit !== undefined && pods.length + 1 > limit) return 'Too many pods';
  for (const [resource, wanted] of Object.entries(requestsOf(pod))) {
    const capacity = amount(allocatable[resource]);
    if (wanted === 0 || capacity === undefined) continue;
    const used = pods.reduce((sum, other) => sum + (requestsOf(other)[resource] ?? 0), 0);
    if (used + wanted > capacity) return `Insufficient ${resource}`;
  }
  return undefined;
}

/** What a Pod asks for: its containers together, or its hungriest init container. */
function requestsOf(pod: Pod): Record<string, number> {
  const total: Record<string, number> = {};
  for (const container of pod.spec?.containers ?? []) {
    for (const [resource, quantity] of Object.entries(container.resources?.requests ?? {})) {
      total[resource] = (total[resource] ?? 0) + (amount(quantity) ?? 0);
    }
  }
  for (const container of pod.spec?.initContainers ?? []) {
    for (const [resource, quantity] of Object.entries(container.resources?.requests ?? {})) {
      const own = amount(quantity) ?? 0;
      const before = total[resource] ?? 0;
      // A sidecar runs beside the others; an ordinary init container before them.
      total[resource] = container.restartPolicy === 'Always' ? before + own : Math.max(before, own);
    }
  }
  return total;
}

function taintsOf(node: Node): readonly Taint[] {
  return node.spec?.taints ?? [];
}

function isLess(a: readonly (number | string)[], b: readonly (number | string)[]): boolean {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}

function amount(quantity: string | number | undefined): number | undefined {
  if (quantity === undefined) return undefined;
  return quantityToNumber(String(quantity));
}
