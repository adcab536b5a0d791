import type { LimitRange, PriorityClass, ResourceQuota } from '../types.ts';
import { ageOf, nameOf } from './cells.ts';

/** Resources of this family are shown in the column of limits. */
const LIMITS = 'limits.';

/** NAME REQUEST LIMIT AGE */
export function resourceQuotaCells(object: object, nowMs: number): unknown[] {
  const quota = object as Partial<ResourceQuota>;
  const { hard = {}, used = {} } = quota.status ?? {};
  const requests: string[] = [];
  const limits: string[] = [];
  for (const name of Object.keys(hard).sort()) {
    (name.startsWith(LIMITS) ? limits : requests).push(`${name}: ${used[name] ?? '0'}/${hard[name]}`);
  }
  return [nameOf(quota), requests.join(', '), limits.join(', '), ageOf(quota, nowMs)];
}

/** NAME CREATED AT */
export function limitRangeCells(object: object): unknown[] {
  const range = object as Partial<LimitRange>;
  return [nameOf(range), range.metadata?.creationTimestamp ?? ''];
}

/** NAME VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY */
export function priorityClassCells(object: object, nowMs: number): unknown[] {
  const priority = object as Partial<PriorityClass>;
  const { value = 0, globalDefault = false, preemptionPolicy = '' } = priority;
  return [nameOf(priority), value, globalDefault, ageOf(priority, nowMs), preemptionPolicy];
}
