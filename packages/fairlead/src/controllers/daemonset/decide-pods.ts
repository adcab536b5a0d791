import {
  type DaemonSet,
  type DaemonSetStatus,
  type Node,
  type Pod,
  resolveIntOrPercent,
  type Stored,
  type Toleration,
} from '@fairlead/api';
import { matchesNodeSelection, tolerates } from '../scheduler/node-fit.ts';
import { availableInMs, isPodFinished, isPodReady } from '../workload/pod-state.ts';
import { revisionLabel } from '../workload/revisions.ts';

/** What a DaemonSet needs done now, and how it stands. */
export interface DaemonDecision {
  /** Names of nodes that need a Pod. */
  readonly create: readonly string[];
  readonly remove: readonly Stored<Pod>[];
  readonly status: DaemonSetStatus;
  readonly againAfterMs: number | undefined;
}

/** What the Pods of a DaemonSet tolerate beyond their template: they run where others cannot. */
export function daemonTolerations(hostNetwork: boolean): Toleration[] {
  const on = (key: string, effect: 'NoExecute' | 'NoSchedule'): Toleration => ({
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    effect,
  });
  return [
    on('not-ready', 'NoExecute'),
    on('unreachable', 'NoExecute'),
    on('disk-pressure', 'NoSchedule'),
    on('memory-pressure', 'NoSchedule'),
    on('pid-pressure', 'NoSchedule'),
    on('unschedulable', 'NoSchedule'),
    ...(hostNetwork ? [on('network-unavailable', 'NoSchedule')] : []),
  ];
}

/** The node that a Pod of a DaemonSet is for, placed or not. */
export function nodeOf(pod: Pod): string | undefined {
  if (pod.spec?.nodeName !== undefined && pod.spec.nodeName !== '') return pod.spec.nodeName;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const term of required?.nodeSelectorTerms ?? []) {
    for (const field of term.matchFields ?? []) if (field.key === 'metadata.name') return field.values?.[0];
  }
  return undefined;
}

/** Whether the set wants a Pod on a node, and whether one that is there may stay. */
function wantsNode(set: DaemonSet, node: Stored<Node>): { readonly run: boolean; readonly stay: boolean } {
  const template = set.spec?.template.spec;
  const own = template?.tolerations ?? [];
  const pod: Pod = {
    spec: { containers: [], ...template, tolerations: [...own, ...daemonTolerations(template?.hostNetwork === true)] },
  };
  if (!matchesNodeSelection(pod, node)) return { run: false, stay: false };
  const refused = (node.spec?.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(pod, taint),
  );
  return { run: refused.length === 0, stay: !refused.some((taint) => taint.effect === 'NoExecute') };
}

/**
 * Decides for one DaemonSet: one Pod per node that it fits; Pods that failed are replaced; of two the younger goes.
 * A rolling update deletes old Pods, those that are not available first, as long as no more than `maxUnavailable`
 * nodes are without an available Pod. With `maxSurge` a new Pod starts beside the old one on as many nodes, and the
 * old one goes when the new one is available.
 * @param hash hash of the present template, the Pods' revision label
 */
export function decideDaemonPods(
  set: Stored<DaemonSet>,
  nodes: readonly Stored<Node>[],
  owned: readonly Stored<Pod>[],
  leaving: (pod: Stored<Pod>) => boolean,
  hash: string,
  nowMs: number,
): DaemonDecision {
  const { spec, metadata } = set;
  const create: string[] = [];
  const remove: Stored<Pod>[] = [];
  let againAfterMs: number | undefined;
  const byNode = new Map<string, Stored<Pod>[]>();
  for (const pod of owned) {
    const node = nodeOf(pod) ?? '';
    byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  const counts = { current: 0, mis: 0, desired: 0, ready: 0, updated: 0, available: 0 };
  const old: { readonly pod: Stored<Pod>; readonly available: boolean }[] = [];
  const known = new Set<string>();
  const isNew = (pod: Stored<Pod>): boolean => pod.metadata.labels?.[revisionLabel] === hash;
  const isAvailable = (pod: Stored<Pod>): boolean => {
    const inMs = availableInMs(pod, spec?.minReadySeconds ?? 0, nowMs);
    if (inMs !== undefined && inMs > 0) againAfterMs = Math.min(againAfterMs ?? inMs, inMs);
    return inMs === 0;
  };
  const rolling = spec?.updateStrategy?.type === 'OnDelete' ? undefined : (spec?.updateStrategy?.rollingUpdate ?? {});
  const surges = (resolveIntOrPercent(rolling?.maxSurge ?? 0, 100, 'up') ?? 0) > 0;
  let surging = 0;
  const waiting: string[] = [];
  for (const node of nodes) {
    const { name } = node.metadata;
    known.add(name);
    const here = [...(byNode.get(name) ?? [])].sort((a, b) => age(a) - age(b));
    const { run, stay } = wantsNode(set, node);
    if (!run) {
      if (here.length > 0) counts.mis++;
      if (!stay) remove.push(...here.filter((pod) => !leaving(pod)));
      continue;
    }
    counts.desired++;
    const failed = here.filter((pod) => isPodFinished(pod));
    remove.push(...failed.filter((pod) => !leaving(pod)));
    const live = here.filter((pod) => !isPodFinished(pod) && !leaving(pod));
    if (here.length > 0) counts.current++;
    if (surges && live.some((pod) => !isNew(pod))) {
      const [fresh, ...extraFresh] = live.filter(isNew);
      const [stale, ...extraStale] = live.filter((pod) => !isNew(pod));
      remove.push(...extraFresh, ...extraStale);
      const freshAvailable = fresh !== undefined && isAvailable(fresh);
      const staleAvailable = isAvailable(stale!);
      if (freshAvailable) remove.push(stale!);
      else if (fresh !== undefined) surging++;
      // A node that is not served anyway loses nothing by a second Pod.
      else if (!staleAvailable) create.push(name);
      else waiting.push(name);
      if ([fresh, stale].some((pod) => pod !== undefined && isPodReady(pod))) counts.ready++;
      if (freshAvailable || staleAvailable) counts.available++;
      if (fresh !== undefined) counts.updated++;
      continue;
    }
    const [keep, ...extra] = live;
    remove.push(...extra);
    if (keep === undefined) {
      // The next one starts when the last one has ended.
      if (here.every((pod) => isPodFinished(pod) && !leaving(pod)) && failed.length === 0) create.push(name);
      continue;
    }
    const available = isAvailable(keep);
    if (isPodReady(keep)) counts.ready++;
    if (available) counts.available++;
    if (isNew(keep)) counts.updated++;
    else old.push({ pod: keep, available });
  }
  // Nobody else ends the Pods of nodes that are gone before they are placed.
  for (const [node, stranded] of byNode) {
    if (!known.has(node)) remove.push(...stranded.filter((pod) => !leaving(pod)));
  }
  if (surges) {
    const most = Math.max(1, resolveIntOrPercent(rolling?.maxSurge ?? 0, counts.desired, 'up') ?? 1);
    create.push(...waiting.slice(0, Math.max(0, most - surging)));
  } else if (rolling !== undefined) {
    const setting = rolling.maxUnavailable ?? 1;
    const most = Math.max(1, resolveIntOrPercent(setting, counts.desired, 'up') ?? 1);
    let budget = most - (counts.desired - counts.available);
    for (const { pod, available } of old) {
      if (!available) remove.push(pod);
      else if (budget-- > 0) remove.push(pod);
    }
  }
  const status: DaemonSetStatus = {
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.mis,
    desiredNumberScheduled: counts.desired,
    numberReady: counts.ready,
    observedGeneration: metadata.generation,
    ...(counts.updated === 0 ? {} : { updatedNumberScheduled: counts.updated }),
    ...(counts.available === 0 ? {} : { numberAvailable: counts.available }),
    ...(counts.desired === counts.available ? {} : { numberUnavailable: counts.desired - counts.available }),
    ...(set.status?.conditions === undefined ? {} : { conditions: set.status.conditions }),
  };
  if (metadata.deletionTimestamp !== undefined) return { create: [], remove: [], status, againAfterMs };
  return { create, remove: [...new Set(remove)], status, againAfterMs };
}

function age(pod: Stored<Pod>): number {
  return Date.parse(pod.metadata.creationTimestamp);
}
