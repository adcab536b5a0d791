import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileIngress } from './compile-ingress.ts';
import { routesOfListener } from './listener-routes.ts';
import { mergeHost } from './merge-host.ts';
import { readRouteFilters } from './read-route-filters.ts';
import type { RouteFilter } from './route-filters.ts';
import type { RouteListener } from './route-table.ts';
import { ingress } from './routing-fixtures.ts';

const redirect = (status: number, location: readonly unknown[], path?: string): unknown => ({
  type: 'redirect',
  status,
  location,
  ...(path === undefined ? {} : { path }),
});
const uri = { variable: 'request_uri' };

describe('redirects and copies', () => {
  type Row = readonly [
    annotations: Readonly<Record<string, string>>,
    filters: readonly unknown[],
    wrong?: readonly string[],
  ];
  const mirror = (backend: string, share = 1, more: object = {}): unknown => ({
    type: 'mirror',
    backend,
    share,
    host: 'shadow',
    bodyMaxBytes: 65_536,
    ...more,
  });
  const rows: readonly Row[] = [
    [{ 'permanent-redirect': 'https://new.example$request_uri' }, [redirect(301, ['https://new.example', uri])]],
    [{ 'permanent-redirect': '/new', 'permanent-redirect-code': '308' }, [redirect(308, ['/new'])]],
    [{ 'temporal-redirect': '/new' }, [redirect(302, ['/new'])]],
    [{ 'temporal-redirect': '/new', 'temporal-redirect-code': '307' }, [redirect(307, ['/new'])]],
    [{ 'app-root': '/start' }, [redirect(302, ['/start'], '/')]],
    [{ 'permanent-redirect': '/a', 'temporal-redirect': '/b' }, [redirect(301, ['/a'])], ['temporal-redirect']],
    [{ 'permanent-redirect': '//evil' }, [], ['permanent-redirect']],
    [
      { 'permanent-redirect-code': '302', 'permanent-redirect': '/a' },
      [redirect(301, ['/a'])],
      ['permanent-redirect-code'],
    ],
    [{ 'app-root': '/' }, [], ['app-root']],
    [{ 'app-root': '//evil' }, [], ['app-root']],
    [{ 'ssl-redirect': 'yes' }, [], ['ssl-redirect']],
    [{ mirror: 'shadow:80' }, [mirror('shop/shadow:80')]],
    [{ mirror: 'shadow:http 10%, other:81 0.5%' }, [mirror('shop/shadow:http', 0.1), mirror('shop/other:81', 0.005)]],
    [
      { mirror: 'shadow:80', 'mirror-host': 'keep', 'mirror-max-body-size': '1k' },
      [mirror('shop/shadow:80', 1, { host: 'keep', bodyMaxBytes: 1024 })],
    ],
    [{ mirror: 'shadow' }, [], ['mirror']],
    [{ mirror: 'shadow:80 200%' }, [], ['mirror']],
    [{ mirror: 'other/shadow:80' }, [], ['mirror']],
    [{ mirror: 'a:1,b:1,c:1,d:1,e:1' }, [], ['mirror']],
    [{ mirror: 'shadow:80', 'mirror-max-body-size': '2m' }, [mirror('shop/shadow:80')], ['mirror-max-body-size']],
  ];
  for (const [annotations, filters, wrong = []] of rows) {
    test(JSON.stringify(annotations), () => {
      const named = Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`fairlead.dev/${key}`, value]),
      );
      const read = readRouteFilters(named, 'shop', 'shop/web');
      assert.deepEqual(read.filters, filters);
      assert.deepEqual(
        read.problems.map(({ field }) => field),
        wrong.map((key) => `metadata.annotations[fairlead.dev/${key}]`),
      );
    });
  }
});

const LISTENERS = new Map<string, RouteListener>([
  ['http', { name: 'http', protocol: 'http', address: '0.0.0.0', port: 80 }],
  ['https', { name: 'https', protocol: 'https', address: '0.0.0.0', port: 443 }],
]);

/** An Ingress with annotations and TLS for some hosts. */
function secured(
  annotations: Readonly<Record<string, string>>,
  tlsHosts: readonly string[] | undefined,
  rules: Readonly<Record<string, readonly string[]>> = {
    'a.example': ['Prefix / web'],
    '*.b.example': ['Prefix / web'],
  },
): ReturnType<typeof compileIngress> {
  const object = ingress('web', rules, tlsHosts === undefined ? {} : { tls: [{ hosts: [...tlsHosts] }] });
  const named = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`fairlead.dev/${key}`, value]));
  return compileIngress({ ...object, metadata: { ...object.metadata, annotations: named } });
}
const filtersOf = (rules: ReturnType<typeof compileIngress>, host: string): readonly RouteFilter[] =>
  rules.hosts.get(host)?.[0]?.route.filters ?? [];

describe('to HTTPS', () => {
  const https = { type: 'https-redirect', status: 308 };
  type Row = readonly [
    name: string,
    annotations: Readonly<Record<string, string>>,
    tls: readonly string[] | undefined,
    filters: readonly unknown[],
  ];
  const rows: readonly Row[] = [
    ['a host with a certificate', {}, ['a.example'], [https]],
    ['a host of a wildcard certificate', {}, ['*.example'], [https]],
    ['all hosts', {}, [], [https]],
    ['a host without', {}, ['c.example'], []],
    ['an Ingress without', {}, undefined, []],
    ['turned off', { 'ssl-redirect': 'false' }, ['a.example'], []],
    ['on does not mean without a certificate', { 'ssl-redirect': 'true' }, undefined, []],
    ['forced', { 'force-ssl-redirect': 'true' }, undefined, [https]],
    ['forced, although turned off', { 'force-ssl-redirect': 'true', 'ssl-redirect': 'false' }, undefined, [https]],
    ['another status', { 'ssl-redirect-code': '301' }, ['a.example'], [{ ...https, status: 301 }]],
  ];
  for (const [name, annotations, tls, filters] of rows) {
    test(name, () => assert.deepEqual(filtersOf(secured(annotations, tls), 'a.example'), filters));
  }

  test('clients that came by HTTPS stay, others learn the port', () => {
    const routes = secured({}, ['a.example'])
      .hosts.get('a.example')!
      .map(({ route }) => route);
    assert.deepEqual(routesOfListener(routes, 'http', LISTENERS)[0]!.filters, [https]);
    assert.equal('filters' in routesOfListener(routes, 'https', LISTENERS)[0]!, false);
    const other = new Map(LISTENERS).set('https', { ...LISTENERS.get('https')!, port: 8443 });
    assert.deepEqual(routesOfListener(routes, 'http', other)[0]!.filters, [{ ...https, port: 8443 }]);
    const translated = new Map(other).set('https', { ...other.get('https')!, publicPort: 443 });
    assert.deepEqual(routesOfListener(routes, 'http', translated)[0]!.filters, [https]);
    const none = new Map([...LISTENERS].slice(0, 1));
    assert.equal('filters' in routesOfListener(routes, 'http', none)[0]!, false);
    const plain = secured({}, undefined)
      .hosts.get('a.example')!
      .map(({ route }) => route);
    assert.equal(routesOfListener(plain, 'http', LISTENERS), plain);
  });
});

describe('from www', () => {
  test('the other name of each host leads to it, unless somebody has rules for it', () => {
    const rules = secured({ 'from-to-www-redirect': 'true' }, undefined, {
      'a.example': ['Prefix / web'],
      'www.c.example': ['Prefix / web'],
      'd.example': ['Prefix / web'],
      'www.d.example': ['Prefix / web'],
      '*.b.example': ['Prefix / web'],
    });
    const redirects = [...rules.hosts].flatMap(([host, [first]]) =>
      first?.route.action.type === 'redirect' ? [[host, first.route.action]] : [],
    );
    const to = (hostname: string): object => ({ type: 'redirect', status: 308, hostname });
    assert.deepEqual(redirects, [
      ['www.a.example', to('a.example')],
      ['c.example', to('www.c.example')],
    ]);
    const aside = rules.hosts.get('www.a.example')!;
    assert.equal(mergeHost(aside).routes.length, 1);
    const others = secured({}, undefined, { 'www.a.example': ['Prefix /x web'] }).hosts.get('www.a.example')!;
    assert.deepEqual(
      mergeHost([...aside, ...others]).routes.map(({ match }) => match.path.value),
      ['/x'],
    );
  });
});
