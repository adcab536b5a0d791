import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ErrorPagesFilter } from '../../routing/route-filters.ts';
import type { Route, VirtualHost } from '../../routing/route-table.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
} from '../test-rig/gateway-rig.ts';

const web = [{ backend: 'web', weight: 1 }];
const pages = (name: string): ErrorPagesFilter => ({
  type: 'error-pages',
  statuses: [[404, 404]],
  of: 'both',
  source: { type: 'pages', pages: name },
  namespace: 'shop',
  ingress: 'web',
});
const unmatched = (name: string): Route =>
  testRoute('/', [], {
    action: { type: 'respond', status: 404, body: '404 Not Found\n', reason: 'no-route' },
    filters: [pages(name)],
  });
const host = (hostname: string, routes: readonly Route[], page?: string): readonly [string, VirtualHost] => {
  const [key, value] = testHost(hostname, routes);
  return [key, page === undefined ? value : { ...value, unmatched: unmatched(page) }];
};

const upstream = new RawUpstream((connection) => onRequests(connection, () => ok('served')));
let rig: GatewayRig;
before(async () => {
  const text = (name: string) =>
    [name, { key: name, pages: [{ status: '404', contentType: 'text/html', text: name }] }] as const;
  rig = await startRig({
    hosts: [
      host('a.example', [testRoute('/shop', web)], 'page of a'),
      host('b.example', [testRoute('/shop', web)]),
      host('*.c.example', [testRoute('/shop', web)], 'page of c'),
      host('x.c.example', [testRoute('/own', web)]),
      host('*', [testRoute('/any', web)], 'page of all'),
    ],
    backends: [testBackend('web', [await upstream.listen()])],
    pages: [text('page of a'), text('page of c'), text('page of all')],
  });
});
after(async () => {
  await rig.stop();
  await upstream.close();
});

const rows: readonly (readonly [name: string, host: string, path: string, status: number, body: string])[] = [
  ['a path that somebody has', 'a.example', '/shop', 200, 'served'],
  ['a path that another host has', 'a.example', '/any/1', 200, 'served'],
  ['a path that nobody has', 'a.example', '/none', 404, 'page of a'],
  ['a host without a page: that of all', 'b.example', '/none', 404, 'page of all'],
  ['a wildcard', 'y.c.example', '/none', 404, 'page of c'],
  ['a host below a wildcard, without a page', 'x.c.example', '/none', 404, 'page of c'],
  ['a host below a wildcard: its routes go on', 'x.c.example', '/shop', 200, 'served'],
  ['a host that nobody has', 'z.example', '/none', 404, 'page of all'],
];
describe('pages for requests without a route', () => {
  for (const [name, hostname, path, status, body] of rows) {
    test(name, async () => {
      const before = rig.gateway.stats().noRoute;
      const received = await rig.exchange(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
      assert.equal(Number(received.split(' ')[1]), status);
      assert.equal(received.slice(received.indexOf('\r\n\r\n') + 4), body);
      assert.equal(rig.gateway.stats().noRoute - before, status === 404 ? 1 : 0);
    });
  }
});
