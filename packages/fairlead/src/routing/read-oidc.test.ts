import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCredentials } from './read-credentials.ts';
import { readRouteFilters } from './read-route-filters.ts';
import type { OidcFilter } from './route-filters.ts';

const ANNOTATIONS = {
  'oidc-issuer': 'https://id.example/realms/shop',
  'oidc-client-id': 'shop-web',
  'oidc-secret': 'login',
  'oidc-authorization-url': 'https://id.example/authorize?x=1',
  'oidc-token-url': 'https://id.sso:8443/token',
  'oidc-keys': 'https://id.example/keys',
};
const FILTER: OidcFilter = {
  type: 'oidc',
  issuer: 'https://id.example/realms/shop',
  clientId: 'shop-web',
  credentials: 'oidc secret shop/login',
  authorizationUrl: 'https://id.example/authorize?x=1',
  token: { backend: 'sso/id:8443#https,,system,id.sso', host: 'id.sso:8443', target: '/token' },
  keys: { type: 'url', url: 'https://id.example/keys' },
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  leewayS: 60,
  scopes: ['openid'],
  callbackPath: '/oauth2/callback',
  logoutPath: '/oauth2/logout',
  cookie: 'fairlead-login',
  sessionMaxS: 43_200,
  claimHeaders: [],
};

const read = (annotations: Readonly<Record<string, string>>) =>
  readRouteFilters(
    Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`fairlead.dev/${name}`, value])),
    'shop',
    'shop/web',
  );

const good: readonly (readonly [annotations: Readonly<Record<string, string>>, filter: Partial<OidcFilter>])[] = [
  [{}, {}],
  [{ 'oidc-scopes': 'email, openid, offline_access' }, { scopes: ['openid', 'email', 'offline_access'] }],
  [{ 'oidc-callback-path': '/app/back' }, { callbackPath: '/app/back' }],
  [{ 'oidc-logout-path': '/bye' }, { logoutPath: '/bye' }],
  [{ 'oidc-end-session-url': 'https://id.example/end' }, { endSessionUrl: 'https://id.example/end' }],
  [{ 'oidc-cookie': 'sid' }, { cookie: 'sid' }],
  [{ 'oidc-session': '30m' }, { sessionMaxS: 1800 }],
  [{ 'oidc-algorithms': 'PS256' }, { algorithms: ['PS256'] }],
  [{ 'oidc-claims-to-headers': 'email=X-Email' }, { claimHeaders: [['email', 'x-email']] }],
  [{ 'oidc-keys': 'secret keys' }, { keys: { type: 'object', credentials: 'jwks secret shop/keys' } }],
];
for (const [annotations, filter] of good) {
  test(`login with ${JSON.stringify(annotations)}`, () => {
    const { filters, problems, backends, credentials } = read({ ...ANNOTATIONS, ...annotations });
    assert.deepEqual(filters, [{ ...FILTER, ...filter }]);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      backends.map(({ key }) => key),
      [FILTER.token.backend],
    );
    assert.equal(credentials[0]!.object, 'shop/login');
  });
}

const wrong: readonly (readonly [name: string, value: string | undefined])[] = [
  ...Object.keys(ANNOTATIONS).map((name) => [name, undefined] as const),
  ['oidc-issuer', 'id.example'],
  ['oidc-client-id', 'a b'],
  ['oidc-secret', 'A/B'],
  ['oidc-authorization-url', 'https://id.example/#x'],
  ['oidc-token-url', 'https://id.example.com/a b'],
  ['oidc-keys', 'http://id.example/keys'],
  ['oidc-callback-path', 'back'],
  ['oidc-callback-path', '/a/../b'],
  ['oidc-logout-path', '/a?b'],
  ['oidc-end-session-url', 'javascript:x'],
  ['oidc-cookie', 'a;b'],
  ['oidc-session', 'long'],
  ['oidc-algorithms', 'HS256'],
  ['oidc-claims-to-headers', 'sub=Host'],
];
for (const [name, value] of wrong) {
  test(`${name} ${value ?? 'missing'}: nobody gets in`, () => {
    const { [name as keyof typeof ANNOTATIONS]: _, ...rest } = ANNOTATIONS;
    const { filters, problems } = read({ ...rest, ...(value === undefined ? {} : { [name]: value }) });
    assert.deepEqual(filters, [{ type: 'closed', what: 'oidc' }]);
    assert.deepEqual(
      problems.map(({ field }) => field),
      [`metadata.annotations[fairlead.dev/${name}]`],
    );
  });
}

const secrets: readonly (readonly [data: Readonly<Record<string, string>>, problem: RegExp | undefined])[] = [
  [{ 'client-secret': 's', 'cookie-key': 'k'.repeat(32) }, undefined],
  [{ 'client-secret': 's', 'cookie-key': `${'k'.repeat(32)}\n${'l'.repeat(40)}\n` }, undefined],
  [{ 'cookie-key': 'k'.repeat(32) }, /no key client-secret/],
  [{ 'client-secret': 's' }, /no key cookie-key/],
  [{ 'client-secret': 's', 'cookie-key': 'short' }, /less than 32/],
  [{ 'client-secret': 's', 'cookie-key': `${'k'.repeat(32)}\nshort` }, /less than 32/],
];
for (const [data, problem] of secrets) {
  test(`a Secret with ${JSON.stringify(data)}`, () => {
    const problems: string[] = [];
    const encoded = Object.entries(data).map(([name, text]) => [name, Buffer.from(text).toString('base64')]);
    const claim = { type: 'oidc', kind: 'secret', object: 'shop/login' } as const;
    const found = readCredentials(claim, { data: Object.fromEntries(encoded) }, (text) => problems.push(text));
    assert.equal(found === undefined, problem !== undefined);
    if (problem !== undefined) assert.match(problems.join(), problem);
  });
}
