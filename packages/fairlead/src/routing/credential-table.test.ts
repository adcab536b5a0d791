import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { ConfigMap } from '@fairlead/api';
import { CredentialTable } from './credential-table.ts';
import { FakeObjects, FakeSecrets } from './fake-secrets.ts';
import type { CredentialClaim } from './read-credentials.ts';

const SHA = '{SHA}4uaSf49Js9POj1hsC76e6lrwxAk=';
const claim: CredentialClaim = { type: 'users', kind: 'secret', object: 'shop/users', field: 'f' };

let secrets: FakeSecrets;
let configMaps: FakeObjects<ConfigMap>;
let table: CredentialTable;
let dirty = 0;
beforeEach(() => {
  secrets = new FakeSecrets();
  configMaps = new FakeObjects();
  dirty = 0;
  table = new CredentialTable(
    { secrets, configMaps },
    () => {
      dirty++;
    },
    () => {},
  );
});

function setUsers(text: string | undefined, key = 'auth'): void {
  const data = text === undefined ? {} : { [key]: Buffer.from(text).toString('base64') };
  secrets.set({
    metadata: { namespace: 'shop', name: 'users', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
    data,
  });
}

const problems = (): string[] => table.problemsOf('shop/web').map(({ reason, field }) => `${reason} ${field}`);

test('users are read, and follow their Secret', () => {
  setUsers(`# comment\na:${SHA}\n\nb:${SHA}\na:again\n`);
  table.setClaims('shop/web', [claim]);
  const users = [
    ['a', SHA],
    ['b', SHA],
  ];
  assert.deepEqual(table.flush(), [['shop/users', { key: 'shop/users', users }]]);
  assert.deepEqual(table.flush(), []);
  setUsers(`b:${SHA}`);
  assert.equal(dirty > 0, true);
  assert.deepEqual(table.flush(), [['shop/users', { key: 'shop/users', users: [['b', SHA]] }]]);
  secrets.delete('shop/users');
  assert.deepEqual(table.flush(), [['shop/users', undefined]]);
  assert.deepEqual(problems(), ['SecretNotFound f']);
});

test('the last Ingress that goes takes the users and the watch along', () => {
  setUsers(`a:${SHA}`);
  table.setClaims('shop/web', [claim]);
  table.setClaims('shop/api', [claim]);
  table.flush();
  table.setClaims('shop/web', []);
  assert.deepEqual(table.flush(), []);
  assert.equal(secrets.needs.get('shop/users'), 1);
  table.setClaims('shop/api', []);
  assert.deepEqual(table.flush(), [['shop/users', undefined]]);
  assert.equal(secrets.needs.size, 0);
});

test('a Secret that is not known yet changes nothing', () => {
  secrets.pending.add('shop/users');
  table.setClaims('shop/web', [claim]);
  assert.deepEqual(table.flush(), []);
  assert.deepEqual(problems(), []);
});

const BAD: readonly (readonly [name: string, text: string | undefined])[] = [
  ['no key', undefined],
  ['plain text', 'a:password'],
  ['crypt of old', 'a:rl5FQPJEYZ3/s'],
  ['a bcrypt that takes minutes', `a:$2y$31$${'a'.repeat(53)}`],
  ['no name', `:${SHA}`],
  ['an apr1 that is cut off', 'a:$apr1$salt$abc'],
];
for (const [name, text] of BAD) {
  test(`refused: ${name}`, () => {
    setUsers(text);
    table.setClaims('shop/web', [claim]);
    for (const [, credentials] of table.flush()) assert.deepEqual(credentials?.users, []);
    assert.deepEqual(problems(), ['SecretInvalid f']);
  });
}

const meta = { namespace: 'shop', name: 'keys', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const KEY = 'a-key-that-is-long-enough';
// sha256sum of it
const DIGEST = 'e0f6e0b8e84eb1ac8aad6040924f4a9c825b931994e90fccfd59be046b0d474f';

test('API keys are known by digest only', () => {
  const apiKeys: CredentialClaim = { type: 'api-keys', kind: 'secret', object: 'shop/keys', field: 'f' };
  secrets.set({
    metadata: meta,
    data: { shop: base64(`${KEY}\n`), short: base64('hunter2'), twin: base64(KEY), blank: base64('two words, long') },
  });
  table.setClaims('shop/web', [apiKeys]);
  const [[key, credentials] = []] = table.flush();
  assert.equal(key, 'api-keys secret shop/keys');
  assert.deepEqual(credentials?.users, [['shop', DIGEST]]);
  assert.deepEqual(problems(), ['SecretInvalid f', 'SecretInvalid f', 'SecretInvalid f']);
});

const JWKS = '{"keys":[{"kty":"OKP"}]}';
test('keys of tokens, of a Secret and of a ConfigMap', () => {
  const jwks = (kind: CredentialClaim['kind']): CredentialClaim => ({
    type: 'jwks',
    kind,
    object: 'shop/keys',
    field: kind,
  });
  secrets.set({ metadata: meta, data: { jwks: base64(JWKS) } });
  configMaps.set({ metadata: meta, data: { 'jwks.json': JWKS } });
  table.setClaims('shop/web', [jwks('secret'), jwks('configmap')]);
  assert.deepEqual(
    table.flush().map(([key, credentials]) => [key, credentials?.jwks]),
    [
      ['jwks secret shop/keys', JWKS],
      ['jwks configmap shop/keys', JWKS],
    ],
  );
  configMaps.set({ metadata: meta, data: { jwks: 'nonsense' } });
  assert.deepEqual(table.flush(), [['jwks configmap shop/keys', undefined]]);
  assert.deepEqual(problems(), ['SecretInvalid configmap']);
  // The same Secret for something else.
  table.setClaims('shop/web', [jwks('secret'), { ...claim, object: 'shop/keys' }]);
  assert.deepEqual(table.flush(), []);
  assert.deepEqual(problems(), ['SecretInvalid f']);
  assert.equal(secrets.needs.get('shop/keys'), 2);
  assert.equal(configMaps.needs.size, 0);
});
