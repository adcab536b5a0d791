import type { Probe } from '@fairlead/api';
import type { Clock } from '../../sys/clock.ts';
import { NEW_TALLY, type ProbeTally, probeTiming, quickDelay, tally } from './probe-state.ts';
import type { ProbeOutcome } from './run-probe.ts';

/** One probe of one container attempt, on its schedule. */
export interface Prober {
  stop(): void;
}

/** One probe of one container. */
export interface ProberOptions {
  readonly probe: Probe;
  readonly clock: Clock;
  /** One attempt. */
  readonly run: (timeoutMs: number) => Promise<ProbeOutcome>;
  /** The result crossed a threshold. */
  readonly onResult: (result: 'success' | 'failure', detail: string) => void;
  /** Every failed regular attempt, for events; with `quick`, none before one full period has passed. */
  readonly onFailure?: (detail: string) => void;
  /** Try in quick succession until the first success (readiness and startup). */
  readonly quick: boolean;
}

/** Starts probing after the probe's initial delay. */
export function startProber(options: ProberOptions): Prober {
  const { clock, probe, quick } = options;
  const timing = probeTiming(probe);
  let state: ProbeTally = NEW_TALLY;
  let stopped = false;
  let quickAttempts = 0;
  let nextRegularAt = clock.monotonicMs() + timing.initialDelayMs;
  // A program that is still starting is no news.
  const quietUntil = quick ? nextRegularAt + timing.periodMs : 0;
  let cancel = clock.after(timing.initialDelayMs, () => void attempt());

  const attempt = async (): Promise<void> => {
    const now = clock.monotonicMs();
    const regular = now >= nextRegularAt - 1;
    if (regular) nextRegularAt = now + timing.periodMs;
    const outcome = await options.run(timing.timeoutMs);
    if (stopped) return;
    if (outcome.ok || regular) {
      const before = state.result;
      state = tally(state, outcome.ok, timing);
      if (!outcome.ok && (before === 'success' || now >= quietUntil - 1)) options.onFailure?.(outcome.detail);
      if (state.result !== before && state.result !== 'unknown') options.onResult(state.result, outcome.detail);
    }
    if (!stopped) cancel = clock.after(nextDelay(), () => void attempt());
  };
  const nextDelay = (): number => {
    const regular = Math.max(0, nextRegularAt - clock.monotonicMs());
    if (!quick || state.result === 'success') return regular;
    const delay = quickDelay(quickAttempts++, timing.periodMs);
    return delay === undefined ? regular : Math.min(delay, regular);
  };
  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}
