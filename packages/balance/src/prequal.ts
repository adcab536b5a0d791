import { nextUsable, type Random } from './balancer.ts';
import { PeakEwma, type PeakEwmaOptions } from './peak-ewma.ts';

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
/** Probes after which the threshold is counted anew. */
const HOT_EVERY = 16;
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
  /** Above this an endpoint is hot; counted anew every few probes. */
  #hot = Infinity;
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

  /** How many probes to send because of one request. */
  owedProbes(): number {
    this.#owedProbes += this.#options.probesPerRequest;
    const owed = Math.floor(this.#owedProbes);
    this.#owedProbes -= owed;
    return owed;
  }

  /** Endpoints to probe because of one request, without repetition. */
  probeTargets(): number[] {
    const { random, size } = this.#options;
    const targets = new Set<number>();
    for (let owed = this.owedProbes(); owed > 0; owed--) targets.add(Math.floor(random() * size));
    return [...targets];
  }

  /** An endpoint's answer to a probe. */
  addProbe(index: number, inFlight: number, latencyMs: number, nowMs: number): void {
    const { random, poolMax } = this.#options;
    this.#history[this.#historyAt] = inFlight;
    this.#historyAt = (this.#historyAt + 1) % HISTORY;
    if (this.#historyAt % HOT_EVERY === 0 || this.#history.length < HOT_EVERY) this.#hot = this.#hotAbove();
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
    const hot = this.#hot;
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

/**
 * {@link Prequal} where nobody answers probes: what is asked is what those who share `inFlight` and `latencies`
 * know of an endpoint, which for a gateway are the requests of all its workers. Probes are drawn by weight.
 */
export class SharedPrequal extends PeakEwma {
  readonly #prequal: Prequal;
  readonly #clock: () => number;

  constructor(options: PeakEwmaOptions) {
    super(options);
    this.#clock = options.now ?? (() => 0);
    this.#prequal = new Prequal({ random: options.random, size: Math.max(1, this.size) });
  }

  override pick(avoid: number = -1): number {
    if (this.isEmpty) return -1;
    const nowMs = this.#clock();
    for (let owed = this.#prequal.owedProbes(); owed > 0; owed--) {
      const index = this.draw();
      this.#prequal.addProbe(index, this.inFlight(index), this.latencyMs(index), nowMs);
    }
    const index = this.#prequal.pick(nowMs);
    // Without probes chance decides, which knows no weights.
    return index === avoid || !(this.weights[index]! > 0) ? nextUsable(this.weights, index) : index;
  }
}
