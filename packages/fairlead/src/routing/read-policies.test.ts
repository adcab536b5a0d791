import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_BACKEND_POLICY } from './backend-policies.ts';
import { compileBackend } from './compile-backends.ts';
import { compileIngress, INGRESS_TIMEOUTS } from './compile-ingress.ts';
import { readBackendPolicy } from './read-backend-policy.ts';
import { readRoutePolicy } from './read-route-policy.ts';
import { ingress, service, slice } from './routing-fixtures.ts';

/** Annotation (behind `http-`), the part of the policy that it changes, and how many mistakes are told. */
const backendRows: readonly [name: string, annotation: string, expected: object, mistakes: number][] = [
  [
    'hash-by',
    'header X-User, cookie sid, source',
    { hashBy: [{ type: 'header', name: 'x-user' }, { type: 'cookie', name: 'sid' }, { type: 'source' }] },
    0,
  ],
  ['hash-by', 'header', {}, 1],
  ['hash-by', 'path, query q', { hashBy: [{ type: 'query', name: 'q' }] }, 1],
  ['bounded-load', '125%', { boundedLoad: 1.25 }, 0],
  ['bounded-load', '100%', {}, 1],
  ['zone', 'prefer', { zone: 'prefer' }, 0],
  ['zone', 'near', {}, 1],
  ['subset-size', '20', { subsetSize: 20 }, 0],
  ['subset-size', '0', {}, 1],
  ['panic-threshold', '0%', { panicShare: 0 }, 0],
  ['panic-threshold', '120%', {}, 1],
  ['outlier-detection', 'off', { outlier: 'off' }, 0],
  [
    'outlier-detection',
    'consecutive-5xx=3 base=1m max-ejected=50% success-rate-factor=1.9 failure-percentage=85%',
    {
      outlier: {
        ...(DEFAULT_BACKEND_POLICY.outlier as object),
        consecutive5xx: 3,
        baseEjectionMs: 60_000,
        maxEjectedShare: 0.5,
        successRateFactor: 1.9,
        failurePercentage: 85,
      },
    },
    0,
  ],
  ['outlier-detection', 'jitter=5s', { outlier: { ...(DEFAULT_BACKEND_POLICY.outlier as object), jitterMs: 5000 } }, 0],
  ['limits', 'requests=10 retries=0', { limits: { ...DEFAULT_BACKEND_POLICY.limits, requests: 10, retries: 0 } }, 0],
  [
    'limits',
    'connections=2 wait=250ms',
    { limits: { ...DEFAULT_BACKEND_POLICY.limits, connections: 2, waitMs: 250 } },
    0,
  ],
  ['limits', 'wait=soon', {}, 1],
  ['limits', 'requests=0 pending=5', { limits: { ...DEFAULT_BACKEND_POLICY.limits, pending: 5 } }, 1],
  ['retry-budget', 'share=10% min=5', { retryBudget: { share: 0.1, min: 5 } }, 0],
  ['slow-start', '30s', { slowStart: { windowMs: 30_000, aggression: 1, minShare: 0.1 } }, 0],
  [
    'slow-start',
    'window=1m aggression=2 min=5%',
    { slowStart: { windowMs: 60_000, aggression: 2, minShare: 0.05 } },
    0,
  ],
  ['adaptive-concurrency', 'on', { adaptiveConcurrency: { minRttIntervalMs: 60_000, maxLimit: 1000 } }, 0],
  ['adaptive-concurrency', 'max=50', { adaptiveConcurrency: { minRttIntervalMs: 60_000, maxLimit: 50 } }, 0],
  ['admission-control', 'threshold=90%', { admission: { threshold: 0.9, maxReject: 0.8 } }, 0],
  ['nonsense', 'x', {}, 1],
];

describe('annotations of a Service', () => {
  for (const [name, text, expected, mistakes] of backendRows) {
    test(`http-${name}: ${text}`, () => {
      const { policy, problems } = readBackendPolicy({ [`fairlead.dev/http-${name}`]: text, 'other.example/x': 'y' });
      assert.deepEqual({ ...DEFAULT_BACKEND_POLICY, ...policy }, { ...DEFAULT_BACKEND_POLICY, ...expected });
      assert.equal(problems.length, mistakes);
      for (const problem of problems) assert.equal(problem.field, `metadata.annotations[fairlead.dev/http-${name}]`);
    });
  }

  test('a health check has defaults that follow its interval', () => {
    const { policy, problems } = readBackendPolicy({
      'fairlead.dev/http-health-check':
        'type=http path=/healthz interval=1s unhealthy=2 status=200-299,401 nothing timeout=fast',
    });
    assert.equal(problems.length, 2);
    assert.deepEqual(policy?.health, {
      type: 'http',
      path: '/healthz',
      host: '',
      statuses: [
        [200, 299],
        [401, 401],
      ],
      intervalMs: 1000,
      timeoutMs: 1000,
      jitter: 0.1,
      unhealthyThreshold: 2,
      healthyThreshold: 2,
      unhealthyIntervalMs: 1000,
      edgeIntervalMs: 1000,
      noTrafficIntervalMs: 60_000,
    });
  });

  test('a path or host that would break out of its request line is refused', () => {
    for (const bad of ['path=/a\r\nX:y', 'path=relative', 'host=a\r\nb', 'path=/\u00e9']) {
      const { problems } = readBackendPolicy({ 'fairlead.dev/http-health-check': bad });
      assert.ok(problems.length > 0, bad);
    }
  });

  test('any text is read without throwing, and never yields what a compiler would refuse', () => {
    const names = ['balance', ...new Set(backendRows.map(([name]) => name)), 'health-check'];
    const words = fc.array(
      fc.constantFrom(
        'on',
        'off',
        'interval=1s',
        'min=5%',
        '=',
        '10%',
        'a=b',
        '-1',
        '1e9s',
        '999999h',
        'requests=4',
        '\u0000',
      ),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.oneof(
          fc.string(),
          words.map((list) => list.join(' ')),
        ),
        (name, text) => {
          const { policy } = readBackendPolicy({ [`fairlead.dev/http-${name}`]: text });
          JSON.stringify(policy ?? {}, (key, value) => {
            if (typeof value === 'number') assert.ok(Number.isFinite(value) && value >= 0, `${key}: ${value}`);
            return value;
          });
        },
      ),
    );
  });

  test('a mistake is told at the Ingress that names the Service, which is served anyway', () => {
    const web = service('web');
    web.metadata.annotations = { 'fairlead.dev/http-balance': 'best', 'fairlead.dev/http-zone': 'prefer' };
    const ref = { key: 'shop/web:80', namespace: 'shop', service: 'web', port: 80 };
    const { backend, problem, mistakes } = compileBackend(ref, web, [slice('web', ['10.0.0.1'])]);
    assert.equal(problem, undefined);
    assert.equal(backend.endpoints.length, 1);
    assert.equal(backend.policy?.zone, 'prefer');
    assert.deepEqual(
      mistakes.map(({ reason }) => reason),
      ['InvalidField'],
    );
    assert.match(
      mistakes[0]!.message,
      /^Service shop\/web metadata\.annotations\[fairlead\.dev\/http-balance\]: 'best' is none of/,
    );
  });

  test('two names of one port are one backend to limits and budgets', () => {
    const web = service('web', [{ name: 'http', port: 80 }]);
    const identities = [80, 'http'].map((port) => {
      const ref = { key: `shop/web:${port}`, namespace: 'shop', service: 'web', port };
      return compileBackend(ref, web, []).backend.identity;
    });
    assert.deepEqual(identities, ['shop/web:80', 'shop/web:80']);
  });
});

const RETRY = {
  on: ['connect-failure', 'refused-stream'],
  statuses: [],
  retries: 2,
  methods: 'idempotent',
  backoffBaseMs: 25,
  backoffMaxMs: 250,
  hedge: false,
  replayMaxBytes: 65_536,
};
const routeRows: readonly [
  annotations: Record<string, string>,
  retry: object | undefined,
  timeouts: object,
  mistakes: number,
][] = [
  [{}, undefined, {}, 0],
  [{ 'retry-on': 'reset, 5xx, 429' }, { ...RETRY, on: ['reset', '5xx'], statuses: [429], retries: 1 }, {}, 0],
  [{ 'retry-on': 'reset, 200' }, undefined, {}, 1],
  [
    { 'retry-on': 'unavailable, 5xx, resource-exhausted' },
    { ...RETRY, on: ['5xx'], statuses: [], grpcStatuses: [14, 8], retries: 1 },
    {},
    0,
  ],
  [{ 'retry-on': 'not-found' }, undefined, {}, 1],
  [{ retries: '4', 'retry-methods': 'any' }, { ...RETRY, retries: 4, methods: 'any' }, {}, 0],
  [{ retries: '11' }, undefined, {}, 1],
  [{ 'retry-hedge': 'true', 'try-timeout': '200ms' }, { ...RETRY, hedge: true }, { tryMs: 200 }, 0],
  [{ 'retry-hedge': 'true' }, { ...RETRY, hedge: true }, {}, 1],
  [{ 'retry-backoff': '10ms 1s' }, { ...RETRY, backoffBaseMs: 10, backoffMaxMs: 1000 }, {}, 0],
  [{ 'retry-backoff': '100ms' }, { ...RETRY, backoffBaseMs: 100, backoffMaxMs: 100 }, {}, 0],
  [{ 'retry-backoff': '1s 10ms' }, undefined, {}, 1],
  [{ 'retry-backoff': '1s 2s 3s' }, undefined, {}, 1],
  [{ 'retry-max-body-size': '256k' }, { ...RETRY, replayMaxBytes: 262_144 }, {}, 0],
  [{ 'retry-max-body-size': '2m' }, undefined, {}, 1],
  [
    { 'request-timeout': '15s', 'connect-timeout': '1s', 'idle-timeout': 'off' },
    undefined,
    { requestMs: 15_000, connectMs: 1000, idleMs: 'off' },
    0,
  ],
  [{ 'request-timeout': 'soon' }, undefined, {}, 1],
];
describe('annotations of an Ingress', () => {
  for (const [annotations, retry, timeouts, mistakes] of routeRows) {
    test(JSON.stringify(annotations), () => {
      const prefixed = Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`fairlead.dev/${key}`, value]),
      );
      const read = readRoutePolicy(prefixed, INGRESS_TIMEOUTS);
      assert.deepEqual(read.retry, retry);
      assert.deepEqual(read.timeouts, { ...INGRESS_TIMEOUTS, ...timeouts });
      assert.equal(read.problems.length, mistakes);
    });
  }
  test('they reach every route, and mistakes become problems', () => {
    const web = ingress('web', { 'a.example': ['Prefix / web'] });
    web.metadata.annotations = { 'fairlead.dev/retry-on': '5xx', 'fairlead.dev/try-timeout': 'x' };
    const { hosts, problems } = compileIngress(web);
    assert.deepEqual(hosts.get('a.example')?.[0]?.route.retry?.on, ['5xx']);
    assert.deepEqual(
      problems.map(({ field, reason }) => `${reason} ${field}`),
      ['InvalidField metadata.annotations[fairlead.dev/try-timeout]'],
    );
  });
});
