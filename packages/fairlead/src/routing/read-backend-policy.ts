import {
  field,
  orOff,
  type Reading,
  readCount,
  readDuration,
  readDurationOrOff,
  readFactor,
  readFields,
  readShare,
  readWord,
} from './annotation-values.ts';
import {
  type BackendPolicy,
  type BalanceKind,
  DEFAULT_BACKEND_POLICY,
  DEFAULT_OUTLIER,
  type HashKey,
  type HealthCheckPolicy,
  type LimitPolicy,
  type OutlierPolicy,
} from './backend-policies.ts';

/** What the annotations of a Service say about its backends. */
export interface BackendAnnotations {
  readonly balance: BalanceKind;
  /** Undefined: nothing differs from the defaults. */
  readonly policy: BackendPolicy | undefined;
  /** Services whose endpoints are used when those of the Service itself fail, in this order. */
  readonly failover: readonly FailoverRef[];
  readonly problems: readonly AnnotationProblem[];
}

/** A Service of the same namespace. */
export interface FailoverRef {
  readonly service: string;
  /** By number or name; undefined: the port that is asked for of the Service itself. */
  readonly port: number | string | undefined;
}

/** A value that counts as absent. */
export interface AnnotationProblem {
  /** `metadata.annotations[fairlead.dev/http-zone]`. */
  readonly field: string;
  readonly message: string;
}

const PREFIX = 'fairlead.dev/http-';
const BALANCE_KINDS: readonly BalanceKind[] = [
  'round-robin',
  'least-request',
  'random',
  'peak-ewma',
  'prequal',
  'ring-hash',
  'maglev',
];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What an active check is unless said; times as in Kubernetes probes, no-traffic interval as in Envoy. */
const DEFAULT_HEALTH_CHECK: HealthCheckPolicy = {
  type: 'http',
  path: '/',
  host: '',
  statuses: [[200, 299]],
  intervalMs: 10_000,
  timeoutMs: 1_000,
  jitter: 0.1,
  unhealthyThreshold: 3,
  healthyThreshold: 2,
  unhealthyIntervalMs: 10_000,
  edgeIntervalMs: 2_000,
  noTrafficIntervalMs: 60_000,
};

/** Reads `fairlead.dev/http-…` of a Service (docs/decisions/0008-route-policies.md). A wrong value counts as absent. */
export function readBackendPolicy(annotations: Readonly<Record<string, string>> | undefined): BackendAnnotations {
  const problems: AnnotationProblem[] = [];
  const changes: { -readonly [K in keyof BackendPolicy]?: BackendPolicy[K] } = {};
  let balance: BalanceKind = 'round-robin';
  let failover: readonly FailoverRef[] = [];
  const readers: Readonly<Record<string, (text: string, told: (message: string) => void) => void>> = {
    balance: (text, told) => take(readWord(text, BALANCE_KINDS), told, (value) => (balance = value)),
    'hash-by': (text, told) => {
      const keys = text.split(',').flatMap((part) => {
        const result = readHashKey(part.trim());
        if (!result.ok) told(result.message);
        return result.ok ? [result.value] : [];
      });
      if (keys.length > 0) changes.hashBy = keys;
    },
    'bounded-load': (text, told) => {
      const result = readShareAbove(text);
      take(result, told, (value) => (changes.boundedLoad = value));
    },
    zone: (text, told) =>
      take(readWord(text, ['off', 'prefer', 'aware'] as const), told, (value) => (changes.zone = value)),
    'subset-size': (text, told) => {
      take(orOff(count(1, 1e6))(text), told, (value) => (changes.subsetSize = value));
    },
    failover: (text, told) => {
      failover = text.split(',').flatMap((part) => {
        const result = readFailover(part.trim());
        if (!result.ok) told(result.message);
        return result.ok ? [result.value] : [];
      });
    },
    'panic-threshold': (text, told) => take(readShare(text), told, (value) => (changes.panicShare = value)),
    'health-check': (text, told) => (changes.health = readHealthCheck(text, told)),
    'outlier-detection': (text, told) => (changes.outlier = readOutlier(text, told)),
    limits: (text, told) =>
      (changes.limits = { ...DEFAULT_BACKEND_POLICY.limits, ...readFields<LimitPolicy>(text, LIMITS, told) }),
    'retry-budget': (text, told) => {
      const budget = readFields<BackendPolicy['retryBudget']>(
        text,
        { share: field('share', readShare), min: field('min', count(0, 1e6)) },
        told,
      );
      changes.retryBudget = { ...DEFAULT_BACKEND_POLICY.retryBudget, ...budget };
    },
    'slow-start': (text, told) => (changes.slowStart = readSlowStart(text, told)),
    'adaptive-concurrency': (text, told) => {
      if (text === 'off') return;
      const fields = {
        'min-rtt-interval': field('minRttIntervalMs', readDuration),
        max: field('maxLimit', count(3, 1e6)),
      };
      changes.adaptiveConcurrency = {
        minRttIntervalMs: 60_000,
        maxLimit: 1000,
        ...readFields<{ minRttIntervalMs: number; maxLimit: number }>(text === 'on' ? '' : text, fields, told),
      };
    },
    'admission-control': (text, told) => {
      if (text === 'off') return;
      const fields = { threshold: field('threshold', readShare), 'max-reject': field('maxReject', readShare) };
      changes.admission = {
        threshold: 0.95,
        maxReject: 0.8,
        ...readFields<{ threshold: number; maxReject: number }>(text === 'on' ? '' : text, fields, told),
      };
    },
  };
  for (const [key, text] of Object.entries(annotations ?? {})) {
    if (!key.startsWith(PREFIX)) continue;
    const told = (message: string): void => {
      problems.push({ field: `metadata.annotations[${key}]`, message });
    };
    const read = readers[key.slice(PREFIX.length)];
    if (read === undefined) told(`not one of ${Object.keys(readers).join(', ')} behind ${PREFIX}`);
    else read(text.trim(), told);
  }
  const isChanged = Object.keys(changes).length > 0;
  return { balance, policy: isChanged ? { ...DEFAULT_BACKEND_POLICY, ...changes } : undefined, failover, problems };
}

function take<T>(result: Reading<T>, told: (message: string) => void, use: (value: T) => void): void {
  if (result.ok) use(result.value);
  else told(result.message);
}

const count =
  (min: number, max: number) =>
  (text: string): Reading<number> =>
    readCount(text, min, max);
const countOrOff = orOff(count(1, 1e6));

const LIMITS = {
  connections: field('connections', count(1, 1e6)),
  pending: field('pending', count(1, 1e6)),
  requests: field('requests', count(1, 1e6)),
  wait: field('waitMs', readDurationOrOff),
  retries: field(
    'retries',
    (text: string): Reading<LimitPolicy['retries']> =>
      text === 'budget' ? { ok: true, value: 'budget' } : readCount(text, 0, 1e6),
  ),
};

function readHashKey(text: string): Reading<HashKey> {
  if (text === 'source') return { ok: true, value: { type: 'source' } };
  const [type = '', name = '', more] = text.split(/\s+/);
  if ((type === 'header' || type === 'cookie' || type === 'query') && more === undefined && TOKEN.test(name))
    return { ok: true, value: { type, name: type === 'header' ? name.toLowerCase() : name } };
  return { ok: false, message: `'${text}' is none of source, header NAME, cookie NAME, query NAME` };
}

/** `backup` or `backup:http`. */
function readFailover(text: string): Reading<FailoverRef> {
  const [, service, port] = /^([a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)(?::([a-z0-9-]+))?$/.exec(text) ?? [];
  if (service === undefined) return { ok: false, message: `'${text}' is not SERVICE or SERVICE:PORT` };
  return { ok: true, value: { service, port: port !== undefined && /^\d+$/.test(port) ? Number(port) : port } };
}

/** `125%` as 1.25. */
function readShareAbove(text: string): Reading<number> {
  const value = /^\d{3,5}%$/.test(text) ? Number(text.slice(0, -1)) / 100 : Number.NaN;
  return value > 1 ? { ok: true, value } : { ok: false, message: `'${text}' is not a percentage above 100%` };
}

function readStatuses(text: string): Reading<HealthCheckPolicy['statuses']> {
  const ranges = text.split(',').map((part) => /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(part));
  if (ranges.some((range) => range === null)) return { ok: false, message: `'${text}' is not like 200-299,401` };
  return { ok: true, value: ranges.map((range) => [Number(range![1]), Number(range![2] ?? range![1])] as const) };
}

function readHealthCheck(text: string, told: (message: string) => void): BackendPolicy['health'] {
  if (text === 'off') return 'off';
  const fields = readFields<HealthCheckPolicy>(
    text === 'on' ? '' : text,
    {
      type: field('type', (word) => readWord(word, ['http', 'tcp', 'grpc'] as const)),
      path: field(
        'path',
        (path): Reading<string> =>
          /^\/[!-~]*$/.test(path)
            ? { ok: true, value: path }
            : { ok: false, message: `'${path}' does not begin with /` },
      ),
      host: field(
        'host',
        (host): Reading<string> =>
          /^[-.:\w/[\]]+$/.test(host) ? { ok: true, value: host } : { ok: false, message: `'${host}' is not a name` },
      ),
      status: field('statuses', readStatuses),
      interval: field('intervalMs', readDuration),
      timeout: field('timeoutMs', readDuration),
      jitter: field('jitter', readShare),
      unhealthy: field('unhealthyThreshold', count(1, 1000)),
      healthy: field('healthyThreshold', count(1, 1000)),
      'unhealthy-interval': field('unhealthyIntervalMs', readDuration),
      'edge-interval': field('edgeIntervalMs', readDuration),
      'no-traffic-interval': field('noTrafficIntervalMs', readDuration),
    },
    told,
  );
  const intervalMs = fields.intervalMs ?? DEFAULT_HEALTH_CHECK.intervalMs;
  return {
    ...DEFAULT_HEALTH_CHECK,
    unhealthyIntervalMs: intervalMs,
    edgeIntervalMs: Math.min(intervalMs, DEFAULT_HEALTH_CHECK.edgeIntervalMs),
    ...fields,
  };
}

function readOutlier(text: string, told: (message: string) => void): BackendPolicy['outlier'] {
  if (text === 'off') return 'off';
  const percent = (word: string): Reading<number> => {
    const share = readShare(word);
    return share.ok ? { ok: true, value: share.value * 100 } : share;
  };
  const fields = readFields<OutlierPolicy>(
    text,
    {
      'consecutive-5xx': field('consecutive5xx', countOrOff),
      'consecutive-gateway': field('consecutiveGateway', countOrOff),
      'consecutive-local': field('consecutiveLocal', countOrOff),
      'success-rate-factor': field('successRateFactor', orOff(readFactor)),
      'failure-percentage': field('failurePercentage', orOff(percent)),
      interval: field('intervalMs', readDuration),
      base: field('baseEjectionMs', readDuration),
      max: field('maxEjectionMs', readDuration),
      jitter: field('jitterMs', readDuration),
      'max-ejected': field('maxEjectedShare', readShare),
    },
    told,
  );
  return { ...DEFAULT_OUTLIER, ...fields };
}

function readSlowStart(text: string, told: (message: string) => void): BackendPolicy['slowStart'] {
  if (text === 'off') return 'off';
  const start = { windowMs: 30_000, aggression: 1, minShare: 0.1 };
  const plain = readDuration(text);
  if (plain.ok) return { ...start, windowMs: plain.value };
  const fields = {
    window: field('windowMs', readDuration),
    aggression: field('aggression', readFactor),
    min: field('minShare', readShare),
  };
  return { ...start, ...readFields<typeof start>(text, fields, told) };
}
