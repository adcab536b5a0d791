import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileIngress, type IngressRules } from './compile-ingress.ts';
import type { RouteFilter } from './route-filters.ts';
import type { Route } from './route-table.ts';
import { ingress } from './routing-fixtures.ts';

const HOSTS = { 'a.example': ['Prefix / web', 'Prefix /admin web'], 'b.example': ['Exact /admin web'] };

function compile(paths: unknown, more: Readonly<Record<string, string>> = {}): IngressRules {
  const web = ingress('web', HOSTS);
  const text = typeof paths === 'string' ? paths : JSON.stringify(paths);
  web.metadata.annotations = { ...more, 'fairlead.dev/paths': text };
  return compileIngress(web);
}
const routeOf = ({ hosts }: IngressRules, host: string, path: string): Route =>
  hosts.get(host)!.find(({ route }) => route.match.path.value === path)!.route;
const typesOf = ({ filters }: Route): RouteFilter['type'][] => (filters ?? []).map(({ type }) => type);
const wrong = ({ problems }: IngressRules): string[] =>
  problems.map(({ reason, field, message }) => `${reason} ${field} ${message}`);
const FIELD = 'InvalidField metadata.annotations[fairlead.dev/paths]';

describe('settings of one path', () => {
  test('a path has what others have not', () => {
    const rules = compile({ '/admin': { 'basic-auth-secret': 'staff', 'request-timeout': '5s' } });
    assert.deepEqual(wrong(rules), []);
    assert.deepEqual(typesOf(routeOf(rules, 'a.example', '/')), []);
    for (const host of ['a.example', 'b.example']) {
      assert.deepEqual(typesOf(routeOf(rules, host, '/admin')), ['basic-auth']);
      assert.equal(routeOf(rules, host, '/admin').timeouts.requestMs, 5000);
    }
    assert.deepEqual(
      rules.credentials.map(({ object }) => object),
      ['shop/staff'],
    );
  });

  test('of one host', () => {
    const rules = compile({ 'b.example/admin': { 'basic-auth-secret': 'staff' } });
    assert.deepEqual(typesOf(routeOf(rules, 'a.example', '/admin')), []);
    assert.deepEqual(typesOf(routeOf(rules, 'b.example', '/admin')), ['basic-auth']);
  });

  test('both: those of the host win, the others stay', () => {
    const rules = compile({
      '/admin': { 'max-body-size': '1k', 'request-timeout': '5s' },
      'b.example/admin': { 'max-body-size': '2k' },
    });
    const [a, b] = ['a.example', 'b.example'].map((host) => routeOf(rules, host, '/admin'));
    assert.deepEqual(
      [a!.filters, b!.filters],
      [[{ type: 'body-limit', maxBytes: 1024 }], [{ type: 'body-limit', maxBytes: 2048 }]],
    );
    assert.deepEqual([a!.timeouts.requestMs, b!.timeouts.requestMs], [5000, 5000]);
  });

  test('one of the Ingress is changed, another taken away', () => {
    const rules = compile(
      { '/admin': { 'rate-limit': '1/second', 'max-body-size': null } },
      { 'fairlead.dev/rate-limit': '100/second', 'fairlead.dev/max-body-size': '1k' },
    );
    const limits = ['/', '/admin'].map((path) => routeOf(rules, 'a.example', path));
    assert.deepEqual(limits.map(typesOf), [['rate-limit', 'body-limit'], ['rate-limit']]);
    const [all, own] = limits.map(({ filters }) => filters?.[0] as Extract<RouteFilter, { type: 'rate-limit' }>);
    assert.deepEqual([all!.requests, own!.requests], [100, 1]);
    // What was asked for elsewhere is not counted here.
    assert.notEqual(all!.name, own!.name);
  });

  test('services, and how they are spoken to', () => {
    const rules = compile({ '/admin': { 'auth-url': 'http://auth.sso/check', 'backend-protocol': 'HTTPS' } });
    assert.deepEqual(
      rules.backends.map(({ key }) => key.split('#')[0]),
      ['shop/web:80', 'sso/auth:80', 'shop/web:80', 'shop/web:80'],
    );
    const keys = ['/', '/admin'].map((path) => {
      const { action } = routeOf(rules, 'a.example', path);
      return action.type === 'forward' ? action.backends[0]!.backend : '';
    });
    assert.notEqual(keys[0], keys[1]);
  });

  test('a mistake is told once, with its path; the rest counts', () => {
    const rules = compile(
      { '/admin': { 'rate-limit': 'often', 'max-body-size': '1k' } },
      { 'fairlead.dev/retries': 'many' },
    );
    assert.equal(wrong(rules).length, 2);
    assert.match(wrong(rules)[1]!, /"\/admin": rate-limit: 'often' is not like/);
    assert.deepEqual(typesOf(routeOf(rules, 'a.example', '/admin')), ['body-limit']);
  });

  const broken: readonly (readonly [name: string, paths: unknown, message: RegExp])[] = [
    ['no JSON', '{', /is not JSON/],
    ['a list', [], /is not a JSON object/],
    ['a path that is not there', { '/admn': { 'basic-auth-secret': 'staff' } }, /"\/admn" is not a path of the rules/],
    ['a host that is not there', { 'c.example/admin': {} }, /is not a path of the rules/],
    ['settings that are none', { '/admin': 'closed' }, /is not an object of settings/],
    ['a number', { '/admin': { retries: 3 } }, /retries is neither a string nor null/],
    ['a name with its prefix', { '/admin': { 'fairlead.dev/retries': '3' } }, /is not the name of a setting/],
  ];
  for (const [name, paths, message] of broken) {
    test(`it may have been a protection: ${name} closes every route`, () => {
      const rules = compile(paths);
      assert.equal(wrong(rules).length, 1);
      assert.ok(wrong(rules)[0]!.startsWith(FIELD));
      assert.match(wrong(rules)[0]!, message);
      for (const [host, path] of [
        ['a.example', '/'],
        ['a.example', '/admin'],
        ['b.example', '/admin'],
      ] as const) {
        assert.deepEqual(typesOf(routeOf(rules, host, path)), ['closed']);
      }
    });
  }

  test('any text is compiled, and never opens what it cannot read', () => {
    const json = fc.dictionary(
      fc.constantFrom('/admin', '/', 'b.example/admin', '__proto__', 'constructor'),
      fc.dictionary(
        fc.constantFrom('retries', 'basic-auth-secret', '__proto__', 'toString'),
        fc.oneof(fc.string(), fc.constant(null)),
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          json.map((each) => JSON.stringify(each)),
        ),
        (text) => {
          const rules = compile(text);
          const isTold = rules.problems.some(({ message }) => /is not|neither/.test(message));
          const isClosed = typesOf(routeOf(rules, 'a.example', '/')).includes('closed');
          if (isClosed) assert.ok(isTold);
        },
      ),
    );
  });
});
