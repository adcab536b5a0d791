import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRouteFilters } from './read-route-filters.ts';
import type { ApiKeyFilter, ForwardAuthFilter, JwtFilter, RouteFilter } from './route-filters.ts';

type Annotations = Readonly<Record<string, string>>;
interface Row {
  readonly name: string;
  readonly annotations: Annotations;
  /** Part of the only filter; undefined: there is none. */
  readonly filter: Partial<RouteFilter> | undefined;
  readonly backends?: readonly string[];
  readonly claims?: readonly string[];
  readonly wrong?: readonly string[];
}

const URL = 'http://auth.sso:4180/oauth2/auth?x=1';
const FORWARD: ForwardAuthFilter = {
  type: 'forward-auth',
  backend: 'sso/auth:4180',
  method: 'GET',
  host: 'auth.sso:4180',
  target: '/oauth2/auth?x=1',
  timeoutMs: 5000,
  requestHeaders: ['authorization', 'cookie', 'accept', 'user-agent', 'x-requested-with'],
  responseHeaders: [],
  passesCookies: false,
};
const JWKS = '{"keys":[{"kty":"OKP"}]}';
const JWT: JwtFilter = {
  type: 'jwt',
  keys: { type: 'inline', jwks: JWKS },
  audiences: [],
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  from: [{ type: 'header', name: 'authorization' }],
  claimHeaders: [],
  leewayS: 60,
};
const API_KEY: ApiKeyFilter = {
  type: 'api-key',
  credentials: 'api-keys secret shop/clients',
  from: [{ type: 'header', name: 'x-api-key' }],
};
const CLOSED = (what: string): RouteFilter => ({ type: 'closed', what });

const ROWS: readonly Row[] = [
  { name: 'nothing', annotations: {}, filter: undefined },
  { name: 'details alone do nothing', annotations: { 'auth-method': 'POST', 'jwt-issuer': 'x' }, filter: undefined },
  // Forward auth.
  { name: 'a Service', annotations: { 'auth-url': URL }, filter: FORWARD, backends: ['sso/auth:4180'] },
  ...(
    [
      ['http://auth', 'shop/auth:80', 'auth', '/'],
      ['http://auth/', 'shop/auth:80', 'auth', '/'],
      ['http://auth.sso.svc/x', 'sso/auth:80', 'auth.sso.svc', '/x'],
      ['http://auth.sso.svc.cluster.local:81', 'sso/auth:81', 'auth.sso.svc.cluster.local:81', '/'],
      ['https://auth.sso/x', 'sso/auth:443#https,,system,auth.sso', 'auth.sso', '/x'],
    ] as const
  ).map(([url, backend, host, target]) => ({
    name: url,
    annotations: { 'auth-url': url },
    filter: { ...FORWARD, backend, host, target },
    backends: [backend],
  })),
  ...[
    'auth',
    'http://auth.example.com/',
    'http://auth:0/',
    'http://auth:99999',
    'ftp://auth/',
    'http://auth/a b',
    'http://auth/#x',
    'http://a@b/',
    'http://AUTH/',
    '',
  ].map((url) => ({
    name: `no Service: ${JSON.stringify(url)}`,
    annotations: { 'auth-url': url },
    filter: CLOSED('auth-url'),
    wrong: ['auth-url'],
  })),
  {
    name: 'all of it',
    annotations: {
      'auth-url': URL,
      'auth-method': 'same',
      'auth-timeout': '2s',
      'auth-request-headers': 'Cookie, X-Id',
      'auth-response-headers': 'X-User,X-Groups',
      'auth-signin': 'https://$host/login',
      'auth-signin-redirect-param': 'to',
      'auth-set-cookie': 'true',
      'auth-refusal': 'answer',
      'auth-client-headers': 'X-Session, Set-Cookie',
      'auth-set-request-headers': 'X-Tenant: shop\nX-From: $remote_addr',
      'auth-cache': '10s',
      'auth-cache-by': 'cookie Sid, header X-Id, method',
    },
    filter: {
      ...FORWARD,
      method: 'same',
      timeoutMs: 2000,
      requestHeaders: ['cookie', 'x-id'],
      responseHeaders: ['x-user', 'x-groups'],
      signIn: ['https://', { variable: 'host' }, '/login'],
      signInParameter: 'to',
      passesCookies: true,
      refusal: 'answer',
      clientHeaders: ['x-session', 'set-cookie'],
      setHeaders: [
        ['x-tenant', ['shop']],
        ['x-from', [{ variable: 'remote_addr' }]],
      ],
      cache: {
        by: [{ type: 'cookie', name: 'Sid' }, { type: 'header', name: 'x-id' }, { type: 'method' }],
        ms: 10_000,
      },
    },
    backends: ['sso/auth:4180'],
  },
  {
    name: 'with the content of requests',
    annotations: { 'auth-url': URL, 'auth-max-body-size': '64k' },
    filter: { ...FORWARD, method: 'same', bodyMaxBytes: 65_536 },
    backends: ['sso/auth:4180'],
  },
  {
    name: 'with content, by POST',
    annotations: { 'auth-url': URL, 'auth-max-body-size': '1m', 'auth-method': 'POST' },
    filter: { ...FORWARD, method: 'POST', bodyMaxBytes: 1_048_576 },
    backends: ['sso/auth:4180'],
  },
  {
    name: 'GET has no content',
    annotations: { 'auth-url': URL, 'auth-max-body-size': '1m', 'auth-method': 'GET' },
    filter: FORWARD,
    backends: ['sso/auth:4180'],
    wrong: ['auth-max-body-size'],
  },
  {
    name: 'more content than a worker has memory for',
    annotations: { 'auth-url': URL, 'auth-max-body-size': '1g' },
    filter: CLOSED('auth-url'),
    wrong: ['auth-max-body-size'],
  },
  {
    name: 'a cache is by all that a verdict may depend on',
    annotations: { 'auth-url': URL, 'auth-cache': '10s', 'auth-request-headers': '*' },
    filter: {
      ...FORWARD,
      requestHeaders: '*',
      cache: {
        by: [
          { type: 'method' },
          { type: 'host' },
          { type: 'path' },
          { type: 'header', name: 'authorization' },
          { type: 'header', name: 'cookie' },
        ],
        ms: 10_000,
      },
    },
    backends: ['sso/auth:4180'],
  },
  {
    name: 'a sign-in page that says itself where to go back',
    annotations: { 'auth-url': URL, 'auth-signin': '/login?rd=$escaped_request_uri' },
    filter: { ...FORWARD, signIn: ['/login?rd=', { variable: 'escaped_request_uri' }] },
    backends: ['sso/auth:4180'],
  },
  ...(
    [
      ['auth-method', 'PUT'],
      ['auth-timeout', 'soon'],
      ['auth-request-headers', 'a b'],
      ['auth-response-headers', 'X-User, Content-Length'],
      ['auth-response-headers', 'Host'],
      ['auth-response-headers', 'X-Forwarded-For'],
      ['auth-set-request-headers', 'Content-Length: 5'],
      ['auth-set-request-headers', 'X-A: $nothing'],
      ['auth-set-request-headers', 'X-A'],
    ] as const
  ).map(([key, value]) => ({
    name: `closed by ${key}: ${value}`,
    annotations: { 'auth-url': URL, [key]: value },
    filter: CLOSED('auth-url'),
    wrong: [key],
  })),
  {
    name: 'what is wrong and opens nothing counts as absent',
    annotations: {
      'auth-url': URL,
      'auth-signin': '//evil',
      'auth-set-cookie': 'yes',
      'auth-refusal': 'everything',
      'auth-client-headers': 'Content-Length',
      'auth-cache': '1s',
      'auth-cache-by': 'x',
    },
    filter: FORWARD,
    backends: ['sso/auth:4180'],
    wrong: ['auth-refusal', 'auth-client-headers', 'auth-signin', 'auth-set-cookie', 'auth-cache-by'],
  },
  // API keys.
  {
    name: 'API keys',
    annotations: { 'api-key-secret': 'clients' },
    filter: API_KEY,
    claims: ['api-keys secret shop/clients'],
  },
  {
    name: 'API keys, all of it',
    annotations: {
      'api-key-secret': 'clients',
      'api-key-from': 'header X-Key, query key, cookie k',
      'api-key-client-header': 'X-Client',
    },
    filter: {
      ...API_KEY,
      from: [
        { type: 'header', name: 'x-key' },
        { type: 'query', name: 'key' },
        { type: 'cookie', name: 'k' },
      ],
      clientHeader: 'x-client',
    },
    claims: ['api-keys secret shop/clients'],
  },
  ...(
    [
      ['api-key-secret', 'other/clients'],
      ['api-key-from', 'body key'],
      ['api-key-client-header', 'Host'],
    ] as const
  ).map(([key, value]) => ({
    name: `closed by ${key}: ${value}`,
    annotations: { 'api-key-secret': 'clients', [key]: value },
    filter: CLOSED('api-key'),
    wrong: [key],
  })),
  // Tokens.
  { name: 'tokens', annotations: { 'jwt-keys': JWKS }, filter: JWT },
  {
    name: 'keys of a Secret',
    annotations: { 'jwt-keys': 'secret id' },
    filter: { ...JWT, keys: { type: 'object', credentials: 'jwks secret shop/id' } },
    claims: ['jwks secret shop/id'],
  },
  {
    name: 'keys of a ConfigMap',
    annotations: { 'jwt-keys': 'configmap id' },
    filter: { ...JWT, keys: { type: 'object', credentials: 'jwks configmap shop/id' } },
    claims: ['jwks configmap shop/id'],
  },
  ...['https://id.example/jwks', 'http://id.sso.svc:8080/keys', 'http://id.sso.svc.cluster.local/'].map((url) => ({
    name: `keys of ${url}`,
    annotations: { 'jwt-keys': url },
    filter: { ...JWT, keys: { type: 'url', url } as const },
  })),
  {
    name: 'tokens, all of it',
    annotations: {
      'jwt-keys': JWKS,
      'jwt-issuer': 'https://id.example',
      'jwt-audiences': 'shop, api',
      'jwt-algorithms': 'ES512, PS256',
      'jwt-from': 'cookie session, query access_token',
      'jwt-claims-to-headers': 'sub=X-User, realm_access.roles=X-Roles',
      'jwt-leeway': '0s',
    },
    filter: {
      ...JWT,
      issuer: 'https://id.example',
      audiences: ['shop', 'api'],
      algorithms: ['ES512', 'PS256'],
      from: [
        { type: 'cookie', name: 'session' },
        { type: 'query', name: 'access_token' },
      ],
      claimHeaders: [
        ['sub', 'x-user'],
        ['realm_access.roles', 'x-roles'],
      ],
      leewayS: 0,
    },
  },
  ...(
    [
      ['jwt-keys', 'http://id.example/jwks'],
      ['jwt-keys', 'http://id.svc.evil.example.svcx/jwks'],
      ['jwt-keys', 'https://user@id.example/jwks'],
      ['jwt-keys', '{"keys":[]}'],
      ['jwt-keys', '{nonsense'],
      ['jwt-keys', 'secret other/id'],
      ['jwt-keys', 'id'],
      ['jwt-issuer', 'two words'],
      ['jwt-audiences', 'a,,b'],
      ['jwt-algorithms', 'none'],
      ['jwt-algorithms', 'HS256'],
      ['jwt-algorithms', 'RS256, HS256'],
      ['jwt-from', 'cookie'],
      ['jwt-claims-to-headers', 'sub'],
      ['jwt-claims-to-headers', 'sub=Transfer-Encoding'],
      ['jwt-leeway', '1h'],
    ] as const
  ).map(([key, value]) => ({
    name: `closed by ${key}: ${value}`,
    annotations: { 'jwt-keys': JWKS, [key]: value },
    filter: CLOSED('jwt'),
    wrong: [key],
  })),
];

for (const { name, annotations, filter, backends = [], claims = [], wrong = [] } of ROWS) {
  test(name, () => {
    const named = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`fairlead.dev/${key}`, value]));
    const read = readRouteFilters(named, 'shop', 'shop/web');
    assert.deepEqual(read.filters, filter === undefined ? [] : [filter]);
    assert.deepEqual(
      read.backends.map(({ key }) => key),
      backends,
    );
    assert.deepEqual(
      read.credentials.map(({ type, kind, object }) => `${type} ${kind} ${object}`),
      claims,
    );
    assert.deepEqual(
      read.problems.map(({ field }) => field),
      wrong.map((key) => `metadata.annotations[fairlead.dev/${key}]`),
    );
  });
}

test('who may come is asked in a fixed order, before copies are made', () => {
  const read = readRouteFilters(
    {
      'fairlead.dev/mirror': 'shadow:80',
      'fairlead.dev/auth-url': URL,
      'fairlead.dev/jwt-keys': JWKS,
      'fairlead.dev/api-key-secret': 'clients',
      'fairlead.dev/basic-auth-secret': 'users',
      'fairlead.dev/rate-limit': '1/second',
      'fairlead.dev/allow-source-range': '10.0.0.0/8',
      'fairlead.dev/app-root': '/start',
      'fairlead.dev/request-headers': 'set X-Host: $host',
    },
    'shop',
    'shop/web',
  );
  assert.deepEqual(
    read.filters.map(({ type }) => type),
    ['redirect', 'access', 'rate-limit', 'basic-auth', 'api-key', 'jwt', 'forward-auth', 'header-text', 'mirror'],
  );
});
