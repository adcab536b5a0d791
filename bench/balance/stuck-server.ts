import { type BalancerKind, createBalancer, seededRandom } from '../../packages/balance/src/index.ts';
import { EventQueue, exponential, logNormal } from './event-queue.ts';

const SERVERS = 11;
const MEDIAN_MS = 167;
const STUCK_MS = 2_000;

/**
 * Linkerd's experiment of 2016 (after Finagle): 11 servers with a median of 167 ms, 1,000 requests
 * per second for a minute, in whose middle 30 s one server takes 2 s for everything. Returns the
 * share of requests answered within a second.
 */
export function withinASecond(kind: BalancerKind, seed: number, perSecond: number = 1_000): number {
  const queue = new EventQueue();
  const random = seededRandom(seed);
  const weights = new Float64Array(SERVERS).fill(1);
  const balancer = createBalancer(kind, { weights, random, now: () => queue.now });
  let good = 0;
  let all = 0;
  const arrive = (): void => {
    if (queue.now > 60_000) return;
    queue.after(exponential(1000 / perSecond, random), arrive);
    const index = balancer.pick();
    const isStuck = index === 0 && queue.now > 15_000 && queue.now < 45_000;
    const latencyMs = isStuck ? STUCK_MS : logNormal(MEDIAN_MS, 0.35, random);
    balancer.start(index);
    all++;
    if (latencyMs <= 1_000) good++;
    queue.after(latencyMs, () => {
      balancer.done(index);
      balancer.observe(index, latencyMs);
    });
  };
  queue.after(0, arrive);
  queue.run();
  return good / all;
}
