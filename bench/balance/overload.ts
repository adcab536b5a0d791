import { AdmissionControl, GradientLimit, retryBudget, seededRandom } from '../../packages/balance/src/index.ts';
import { EventQueue, exponential } from './event-queue.ts';

/**
 * Requests that reach the bottom of `layers` services per request at the top, when the bottom
 * always fails and each layer tries four times; with a budget only as many retries are under way as
 * its share of the requests under way.
 */
export function retryAmplification(layers: number, budgetShare: number | undefined, seed: number): number {
  const queue = new EventQueue();
  const random = seededRandom(seed);
  const active = new Int32Array(layers);
  const retries = new Int32Array(layers);
  let bottom = 0;
  const call = (layer: number, failed: () => void): void => {
    if (layer === layers) {
      bottom++;
      queue.after(exponential(10, random), failed);
      return;
    }
    active[layer]! += 1;
    const attempt = (nth: number): void => {
      call(layer + 1, () => {
        if (nth > 1) retries[layer]! -= 1;
        const budget =
          budgetShare === undefined ? Infinity : retryBudget(active[layer]!, { share: budgetShare, min: 1 });
        if (nth < 4 && retries[layer]! < budget) {
          retries[layer]! += 1;
          attempt(nth + 1);
          return;
        }
        active[layer]! -= 1;
        failed();
      });
    };
    attempt(1);
  };
  const top = 20_000;
  const arrive = (left: number): void => {
    if (left === 0) return;
    call(0, () => {});
    queue.after(exponential(0.1, random), () => arrive(left - 1));
  };
  arrive(top);
  queue.run();
  return bottom / top;
}

/** What a service of 20 workers of 10 ms saw under `load` times its capacity. */
export interface KneeFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rejected: number;
  /** Answers per second relative to the capacity. */
  readonly goodput: number;
}

/** Adaptive concurrency: a queue in front of workers, with or without the gradient limit. */
export function pastTheKnee(load: number, isLimited: boolean, seed: number, seconds: number = 30): KneeFigures {
  const [workers, workMs] = [20, 10];
  const queue = new EventQueue();
  const random = seededRandom(seed);
  const limit = isLimited ? new GradientLimit({ random, minRttIntervalMs: 10_000 }) : undefined;
  const waiting: { readonly sinceMs: number }[] = [];
  const latencies: number[] = [];
  let busy = 0;
  let sent = 0;
  let rejected = 0;
  const begin = (sinceMs: number): void => {
    busy++;
    queue.after(exponential(workMs, random), () => {
      busy--;
      latencies.push(queue.now - sinceMs);
      limit?.release(queue.now, queue.now - sinceMs);
      const next = waiting.shift();
      if (next !== undefined) begin(next.sinceMs);
    });
  };
  const arrive = (): void => {
    if (queue.now > seconds * 1000) return;
    queue.after(exponential(workMs / (workers * load), random), arrive);
    sent++;
    if (limit?.tryAcquire(queue.now) === false) rejected++;
    else if (busy < workers) begin(queue.now);
    else waiting.push({ sinceMs: queue.now });
  };
  arrive();
  queue.run(seconds * 1000);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  const capacity = (workers / workMs) * 1000 * seconds;
  return { p50Ms: at(0.5), p99Ms: at(0.99), rejected: rejected / sent, goodput: latencies.length / capacity };
}

/** Client throttling with factor 2: requests that reach a server relative to those it accepts. */
export function throttledToAccepted(offered: number, seed: number): number {
  const queue = new EventQueue();
  const random = seededRandom(seed);
  const control = new AdmissionControl({ random, threshold: 0.5, windowMs: 10_000, maxReject: 1 });
  // The server accepts 100 a second.
  let tokens = 0;
  let reached = 0;
  let accepted = 0;
  const arrive = (): void => {
    if (queue.now > 60_000) return;
    queue.after(exponential(1000 / offered, random), arrive);
    if (!control.tryAdmit(queue.now)) return;
    const isAccepted = tokens >= 1;
    if (isAccepted) tokens -= 1;
    if (queue.now > 20_000) {
      reached++;
      accepted += isAccepted ? 1 : 0;
    }
    control.record(isAccepted, queue.now);
  };
  const refill = (): void => {
    tokens = Math.min(10, tokens + 1);
    if (queue.now < 60_000) queue.after(10, refill);
  };
  refill();
  arrive();
  queue.run();
  return reached / accepted;
}
