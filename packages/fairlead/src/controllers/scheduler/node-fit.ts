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

/** A node with the Pods on it, those on the way there included. */
export interface NodeLoad {
  readonly node: Stored<Node>;
  readonly pods: readonly Pod[];
}

/** Why a node will not do, in the words of `FailedScheduling`. */
export interface Misfit {
  readonly reasons: readonly string[];
  /** Whether it would do without some of the Pods that are on it. */
  readonly forWantOfRoom: boolean;
}

/** Why a Pod cannot run on a node, whatever runs elsewhere; `undefined` if it can. */
export function nodeMisfit(pod: Pod, { node, pods }: NodeLoad): Misfit | undefined {
  const never = (reason: string): Misfit => ({ reasons: [reason], forWantOfRoom: false });
  if (node.spec?.unschedulable === true) {
    const cordon: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
    if (!tolerates(pod, cordon)) return never('node(s) were unschedulable');
  }
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  if (ready !== 'True') return never('node(s) were not ready');
  const blocking = taintsOf(node).find((taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(pod, taint));
  if (blocking !== undefined) {
    return never(`node(s) had untolerated taint {${blocking.key}: ${blocking.value ?? ''}}`);
  }
  if (!matchesNodeSelection(pod, node)) return never("node(s) didn't match Pod's node affinity/selector");
  const reasons = shortages(pod, node, pods);
  if (hostPortConflict(pod, pods)) reasons.unshift("node(s) didn't have free ports for the requested pod ports");
  return reasons.length === 0 ? undefined : { reasons, forWantOfRoom: true };
}

interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** Whether another Pod on the node has a host port that this one wants; `0.0.0.0` is every address. */
function hostPortConflict(pod: Pod, others: readonly Pod[]): boolean {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return false;
  const taken = others.flatMap(hostPorts);
  return wanted.some((want) =>
    taken.some(
      (have) =>
        have.port === want.port &&
        have.protocol === want.protocol &&
        (have.ip === want.ip || have.ip === '0.0.0.0' || want.ip === '0.0.0.0'),
    ),
  );
}

function hostPorts(pod: Pod): HostPort[] {
  return (pod.spec?.containers ?? []).flatMap((container) =>
    (container.ports ?? []).flatMap(({ hostPort, hostIP, protocol, containerPort }) => {
      const port = hostPort ?? (pod.spec?.hostNetwork === true ? containerPort : undefined);
      if (port === undefined || port === 0) return [];
      return [{ port, protocol: protocol ?? 'TCP', ip: hostIP === undefined || hostIP === '' ? '0.0.0.0' : hostIP }];
    }),
  );
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

/** One term of a node selector; an empty one matches nothing. */
export function matchesTerm(term: NodeSelectorTerm, node: Stored<Node>): boolean {
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

/** The resources that the node has too little of. */
function shortages(pod: Pod, node: Stored<Node>, pods: readonly Pod[]): string[] {
  const allocatable = node.status?.allocatable ?? node.status?.capacity ?? {};
  const limit = amount(allocatable.pods);
  const short: string[] = [];
  if (limit !== undefined && pods.length + 1 > limit) short.push('Too many pods');
  for (const [resource, wanted] of Object.entries(requestsOf(pod))) {
    const capacity = amount(allocatable[resource]);
    if (wanted === 0 || capacity === undefined) continue;
    const used = pods.reduce((sum, other) => sum + (requestsOf(other)[resource] ?? 0), 0);
    if (used + wanted > capacity) short.push(`Insufficient ${resource}`);
  }
  return short;
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

/** A node's taints. */
export function taintsOf(node: Node): readonly Taint[] {
  return node.spec?.taints ?? [];
}

function amount(quantity: string | number | undefined): number | undefined {
  if (quantity === undefined) return undefined;
  return quantityToNumber(String(quantity));
}
