import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { JwtFilter } from '../../../routing/route-filters.ts';
import { systemClock } from '../../../sys/clock.ts';
import { EitherClient, type EitherRequest, HTTP_VERSIONS } from '../../test-rig/either-client.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
  within,
} from '../../test-rig/gateway-rig.ts';

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}
const P256: Pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const OTHER: Pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const P521: Pair = generateKeyPairSync('ec', { namedCurve: 'P-521' });
const RSA: Pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const NEW: Pair = generateKeyPairSync('ed25519');

const jwk = ({ publicKey }: Pair, kid?: string): object => ({ ...publicKey.export({ format: 'jwk' }), kid });
const jwks = (...keys: readonly object[]): string => JSON.stringify({ keys });
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const HOUR = 3600;
const nowS = Math.floor(systemClock.now() / 1000);
const CLAIMS = { iss: 'https://id.example', aud: 'shop', sub: 'ann', roles: ['buyer'], exp: nowS + HOUR };

/** A token, signed as its header says. */
function tokenOf(header: Readonly<Record<string, unknown>>, claims: object, key: KeyObject): string {
  const text = `${encode(header)}.${encode({ ...CLAIMS, ...claims })}`;
  const algorithm = String(header.alg);
  const hash = algorithm === 'EdDSA' ? null : `sha${algorithm.slice(2)}`;
  const mark = sign(hash, Buffer.from(text), algorithm.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' } : { key });
  return `${text}.${mark.toString('base64url')}`;
}
const es256 = (claims: object = {}, pair: Pair = P256, kid: string | undefined = 'a'): string =>
  tokenOf({ alg: 'ES256', kid }, claims, pair.privateKey);

const filter = (more: Partial<JwtFilter>): JwtFilter => ({
  type: 'jwt',
  keys: { type: 'object', credentials: 'jwks secret shop/keys' },
  issuer: 'https://id.example',
  audiences: ['shop'],
  algorithms: ['RS256', 'ES256', 'ES512', 'EdDSA'],
  from: [{ type: 'header', name: 'authorization' }],
  claimHeaders: [
    ['sub', 'x-user'],
    ['roles', 'x-roles'],
    ['email', 'x-email'],
  ],
  leewayS: 5,
  ...more,
});
const web = [{ backend: 'web', weight: 1 }];
const route = (path: string, more: Partial<JwtFilter> = {}): ReturnType<typeof testRoute> =>
  testRoute(path, web, { filters: [filter(more)] });

const URL = 'https://id.example/jwks';
/** What the key server says by URL; undefined: it fails. */
const served = new Map<string, string | undefined>([[URL, jwks(jwk(P256, 'a'))]]);
const fetched: string[] = [];

const backend = new RawUpstream((connection) => onRequests(connection, (request) => ok(request)));
let rig: GatewayRig;
before(async () => {
  rig = await startRig(
    {
      hosts: [
        testHost('*', [
          route('/plain'),
          route('/inline', { keys: { type: 'inline', jwks: jwks(jwk(RSA)) } }),
          route('/useless', { keys: { type: 'inline', jwks: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}' } }),
          route('/missing', { keys: { type: 'object', credentials: 'none' } }),
          route('/url', { keys: { type: 'url', url: URL } }),
          route('/down', { keys: { type: 'url', url: 'https://down.example/' } }),
          route('/places', {
            from: [
              { type: 'header', name: 'x-token' },
              { type: 'cookie', name: 'session' },
              { type: 'query', name: 'access_token' },
            ],
          }),
          testRoute('/', web),
        ]),
      ],
      backends: [testBackend('web', [await backend.listen()])],
      credentials: [
        [
          'jwks secret shop/keys',
          { key: 'jwks secret shop/keys', users: [], jwks: jwks(jwk(P256, 'a'), jwk(P521, 'b'), jwk(RSA, 'c')) },
        ],
      ],
    },
    {
      keyTimes: { unknownMs: 0 },
      downloadKeys: (url) => {
        fetched.push(url);
        const text = served.get(url);
        return text === undefined ? Promise.reject(new Error('down')) : Promise.resolve(text);
      },
    },
  );
});
after(async () => {
  await rig.stop();
  await backend.close();
});

const bearer = (token: string, path = '/plain', more: Readonly<Record<string, string>> = {}): EitherRequest => ({
  path,
  headers: { authorization: `Bearer ${token}`, ...more },
});

interface Row {
  readonly name: string;
  readonly ask: EitherRequest;
  readonly status: number;
  readonly has?: readonly RegExp[];
  readonly lacks?: readonly RegExp[];
}
const publicPem = RSA.publicKey.export({ type: 'spki', format: 'pem' }).toString();
/** An HMAC whose secret is what everybody knows. */
const confused = ((): string => {
  const text = `${encode({ alg: 'HS256', kid: 'c' })}.${encode(CLAIMS)}`;
  return `${text}.${createHmac('sha256', publicPem).update(text).digest('base64url')}`;
})();
const good = es256();
const [head = '', body = '', mark = ''] = good.split('.');
const FORGED: readonly (readonly [name: string, token: string])[] = [
  ['nonsense', 'nonsense'],
  ['another key', es256({}, OTHER)],
  ['another key without a name', es256({}, OTHER, undefined)],
  ['another token’s claims', `${head}.${encode({ ...CLAIMS, sub: 'root' })}.${mark}`],
  ['another token’s header', `${encode({ alg: 'ES256', kid: 'a', x: 1 })}.${body}.${mark}`],
  ['no signature', `${head}.${body}.`],
  ['a signature of zeros', `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`],
  [
    'a signature in DER',
    `${head}.${body}.${sign('sha256', Buffer.from(`${head}.${body}`), P256.privateKey).toString('base64url')}`,
  ],
  ['none', `${encode({ alg: 'none' })}.${body}.${mark}`],
  ['an HMAC with the public key', confused],
  ['a key that the token brings along', tokenOf({ alg: 'ES256', kid: 'z', jwk: jwk(OTHER) }, {}, OTHER.privateKey)],
  ['a key that the token points to', tokenOf({ alg: 'ES256', jku: 'https://evil.example/' }, {}, OTHER.privateKey)],
  ['an algorithm that is not allowed', tokenOf({ alg: 'RS384', kid: 'c' }, {}, RSA.privateKey)],
  ['the key of another algorithm', tokenOf({ alg: 'RS256', kid: 'a' }, {}, RSA.privateKey)],
  ['a name that is not known', es256({}, P256, 'nobody')],
  ['an extension', tokenOf({ alg: 'ES256', kid: 'a', crit: ['exp'] }, {}, P256.privateKey)],
  ['expired', es256({ exp: nowS - HOUR })],
  ['without an end', es256({ exp: undefined })],
  ['not yet', es256({ nbf: nowS + HOUR })],
  ['another issuer', es256({ iss: 'https://evil.example' })],
  ['another audience', es256({ aud: ['blog'] })],
  ['ES512 with a bad signature', tokenOf({ alg: 'ES512', kid: 'b' }, {}, P521.privateKey).replace(/.{8}$/, 'AAAAAAAA')],
];
const ROWS: readonly Row[] = [
  {
    name: 'a good token',
    ask: bearer(good),
    status: 200,
    has: [/^x-user: ann\r$/m, /^x-roles: buyer\r$/m, /authorization: Bearer/i],
    lacks: [/x-email/],
  },
  { name: 'the same again', ask: bearer(good), status: 200, has: [/^x-user: ann\r$/m] },
  { name: 'in lower case', ask: { path: '/plain', headers: { authorization: `bearer ${good}` } }, status: 200 },
  {
    name: 'a client that says who it is',
    ask: bearer(good, '/plain', { 'x-user': 'root', 'X-Email': 'root@example', x_roles: 'admin' }),
    status: 200,
    has: [/^x-user: ann\r$/m],
    lacks: [/root/, /admin/],
  },
  { name: 'RS256', ask: bearer(tokenOf({ alg: 'RS256', kid: 'c' }, {}, RSA.privateKey)), status: 200 },
  {
    name: 'ES512, on another thread',
    ask: bearer(tokenOf({ alg: 'ES512', kid: 'b' }, {}, P521.privateKey)),
    status: 200,
  },
  {
    name: 'a claim that would end its line is left out',
    ask: bearer(es256({ sub: 'ann\r\nx-admin: yes' })),
    status: 200,
    lacks: [/x-admin/, /x-user/],
  },
  { name: 'UTF-8', ask: bearer(es256({ sub: 'Ünal' })), status: 200, has: [/^x-user: Ã\u009cnal\r$/m] },
  {
    name: 'none',
    ask: { path: '/plain' },
    status: 401,
    has: [/www-authenticate: Bearer$/m],
  },
  { name: 'another scheme', ask: { path: '/plain', headers: { authorization: `Basic ${good}` } }, status: 401 },
  { name: 'in a place that is not asked for', ask: { path: `/plain?access_token=${good}` }, status: 401 },
  { name: 'a header', ask: { path: '/places', headers: { 'x-token': good } }, status: 200 },
  { name: 'a cookie', ask: { path: '/places', headers: { cookie: `a=b; session=${good}` } }, status: 200 },
  { name: 'a query', ask: { path: `/places?x=1&access_token=${good}` }, status: 200 },
  {
    name: 'the first place counts',
    ask: { path: `/places?access_token=${good}`, headers: { 'x-token': 'bad' } },
    status: 401,
  },
  { name: 'keys in the route', ask: bearer(tokenOf({ alg: 'RS256' }, {}, RSA.privateKey), '/inline'), status: 200 },
  { name: 'keys of another route', ask: bearer(good, '/inline'), status: 401 },
  { name: 'no usable key', ask: bearer(good, '/useless'), status: 401 },
  { name: 'no keys yet', ask: bearer(good, '/missing'), status: 503 },
  { name: 'keys that cannot be fetched', ask: bearer(good, '/down'), status: 503 },
  { name: 'fetched keys', ask: bearer(good, '/url'), status: 200, has: [/^x-user: ann\r$/m] },
  ...FORGED.map(([name, token]) => ({
    name: `forged: ${name}`,
    ask: bearer(token),
    status: 401,
    has: [/error="invalid_token"/],
  })),
];

for (const version of HTTP_VERSIONS) {
  test(`tokens, ${version}`, async (t) => {
    const client = new EitherClient(rig.port, version);
    t.after(() => client.close());
    for (const { name, ask, status, has = [], lacks = [] } of ROWS) {
      await t.test(name, async () => {
        const answer = await client.ask(ask);
        assert.equal(answer.status, status);
        const whole = `www-authenticate: ${answer.headers['www-authenticate']}\n${answer.body}`;
        for (const pattern of has) assert.match(whole, pattern);
        for (const pattern of lacks) assert.doesNotMatch(whole, pattern);
      });
    }
  });
}

test('an unknown key is fetched, once for all who wait, and others are not asked for soon after', async () => {
  const client = new EitherClient(rig.port, 'HTTP/2');
  served.set(URL, jwks(jwk(P256, 'a'), jwk(NEW, 'new')));
  fetched.length = 0;
  const token = tokenOf({ alg: 'EdDSA', kid: 'new' }, {}, NEW.privateKey);
  const answers = await Promise.all([1, 2, 3].map(() => client.ask(bearer(token, '/url'))));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  assert.deepEqual(fetched, [URL]);
  for (const kid of ['x', 'y', 'z']) assert.equal((await client.ask(bearer(es256({}, P256, kid), '/url'))).status, 401);
  assert.deepEqual(fetched, [URL]);
  client.close();
});

test('a Secret that is changed changes who gets in', async () => {
  const client = new EitherClient(rig.port, 'HTTP/1.1');
  const key = 'jwks secret shop/keys';
  assert.equal((await client.ask(bearer(good))).status, 200);
  await rig.apply({ credentials: [[key, { key, users: [], jwks: jwks(jwk(OTHER, 'a')) }]] });
  assert.equal((await client.ask(bearer(good))).status, 401, 'also a token that was good before');
  assert.equal((await client.ask(bearer(es256({}, OTHER)))).status, 200);
  await rig.apply({ credentials: [[key, undefined]] });
  assert.equal((await client.ask(bearer(es256({}, OTHER)))).status, 503);
});

test('a client that goes while its signature is checked', async () => {
  await rig.apply({
    credentials: [['jwks secret shop/keys', { key: 'jwks secret shop/keys', users: [], jwks: jwks(jwk(P521, 'b')) }]],
  });
  const token = tokenOf({ alg: 'ES512', kid: 'b' }, { jti: 'gone' }, P521.privateKey);
  const client = rig.dial();
  client.send(`GET /plain HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  client.socket.resetAndDestroy();
  const idle = async (): Promise<void> => {
    while (rig.gateway.stats().requestsInFlight > 0)
      await rig.exchange('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  };
  await within('nothing under way', idle());
});
