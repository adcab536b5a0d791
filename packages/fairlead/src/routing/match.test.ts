import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileIngress } from './compile-ingress.ts';
import { hostCandidates, matchesPath, matchRoute, normalizeHost } from './match.ts';
import { mergeHost } from './merge-host.ts';
import type { RouteMatch, RouteTable, VirtualHost } from './route-table.ts';
import { ingress, serviceBackend } from './routing-fixtures.ts';

/** The service that a request reaches through these Ingresses; `404` when there is none. */
function route(ingresses: readonly ReturnType<typeof ingress>[], host: string | undefined, target: string): string {
  const compiled = ingresses.map(compileIngress);
  const hosts = new Map<string, VirtualHost>();
  for (const hostname of new Set(compiled.flatMap((rules) => [...rules.hosts.keys()]))) {
    const { routes } = mergeHost(compiled.flatMap((rules) => rules.hosts.get(hostname) ?? []));
    hosts.set(`http|${hostname}`, { listener: 'http', hostname, routes });
  }
  const table: RouteTable = { listeners: new Map(), hosts, backends: new Map(), certificates: new Map() };
  const hit = matchRoute(table, { listener: 'http', host, method: 'GET', target, headers: new Map() });
  if (hit === undefined) return '404';
  const { action } = hit.route;
  return action.type === 'forward' ? action.backends[0]!.backend.replace(/^shop\//, '') : `${action.type}`;
}

describe('path rules of one host', () => {
  const rules: { name: string; paths: string[]; requests: Record<string, string> }[] = [
    {
      name: 'exact is the whole path, case-sensitive',
      paths: ['Exact /foo a'],
      requests: { '/foo': 'a:80', '/foo/': '404', '/FOO': '404', '/bar': '404', '/foo?x=1': 'a:80', '/foo/bar': '404' },
    },
    {
      name: 'exact with a trailing slash matches only itself',
      paths: ['Exact /foo/ a'],
      requests: { '/foo': '404', '/foo/': 'a:80', '/foo//': '404' },
    },
    {
      name: 'prefix works by element, case-sensitive',
      paths: ['Prefix /foo a'],
      requests: {
        '/foo': 'a:80',
        '/foo/': 'a:80',
        '/foo/bar': 'a:80',
        '/foobar': '404',
        '/FOO': '404',
        '/': '404',
        '/foo?q': 'a:80',
      },
    },
    {
      name: 'prefix with a trailing slash is the same prefix',
      paths: ['Prefix /aaa/bbb/ a'],
      requests: {
        '/aaa/bbb': 'a:80',
        '/aaa/bbb/': 'a:80',
        '/aaa/bbb/ccc': 'a:80',
        '/aaa/bbbxyz': '404',
        '/aaa': '404',
      },
    },
    {
      name: 'the longest prefix wins, in whatever order it is written',
      paths: ['Prefix /aaa a', 'Prefix / root', 'Prefix /aaa/bbb b'],
      requests: {
        '/aaa/bbb': 'b:80',
        '/aaa/bbb/ccc': 'b:80',
        '/aaa/ccc': 'a:80',
        '/aaaccc': 'root:80',
        '/': 'root:80',
      },
    },
    {
      name: 'exact beats the same prefix',
      paths: ['Prefix /foo p', 'Exact /foo e'],
      requests: { '/foo': 'e:80', '/foo/': 'p:80', '/foo/bar': 'p:80' },
    },
    {
      name: 'exact root is not the prefix root',
      paths: ['Exact / e'],
      requests: { '/': 'e:80', '/a': '404', '/?a': 'e:80' },
    },
    {
      name: 'ImplementationSpecific is Prefix',
      paths: ['ImplementationSpecific /foo a', 'ImplementationSpecific / root'],
      requests: { '/foo/bar': 'a:80', '/fo': 'root:80' },
    },
    {
      name: 'ports by number and by name',
      paths: ['Prefix /n a:8080', 'Prefix /m a:web'],
      requests: { '/n': 'a:8080', '/m': 'a:web' },
    },
  ];
  let cases = 0;
  for (const { name, paths, requests } of rules) {
    for (const [target, expected] of Object.entries(requests)) {
      cases += 1;
      test(`${name}: ${target} → ${expected}`, () => {
        assert.equal(route([ingress('i', { 'foo.example': paths })], 'foo.example', target), expected);
      });
    }
  }
  test('the table is whole', () => assert.equal(cases, 36));
});

describe('hosts', () => {
  const shop = ingress('shop', {
    'foo.example': ['Prefix / exact'],
    '*.foo.example': ['Prefix / wild', 'Prefix /only-wild only'],
    'bar.foo.example': ['Prefix /bar bar'],
    '': ['Prefix /any any', 'Prefix /bar never'],
  });
  const rows: [name: string, host: string | undefined, target: string, expected: string][] = [
    ['exact host', 'foo.example', '/', 'exact:80'],
    ['the port is ignored', 'foo.example:8080', '/', 'exact:80'],
    ['letter case is ignored', 'FOO.Example', '/', 'exact:80'],
    ['a trailing dot is ignored', 'foo.example.:80', '/', 'exact:80'],
    ['wildcard, one label', 'x.foo.example', '/', 'wild:80'],
    ['wildcard, not two labels', 'y.x.foo.example', '/', '404'],
    ['wildcard, not zero labels', 'foo.example', '/only-wild', 'exact:80'],
    ['precise beats wildcard', 'bar.foo.example', '/bar', 'bar:80'],
    ['a path that the precise host has no rule for falls to the wildcard', 'bar.foo.example', '/only-wild', 'only:80'],
    ['a rule without host takes every host', 'other.example', '/any', 'any:80'],
    ['… unless a host rule matches first', 'foo.example', '/any', 'exact:80'],
    ['unknown host and path', 'other.example', '/', '404'],
    ['no Host header', undefined, '/any', 'any:80'],
    ['IPv4 literal', '192.0.2.1:80', '/any', 'any:80'],
    ['IPv6 literal', '[2001:db8::1]:80', '/any', 'any:80'],
    ['single label', 'localhost', '/any', 'any:80'],
  ];
  for (const [name, host, target, expected] of rows) {
    test(name, () => assert.equal(route([shop], host, target), expected));
  }

  test('candidates', () => {
    assert.deepEqual(hostCandidates('a.b.c:80'), ['a.b.c', '*.b.c', '*']);
    assert.deepEqual(hostCandidates('[::1]:80'), ['[::1]', '*']);
    assert.deepEqual(hostCandidates('.b'), ['.b', '*']);
    assert.deepEqual(hostCandidates(''), ['*']);
    assert.equal(normalizeHost('[::1]'), '[::1]');
  });
});

describe('default backends and several Ingresses', () => {
  const old = '2025-01-01T00:00:00Z';
  const rules = ingress('rules', { 'a.example': ['Prefix /a a'] });
  const own = ingress('own', { 'b.example': ['Prefix /b b'] }, { defaultBackend: serviceBackend('own-default') });
  const { rules: _, ...bare } = ingress('bare', {}).spec!;
  const only = { ...ingress('only', {}), spec: { ...bare, defaultBackend: serviceBackend('only-default') } };
  const hostless = { ...own, spec: { ...own.spec, rules: [{ host: 'c.example' }] } };
  const rows: [name: string, Parameters<typeof route>, expected: string][] = [
    ['without one, no match is 404', [[rules], 'a.example', '/x'], '404'],
    ['an Ingress of only a default backend takes unknown hosts', [[rules, only], 'x.example', '/'], 'only-default:80'],
    ['… and unmatched paths of other Ingresses', [[rules, only], 'a.example', '/x'], 'only-default:80'],
    ['… but no matched ones', [[rules, only], 'a.example', '/a'], 'a:80'],
    ['a default backend beside rules takes the rest of its hosts', [[own, only], 'b.example', '/x'], 'own-default:80'],
    ['… and, when there is no other, of all hosts', [[own], 'x.example', '/'], 'own-default:80'],
    ['… after Ingresses without rules', [[own, only], 'x.example', '/'], 'only-default:80'],
    ['a rule without paths goes to the default backend', [[hostless, only], 'c.example', '/x'], 'own-default:80'],
    [
      'rules of two Ingresses for a host are merged',
      [[rules, ingress('more', { 'a.example': ['Prefix /a/b ab', 'Prefix / root'] })], 'a.example', '/a/b'],
      'ab:80',
    ],
    [
      'of equal rules the older Ingress wins',
      [[rules, ingress('zz', { 'a.example': ['Prefix /a/ elder'] }, { created: old })], 'a.example', '/a'],
      'elder:80',
    ],
    [
      'of equally old ones, the name decides',
      [[rules, ingress('aa', { 'a.example': ['Prefix /a first'] })], 'a.example', '/a'],
      'first:80',
    ],
    [
      "another Ingress's rule for / beats a default backend, however old",
      [
        [own, ingress('root', { 'b.example': ['Prefix / root'] }, { created: '2027-01-01T00:00:00Z' })],
        'b.example',
        '/x',
      ],
      'root:80',
    ],
    [
      'a resource backend answers itself',
      [[ingress('r', {}, { defaultBackend: { resource: { kind: 'Bucket', name: 'b' } } })], 'x', '/'],
      'respond',
    ],
  ];
  for (const [name, args, expected] of rows) test(name, () => assert.equal(route(...args), expected));
});

describe('matches beyond Ingress', () => {
  const any: RouteMatch = { path: { type: 'prefix', value: '/' }, headers: [], query: [] };
  const rows: [name: string, match: Partial<RouteMatch>, target: string, method: string, hit: boolean][] = [
    ['method', { method: 'POST' }, '/', 'POST', true],
    ['other method', { method: 'POST' }, '/', 'GET', false],
    ['header', { headers: [{ name: 'version', type: 'exact', value: '2' }] }, '/', 'GET', true],
    ['other header value', { headers: [{ name: 'version', type: 'exact', value: '3' }] }, '/', 'GET', false],
    ['header present', { headers: [{ name: 'version', type: 'present', value: '' }] }, '/', 'GET', true],
    ['header absent', { headers: [{ name: 'canary', type: 'present', value: '' }] }, '/', 'GET', false],
    ['header regex is anchored', { headers: [{ name: 'agent', type: 'regex', value: 'curl' }] }, '/', 'GET', false],
    ['header regex', { headers: [{ name: 'agent', type: 'regex', value: 'curl/.*' }] }, '/', 'GET', true],
    ['query', { query: [{ name: 'v', type: 'exact', value: 'a b' }] }, '/?v=a%20b&v=c', 'GET', true],
    ['query, second value', { query: [{ name: 'v', type: 'exact', value: 'c' }] }, '/?v=a&v=c', 'GET', false],
    ['no query', { query: [{ name: 'v', type: 'present', value: '' }] }, '/', 'GET', false],
  ];
  const headers = new Map([
    ['version', '2'],
    ['agent', 'curl/8'],
  ]);
  for (const [name, match, target, method, hit] of rows) {
    test(name, () => {
      const source = { kind: 'Test', namespace: '', name: '', field: '' };
      const action = { type: 'respond', status: 200, body: '' } as const;
      const timeouts = { requestMs: 'off', connectMs: 'off', idleMs: 'off' } as const;
      const host = {
        listener: 'http',
        hostname: '*',
        routes: [{ source, match: { ...any, ...match }, action, timeouts }],
      };
      const table: RouteTable = {
        listeners: new Map(),
        hosts: new Map([['http|*', host]]),
        backends: new Map(),
        certificates: new Map(),
      };
      const request = { listener: 'http', host: 'x', method, target, headers };
      assert.equal(matchRoute(table, request) !== undefined, hit);
      assert.equal(matchRoute(table, { ...request, listener: 'other' }), undefined);
    });
  }
  test('path regex is anchored', () => {
    assert.equal(matchesPath({ type: 'regex', value: '/a|/b' }, '/a'), true);
    assert.equal(matchesPath({ type: 'regex', value: '/a|/b' }, '/ab'), false);
  });
});
