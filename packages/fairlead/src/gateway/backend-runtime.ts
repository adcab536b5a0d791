// Hot path: pick() and the counts run once per request.
import {
  type AdmissionControl,
  type BackendMemory,
  type GradientLimit,
  type LimitMemory,
  OutlierDetector,
} from '@fairlead/balance';
import { type BackendPolicy, DEFAULT_BACKEND_POLICY } from '../routing/backend-policies.ts';
import type { BackendTls, RouteBackend } from '../routing/route-table.ts';
import type { Clock, Random } from '../sys/clock.ts';
import type { AlpnProtocol } from '../sys/tls-alpn.ts';
import { tlsContexts } from '../sys/tls-contexts.ts';
import type { ConnectionQueue } from './connection-queue.ts';
import { type Candidate, EndpointLevels } from './endpoint-levels.ts';
import type { EndpointRegistry, EndpointRuntime, UpstreamTls } from './endpoint-runtime.ts';
import { ownEndpoints } from './endpoint-subset.ts';
import { LearntLimits } from './learnt-limits.ts';

/** What the backends of a worker share. */
export interface BackendSurroundings {
  readonly endpoints: EndpointRegistry;
  readonly backends: BackendMemory;
  readonly limits: LimitMemory;
  readonly clock: Clock;
  readonly random: Random;
  /** Zone of this gateway; empty: unknown. May change. */
  readonly zone: () => string;
  /** Tells this gateway from others of its kind. */
  readonly gatewayName: string;
}

/** What a TLS handshake with endpoints offers. */
const OFFERS: Readonly<Record<NonNullable<BackendTls['versions']>, readonly AlpnProtocol[] | undefined>> = {
  http1: undefined,
  http2: ['h2'],
  'http2-or-http1': ['h2', 'http/1.1'],
};

/** A backend of the route table in one worker. Routes hold it; its endpoints change under them. */
export class BackendRuntime {
  readonly key: string;
  protocol: RouteBackend['protocol'] = 'http1';
  policy: BackendPolicy = DEFAULT_BACKEND_POLICY;
  proxyProtocol: 'v1' | 'v2' | undefined = undefined;
  levels: EndpointLevels | undefined = undefined;
  outliers: OutlierDetector | undefined = undefined;
  /** Requests that wait for a connection; made by the first one. */
  queue: ConnectionQueue | undefined = undefined;
  /** Of {@link levels}, for the outlier detector: bound once. */
  readonly ejectionCounts = (): { readonly size: number; readonly ejected: number } =>
    this.levels?.counts() ?? { size: 0, ejected: 0 };
  readonly #around: BackendSurroundings;
  readonly #limits: LearntLimits;
  #endpoints: readonly EndpointRuntime[] = [];
  #slot: number | undefined = undefined;
  #identity = '';
  /** Requests and connections of this worker that count on the slot. */
  #holds = 0;
  #isRemoved = false;
  #policyText = '';
  #tls: UpstreamTls | undefined = undefined;
  #tlsRound = 0;
  #tlsText = '';

  constructor(key: string, around: BackendSurroundings) {
    this.key = key;
    this.#around = around;
    this.#limits = new LearntLimits(around.limits, around.random);
  }

  get gradient(): GradientLimit | undefined {
    return this.#limits.gradient;
  }

  get admission(): AdmissionControl | undefined {
    return this.#limits.admission;
  }

  /** Its slot in the memory of circuit breakers. */
  get slot(): number {
    return this.#slot ?? this.#around.backends.spare;
  }

  get hasEndpoints(): boolean {
    return this.#endpoints.length > 0;
  }

  /** Installs the endpoints of a new definition (undefined: none); requests in flight keep theirs. */
  update(backend: RouteBackend | undefined): void {
    const { clock, endpoints: registry, backends, random, zone, gatewayName } = this.#around;
    this.#updateTls(backend);
    this.proxyProtocol = backend?.proxyProtocol;
    this.#updatePolicy(backend?.policy ?? DEFAULT_BACKEND_POLICY);
    this.#isRemoved = backend === undefined;
    this.protocol = backend?.protocol ?? 'http1';
    if (backend !== undefined) this.#updateSlot(backend.identity ?? backend.key);
    this.#limits.update(backend === undefined ? undefined : this.policy, backend?.identity ?? this.key);
    const before = this.#endpoints;
    const candidates: Candidate[] = [];
    const nowMs = clock.now();
    for (const endpoint of ownEndpoints(backend?.endpoints ?? [], this.policy, gatewayName)) {
      const runtime = registry.acquire(endpoint, backend!.protocol, this.#tls);
      if (runtime === undefined) continue;
      // Those there from the beginning have no start to be slow at.
      registry.memory.startSince(runtime.slot, before.length === 0 ? 1 : nowMs, false);
      candidates.push({
        runtime,
        weight: endpoint.weight,
        priority: endpoint.priority ?? 0,
        zone: endpoint.zone ?? '',
      });
    }
    this.#endpoints = candidates.map(({ runtime }) => runtime);
    this.levels =
      backend === undefined || candidates.length === 0
        ? undefined
        : new EndpointLevels(candidates, {
            balance: backend.balance,
            policy: this.policy,
            memory: registry.memory,
            outliers: this.outliers,
            random,
            now: () => clock.now(),
            zone,
          });
    for (const endpoint of before) registry.release(endpoint);
    if (this.#holds > 0) return;
    this.#limits.settle();
    if (this.#isRemoved) this.#dropSlot(backends);
  }

  #updateSlot(identity: string): void {
    const { backends } = this.#around;
    if (this.#slot !== undefined && this.#identity === identity) return;
    if (this.#slot !== undefined) {
      // What is in flight counts on the old slot: keep that one until it is quiet.
      if (this.#holds > 0) return;
      this.#dropSlot(backends);
    }
    this.#identity = identity;
    this.#slot = backends.acquire(identity);
  }

  #dropSlot(backends: BackendMemory): void {
    if (this.#slot !== undefined) backends.release(this.#slot);
    this.#slot = undefined;
  }

  /** State of limits and averages goes on unless the policy is another one. */
  #updatePolicy(policy: BackendPolicy): void {
    const text = JSON.stringify(policy);
    if (text === this.#policyText) return;
    const { endpoints, random } = this.#around;
    this.#policyText = text;
    this.policy = policy;
    const { outlier } = policy;
    this.outliers = outlier === 'off' ? undefined : new OutlierDetector(endpoints.memory, outlier, random);
  }

  /**
   * Connections of an older setting end with their endpoints.
   * @throws Error for a CA bundle that cannot be used.
   */
  #updateTls(backend: RouteBackend | undefined): void {
    const text = backend?.protocol === 'https' ? JSON.stringify(backend.tls ?? {}) : '';
    if (text === this.#tlsText) return;
    const old = this.#tls;
    if (text === '') this.#tls = undefined;
    else {
      const { ca, systemRoots, serverName, names, identity, versions = 'http1' } = backend?.tls ?? {};
      const roots = ca ?? (systemRoots === true ? ({ system: true } as const) : undefined);
      const result = tlsContexts.client({
        verify: roots === undefined ? 'off' : { ca: roots },
        ...(identity === undefined ? {} : { identity }),
      });
      if (!result.ok) throw new Error(`backend ${this.key}: ${result.problem}`);
      // Of alternative names one must match; the server name then only chooses the certificate.
      const verifyName = roots === undefined || names !== undefined ? undefined : serverName;
      this.#tls = {
        key: `${this.key} ${++this.#tlsRound}`,
        options: { context: result.context, serverName, verifyName, names, alpn: OFFERS[versions] },
      };
    }
    this.#tlsText = text;
    old?.options.context.free();
  }

  /** Keeps the slot in place while something counts on it; returns it. */
  hold(): number {
    this.#holds++;
    return this.slot;
  }

  unhold(): void {
    if (--this.#holds > 0) return;
    this.#limits.settle();
    if (this.#isRemoved) this.#dropSlot(this.#around.backends);
  }
}
