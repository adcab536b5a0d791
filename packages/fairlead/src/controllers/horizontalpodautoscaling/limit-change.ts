import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from '@fairlead/api';

/** A number of replicas at a time, Unix milliseconds. */
export interface Recommendation {
  readonly replicas: number;
  readonly atMs: number;
}

/** What an autoscaler remembers between looks; lost with the process, as in Kubernetes. */
export interface ScaleHistory {
  /** What the metrics asked for. */
  recommendations: readonly Recommendation[];
  /** By how many replicas the target grew, and when. */
  ups: readonly Recommendation[];
  downs: readonly Recommendation[];
}

/** A condition without its times. */
export interface Verdict {
  readonly type: 'AbleToScale' | 'ScalingLimited';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** What becomes of a wish. */
export interface LimitedChange {
  readonly replicas: number;
  readonly verdicts: readonly Verdict[];
}

/** A target with room in both directions. */
export interface ScaleBounds {
  readonly current: number;
  readonly min: number;
  readonly max: number;
  readonly behavior: HorizontalPodAutoscalerBehavior | undefined;
}

/** Shrinking waits until nothing higher was wanted for this long, unless told otherwise. */
const defaultDownWindowSeconds = 300;
/** Without a behavior a target may at most double, or grow to this. */
const freeGrowth = 4;

const tooFew = ['TooFewReplicas', 'the desired replica count is less than the minimum replica count'] as const;
const tooMany = ['TooManyReplicas', 'the desired replica count is more than the maximum replica count'] as const;

/** Steadies a wish by recent ones and keeps it within bounds and rates. Records the wish in `history`. */
export function limitChange(desired: number, bounds: ScaleBounds, history: ScaleHistory, nowMs: number): LimitedChange {
  const { behavior } = bounds;
  const steady =
    behavior === undefined
      ? stabilizeDown(desired, history, nowMs)
      : stabilizeBoth(desired, bounds, behavior, history, nowMs);
  const longest = Math.max(
    defaultDownWindowSeconds,
    behavior?.scaleUp?.stabilizationWindowSeconds ?? 0,
    behavior?.scaleDown?.stabilizationWindowSeconds ?? 0,
  );
  history.recommendations = [
    ...history.recommendations.filter(({ atMs }) => atMs > nowMs - longest * 1000),
    { replicas: desired, atMs: nowMs },
  ];
  const limited =
    behavior === undefined
      ? withinBounds(steady.replicas, bounds)
      : withinRates(steady.replicas, bounds, history, nowMs);
  return { replicas: limited.replicas, verdicts: [...steady.verdicts, ...limited.verdicts] };
}

/** Notes a change that was made, for the rates. */
export function recordChange(from: number, to: number, history: ScaleHistory, nowMs: number): void {
  const change = { replicas: Math.abs(to - from), atMs: nowMs };
  // No policy looks further back than half an hour.
  const recent = (list: readonly Recommendation[]): Recommendation[] =>
    list.filter(({ atMs }) => atMs > nowMs - 1_800_000);
  if (to > from) history.ups = [...recent(history.ups), change];
  else if (to < from) history.downs = [...recent(history.downs), change];
}

function stabilizeDown(desired: number, history: ScaleHistory, nowMs: number): LimitedChange {
  const since = nowMs - defaultDownWindowSeconds * 1000;
  const recent = history.recommendations.filter(({ atMs }) => atMs > since);
  const replicas = Math.max(desired, ...recent.map((one) => one.replicas));
  return { replicas, verdicts: [steadied(replicas === desired ? undefined : 'down')] };
}

function stabilizeBoth(
  desired: number,
  { current }: ScaleBounds,
  { scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior,
  history: ScaleHistory,
  nowMs: number,
): LimitedChange {
  const upSince = nowMs - (scaleUp?.stabilizationWindowSeconds ?? 0) * 1000;
  const downSince = nowMs - (scaleDown?.stabilizationWindowSeconds ?? defaultDownWindowSeconds) * 1000;
  let low = desired;
  let high = desired;
  for (const { replicas, atMs } of history.recommendations) {
    if (atMs > upSince) low = Math.min(low, replicas);
    if (atMs > downSince) high = Math.max(high, replicas);
  }
  const replicas = Math.min(Math.max(current, low), high);
  return { replicas, verdicts: [steadied(replicas === desired ? undefined : desired >= current ? 'up' : 'down')] };
}

function steadied(direction: 'up' | 'down' | undefined): Verdict {
  const [reason, message] =
    direction === undefined
      ? ['ReadyForNewScale', 'recommended size matches current size']
      : direction === 'up'
        ? [
            'ScaleUpStabilized',
            'recent recommendations were lower than current one, applying the lowest recent recommendation',
          ]
        : [
            'ScaleDownStabilized',
            'recent recommendations were higher than current one, applying the highest recent recommendation',
          ];
  return { type: 'AbleToScale', status: 'True', reason, message };
}

function withinBounds(desired: number, { current, min, max }: ScaleBounds): LimitedChange {
  const rate = Math.max(2 * current, freeGrowth);
  const fast = ['ScaleUpLimit', 'the desired replica count is increasing faster than the maximum scale rate'] as const;
  const most = Math.min(max, rate);
  if (desired < min) return held(min, tooFew);
  if (desired > most) return held(most, max > rate ? fast : tooMany);
  return free(desired);
}

function withinRates(desired: number, bounds: ScaleBounds, history: ScaleHistory, nowMs: number): LimitedChange {
  const { current, min, max, behavior } = bounds;
  if (desired > current) {
    const rate = Math.max(current, upRate(current, behavior?.scaleUp, history, nowMs));
    const most = Math.min(max, rate);
    const fast = [
      'ScaleUpLimit',
      'the desired replica count is increasing faster than the maximum scale rate',
    ] as const;
    if (desired > most) return held(most, max > rate ? fast : tooMany);
  } else if (desired < current) {
    const rate = Math.min(current, downRate(current, behavior?.scaleDown, history, nowMs));
    const least = Math.max(min, rate);
    const fast = [
      'ScaleDownLimit',
      'the desired replica count is decreasing faster than the maximum scale rate',
    ] as const;
    if (desired < least) return held(least, min < rate ? fast : tooFew);
  }
  return free(desired);
}

const defaultUp: HPAScalingRules = {
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
const defaultDown: HPAScalingRules = { policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] };

function upRate(current: number, rules: HPAScalingRules | undefined, history: ScaleHistory, nowMs: number): number {
  if (rules?.selectPolicy === 'Disabled') return current;
  const limits = (rules?.policies ?? defaultUp.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = current - changed(history.ups, periodSeconds, nowMs) + changed(history.downs, periodSeconds, nowMs);
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return rules?.selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

function downRate(current: number, rules: HPAScalingRules | undefined, history: ScaleHistory, nowMs: number): number {
  if (rules?.selectPolicy === 'Disabled') return current;
  const limits = (rules?.policies ?? defaultDown.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = current + changed(history.downs, periodSeconds, nowMs) - changed(history.ups, periodSeconds, nowMs);
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
  });
  return rules?.selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

function changed(events: readonly Recommendation[], periodSeconds: number, nowMs: number): number {
  return events
    .filter(({ atMs }) => atMs > nowMs - periodSeconds * 1000)
    .reduce((sum, { replicas }) => sum + replicas, 0);
}

function held(replicas: number, [reason, message]: readonly [string, string]): LimitedChange {
  return { replicas, verdicts: [{ type: 'ScalingLimited', status: 'True', reason, message }] };
}

function free(replicas: number): LimitedChange {
  const message = 'the desired count is within the acceptable range';
  return { replicas, verdicts: [{ type: 'ScalingLimited', status: 'False', reason: 'DesiredWithinRange', message }] };
}
