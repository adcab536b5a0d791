import { isJsonObject } from '../../own-property.ts';
import { amountsOf } from '../../quota/pod-resources.ts';

type Json = Readonly<Record<string, unknown>>;

const MEASURED = ['cpu', 'memory'];

/**
 * Quality of service of a Pod: `Guaranteed` when every container (or the Pod as a whole, where it has resources of its
 * own) has limits of CPU and memory and requests as much, `BestEffort` when nothing is asked for, else `Burstable`.
 */
export function qosClassOf(spec: Json): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  let limited = true;
  const totals = { requests: new Map<string, bigint>(), limits: new Map<string, bigint>() };
  const holders = isJsonObject(spec.resources)
    ? [spec]
    : ['containers', 'initContainers'].flatMap((list) => (Array.isArray(spec[list]) ? (spec[list] as Json[]) : []));
  for (const holder of holders) {
    const resources = isJsonObject(holder.resources) ? holder.resources : {};
    for (const kind of ['requests', 'limits'] as const) {
      const amounts = amountsOf(resources[kind]);
      for (const name of MEASURED) {
        const amount = amounts.get(name) ?? 0n;
        if (amount > 0n) totals[kind].set(name, (totals[kind].get(name) ?? 0n) + amount);
        else if (kind === 'limits') limited = false;
      }
    }
  }
  const { requests, limits } = totals;
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  const same = [...requests].every(([name, amount]) => limits.get(name) === amount);
  return limited && same && requests.size === limits.size ? 'Guaranteed' : 'Burstable';
}
