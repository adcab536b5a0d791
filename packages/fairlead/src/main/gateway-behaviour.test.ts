import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  LEAST_REQUEST_DEFAULTS,
  MAGLEV_TABLE_SIZE,
  OVER_PROVISIONING,
  PEAK_EWMA_DECAY_MS,
  RING_DEFAULTS,
  zoneShares,
} from '@fairlead/balance';
import { DEFAULT_CONNECTION_LIMITS } from '../gateway/connection-gate.ts';
import { DEFAULT_KEY_TIMES } from '../gateway/key-fetcher.ts';
import { DEFAULT_PROXY_TIMES } from '../gateway/proxy-core.ts';
import { RATE_MIN } from '../gateway/request-body.ts';
import { ROTATE_MS } from '../gateway/ticket-keys.ts';
import { HIGH_WATER_BYTES } from '../reactor/reactor.ts';
import { DEFAULT_BACKEND_POLICY, DEFAULT_OUTLIER, type HealthCheckPolicy } from '../routing/backend-policies.ts';
import { compileIngress, INGRESS_TIMEOUTS } from '../routing/compile-ingress.ts';
import { L4RouteTable } from '../routing/l4-route-table.ts';
import { readBackendConnection } from '../routing/read-backend-connection.ts';
import { readBackendPolicy } from '../routing/read-backend-policy.ts';
import { readRouteFilters } from '../routing/read-route-filters.ts';
import { readRoutePolicy } from '../routing/read-route-policy.ts';
import type { RouteFilter } from '../routing/route-filters.ts';
import { DEFAULT_RETRY } from '../routing/route-policies.ts';
import type { RouteListener } from '../routing/route-table.ts';
import { ingress } from '../routing/routing-fixtures.ts';
import { FIELDS_MAX, HEAD_MAX_BYTES } from '../wire/http1/message-head.ts';
import { BLOCK_MAX_BYTES, CONTINUATIONS_MAX } from '../wire/http2/flood-guard.ts';
import { DEFAULT_HTTP2_OPTIONS } from '../wire/http2/settings.ts';
import { gatewayClientSettings, readGatewayClients } from './gateway-client-settings.ts';
import { readGatewayLog } from './gateway-log-settings.ts';
import { validateGatewayOptions } from './gateway-options.ts';
import { readGatewayTrace } from './gateway-trace-settings.ts';
import { SettingReader } from './settings.ts';

// docs/gateway-behaviour.md says what the defaults are; this says whether they are.

const ROOT = new URL('../../../../', import.meta.url);
const SOURCES = new URL('packages/fairlead/src/', ROOT);

const seconds = (ms: number | 'off'): string => (ms === 'off' ? 'off' : ms < 1000 ? `${ms}ms` : `${ms / 1000}s`);
const percent = (share: number): string => `${Math.round(share * 100)}%`;
const size = (bytes: number): string => (bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20}m` : `${bytes / 1024}k`);

/** The policy of a Service with one annotation. */
const policyOf = (name: string, value: string): typeof DEFAULT_BACKEND_POLICY =>
  readBackendPolicy({ [`fairlead.dev/http-${name}`]: value }).policy ?? DEFAULT_BACKEND_POLICY;
/** The filter that annotations make. */
function filterOf<T extends RouteFilter['type']>(
  type: T,
  annotations: Readonly<Record<string, string>>,
): Extract<RouteFilter, { type: T }> {
  const prefixed = Object.fromEntries(
    Object.entries(annotations).map(([name, text]) => [`fairlead.dev/${name}`, text]),
  );
  const { filters, problems } = readRouteFilters(prefixed, 'shop', 'shop/web');
  assert.deepEqual(problems, []);
  return filters.find((filter) => filter.type === type) as Extract<RouteFilter, { type: T }>;
}
const health = policyOf('health-check', 'on').health as HealthCheckPolicy;
const slowStart = policyOf('slow-start', '30s').slowStart as Exclude<typeof DEFAULT_BACKEND_POLICY.slowStart, 'off'>;
const adaptive = policyOf('adaptive-concurrency', 'on').adaptiveConcurrency as {
  minRttIntervalMs: number;
  maxLimit: number;
};
const admission = policyOf('admission-control', 'on').admission as { threshold: number; maxReject: number };
const retry = readRoutePolicy({ 'fairlead.dev/retry-on': '5xx' }, INGRESS_TIMEOUTS).retry!;
const { limits, retryBudget } = DEFAULT_BACKEND_POLICY;
const plain = readRouteFilters(undefined, 'shop', 'shop/web');
const absent = (type: RouteFilter['type']): string => (plain.filters.some((each) => each.type === type) ? 'on' : 'off');
const mirror = filterOf('mirror', { mirror: 'copy:80' });
const jwt = filterOf('jwt', { 'jwt-keys': 'secret keys' });
const login = filterOf('oidc', {
  'oidc-issuer': 'https://id.example',
  'oidc-client-id': 'shop',
  'oidc-secret': 'login',
  'oidc-authorization-url': 'https://id.example/authorize',
  'oidc-token-url': 'http://id/token',
  'oidc-keys': 'secret keys',
});
const clients = readGatewayClients(new SettingReader({}));
const options = validateGatewayOptions({ kubeconfig: '/k' }, { isRoot: true, isLinux: true } as never);
const idleOf = (protocol: 'tcp' | 'udp'): number => {
  const services = [{ namespace: 'a', name: 'b', port: 1, weight: 1 }];
  const listener: RouteListener = { name: 'x', protocol, address: '::', port: 1, services };
  return new L4RouteTable([listener]).routes.get('x|*')!.idleMs;
};
/** Fewest endpoints of which zones count. */
const zonesFrom = Array.from({ length: 20 }, (_, count) => count).find(
  (count) => zoneShares([1, 1], [count - 1, 1], 0) !== undefined,
);
const plainIngress = ingress('web', { 'a.example': ['Prefix / web'] });
/** Without any annotation. */
const bare = compileIngress({
  ...plainIngress,
  spec: { ...plainIngress.spec, tls: [{ hosts: ['a.example'], secretName: 'edge' }] },
});

/** What the code has, by what the document calls it: the setting, or where there is none, what it is about. */
const DEFAULTS: Readonly<Record<string, string | number>> = {
  'http-balance': `\`${readBackendPolicy(undefined).balance}\``,
  'least request': `${LEAST_REQUEST_DEFAULTS.choices} choices, bias ${LEAST_REQUEST_DEFAULTS.bias}`,
  'peak EWMA': seconds(PEAK_EWMA_DECAY_MS),
  'ring hash: entries at least': RING_DEFAULTS.minEntries,
  'ring hash: entries at most': RING_DEFAULTS.maxEntries,
  'Maglev: entries': MAGLEV_TABLE_SIZE,
  'http-bounded-load': DEFAULT_BACKEND_POLICY.boundedLoad,
  'http-subset-size': DEFAULT_BACKEND_POLICY.subsetSize,
  'http-slow-start': String(DEFAULT_BACKEND_POLICY.slowStart),
  'aggression=': slowStart.aggression,
  'min=': percent(slowStart.minShare),
  'priorities, by `http-failover`: over-provisioning': OVER_PROVISIONING,
  'http-zone': DEFAULT_BACKEND_POLICY.zone,
  'zones in proportion, from so many endpoints on': zonesFrom!,
  sticky: absent('sticky'),
  'http-panic-threshold': percent(DEFAULT_BACKEND_POLICY.panicShare),
  'http-health-check': String(DEFAULT_BACKEND_POLICY.health),
  'interval=': seconds(health.intervalMs),
  'timeout=': seconds(health.timeoutMs),
  'unhealthy=': health.unhealthyThreshold,
  'healthy=': health.healthyThreshold,
  'edge-interval=': seconds(health.edgeIntervalMs),
  'no-traffic-interval=': seconds(health.noTrafficIntervalMs),
  'health-check jitter=': percent(health.jitter),
  'consecutive-gateway=': DEFAULT_OUTLIER.consecutiveGateway,
  'consecutive-5xx=': DEFAULT_OUTLIER.consecutive5xx,
  'consecutive-local=': DEFAULT_OUTLIER.consecutiveLocal,
  'success-rate-factor=': DEFAULT_OUTLIER.successRateFactor,
  'failure-percentage=': DEFAULT_OUTLIER.failurePercentage,
  'outlier interval=': seconds(DEFAULT_OUTLIER.intervalMs),
  'base=': seconds(DEFAULT_OUTLIER.baseEjectionMs),
  'max=': seconds(DEFAULT_OUTLIER.maxEjectionMs),
  'outlier jitter=': DEFAULT_OUTLIER.jitterMs ?? 0,
  'max-ejected=': percent(DEFAULT_OUTLIER.maxEjectedShare),
  'connections=': limits.connections,
  'pending=': limits.pending,
  'wait=': limits.waitMs ?? 'off',
  'requests=': limits.requests,
  'retries=': limits.retries,
  'share=': percent(retryBudget.share),
  'retry-budget min=': retryBudget.min,
  'http-adaptive-concurrency': String(DEFAULT_BACKEND_POLICY.adaptiveConcurrency),
  'min-rtt-interval=': seconds(adaptive.minRttIntervalMs),
  'adaptive max=': adaptive.maxLimit,
  'http-admission-control': String(DEFAULT_BACKEND_POLICY.admission),
  'threshold=': percent(admission.threshold),
  'max-reject=': percent(admission.maxReject),
  'retry-on': DEFAULT_RETRY.on.join(', '),
  retries: DEFAULT_RETRY.retries,
  'retries of retry-on': retry.retries,
  'retry-backoff': `${seconds(retry.backoffBaseMs)} ${seconds(retry.backoffMaxMs)}`,
  'retry-methods': DEFAULT_RETRY.methods,
  'retry-max-body-size': size(DEFAULT_RETRY.replayMaxBytes),
  'retry-hedge': String(DEFAULT_RETRY.hedge),
  'connect-timeout': seconds(INGRESS_TIMEOUTS.connectMs),
  'request-timeout': seconds(INGRESS_TIMEOUTS.requestMs),
  'try-timeout': seconds(INGRESS_TIMEOUTS.tryMs ?? 'off'),
  'idle-timeout': seconds(INGRESS_TIMEOUTS.idleMs),
  '--gateway-header-timeout': seconds(DEFAULT_PROXY_TIMES.headMs),
  '--gateway-client-idle-timeout': seconds(DEFAULT_PROXY_TIMES.clientIdleMs),
  '--gateway-upstream-idle-timeout': seconds(DEFAULT_PROXY_TIMES.upstreamIdleMs),
  'handshake with a client': seconds(DEFAULT_PROXY_TIMES.handshakeMs),
  'TCP relay without a byte': seconds(idleOf('tcp')),
  'UDP flow without a datagram': seconds(idleOf('udp')),
  'head, in all': `${size(HEAD_MAX_BYTES)}, else 431 (414 for the line)`,
  'header fields': `${FIELDS_MAX}, else 431`,
  'max-body-size': `${absent('body-limit')}, else 413`,
  'least rate of a body, bytes a second over an idle time': `${RATE_MIN}, else 408`,
  'request-decompression': absent('inflate'),
  '--gateway-underscore-headers': clients.underscoreFields,
  '--gateway-trusted-proxies': options.trust.trustedProxies?.join() || 'none',
  '--gateway-client-header': options.trust.clientField!,
  '--gateway-proxy-protocol-from': options.proxyProtocolFrom.join() || 'none',
  'streams of a connection': DEFAULT_HTTP2_OPTIONS.maxConcurrentStreams,
  'window of a stream': `${size(DEFAULT_HTTP2_OPTIONS.streamWindowBytes + 1)} less 1 byte`,
  'window of a connection': size(DEFAULT_HTTP2_OPTIONS.connectionWindowBytes),
  'CONTINUATION frames of a head': CONTINUATIONS_MAX,
  'bytes of a head before decoding': size(BLOCK_MAX_BYTES),
  '--gateway-http3': options.http3 ? 'on' : 'off',
  '--gateway-max-connections': DEFAULT_CONNECTION_LIMITS.connectionsMax,
  '--gateway-max-connections-per-client': DEFAULT_CONNECTION_LIMITS.perClientMax,
  'TLS handshakes at a time, in each worker': DEFAULT_CONNECTION_LIMITS.handshakesMax,
  '--gateway-max-memory': /95 % of the container's/.exec(
    gatewayClientSettings.find(({ name }) => name === 'gateway-max-memory')!.description,
  )![0],
  'output queued for one connection until its source waits': size(HIGH_WATER_BYTES),
  '--gateway-tls-min-version': options.tls.tlsSettings?.minVersion ?? '1.2',
  'client-ca-secret': bare.tls.some(({ clientCa }) => clientCa !== undefined) ? 'on' : 'off',
  '--gateway-ocsp': options.tls.ocsp!,
  '--gateway-shared-secrets': options.tls.sharedSecrets === undefined ? 'off' : 'on',
  '--gateway-default-certificate': options.tls.defaultCertificateSecret === undefined ? 'self-signed' : 'on',
  'session tickets': `${ROTATE_MS / 3_600_000}h`,
  ca: readBackendConnection(undefined, 'shop').connection === undefined ? 'not checked' : 'checked',
  'tls-passthrough': String(bare.passthrough.length > 0),
  'allow-source-range, deny-source-range': absent('access'),
  'rate-limit': absent('rate-limit'),
  'rate-limit-by': String(filterOf('rate-limit', { 'rate-limit': '1/second' }).per),
  'fault-delay, fault-abort': absent('fault'),
  'faults: requests held up at a time, in each worker': filterOf('fault', { 'fault-delay': '1% 1s' }).maxActive,
  mirror: absent('mirror'),
  'mirror-host': mirror.host,
  'mirror-max-body-size': size(mirror.bodyMaxBytes),
  compression: absent('compress'),
  'compression-min-size': size(filterOf('compress', { compression: 'on' }).minBytes),
  'cors-allow-origin': absent('cors'),
  'cors-max-age': seconds(filterOf('cors', { 'cors-allow-origin': '*' }).maxAgeS * 1000),
  'basic-auth-secret': absent('basic-auth'),
  'api-key-secret': absent('api-key'),
  'jwt-keys': absent('jwt'),
  'jwt-algorithms': jwt.algorithms.join(', '),
  'jwt-leeway': seconds(jwt.leewayS * 1000),
  'tokens: keys by URL are fetched anew, and for an unknown key at most every 30 s': seconds(
    DEFAULT_KEY_TIMES.refreshMs,
  ),
  'oidc-issuer': absent('oidc'),
  'oidc-session': `${login.sessionMaxS / 3600}h`,
  'auth-url': absent('forward-auth'),
  'auth-timeout': seconds(filterOf('forward-auth', { 'auth-url': 'http://auth' }).timeoutMs),
  'auth-max-body-size': filterOf('forward-auth', { 'auth-url': 'http://auth' }).bodyMaxBytes ?? 'off',
  'error-pages': absent('error-pages'),
  '--gateway-access-log': readGatewayLog(new SettingReader({})) ?? 'off',
  '--gateway-metrics-listen': options.admin.metricsListen === undefined ? 'off' : 'on',
  '--gateway-trace-otlp': readGatewayTrace(new SettingReader({})) === undefined ? 'off' : 'on',
  '--gateway-trace-sample': percent(
    readGatewayTrace(new SettingReader({ 'gateway-trace-otlp': 'http://127.0.0.1:4318' }))!.share,
  ),
} as Readonly<Record<string, string | number>>;

interface Row {
  readonly key: string;
  readonly settings: readonly string[];
  readonly value: string;
  readonly shownBy: string;
}

/** Rows of the tables: what, setting, default, shown by. */
const rows: readonly Row[] = readFileSync(new URL('docs/gateway-behaviour.md', ROOT), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| what |'))
  .map((line) => {
    const [what = '', setting = '', value = '', shownBy = ''] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    const known = [what, what.split(':')[0]!].find((each) => each in DEFAULTS);
    const key = setting === '' ? (known ?? what) : setting.replaceAll('`', '');
    return { key, settings: [...setting.matchAll(/`([^`]+)`/g)].map((match) => match[1]!), value, shownBy };
  });

describe('docs/gateway-behaviour.md', () => {
  for (const { key, value } of rows.filter((row) => row.value !== '')) {
    test(`${key}: ${value}`, () => assert.equal(String(DEFAULTS[key]), value));
  }

  test('no default of the code is left out', () => {
    const told = new Set(rows.filter(({ value }) => value !== '').map(({ key }) => key));
    assert.deepEqual(
      Object.keys(DEFAULTS).filter((key) => !told.has(key)),
      [],
    );
  });

  test('every row names a file that shows it', () => {
    for (const { key, shownBy } of rows) {
      const base = shownBy.startsWith('packages/') ? ROOT : SOURCES;
      assert.ok(existsSync(new URL(shownBy, base)), `${key}: ${shownBy}`);
    }
  });

  test('every annotation is one that the routing README explains', () => {
    const readme = readFileSync(new URL('routing/README.md', SOURCES), 'utf8');
    const flags = new Set(rows.flatMap(({ settings }) => settings).filter((name) => !/^--|=$/.test(name)));
    for (const name of flags) assert.ok(readme.includes(name.replace(/^http-/, '')), name);
  });
});
