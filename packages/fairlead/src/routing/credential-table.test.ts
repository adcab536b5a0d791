import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { CredentialTable } from './credential-table.ts';
import { FakeSecrets } from './fake-secrets.ts';

const SHA = '{SHA}4uaSf49Js9POj1hsC76e6lrwxAk=';
const claim = { secret: 'shop/users', field: 'f' };

let secrets: FakeSecrets;
let table: CredentialTable;
let dirty = 0;
beforeEach(() => {
  secrets = new FakeSecrets();
  dirty = 0;
  table = new CredentialTable(
    secrets,
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
  table.setClaim('shop/web', claim);
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
  table.setClaim('shop/web', claim);
  table.setClaim('shop/api', claim);
  table.flush();
  table.setClaim('shop/web', undefined);
  assert.deepEqual(table.flush(), []);
  assert.equal(secrets.needs.get('shop/users'), 1);
  table.setClaim('shop/api', undefined);
  assert.deepEqual(table.flush(), [['shop/users', undefined]]);
  assert.equal(secrets.needs.size, 0);
});

test('a Secret that is not known yet changes nothing', () => {
  secrets.pending.add('shop/users');
  table.setClaim('shop/web', claim);
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
    table.setClaim('shop/web', claim);
    for (const [, credentials] of table.flush()) assert.deepEqual(credentials?.users, []);
    assert.deepEqual(problems(), ['SecretInvalid f']);
  });
}
