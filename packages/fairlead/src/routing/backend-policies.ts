/** How requests are spread over the endpoints of a backend. */
export type BalanceKind = 'round-robin' | 'least-request' | 'random' | 'peak-ewma' | 'prequal' | 'ring-hash' | 'maglev';

/** What a consistent hash is computed of; the first key that a request has counts. */
export type HashKey =
  | { readonly type: 'header' | 'cookie' | 'query'; readonly name: string }
  | { readonly type: 'source' };

/** Which zones get a request. `prefer`: the gateway's own, others when it fails; `aware`: in proportion (6 hosts and more). */
export type ZonePreference = 'off' | 'prefer' | 'aware';

/** An active health check. Times in milliseconds. */
export interface HealthCheckPolicy {
  readonly type: 'http' | 'tcp' | 'grpc';
  /** HTTP: path of the GET. */
  readonly path: string;
  /** HTTP: value of Host; empty: the endpoint's address. gRPC: name of the service; empty: the whole server. */
  readonly host: string;
  readonly statuses: readonly (readonly [from: number, to: number])[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Share of the interval added at random: 0 to 1. */
  readonly jitter: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  /** Between checks of an endpoint that is out, and right after a change of its state. */
  readonly unhealthyIntervalMs: number;
  readonly edgeIntervalMs: number;
  /** Between checks while the backend has no traffic. */
  readonly noTrafficIntervalMs: number;
}

/** Passive ejection. `off` disables a rule. Times in milliseconds. */
export interface OutlierPolicy {
  readonly consecutive5xx: number | 'off';
  /** Of 502, 503, 504 and local failures. */
  readonly consecutiveGateway: number | 'off';
  /** Of no connection, reset, timeout. */
  readonly consecutiveLocal: number | 'off';
  /** Out below mean - factor * deviation of the success rates; at least 5 endpoints with 100 requests each. */
  readonly successRateFactor: number | 'off';
  /** Percent of failures that is too much; at least 5 endpoints with 50 requests each. */
  readonly failurePercentage: number | 'off';
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** Most added to an ejection at random, so that endpoints do not come back together. Absent: nothing. */
  readonly jitterMs?: number;
  /** Share of endpoints that may be out, 0 to 1; one always may. */
  readonly maxEjectedShare: number;
}

/** Most at a time, over all workers; what exceeds it is answered 503. */
export interface LimitPolicy {
  readonly connections: number;
  /** Requests waiting for a connection: one that is being made, or, with {@link waitMs}, any. */
  readonly pending: number;
  /** How long a request may wait, milliseconds, while all {@link connections} are in use. Absent or `off`: not at all. */
  readonly waitMs?: number | 'off';
  readonly requests: number;
  /** Retries at a time; `budget`: by {@link BackendPolicy.retryBudget}. */
  readonly retries: number | 'budget';
}

/** What protects the endpoints of a backend. Complete: compilers start from {@link DEFAULT_BACKEND_POLICY}. */
export interface BackendPolicy {
  readonly hashBy: readonly HashKey[];
  /** Consistent hashing: no endpoint gets more than this times the mean; `off` for no bound. */
  readonly boundedLoad: number | 'off';
  readonly zone: ZonePreference;
  /** Each gateway uses this many endpoints of a priority only, always the same ones while they are there. */
  readonly subsetSize: number | 'off';
  /** Below this share of healthy endpoints all are used; 0 for never. */
  readonly panicShare: number;
  readonly health: HealthCheckPolicy | 'off';
  readonly outlier: OutlierPolicy | 'off';
  readonly limits: LimitPolicy;
  readonly retryBudget: { readonly share: number; readonly min: number };
  readonly slowStart: { readonly windowMs: number; readonly aggression: number; readonly minShare: number } | 'off';
  /** Gradient on latency; excess is answered 503. */
  readonly adaptiveConcurrency: { readonly minRttIntervalMs: number; readonly maxLimit: number } | 'off';
  /** Rejects in proportion while the success rate is below `threshold` (0 to 1). */
  readonly admission: { readonly threshold: number; readonly maxReject: number } | 'off';
}

/** Five gateway errors in a row, as nginx counts failures: an application's own 500 says nothing about its endpoint. */
export const DEFAULT_OUTLIER: OutlierPolicy = {
  consecutive5xx: 'off',
  consecutiveGateway: 5,
  consecutiveLocal: 'off',
  successRateFactor: 'off',
  failurePercentage: 'off',
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectedShare: 0.1,
};

/**
 * Envoy's defaults, but for the limits on connections and requests: 1,024 is below what one gateway of ours
 * serves, and a limit nobody asked for must not be the bottleneck.
 */
export const DEFAULT_BACKEND_POLICY: BackendPolicy = {
  hashBy: [],
  boundedLoad: 'off',
  zone: 'off',
  subsetSize: 'off',
  panicShare: 0.5,
  health: 'off',
  outlier: DEFAULT_OUTLIER,
  limits: { connections: 65_536, pending: 16_384, requests: 65_536, retries: 'budget' },
  retryBudget: { share: 0.2, min: 3 },
  slowStart: 'off',
  adaptiveConcurrency: 'off',
  admission: 'off',
};
