import {
  afterCheck,
  type BackendMemory,
  type CheckedHealth,
  type EndpointMemory,
  nextCheckMs,
  OutlierDetector,
  UNCHECKED,
} from '@fairlead/balance';
import { DEFAULT_BACKEND_POLICY } from '../../routing/backend-policies.ts';
import type { RouteBackend, RouteTableDiff } from '../../routing/route-table.ts';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { endpointLabel } from '../endpoint-runtime.ts';
import { ownEndpoints } from '../endpoint-subset.ts';
import { type Probe, type ProbeTarget, probeEndpoint } from './probe.ts';

/** What health checks work with. */
export interface HealthCheckerOptions {
  readonly endpoints: EndpointMemory;
  readonly backends: BackendMemory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Tells this gateway from others, for subsets of endpoints. */
  readonly gatewayName: string;
  /** Default: real connections. */
  readonly probe?: Probe;
}

/** An endpoint under one setting, however many backends ask for that. */
interface Checked {
  readonly target: ProbeTarget;
  readonly label: string;
  readonly slot: number;
  /** Backends that ask: identity by key. */
  readonly askers: Map<string, string>;
  state: CheckedHealth;
  /** Sum of the askers' traffic at the last check. */
  traffic: number;
  cancel: () => void;
  readonly stop: AbortController;
}

/** First checks are spread over this time, so that a new table is no burst. */
const FIRST_SPREAD_MS = 200;

/**
 * Active health checks, in the main thread, once per endpoint and setting: not per route, not per
 * worker. The verdicts go into the memory that all workers read.
 */
export class HealthChecker {
  readonly #options: HealthCheckerOptions;
  readonly #probe: Probe;
  readonly #outliers: OutlierDetector;
  readonly #checked: Map<string, Checked> = new Map();
  /** Keys in {@link #checked} by backend. */
  readonly #keysOf: Map<string, readonly string[]> = new Map();

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
    this.#probe = options.probe ?? probeEndpoint;
    this.#outliers = new OutlierDetector(options.endpoints, {}, options.random);
  }

  /** Endpoints under check. */
  get size(): number {
    return this.#checked.size;
  }

  /** Takes over new definitions. Endpoints that stay keep their state. */
  update(backends: RouteTableDiff['backends']): void {
    for (const [key, backend] of backends) {
      const before = this.#keysOf.get(key) ?? [];
      const after = backend === undefined ? [] : this.#watch(key, backend);
      const kept = new Set(after);
      for (const checked of before) if (!kept.has(checked)) this.#unwatch(checked, key);
      if (after.length === 0) this.#keysOf.delete(key);
      else this.#keysOf.set(key, after);
    }
  }

  #watch(key: string, backend: RouteBackend): string[] {
    const check = backend.policy?.health ?? 'off';
    if (check === 'off') return [];
    const { protocol, tls, policy = DEFAULT_BACKEND_POLICY } = backend;
    const setting = JSON.stringify([protocol, tls, check]);
    // Nobody here asks the others anything.
    return ownEndpoints(backend.endpoints, policy, this.#options.gatewayName).map((endpoint) => {
      const label = endpointLabel(endpoint);
      const name = `${label} ${setting}`;
      let checked = this.#checked.get(name);
      if (checked === undefined) {
        const { endpoints, clock, random } = this.#options;
        checked = {
          target: { endpoint, check, protocol, tls },
          label,
          slot: endpoints.acquire(label),
          askers: new Map(),
          state: UNCHECKED,
          traffic: 0,
          cancel: () => {},
          stop: new AbortController(),
        };
        this.#checked.set(name, checked);
        const first = checked;
        first.cancel = clock.after(random() * FIRST_SPREAD_MS, () => void this.#check(first));
      }
      checked.askers.set(key, backend.identity ?? key);
      return name;
    });
  }

  #unwatch(name: string, key: string): void {
    const checked = this.#checked.get(name);
    if (checked === undefined || !checked.askers.delete(key) || checked.askers.size > 0) return;
    this.#checked.delete(name);
    this.#end(checked);
  }

  #end(checked: Checked): void {
    checked.cancel();
    checked.stop.abort();
    // Who uses the endpoint without checks, or with others, must not inherit the verdict.
    if (checked.state.health === 'unhealthy') this.#options.endpoints.setActiveHealth(checked.slot, 'unknown');
    this.#options.endpoints.release(checked.slot);
  }

  async #check(checked: Checked): Promise<void> {
    const { clock, endpoints, log, random } = this.#options;
    const timeout = new AbortController();
    const cancelTimeout = clock.after(checked.target.check.timeoutMs, () => timeout.abort());
    const result = await this.#probe(checked.target, AbortSignal.any([timeout.signal, checked.stop.signal])).catch(
      () => 'failed' as const,
    );
    cancelTimeout();
    if (checked.stop.signal.aborted) return;
    const before = checked.state;
    checked.state = afterCheck(before, result, checked.target.check);
    const { health } = checked.state;
    if (health !== before.health) {
      endpoints.setActiveHealth(checked.slot, health);
      if (health === 'unhealthy') log('warn', 'endpoint fails its health check', { endpoint: checked.label, result });
      else if (before.health === 'unhealthy') {
        endpoints.startSince(checked.slot, clock.now(), true);
        log('info', 'endpoint passes its health check again', { endpoint: checked.label });
      }
    }
    // A check that passes is better evidence than requests that failed.
    if (result === 'passed') this.#outliers.uneject(checked.slot);
    const delayMs = nextCheckMs(checked.state, checked.target.check, this.#hasTraffic(checked), random());
    checked.cancel = clock.after(delayMs, () => void this.#check(checked));
  }

  #hasTraffic(checked: Checked): boolean {
    const { backends } = this.#options;
    let traffic = 0;
    for (const identity of checked.askers.values()) {
      const slot = backends.find(identity);
      if (slot >= 0) traffic += backends.traffic(slot);
    }
    const had = checked.traffic;
    checked.traffic = traffic;
    return traffic !== had;
  }

  stop(): void {
    for (const checked of this.#checked.values()) this.#end(checked);
    this.#checked.clear();
    this.#keysOf.clear();
  }
}
