import type { IntOrString } from './types.ts';

/**
 * Resolves a number or percentage against a total, as a rolling update does with
 * `maxSurge` (rounding up) and `maxUnavailable` (rounding down).
 * `undefined` for text that is not a percentage.
 */
export function resolveIntOrPercent(value: IntOrString, total: number, rounding: 'up' | 'down'): number | undefined {
  if (typeof value === 'number') return value;
  const match = /^([+-]?\d+)%$/.exec(value);
  if (match === null) return undefined;
  const share = (Number(match[1]) * total) / 100;
  return rounding === 'up' ? Math.ceil(share) : Math.floor(share);
}
