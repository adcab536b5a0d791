import type { Clock, Random } from '../../sys/clock.ts';
import type { Upstream } from './upstream-exchange.ts';

interface Health {
  failures: number;
  /** Monotonic time until which others are asked first. */
  downUntilMs: number;
}

/** Failures in a row after which an upstream is asked last. */
const maxFailures = 2;
const downMs = 1000;
const downMaxMs = 30_000;

/**
 * The upstreams of one domain, and how they did lately. Health comes from real queries alone: an idle
 * server sends no probes, and one that is down costs a query now and then.
 */
export class UpstreamGroup {
  readonly upstreams: readonly Upstream[];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #health: Map<Upstream, Health> = new Map();

  constructor(upstreams: readonly Upstream[], clock: Clock, random: Random) {
    this.upstreams = upstreams;
    this.#clock = clock;
    this.#random = random;
  }

  /** In the order to ask: healthy ones from a random start, then those that are down, soonest back first. */
  order(): Upstream[] {
    const now = this.#clock.monotonicMs();
    const first = Math.floor(this.#random() * this.upstreams.length);
    const turned = [...this.upstreams.slice(first), ...this.upstreams.slice(0, first)];
    const downUntil = (upstream: Upstream): number => {
      const until = this.#health.get(upstream)?.downUntilMs ?? 0;
      return until > now ? until : 0;
    };
    return turned.sort((a, b) => downUntil(a) - downUntil(b));
  }

  /** Remembers how an attempt ended. */
  note(upstream: Upstream, isAnswered: boolean): void {
    if (isAnswered) {
      this.#health.delete(upstream);
      return;
    }
    const failures = (this.#health.get(upstream)?.failures ?? 0) + 1;
    const pauseMs = failures < maxFailures ? 0 : Math.min(downMs * 2 ** (failures - maxFailures), downMaxMs);
    this.#health.set(upstream, { failures, downUntilMs: this.#clock.monotonicMs() + pauseMs });
  }

  /** How many are down now. */
  get down(): number {
    const now = this.#clock.monotonicMs();
    return [...this.#health.values()].filter(({ downUntilMs }) => downUntilMs > now).length;
  }
}
