import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Route } from '../routing/route-table.ts';
import { RequestHead } from '../wire/http1/request-head.ts';
import { CompiledRoute } from './compiled-route.ts';
import type { FilterServices } from './filters/filter-services.ts';
import { makeFilters } from './filters/make-filters.ts';
import { HostIndex } from './host-index.ts';
import type { CompiledHost } from './program.ts';
import { RouteIndex } from './route-index.ts';
import { changedPath, type Frontend, locate } from './route-lookup.ts';
import type { ServerCertificates } from './server-certificates.ts';
import { EitherClient, HTTP_VERSIONS } from './test-rig/either-client.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
} from './test-rig/gateway-rig.ts';

const web = [{ backend: 'web', weight: 1 }];
const owned = (name: string, path: Route['match']['path'], more: Partial<Route> = {}): Route => ({
  ...testRoute(path.value, web, more),
  match: { path, headers: [], query: [] },
  source: { kind: 'Ingress', namespace: 'test', name, field: 'spec' },
});
/** Nobody gets in. */
const guard = { filters: [{ type: 'closed', what: 'test' }] } as const;
/** In matching order, as the compilers put them. */
const ROUTES: readonly Route[] = [
  owned('odd', { type: 'exact', value: '/odd%2Fname' }),
  owned('admin', { type: 'exact', value: '/exact' }, guard),
  owned('admin', { type: 'prefix', value: '/public/secret' }, guard),
  owned('admin', { type: 'prefix', value: '/admin' }, guard),
  owned('public', { type: 'prefix', value: '/public' }),
  owned('public', { type: 'prefix', value: '/' }),
];

let rig: GatewayRig;
const backend = new RawUpstream((connection) => onRequests(connection, (request) => ok(request)));
before(async () => {
  rig = await startRig({
    hosts: [testHost('*', ROUTES)],
    backends: [testBackend('web', [await backend.listen()])],
  });
});
after(async () => {
  await rig.stop();
  await backend.close();
});

const GUARDED = 503;
const REFUSED = 400;
/** Path → status, or the path that the backend gets. */
const ROWS: readonly (readonly [path: string, fate: number | string])[] = [
  // As it is meant.
  ['/admin', GUARDED],
  ['/admin/', GUARDED],
  ['/admin/x', GUARDED],
  ['/admin?x=/../y', GUARDED],
  ['/', '/'],
  ['/other', '/other'],
  ['/public', '/public'],
  ['/public/x/', '/public/x/'],
  ['/adminx', '/adminx'],
  ['/exact', GUARDED],
  ['/exact/', '/exact/'],
  ['/x/admin', '/x/admin'],
  // Percent-encoding.
  ['/%61dmin', GUARDED],
  ['/%61%64%6d%69%6e', GUARDED],
  ['/admi%6E/x', GUARDED],
  ['/%2561dmin', REFUSED],
  ['/%252561dmin', REFUSED],
  ['/caf%C3%A9', '/caf%C3%A9'],
  ['/a%20b', '/a%20b'],
  ['/100%25', '/100%25'],
  ['/a%2525b', '/a%2525b'],
  ['/%', REFUSED],
  ['/%2', REFUSED],
  ['/%zz', REFUSED],
  ['/%u0061dmin', REFUSED],
  // Dot segments.
  ['/./admin', GUARDED],
  ['/public/../admin', GUARDED],
  ['/public/x/../../admin/y', GUARDED],
  ['/public/%2e%2e/admin', GUARDED],
  ['/public/.%2E/admin', GUARDED],
  ['/public/%2e/x', '/public/x'],
  ['/public/..', '/'],
  ['/admin/..', '/'],
  ['/admin/../public/x', '/public/x'],
  ['/admin/.', GUARDED],
  ['/..', REFUSED],
  ['/../admin', REFUSED],
  ['/public/../../admin', REFUSED],
  ['/public/%252e%252e/admin', REFUSED],
  ['/.../admin', '/.../admin'],
  ['/.well-known/x', '/.well-known/x'],
  ['/public/..x/y', '/public/..x/y'],
  // Slashes.
  ['//admin', GUARDED],
  ['///admin//x', GUARDED],
  ['/public//x', '/public/x'],
  ['/public//../admin', GUARDED],
  ['//', '/'],
  ['/.//admin', GUARDED],
  ['/public/https://x/y', '/public/https:/x/y'],
  // Encoded slashes.
  ['/admin%2Fx', REFUSED],
  ['/admin%2fx', REFUSED],
  ['/%2fadmin', REFUSED],
  ['/public%2Fsecret', REFUSED],
  ['/public/secret%2Fx', REFUSED],
  ['/public%2F..%2Fadmin', REFUSED],
  ['/public/..%2Fadmin', REFUSED],
  ['/public/x%2Fy', '/public/x%2Fy'],
  ['/x%2Fy', '/x%2Fy'],
  ['/x/%2Fadmin', '/x/%2Fadmin'],
  ['/public/%252Fsecret', REFUSED],
  ['/public/projects/a%2Fb?x=%2F', '/public/projects/a%2Fb?x=%2F'],
  ['/admin/a%2Fb', GUARDED],
  // Backslashes.
  ['/admin%5Cx', REFUSED],
  ['/%5Cadmin', REFUSED],
  ['/public%5C..%5Cadmin', REFUSED],
  ['/public/x%5Cy', '/public/x%5Cy'],
  // Parameters.
  ['/admin;x', REFUSED],
  ['/admin;x=y/z', REFUSED],
  ['/admin%3Bx', REFUSED],
  ['/;x/admin', REFUSED],
  ['/public/..;/admin', REFUSED],
  ['/public/..;x=y/admin', REFUSED],
  ['/public/.;/x', REFUSED],
  ['/public/%2e%2e;/admin', REFUSED],
  ['/public/..%3b/admin', REFUSED],
  ['/public;x/secret', REFUSED],
  ['/public/x;jsessionid=1', '/public/x;jsessionid=1'],
  ['/x;y/z', '/x;y/z'],
  ['/x;y%2Fz', REFUSED],
  ['/public;%5Cx/secret', REFUSED],
  ['/exact;x', REFUSED],
  ['/odd%2Fname', '/odd%2Fname'],
  // NUL and broken UTF-8.
  ['/admin%00', REFUSED],
  ['/public/%00/../admin', REFUSED],
  ['/admin%2500', REFUSED],
  ['/admin%c0%afx', REFUSED],
  ['/public/%c0%ae%c0%ae/admin', REFUSED],
  ['/public%e0%80%afsecret', REFUSED],
  ['/public/%c0', '/public/%c0'],
];

for (const version of HTTP_VERSIONS) {
  test(`spellings of paths, ${version}`, async (t) => {
    const client = new EitherClient(rig.port, version);
    t.after(() => client.close());
    for (const [path, fate] of ROWS) {
      await t.test(`${path} → ${fate}`, async () => {
        const { status, body } = await client.ask({ path });
        if (typeof fate === 'number') assert.equal(status, fate);
        else assert.equal(`${status} ${body.split(' ')[1]}`, `200 ${fate}`);
      });
    }
  });
}

const RAW: readonly (readonly [name: string, target: string, status: number])[] = [
  ['a backslash', '/public\\..\\admin', REFUSED],
  ['a fragment', '/public#/admin', REFUSED],
  ['a space', '/public /../admin', REFUSED],
  ['a tab', '/\tadmin', REFUSED],
  ['a byte beyond ASCII', '/\xe1dmin', REFUSED],
  ['no slash', 'admin', REFUSED],
  ['an absolute target', 'http://h/admin', GUARDED],
  ['an absolute target with dots', 'http://h/public/../admin', GUARDED],
  ['an absolute target with slashes', 'http://h//admin', GUARDED],
  ['an absolute target with a parameter', 'http://h/admin;x', REFUSED],
];
for (const [name, target, status] of RAW) {
  test(`on the wire: ${name}`, async () => {
    const answer = await rig.exchange(`GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

// Servers behind the gateway, and how they read the path that they get.

type Reader = (path: string) => string;
const decodeOnce: Reader = (path) =>
  path.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
const resolve: Reader = (path) => {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  // A slash at the end is another path to the API: `Exact` means exactly that.
  const end = /\/\.{0,2}$/.test(path) && kept.length > 0 ? '/' : '';
  return `/${kept.join('/')}${end}`;
};
const withoutParameters: Reader = (path) => path.replace(/;[^/]*/g, '');
const READERS: Readonly<Record<string, Reader>> = {
  'as it is': (path) => path,
  'decoded, then resolved': (path) => resolve(decodeOnce(path)),
  'resolved, then decoded': (path) => decodeOnce(resolve(path)),
  'without parameters': (path) => resolve(decodeOnce(withoutParameters(path))),
  'without parameters, also encoded ones': (path) => resolve(withoutParameters(decodeOnce(path))),
  'backslashes as slashes': (path) => resolve(decodeOnce(path).replaceAll('\\', '/')),
  'decoded twice': (path) => resolve(decodeOnce(decodeOnce(path))),
  'all of it': (path) => resolve(withoutParameters(decodeOnce(decodeOnce(path)).replaceAll('\\', '/'))),
};

test('whatever the spelling, no server sees a guarded path that the gateway took for another', () => {
  const compiled = ROUTES.map(
    (route) => new CompiledRoute(route, () => ({}) as never, makeFilters(route.filters, {} as FilterServices)),
  );
  const hosts = new HostIndex<CompiledHost>();
  hosts.set('*', { hostname: '*', routes: new RouteIndex(compiled), unmatched: undefined });
  const certificates = { isMisdirected: () => false } as unknown as ServerCertificates;
  const frontend: Frontend = { hosts, scheme: 'http', port: 80, certificates, altSvc: undefined };
  const head = new RequestHead();
  const isGuarded = (path: string): boolean => /^\/(admin|public\/secret)(\/|$)|^\/exact$/.test(path);
  const piece = fc.constantFrom(
    ...['/', '/', '//', '.', '..', '%2e', '%2E%2e', '%2f', '%2F', '%5c', '%252e', '%252f', '%255c', '%3b', ';', ';a=b'],
    ...['%61', 'admin', 'adm%69n', 'public', 'secret', 'exact', '%2561', 'x', '%20', '%25', '%3B'],
  );
  let passed = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const bytes = Buffer.from(`GET /${pieces.join('')} HTTP/1.1\r\nHost: h\r\n\r\n`);
      head.reset();
      assert.ok(head.parse(bytes, 0, bytes.length) > 0);
      const path = changedPath(head);
      if (path === 'refused') return;
      const route = locate(head, frontend, path, undefined);
      if (typeof route === 'string' || route.filters !== undefined) return;
      passed++;
      const forwarded = path?.toString() ?? `/${pieces.join('')}`;
      for (const [name, read] of Object.entries(READERS)) {
        assert.equal(isGuarded(read(forwarded)), false, `${forwarded} is ${read(forwarded)} for ${name}`);
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(passed > 100, `${passed} passed`);
});
