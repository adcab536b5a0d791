import { isJsonObject } from '../../own-property.ts';
import type { JsonObject } from './fields.ts';

/** Defaults of a LimitRange: of containers a bound stands in for a default, and that for a default request. */
export function applyLimitRangeDefaults(range: JsonObject): void {
  const limits = isJsonObject(range.spec) ? range.spec.limits : undefined;
  for (const item of Array.isArray(limits) ? limits.filter(isJsonObject) : []) {
    if (item.type !== 'Container') continue;
    fill(item, 'default', item.max);
    fill(item, 'defaultRequest', item.default);
    fill(item, 'defaultRequest', item.min);
  }
}

/** Adds to a map of `item` what only `source` has. */
function fill(item: JsonObject, name: string, source: unknown): void {
  const own = isJsonObject(item[name]) ? item[name] : {};
  const merged = { ...(isJsonObject(source) ? source : {}), ...own };
  if (Object.keys(merged).length > 0) item[name] = merged;
}

/** Defaults of a PriorityClass. */
export function applyPriorityClassDefaults(priority: JsonObject): void {
  priority.preemptionPolicy ??= 'PreemptLowerPriority';
}
