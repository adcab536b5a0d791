import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { COMPRESSED_TYPES } from './read-compression.ts';
import { readRouteFilters } from './read-route-filters.ts';
import type { ErrorPagesFilter, RouteFilter, StickyFilter } from './route-filters.ts';

const CORS: RouteFilter = {
  type: 'cors',
  origins: ['https://a.example', 'https://*.b.example:8443'],
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  headers: '*',
  exposed: [],
  credentials: false,
  maxAgeS: 600,
};
const RATE = { type: 'rate-limit', name: 'shop/web', per: 'client', requests: 10, windowMs: 1000, burst: 10 } as const;
const origins = { 'cors-allow-origin': 'https://A.example, https://*.b.example:8443' };
const USERS: RouteFilter = { type: 'basic-auth', realm: 'Authentication required', credentials: 'shop/users' };

const COMPRESS: RouteFilter = {
  type: 'compress',
  codings: ['zstd', 'br', 'gzip'],
  types: COMPRESSED_TYPES,
  minBytes: 1024,
  level: 'balanced',
};

const STICKY: StickyFilter = {
  type: 'sticky',
  by: {
    type: 'cookie',
    name: 'fairlead-session',
    path: '/',
    maxAgeS: 'session',
    sameSite: 'lax',
    secure: 'auto',
    httpOnly: true,
  },
  mode: 'persistent',
  changeOnFailure: true,
  key: 'shop/web',
};

const PAGES: ErrorPagesFilter = {
  type: 'error-pages',
  statuses: [
    [404, 404],
    [500, 599],
  ],
  of: 'both',
  source: { type: 'pages', pages: 'shop/pages' },
  namespace: 'shop',
  ingress: 'web',
};

type Row = readonly [
  name: string,
  annotations: Readonly<Record<string, string>>,
  filters: readonly RouteFilter[],
  wrong?: readonly string[],
];
const ROWS: readonly Row[] = [
  ['inflated requests', { 'request-decompression': '8m' }, [{ type: 'inflate', maxBytes: 8_388_608 }]],
  ['too much inflation', { 'request-decompression': '1g' }, [], ['request-decompression']],
  ['none', {}, []],
  ['compression', { compression: 'on' }, [COMPRESS]],
  ['compression off', { compression: 'off' }, []],
  [
    'compression, everything',
    {
      compression: 'gzip, br',
      'compression-types': 'Text/*, *+json, application/vnd.x.y+z',
      'compression-min-size': '1k',
      'compression-level': 'small',
    },
    [
      {
        type: 'compress',
        codings: ['gzip', 'br'],
        types: ['text/*', '*+json', 'application/vnd.x.y+z'],
        minBytes: 1024,
        level: 'small',
      },
    ],
  ],
  ['sticky', { sticky: 'cookie' }, [STICKY]],
  [
    'sticky by a cookie, everything',
    {
      sticky: 'cookie name=ID path=/shop max-age=30d same-site=None http-only=false',
      'sticky-mode': 'balanced',
      'sticky-change-on-failure': 'false',
    },
    [
      {
        ...STICKY,
        by: {
          type: 'cookie',
          name: 'ID',
          path: '/shop',
          maxAgeS: 2_592_000,
          sameSite: 'none',
          secure: 'on',
          httpOnly: false,
        },
        mode: 'balanced',
        changeOnFailure: false,
      },
    ],
  ],
  ['sticky by a field', { sticky: 'header X-Session' }, [{ ...STICKY, by: { type: 'header', name: 'x-session' } }]],
  ['sticky by what is not known', { sticky: 'source' }, [], ['sticky']],
  ['a path that ends the attribute', { sticky: 'cookie path=/a;x' }, [STICKY], ['sticky']],
  ['a name that ends the cookie', { sticky: 'cookie name=a=b;c' }, [STICKY], ['sticky']],
  [
    'same-site=none needs secure',
    { sticky: 'cookie same-site=none secure=off' },
    [{ ...STICKY, by: { ...STICKY.by, sameSite: 'none', secure: 'on' } as StickyFilter['by'] }],
    ['sticky'],
  ],
  ['error pages', { 'error-pages': 'configmap/pages' }, [PAGES]],
  [
    'error pages before all else, everything',
    {
      'allow-source-range': '10.0.0.0/8',
      'error-pages': 'service/errors:http/page?x=1',
      'error-pages-for': '401, 404-410, 5xx',
      'error-pages-of': 'gateway',
    },
    [
      {
        ...PAGES,
        source: { type: 'service', backend: 'shop/errors:http', host: 'errors.shop', target: '/page?x=1' },
        statuses: [
          [401, 401],
          [404, 410],
          [500, 599],
        ],
        of: 'gateway',
      },
      { type: 'access', allow: ['10.0.0.0/8'], deny: [] },
    ],
  ],
  ['error pages of what is not known', { 'error-pages': 'secret/pages' }, [], ['error-pages']],
  ['a path that ends the question', { 'error-pages': 'service/a:80/x HTTP/1.1' }, [], ['error-pages']],
  [
    'statuses that are no errors',
    { 'error-pages': 'configmap/pages', 'error-pages-for': '302, 404', 'error-pages-of': 'me' },
    [PAGES],
    ['error-pages-for', 'error-pages-of'],
  ],
  [
    'a range that ends before it begins',
    { 'error-pages': 'configmap/pages', 'error-pages-for': '504-500' },
    [PAGES],
    ['error-pages-for'],
  ],
  ['an unknown coding', { compression: 'deflate' }, [], ['compression']],
  [
    'types that are none',
    { compression: 'on', 'compression-types': 'json', 'compression-level': '9' },
    [COMPRESS],
    ['compression-types', 'compression-level'],
  ],
  [
    'gRPC has its own',
    { compression: 'on', 'compression-types': 'application/grpc+proto' },
    [COMPRESS],
    ['compression-types'],
  ],
  ['CORS', origins, [CORS]],
  [
    'CORS, everything',
    {
      ...origins,
      'cors-allow-methods': 'get, query',
      'cors-allow-headers': 'X-A',
      'cors-expose-headers': 'X-Id',
      'cors-max-age': '1h',
      'cors-allow-credentials': 'true',
    },
    [{ ...CORS, methods: ['GET', 'QUERY'], headers: ['x-a'], exposed: ['X-Id'], maxAgeS: 3600, credentials: true }],
  ],
  ['an origin with a path', { 'cors-allow-origin': 'https://a.example/' }, [], ['cors-allow-origin']],
  ['an origin with a star within', { 'cors-allow-origin': 'https://a*.example' }, [], ['cors-allow-origin']],
  ['an origin that ends the field', { 'cors-allow-origin': 'https://a\r\nx: y' }, [], ['cors-allow-origin']],
  [
    'credentials for everybody',
    { 'cors-allow-origin': '*', 'cors-allow-credentials': 'true' },
    [{ ...CORS, origins: ['*'] }],
    ['cors-allow-credentials'],
  ],
  [
    'source ranges',
    { 'allow-source-range': '10.0.0.0/8, 192.0.2.1', 'deny-source-range': '2001:db8::/32' },
    [{ type: 'access', allow: ['10.0.0.0/8', '192.0.2.1'], deny: ['2001:db8::/32'] }],
  ],
  [
    'a wrong range closes',
    { 'allow-source-range': '10.0.0.0/33' },
    [{ type: 'closed', what: 'source ranges' }],
    ['allow-source-range'],
  ],
  [
    'an empty range closes',
    { 'allow-source-range': '' },
    [{ type: 'closed', what: 'source ranges' }],
    ['allow-source-range'],
  ],
  ['a rate', { 'rate-limit': '10/second' }, [RATE]],
  [
    'a rate by header',
    { 'rate-limit': '5/minute', 'rate-limit-by': 'header X-User', 'rate-limit-burst': '1' },
    [{ ...RATE, requests: 5, windowMs: 60_000, per: { header: 'x-user' }, burst: 1 }],
  ],
  ['a rate of none', { 'rate-limit': '0/second' }, [], ['rate-limit']],
  ['a rate by nothing known', { 'rate-limit': '10/second', 'rate-limit-by': 'moon' }, [RATE], ['rate-limit-by']],
  ['a body', { 'max-body-size': '10m' }, [{ type: 'body-limit', maxBytes: 10_485_760 }]],
  ['a body in another unit', { 'max-body-size': '10 MB' }, [], ['max-body-size']],
  [
    'faults',
    { 'fault-delay': '10% 250ms', 'fault-abort': '0.5% 503', 'fault-header': 'X-Fault=yes' },
    [
      {
        type: 'fault',
        delay: { share: 0.1, ms: 250 },
        abort: { share: 0.005, status: 503 },
        header: { name: 'x-fault', value: 'yes' },
        maxActive: 1000,
      },
    ],
  ],
  ['a fault without its condition', { 'fault-abort': '100% 503', 'fault-header': 'a b' }, [], ['fault-header']],
  ['a fault that is none', { 'fault-abort': '100% 200' }, [], ['fault-abort']],
  ['users', { 'basic-auth-secret': 'users' }, [USERS]],
  ['a realm', { 'basic-auth-secret': 'users', 'basic-auth-realm': 'my "shop"' }, [{ ...USERS, realm: 'my "shop"' }]],
  [
    'users of another namespace',
    { 'basic-auth-secret': 'other/users' },
    [{ type: 'closed', what: 'basic-auth-secret' }],
    ['basic-auth-secret'],
  ],
  [
    'the order in which they run',
    { 'basic-auth-secret': 'users', 'rate-limit': '10/second', 'deny-source-range': '::1', ...origins },
    [{ type: 'access', allow: [], deny: ['::1'] }, CORS, RATE, USERS],
  ],
];

describe('filter annotations', () => {
  for (const [name, annotations, filters, wrong = []] of ROWS) {
    test(name, () => {
      const prefixed = Object.fromEntries(Object.entries(annotations).map(([key, v]) => [`fairlead.dev/${key}`, v]));
      const read = readRouteFilters(prefixed, 'shop', 'shop/web');
      assert.deepEqual(read.filters, filters);
      const fields = read.problems.map(({ field }) => field);
      assert.deepEqual(
        fields,
        wrong.map((key) => `metadata.annotations[fairlead.dev/${key}]`),
      );
    });
  }
});
