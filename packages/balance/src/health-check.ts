import type { ActiveHealth } from './endpoint-memory.ts';

/** What a check found. `wrong`: the endpoint answered, but not what it should. */
export type CheckResult = 'passed' | 'failed' | 'wrong';

/** When checks change an endpoint's health, and when the next one is due. Times in milliseconds. */
export interface HealthSchedule {
  readonly intervalMs: number;
  /** Part of any interval added at random, 0 to 1. */
  readonly jitter: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  /** While the endpoint is out. */
  readonly unhealthyIntervalMs: number;
  /** After a result that differs from the state, until the threshold is reached. */
  readonly edgeIntervalMs: number;
  /** While nobody sends requests. */
  readonly noTrafficIntervalMs: number;
}

/** Health of one endpoint as its checks see it. */
export interface CheckedHealth {
  readonly health: ActiveHealth;
  /** Results in a row that contradict it. */
  readonly against: number;
}

/** Before the first check. */
export const UNCHECKED: CheckedHealth = { health: 'unknown', against: 0 };

/**
 * The health after one more result. The first result counts at once, either way; a wrong answer
 * takes a healthy endpoint out without regard to the threshold.
 */
export function afterCheck(
  before: CheckedHealth,
  result: CheckResult,
  schedule: Pick<HealthSchedule, 'unhealthyThreshold' | 'healthyThreshold'>,
): CheckedHealth {
  const found: ActiveHealth = result === 'passed' ? 'healthy' : 'unhealthy';
  if (before.health === found) return before.against === 0 ? before : { health: found, against: 0 };
  if (before.health === 'unknown' || result === 'wrong') return { health: found, against: 0 };
  const against = before.against + 1;
  const threshold = found === 'healthy' ? schedule.healthyThreshold : schedule.unhealthyThreshold;
  return against >= threshold ? { health: found, against: 0 } : { health: before.health, against };
}

/** Milliseconds until the next check. `random` in [0, 1). */
export function nextCheckMs(
  state: CheckedHealth,
  schedule: HealthSchedule,
  hasTraffic: boolean,
  random: number,
): number {
  const regular = hasTraffic ? schedule.intervalMs : schedule.noTrafficIntervalMs;
  const interval =
    state.against > 0 ? schedule.edgeIntervalMs : state.health === 'unhealthy' ? schedule.unhealthyIntervalMs : regular;
  return interval * (1 + schedule.jitter * random);
}
