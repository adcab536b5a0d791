import type { Random } from './balancer.ts';

/** Settings of {@link Prequal}; defaults of the paper (Wydrowski et al., NSDI 2024). */
export interface PrequalOptions {
  readonly random: Random;
  /** Endpoints that can be probed. */
  readonly size: number;
  /** Most probes kept. Default 16. */
  readonly poolMax?: number;
  /** Age at which a probe is worth nothing, ms. Default 1,000. */
  readonly maxAgeMs?: number;
  /** Probes sent per request; may be a fraction. Default 3. */
  readonly probesPerRequest?: number;
  /** Probes taken out per request, the worst and the oldest in turn. Default 1. */
  readonly removalsPerRequest?: number;
  /** Quantile of requests in flight above which an endpoint is hot. Default 0.84. */
  readonly hotQuantile?: number;
}

interface Probe {
  readonly index: number;
  inFlight: number;
  readonly latencyMs: number;
  readonly atMs: number;
  usesLeft: number;
}

/** In-flight numbers remembered to know the distribution. */
const HISTORY = 128;
/** Below this many probes chance decides. */
const POOL_MIN = 2;

/**
 * Probing to reduce queuing and latency: endpoints are asked, apart from any request, how many
 * requests they have in flight and how long such take. Of the answers, if some are cold (few in flight), the
 * cold one with the lowest latency is chosen; if all are hot, the one with the fewest in flight.
 * The owner sends the probes: {@link probeTargets} says to whom, {@link addProbe} takes the answer.
 */
export class Prequal {
  readonly #options: Required<PrequalOptions>;
  readonly #pool: Probe[] = [];
  readonly #history: number[] = [];
  #historyAt = 0;
  #owedProbes = 0;
  #owedRemovals = 0;
  #removeWorst = true;
  readonly #reuse: number;

  constructor(options: PrequalOptions) {
    this.#options = {
      poolMax: 16,
      maxAgeMs: 1_000,
      probesPerRequest: 3,
      removalsPerRequest: 1,
      hotQuantile: 0.84,
      ...options,
    };
    const { poolMax, size, probesPerRequest, removalsPerRequest } = this.#options;
    // A probe may be used so often that arrivals and departures of the pool stay in balance (section 4.3, delta = 1).
    const net = (1 - poolMax / Math.max(size, poolMax + 1)) * probesPerRequest - removalsPerRequest;
    this.#reuse = Math.max(1, net > 0 ? 2 / net : poolMax);
  }

  /** Endpoints to probe because of one request, without repetition. */
  probeTargets(): number[] {
    const { probesPerRequest, random, size } = this.#options;
    this.#owedProbes += probesPerRequest;
    const targets = new Set<number>();
    while (this.#owedProbes >= 1) {
      this.#owedProbes -= 1;
      targets.add(Math.floor(random() * size));
    }
    return [...targets];
  }

  /** An endpoint's answer to a probe. */
  addProbe(index: number, inFlight: number, latencyMs: number, nowMs: number): void {
    const { random, poolMax } = this.#options;
    this.#history[this.#historyAt] = inFlight;
    this.#historyAt = (this.#historyAt + 1) % HISTORY;
    if (this.#pool.length >= poolMax) this.#pool.shift();
    const whole = Math.floor(this.#reuse);
    const usesLeft = whole + (random() < this.#reuse - whole ? 1 : 0);
    this.#pool.push({ index, inFlight, latencyMs, atMs: nowMs, usesLeft });
  }

  /** The endpoint for a request. */
  pick(nowMs: number): number {
    const { maxAgeMs, random, removalsPerRequest, size } = this.#options;
    const pool = this.#pool;
    while (pool.length > 0 && nowMs - pool[0]!.atMs > maxAgeMs) pool.shift();
    if (pool.length < POOL_MIN) return Math.floor(random() * size);
    const hot = this.#hotAbove();
    const best = pool.reduce((a, b) => (isBetter(b, a, hot) ? b : a));
    // The request itself is one more there, for those who use this probe again.
    best.inFlight += 1;
    if (--best.usesLeft <= 0) pool.splice(pool.indexOf(best), 1);
    this.#owedRemovals += removalsPerRequest;
    for (; this.#owedRemovals >= 1; this.#owedRemovals -= 1) this.#removeOne(hot);
    return best.index;
  }

  #removeOne(hot: number): void {
    const pool = this.#pool;
    if (pool.length <= POOL_MIN) return;
    this.#removeWorst = !this.#removeWorst;
    if (!this.#removeWorst) pool.shift();
    else {
      const worst = pool.reduce((a, b) => (isBetter(a, b, hot) ? b : a));
      pool.splice(pool.indexOf(worst), 1);
    }
  }

  /** In-flight number above which an endpoint counts as hot. */
  #hotAbove(): number {
    const sorted = [...this.#history].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(this.#options.hotQuantile * sorted.length))] ?? Infinity;
  }
}

/** The hot-cold lexicographic rule. */
function isBetter(a: Probe, b: Probe, hot: number): boolean {
  const aHot = a.inFlight > hot;
  const bHot = b.inFlight > hot;
  if (aHot !== bHot) return bHot;
  return aHot ? a.inFlight < b.inFlight : a.latencyMs < b.latencyMs;
}
