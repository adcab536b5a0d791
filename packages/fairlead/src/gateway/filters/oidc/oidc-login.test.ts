import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import type { OidcFilter } from '../../../routing/route-filters.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
} from '../../test-rig/gateway-rig.ts';
import { FakeProvider, type Misbehaviour } from './fake-provider.ts';

const provider = new FakeProvider();
const backend = new RawUpstream((connection) => onRequests(connection, (request) => ok(request)));
const FILTER: OidcFilter = {
  type: 'oidc',
  issuer: provider.issuer,
  clientId: provider.clientId,
  credentials: 'oidc',
  authorizationUrl: 'https://id.example/authorize?tenant=1',
  token: { backend: 'id', host: 'id.internal', target: '/token' },
  keys: { type: 'inline', jwks: provider.jwks },
  algorithms: ['ES256'],
  leewayS: 5,
  scopes: ['openid', 'email'],
  callbackPath: '/oauth2/callback',
  logoutPath: '/oauth2/logout',
  cookie: 'sid',
  sessionMaxS: 3600,
  claimHeaders: [
    ['sub', 'x-user'],
    ['roles', 'x-roles'],
  ],
};
const KEY = 'k'.repeat(32);
let rig: GatewayRig;
let providerPort = 0;

const host = (name: string, more: Partial<OidcFilter> = {}) =>
  testHost(name, [testRoute('/', [{ backend: 'web', weight: 1 }], { filters: [{ ...FILTER, ...more }] })]);
const credentials = (cookieKey: string) =>
  [
    'oidc',
    {
      key: 'oidc',
      users: [
        ['client-secret', provider.clientSecret],
        ['cookie-key', cookieKey],
      ],
    },
  ] as const;

before(async () => {
  providerPort = await provider.listen();
  rig = await startRig({
    hosts: [
      host('shop.example'),
      host('other.example', { clientId: 'another' }),
      host('short.example', { sessionMaxS: 0 }),
      host('down.example', { token: { ...FILTER.token, backend: 'nobody' } }),
      host('closed.example', { credentials: 'none' }),
      host('end.example', { endSessionUrl: 'https://id.example/logout' }),
    ],
    backends: [
      testBackend('web', [await backend.listen()]),
      testBackend('id', [providerPort]),
      testBackend('nobody', []),
    ],
    credentials: [credentials(KEY)],
  });
});
after(async () => {
  await rig.stop();
  await backend.close();
  provider.close();
});
afterEach(() => {
  provider.misbehaves = {};
  provider.lifeS = 300;
});

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly setCookies: readonly string[];
  readonly text: string;
}

/** A browser: cookies by name, with their paths. */
class Browser {
  readonly cookies = new Map<string, { readonly value: string; readonly path: string }>([
    ['theme', { value: 'dark', path: '/' }],
    ['sid2', { value: 'x', path: '/' }],
  ]);
  readonly host: string;

  constructor(name = 'shop.example') {
    this.host = name;
  }

  async get(target: string, fields = 'Accept: text/html\r\n', method = 'GET'): Promise<Answer> {
    const path = target.split('?')[0]!;
    const cookies = [...this.cookies].filter((each) => path.startsWith(each[1].path));
    const cookie = `Cookie: ${cookies.map(([name, { value }]) => `${name}=${value}`).join('; ')}\r\n`;
    const head = `${method} ${target} HTTP/1.1\r\nHost: ${this.host}\r\nConnection: close\r\n${cookie}${fields}\r\n`;
    const text = await rig.exchange(head);
    const setCookies = [...text.matchAll(/^set-cookie: (.*)\r$/gim)].map((match) => match[1]!);
    for (const line of setCookies) {
      const [, name = '', value = '', at = '/'] = /^([^=]+)=([^;]*); Path=([^;]+)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, { value, path: at });
    }
    return {
      status: Number(text.slice(9, 12)),
      location: /^location: (.*)\r$/im.exec(text)?.[1],
      setCookies,
      text,
    };
  }

  /** To the provider and back: where the gateway is asked to go on. */
  async startLogin(target = '/'): Promise<URL> {
    return provider.authorize((await this.get(target)).location!);
  }

  async finish(callback: URL): Promise<Answer> {
    return this.get(`${callback.pathname}${callback.search}`);
  }

  async login(target = '/'): Promise<Answer> {
    return this.finish(await this.startLogin(target));
  }
}

describe('login at an OpenID provider', () => {
  test('there and back; the endpoint is told who it is, and by nobody else', async () => {
    const browser = new Browser();
    const sent = await browser.get('/a//b?c=d', 'Accept: text/html\r\nX-User: root\r\n');
    assert.equal(sent.status, 302);
    const question = new URL(sent.location!);
    assert.equal(question.searchParams.get('tenant'), '1');
    assert.equal(question.searchParams.get('scope'), 'openid email');
    assert.equal(question.searchParams.get('redirect_uri'), 'http://shop.example/oauth2/callback');
    assert.match(
      sent.setCookies[0]!,
      /^sid-[-\w]{8}=[-\w]+; Path=\/oauth2\/callback; Max-Age=600; HttpOnly; SameSite=Lax$/,
    );
    const back = await browser.finish(provider.authorize(sent.location!));
    assert.deepEqual([back.status, back.location], [302, 'http://shop.example/a/b?c=d']);
    assert.match(back.setCookies[0]!, /^sid=[-\w]+; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
    assert.match(back.setCookies[1]!, /^sid-[-\w]{8}=; .*Max-Age=0/);
    const page = await browser.get('/a', 'X-User: root\r\nX_User: root\r\nX-Roles: all\r\n');
    assert.equal(page.status, 200);
    const seen = page.text.split('\r\n\r\n')[1]!;
    assert.match(seen, /^x-user: ann\r$/m);
    assert.match(seen, /^x-roles: buyer,admin$/m);
    assert.match(seen, /^cookie: theme=dark; sid2=x\r$/m);
    assert.doesNotMatch(page.text, /root|all\r|sid=/);
    assert.deepEqual(page.setCookies, []);
  });

  const programs: readonly (readonly [name: string, fields: string, method?: string])[] = [
    ['a script', 'Sec-Fetch-Mode: cors\r\nAccept: */*\r\n'],
    ['a script of old', 'X-Requested-With: XMLHttpRequest\r\n'],
    ['who wants no page', 'Accept: application/json\r\n'],
    ['a form', 'Content-Length: 0\r\nAccept: text/html\r\n', 'POST'],
  ];
  for (const [name, fields, method] of programs) {
    test(`${name} is told, and not sent anywhere`, async () => {
      const answer = await new Browser().get('/', fields, method);
      assert.deepEqual([answer.status, answer.location, answer.setCookies], [401, undefined, []]);
    });
  }

  test('two tabs log in at a time', async () => {
    const browser = new Browser();
    const [one, two] = [await browser.startLogin('/one'), await browser.startLogin('/two')];
    assert.equal((await browser.finish(two)).location, 'http://shop.example/two');
    assert.equal((await browser.finish(one)).location, 'http://shop.example/one');
  });

  const wrongWays: readonly (readonly [name: string, change: (url: URL, browser: Browser) => void, status: number])[] =
    [
      ['another state', (url) => url.searchParams.set('state', 'A'.repeat(22)), 400],
      [
        'a state that begins alike',
        (url) => url.searchParams.set('state', url.searchParams.get('state')!.slice(0, 8).padEnd(22, 'A')),
        400,
      ],
      ['no state', (url) => url.searchParams.delete('state'), 400],
      ['a browser that did not begin it', (_, browser) => browser.cookies.clear(), 400],
      ['another provider', (url) => url.searchParams.set('iss', 'https://evil.example'), 400],
      ['no code', (url) => url.searchParams.delete('code'), 401],
      ['a code of chance', (url) => url.searchParams.set('code', 'x'), 401],
      ['a refusal', (url) => url.searchParams.set('error', 'access_denied'), 401],
    ];
  for (const [name, change, status] of wrongWays) {
    test(`a callback with ${name}: ${status}`, async () => {
      const browser = new Browser();
      const url = await browser.startLogin();
      change(url, browser);
      assert.equal((await browser.finish(url)).status, status);
      assert.equal(browser.cookies.has('sid'), false);
    });
  }

  test('a callback counts once', async () => {
    const browser = new Browser();
    const url = await browser.startLogin();
    const login = new Map(browser.cookies);
    assert.equal((await browser.finish(url)).status, 302);
    assert.equal((await browser.finish(url)).status, 400, 'its cookie is gone');
    for (const [name, cookie] of login) browser.cookies.set(name, cookie);
    assert.equal((await browser.finish(url)).status, 401, 'and its code');
  });

  const nowS = Math.floor(Date.now() / 1000);
  const wrongTokens: readonly (readonly [name: string, how: Misbehaviour, status: number])[] = [
    ['of another issuer', { claims: { iss: 'https://evil.example' } }, 401],
    ['for another client', { claims: { aud: 'other' } }, 401],
    ['for several, and made for another', { claims: { aud: [provider.clientId, 'x'], azp: 'x' } }, 401],
    ['for several, and nobody by name', { claims: { aud: [provider.clientId, 'x'] } }, 401],
    ['of another login', { claims: { nonce: 'x' } }, 401],
    ['that has ended', { claims: { exp: nowS - 60 } }, 401],
    ['of nobody', { claims: { sub: '' } }, 401],
    ['by another key', { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }, 401],
    ['without a signature', { header: { alg: 'none' } }, 401],
    ['that is none', { answer: { id_token: 'x' } }, 401],
    ['that is not there', { answer: { id_token: undefined } }, 401],
    ['that the provider denies', { status: 400 }, 401],
    ['while the provider fails', { status: 500 }, 503],
  ];
  for (const [name, how, status] of wrongTokens) {
    test(`a token ${name}: ${status}`, async () => {
      const browser = new Browser();
      provider.misbehaves = how;
      const answer = await browser.login();
      assert.equal(answer.status, status);
      assert.equal(browser.cookies.has('sid'), false);
    });
  }

  test('nobody gets in without the provider, or without the Secret', async () => {
    assert.equal((await new Browser('down.example').login()).status, 503);
    assert.equal((await new Browser('closed.example').get('/')).status, 503);
  });

  test('cookies that are not sessions, or not of here, are nobody', async () => {
    const browser = new Browser();
    await browser.startLogin();
    const login = [...browser.cookies].find(([name]) => name.startsWith('sid-'))![1].value;
    await browser.login();
    const { value } = browser.cookies.get('sid')!;
    const flipped = `${value.slice(0, 20)}${value[20] === 'A' ? 'B' : 'A'}${value.slice(21)}`;
    for (const [where, sid] of [
      ['shop.example', ''],
      ['shop.example', 'x'],
      ['shop.example', flipped],
      ['shop.example', value.slice(0, -4)],
      ['shop.example', login],
      ['other.example', value],
    ] as const) {
      const stranger = new Browser(where);
      stranger.cookies.set('sid', { value: sid, path: '/' });
      assert.equal((await stranger.get('/')).status, 302, `${where} ${sid}`);
    }
    assert.equal((await browser.get('/')).status, 200);
  });

  test('a session ends, however fresh it is', async () => {
    const browser = new Browser('short.example');
    assert.equal((await browser.login()).status, 302);
    assert.equal((await browser.get('/')).status, 302);
  });

  test('logout', async () => {
    const browser = new Browser();
    await browser.login();
    const { status, location } = await browser.get('/oauth2/logout');
    assert.deepEqual([status, location], [302, 'http://shop.example/']);
    assert.equal(browser.cookies.has('sid'), false);
    assert.equal((await new Browser('end.example').get('/oauth2/logout')).location, 'https://id.example/logout');
  });

  test('another key seals from now on, the old one still opens', async () => {
    const browser = new Browser();
    await browser.login();
    await rig.apply({ credentials: [credentials(`${'n'.repeat(32)}\n${KEY}`)] });
    assert.equal((await browser.get('/')).status, 200);
    await rig.apply({ credentials: [credentials('n'.repeat(32))] });
    assert.equal((await browser.get('/')).status, 302);
    await rig.apply({ credentials: [credentials(KEY)] });
  });
});

describe('renewal of a session', () => {
  /** A browser whose tokens have ended. */
  async function stale(): Promise<Browser> {
    provider.lifeS = 0;
    const browser = new Browser();
    await browser.login();
    provider.lifeS = 300;
    provider.grants.length = 0;
    return browser;
  }

  test('happens on the way, once for all requests with the same cookie', async () => {
    const browser = await stale();
    const old = browser.cookies.get('sid')!;
    const before = new Browser();
    before.cookies.set('sid', old);
    const answers = await Promise.all([browser.get('/a'), before.get('/b', 'Sec-Fetch-Mode: cors\r\n')]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
    assert.match(answers[0]!.text, /^x-user: ann\r$/m);
    assert.notEqual(browser.cookies.get('sid')!.value, old.value);
    assert.deepEqual(provider.grants, ['refresh_token']);
    const late = new Browser();
    late.cookies.set('sid', old);
    assert.equal((await late.get('/')).status, 200, 'who was slower');
    assert.deepEqual((await browser.get('/')).setCookies, [], 'fresh again');
    assert.deepEqual(provider.grants, ['refresh_token']);
  });

  const rows: readonly (readonly [name: string, how: Misbehaviour, status: number])[] = [
    ['is refused: to the provider', { status: 400 }, 302],
    ['is for somebody else: to the provider', { claims: { sub: 'bob' } }, 302],
    ['is not possible now: nobody gets in', { status: 502 }, 503],
  ];
  for (const [name, how, status] of rows) {
    test(name, async () => {
      const browser = await stale();
      provider.misbehaves = how;
      assert.equal((await browser.get('/')).status, status);
      provider.misbehaves = {};
      const again = await browser.get('/');
      assert.equal(again.status, status === 503 ? 200 : 302, 'afterwards');
    });
  }

  test('without a refresh token the browser asks again', async () => {
    provider.misbehaves = { answer: { refresh_token: undefined } };
    const browser = await stale();
    assert.equal((await browser.get('/')).status, 302);
    assert.deepEqual(provider.grants, []);
  });
});
