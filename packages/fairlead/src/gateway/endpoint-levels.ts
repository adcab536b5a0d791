// Hot path: pick() once per request; levels are built when endpoints or their health change.
import {
  type Balancer,
  createBalancer,
  type EndpointMemory,
  type OutlierDetector,
  slowStartShare,
  spreadOverLevels,
  zoneShares,
} from '@fairlead/balance';
import type { BackendPolicy, BalanceKind } from '../routing/backend-policies.ts';
import type { Random } from '../sys/clock.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';

/** An endpoint of a backend with what the route table says about it. */
export interface Candidate {
  readonly runtime: EndpointRuntime;
  readonly weight: number;
  readonly priority: number;
  readonly zone: string;
}

/** What levels are built from, beside the endpoints. */
export interface LevelSettings {
  readonly balance: BalanceKind;
  readonly policy: BackendPolicy;
  readonly memory: EndpointMemory;
  /** Undefined: no passive ejection. */
  readonly outliers: OutlierDetector | undefined;
  readonly random: Random;
  /** Unix ms. */
  readonly now: () => number;
  /** Zone of this gateway; empty: unknown. Behind a change, {@link EndpointLevels.refresh}. */
  readonly zone: () => string;
}

/** Endpoints used together: one priority, or one priority's part in our zone. */
export interface Level {
  readonly endpoints: readonly EndpointRuntime[];
  /** Of the endpoints, as the route table has them. */
  readonly weights: readonly number[];
  readonly balancer: Balancer;
  readonly share: number;
}

/** Steps into which a slow start is divided. */
const SLOW_START_STEPS = 40;
const SLOW_START_STEP_MIN_MS = 20;

/**
 * The endpoints of a backend that may be used now, by level, each with its share of the requests.
 * {@link refresh} looks at health again when somebody changed it or a time has come.
 */
export class EndpointLevels {
  readonly candidates: readonly Candidate[];
  levels: readonly Level[] = [];
  /** Of the endpoint picked last: its level, and its place in it. */
  pickedLevel: Level | undefined = undefined;
  pickedIndex: number = -1;
  readonly #settings: LevelSettings;
  #epoch = -1;
  #dueMs = 0;

  constructor(candidates: readonly Candidate[], settings: LevelSettings) {
    this.candidates = candidates;
    this.#settings = settings;
    this.refresh();
  }

  get isEmpty(): boolean {
    return this.levels.length === 0;
  }

  /** How many endpoints there are, and how many of them are ejected. */
  counts(): { readonly size: number; readonly ejected: number } {
    const { outliers, now } = this.#settings;
    const nowMs = now();
    let ejected = 0;
    for (const { runtime } of this.candidates) if (outliers?.isEjected(runtime.slot, nowMs) === true) ejected++;
    return { size: this.candidates.length, ejected };
  }

  /** The endpoint for a request, not `avoid` while there is another; undefined when there is none. */
  pick(avoid: EndpointRuntime | undefined, hash: number | undefined): EndpointRuntime | undefined {
    const { random } = this.#settings;
    this.#refreshIfDue();
    const { levels } = this;
    if (levels.length === 0) return undefined;
    let level = levels[0]!;
    if (level.share < 1) {
      let at = random();
      for (let i = 0; i < levels.length; i++) {
        level = levels[i]!;
        at -= level.share;
        if (at < 0) break;
      }
    }
    const avoided = avoid === undefined ? -1 : level.endpoints.indexOf(avoid);
    let index = level.balancer.pick(avoided, hash);
    if (index >= 0 && index === avoided && levels.length > 1) {
      // The only one of its level has just failed: any other level is better.
      level = levels.find((other) => other !== level) ?? level;
      index = level.balancer.pick(-1, hash);
    }
    if (index < 0) return undefined;
    this.pickedLevel = level;
    this.pickedIndex = index;
    return level.endpoints[index];
  }

  /** The endpoint with the highest score among those in use now, not `avoid`; undefined when there is none. */
  pickBest(
    avoid: EndpointRuntime | undefined,
    score: (endpoint: EndpointRuntime, weight: number) => number,
  ): EndpointRuntime | undefined {
    this.#refreshIfDue();
    let best: EndpointRuntime | undefined;
    let bestScore = -Infinity;
    for (const level of this.levels) {
      for (const [index, endpoint] of level.endpoints.entries()) {
        const own = score(endpoint, level.weights[index]!);
        if (endpoint === avoid || own <= bestScore) continue;
        best = endpoint;
        bestScore = own;
        this.pickedLevel = level;
        this.pickedIndex = index;
      }
    }
    return best;
  }

  /** The first healthy endpoint that is wanted, not `avoid`, whether or not its level is in use now. */
  pickWhere(
    avoid: EndpointRuntime | undefined,
    isWanted: (endpoint: EndpointRuntime) => boolean,
  ): EndpointRuntime | undefined {
    const nowMs = this.#settings.now();
    const found = this.candidates.find(({ runtime }) => isWanted(runtime))?.runtime;
    if (found === undefined || found === avoid || !this.#isHealthy(found.slot, nowMs)) return undefined;
    this.pickedLevel = this.levels.find((level) => level.endpoints.includes(found));
    this.pickedIndex = this.pickedLevel?.endpoints.indexOf(found) ?? -1;
    return found;
  }

  #refreshIfDue(): void {
    const { memory, now } = this.#settings;
    if (memory.epoch !== this.#epoch || (this.#dueMs !== Infinity && now() >= this.#dueMs)) this.refresh();
  }

  /** Builds the levels anew from the present health. */
  refresh(): void {
    const { memory, now } = this.#settings;
    this.#epoch = memory.epoch;
    this.#dueMs = Infinity;
    const nowMs = now();
    const groups = new Map<number, Candidate[]>();
    for (const candidate of this.candidates) {
      if (candidate.weight === 0) continue;
      const rank = this.#rankOf(candidate);
      const group = groups.get(rank);
      if (group === undefined) groups.set(rank, [candidate]);
      else group.push(candidate);
    }
    const ordered = [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
    const healthy = ordered.map((group) => group.filter(({ runtime }) => this.#isHealthy(runtime.slot, nowMs)));
    const loads = spreadOverLevels(
      ordered.map((group, at) => ({ total: group.length, healthy: healthy[at]!.length })),
      this.#settings.policy.panicShare,
    );
    this.levels = loads.flatMap(({ share, isPanic }, at) =>
      share === 0 ? [] : [this.#level(isPanic ? ordered[at]! : healthy[at]!, share, nowMs)],
    );
    // Nothing healthy and no panic: better to ask an endpoint than to refuse, unless the user turned panic off.
  }

  /** With zone preference each priority is two levels: our zone, and the others. */
  #rankOf(candidate: Candidate): number {
    const { policy } = this.#settings;
    const zone = this.#settings.zone();
    const isFar = policy.zone === 'prefer' && zone !== '' && candidate.zone !== zone;
    return candidate.priority * 2 + (isFar ? 1 : 0);
  }

  #isHealthy(slot: number, nowMs: number): boolean {
    const { memory, outliers, policy } = this.#settings;
    if (outliers?.isEjected(slot, nowMs)) {
      this.#dueMs = Math.min(this.#dueMs, outliers.ejectedUntil(slot));
      return false;
    }
    return policy.health === 'off' || memory.activeHealth(slot) !== 'unhealthy';
  }

  #level(group: readonly Candidate[], share: number, nowMs: number): Level {
    const { balance, memory, now, policy, random } = this.#settings;
    const endpoints = group.map(({ runtime }) => runtime);
    const slots = endpoints.map(({ slot }) => slot);
    const zoneFactors = this.#zoneFactors(group);
    const weights = group.map(({ runtime, weight, zone }) => {
      const factor = zoneFactors?.get(zone) ?? (zoneFactors === undefined ? 1 : 0);
      return weight * factor * this.#slowStart(runtime.slot, nowMs);
    });
    const balancer = createBalancer(balance, {
      weights,
      random,
      inFlight: memory.words,
      inFlightCells: memory.inFlightCells(slots),
      latencies: memory.doubles,
      latencyCells: memory.latencyCells(slots),
      now,
      names: endpoints.map(({ label }) => label),
      ...(policy.boundedLoad === 'off' ? {} : { boundedLoad: policy.boundedLoad }),
    });
    return { endpoints, weights: group.map(({ weight }) => weight), balancer, share };
  }

  #slowStart(slot: number, nowMs: number): number {
    const { memory, policy } = this.#settings;
    if (policy.slowStart === 'off') return 1;
    const age = nowMs - memory.since(slot);
    const { windowMs } = policy.slowStart;
    if (age >= windowMs || age < 0) return 1;
    this.#dueMs = Math.min(this.#dueMs, nowMs + Math.max(SLOW_START_STEP_MIN_MS, windowMs / SLOW_START_STEPS));
    return slowStartShare(age, policy.slowStart);
  }

  /** Zone-aware routing: the factor on the weights of each zone; undefined: zones do not count. */
  #zoneFactors(group: readonly Candidate[]): ReadonlyMap<string, number> | undefined {
    const { policy } = this.#settings;
    const own = this.#settings.zone();
    if (policy.zone !== 'aware' || own === '') return undefined;
    const zones = [...new Set(group.map(({ zone }) => zone))];
    const endpoints = zones.map((zone) => group.filter((candidate) => candidate.zone === zone).length);
    // Gateways are taken to be spread evenly over the zones that have endpoints.
    const shares = zoneShares(
      zones.map(() => 1),
      endpoints,
      zones.indexOf(own),
    );
    if (shares === undefined) return undefined;
    return new Map(zones.map((zone, at) => [zone, (shares[at]! * group.length) / endpoints[at]!]));
  }
}
