import type { JsonSchema } from '@fairlead/api/crd/index';
import { requestMaxBytes, type ValueLimits } from '../cel/cost/value-limits.ts';

/** A rule may cost this much for one object, all its places together (Kubernetes' limit per rule). */
export const ruleCostLimit = 10_000_000;
/** All rules of a definition together (Kubernetes' limit). */
export const definitionCostLimit = 100_000_000;

/** Kubernetes' words for a cost over a limit; `undefined` when it is within. */
export function costFault(what: string, cost: number, limit: number): string | undefined {
  if (cost <= limit) return undefined;
  const factor = cost / limit;
  const times = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${times} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

/** How often a place in the schema can occur in one object; `undefined` when a list or map around it has no bound. */
export type Occurrences = number | undefined;

/** Occurrences of what is inside a list or map. */
export function occurrencesInside(schema: JsonSchema, outside: Occurrences): Occurrences {
  const bound = schema.type === 'array' ? schema.maxItems : schema.maxProperties;
  return outside === undefined || bound === undefined ? undefined : outside * Math.max(0, bound);
}

/** The cost of a rule over all its places: without a bound there are as many as fit into a request. */
export function totalCost(cost: number, limits: ValueLimits | undefined, occurrences: Occurrences): number {
  return cost * (occurrences ?? Math.floor(requestMaxBytes / ((limits?.minBytes ?? 0) + 1)));
}
