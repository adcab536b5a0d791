/** How a new endpoint is led up to its full share. */
export interface SlowStartOptions {
  readonly windowMs: number;
  /** 1: linear; above: faster at first. Default 1. */
  readonly aggression?: number;
  /** Share of its weight that it has at least. Default 0.1. */
  readonly minShare?: number;
}

/** Share (0 to 1) of its weight for an endpoint that is `ageMs` old. */
export function slowStartShare(ageMs: number, options: SlowStartOptions): number {
  const { windowMs, aggression = 1, minShare = 0.1 } = options;
  if (ageMs >= windowMs || windowMs <= 0) return 1;
  return Math.max(minShare, (Math.max(1, ageMs) / windowMs) ** (1 / aggression));
}
