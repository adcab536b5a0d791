import type { Pod, PodDisruptionBudget, Stored } from '@fairlead/api';
import { selectorMatches } from '@fairlead/api';
import type { NodeLoad } from './node-fit.ts';

/** Pods that would have to go so that another one may run on a node. */
export interface Victims {
  readonly node: string;
  readonly pods: readonly Stored<Pod>[];
}

/** The number of a Pod's priority. */
export function priorityOf(pod: Pod): number {
  return pod.spec?.priority ?? 0;
}

/** Whether a Pod may push others aside. */
export function mayPreempt(pod: Pod): boolean {
  return pod.spec?.preemptionPolicy !== 'Never';
}

/**
 * Chooses the node where the least has to go for a Pod. Only Pods of lower priority go, and of those only the ones
 * without whose room it does not fit: all are taken away, then given back by falling priority as long as it fits.
 * Best is, in this order: the fewest broken disruption budgets; the lowest highest priority of a victim; the smallest
 * sum of priorities; the fewest victims; the first name.
 * @param fits whether the Pod could run on a node if the loads were these
 */
export function chooseVictims(
  pod: Pod,
  loads: readonly NodeLoad[],
  budgets: readonly Stored<PodDisruptionBudget>[],
  fits: (load: NodeLoad, loads: readonly NodeLoad[]) => boolean,
): Victims | undefined {
  let best: { readonly victims: Victims; readonly cost: readonly (number | string)[] } | undefined;
  for (const load of loads) {
    const lower = load.pods.filter(
      (other) => priorityOf(other) < priorityOf(pod) && other.spec?.nodeName !== undefined,
    ) as Stored<Pod>[];
    if (lower.length === 0) continue;
    const fitsBeside = (pods: readonly Pod[]): boolean => {
      const changed: NodeLoad = { ...load, pods };
      return fits(
        changed,
        loads.map((other) => (other === load ? changed : other)),
      );
    };
    let kept = load.pods.filter((other) => !lower.includes(other as Stored<Pod>));
    if (!fitsBeside(kept)) continue;
    const exhausted = exhaustedBudgets(budgets);
    const victims: Stored<Pod>[] = [];
    let broken = 0;
    // Those that a budget protects are given back first, then the important ones, then the old ones.
    const order = [...lower].sort(
      (a, b) =>
        Number(isProtected(b, exhausted)) - Number(isProtected(a, exhausted)) ||
        priorityOf(b) - priorityOf(a) ||
        (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1),
    );
    for (const candidate of order) {
      if (fitsBeside([...kept, candidate])) {
        kept = [...kept, candidate];
        continue;
      }
      victims.push(candidate);
      if (isProtected(candidate, exhausted)) broken++;
    }
    const priorities = victims.map(priorityOf);
    const sum = priorities.reduce((total, priority) => total + priority, 0);
    const cost = [broken, Math.max(...priorities), sum, victims.length, load.node.metadata.name];
    if (victims.length > 0 && (best === undefined || isLess(cost, best.cost))) {
      best = { victims: { node: load.node.metadata.name, pods: victims }, cost };
    }
  }
  return best?.victims;
}

/** Budgets that allow no more disruption. */
function exhaustedBudgets(budgets: readonly Stored<PodDisruptionBudget>[]): readonly Stored<PodDisruptionBudget>[] {
  return budgets.filter(({ status }) => (status?.disruptionsAllowed ?? 0) <= 0);
}

function isProtected(pod: Stored<Pod>, exhausted: readonly Stored<PodDisruptionBudget>[]): boolean {
  return exhausted.some(
    ({ metadata, spec }) =>
      metadata.namespace === pod.metadata.namespace &&
      spec?.selector !== undefined &&
      selectorMatches(spec.selector, pod.metadata.labels),
  );
}

function isLess(a: readonly (number | string)[], b: readonly (number | string)[]): boolean {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
