import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { RequestHead } from '../wire/http1/request-head.ts';
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
import { readForwarded, Trust, type TrustOptions } from './trust.ts';

const proxies = ['10.0.0.0/30', '2001:db8::1'];

/** The client that a request with these fields comes from, told by 10.0.0.1. */
function clientOf(options: Partial<TrustOptions>, ...fields: readonly string[]): ReturnType<Trust['clientOf']> {
  const trust = new Trust({ proxies, field: 'x-forwarded-for', ...options });
  const head = new RequestHead();
  const bytes = Buffer.from(
    `GET / HTTP/1.1\r\nHost: h\r\n${fields.map((line) => `${line}\r\n`).join('')}\r\n`,
    'latin1',
  );
  assert.ok(head.parse(bytes, 0, bytes.length) > 0);
  return trust.clientOf(head, '10.0.0.1');
}

describe('the client, by X-Forwarded-For', () => {
  const rows: readonly (readonly [name: string, value: string | undefined, address: string, hops?: number])[] = [
    ['no field', undefined, '10.0.0.1'],
    ['one client', '192.0.2.1', '192.0.2.1'],
    ['what is left of it is only said', '198.51.100.1, 192.0.2.1', '192.0.2.1'],
    ['a chain of proxies', '192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['nothing but proxies', '10.0.0.2, 2001:db8::1', '10.0.0.2'],
    ['with a port', '192.0.2.1:1234', '192.0.2.1'],
    ['IPv6 with a port', '[2001:db8::5]:1234', '2001:db8::5'],
    ['IPv4 within IPv6', '::ffff:192.0.2.1', '192.0.2.1'],
    ['not an address', 'unknown', '10.0.0.1'],
    ['not an address, behind a proxy', '192.0.2.1, bogus, 10.0.0.2', '10.0.0.2'],
    ['empty entries', '192.0.2.1, ', '10.0.0.1'],
    ['one hop', '198.51.100.1, 10.0.0.2, 192.0.2.1', '192.0.2.1', 1],
    ['two hops', '198.51.100.1, 192.0.2.1, 203.0.113.9', '192.0.2.1', 2],
    ['two hops, of which one is missing', '192.0.2.1', '10.0.0.1', 2],
    ['two hops, of which one says nonsense', 'x, 192.0.2.1', '10.0.0.1', 2],
  ];
  for (const [name, value, address, hops] of rows) {
    test(name, () => {
      const fields = value === undefined ? [] : [`X-Forwarded-For: ${value}`];
      const more = hops === undefined ? {} : { hops };
      assert.equal(clientOf(more, ...fields, 'Forwarded: for=6.6.6.6').address, address);
    });
  }

  test('several fields are one list', () => {
    assert.equal(clientOf({}, 'X-Forwarded-For: 192.0.2.1', 'X-Forwarded-For: 10.0.0.2').address, '192.0.2.1');
  });
});

describe('the client, by Forwarded', () => {
  type Row = readonly [name: string, value: string, client: string, scheme?: string | undefined, host?: string];
  const rows: readonly Row[] = [
    ['an address', 'for=192.0.2.1', '192.0.2.1'],
    ['all of it', 'For=192.0.2.1;proto=HTTPS;by=10.0.0.1;host=shop.example', '192.0.2.1', 'https', 'shop.example'],
    ['in quotes', 'for="192.0.2.1:80";host="shop.example:8080"', '192.0.2.1', undefined, 'shop.example:8080'],
    ['IPv6', 'for="[2001:db8::5]:1234"', '2001:db8::5'],
    ['an escape', 'for="192.0.2.\\1"', '192.0.2.1'],
    ['spaces', ' for=192.0.2.1 ; proto=http ', '192.0.2.1', 'http'],
    ['what is left of it is only said', 'for=6.6.6.6;proto=https, for=192.0.2.1;proto=http', '192.0.2.1', 'http'],
    [
      'a chain of proxies',
      'for=192.0.2.1;proto=https;host=a, for=10.0.0.2;proto=http;host=b',
      '192.0.2.1',
      'https',
      'a',
    ],
    ['unknown', 'for=unknown;proto=https', '10.0.0.1'],
    ['a name of its own', 'for=_hidden, for=10.0.0.2', '10.0.0.2'],
    ['another scheme', 'for=192.0.2.1;proto=ftp', '192.0.2.1'],
    ['twice the same', 'for=192.0.2.1;for=6.6.6.6', '10.0.0.1'],
    ['nothing', '', '10.0.0.1'],
    ['nonsense', 'x', '10.0.0.1'],
    ['nonsense left of it', '=;", for=192.0.2.1;proto=https', '192.0.2.1', 'https'],
    ['an open quote left of it', 'for=6.6.6.6;x=", for=192.0.2.1;host="h"', '192.0.2.1', undefined, 'h'],
    ['an open quote, and IPv6', 'for=", for="[2001:db8::5]"', '2001:db8::5'],
    ['a host with a comma', 'for=192.0.2.1;host="a,for=6.6.6.6"', '192.0.2.1', undefined, 'a,for=6.6.6.6'],
    [
      'a host with a comma and more',
      'for=192.0.2.1;host="a,for=6.6.6.6;x="',
      '192.0.2.1',
      undefined,
      'a,for=6.6.6.6;x=',
    ],
  ];
  for (const [name, value, address, scheme, host] of rows) {
    test(name, () => {
      const fields = [`Forwarded: ${value}`, 'X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https'];
      assert.deepEqual(clientOf({ field: 'forwarded' }, ...fields), { address, scheme, host });
    });
  }

  test('whatever a client writes, the word of the proxy behind it counts', () => {
    const text = fc.array(fc.constantFrom('for=6.6.6.6', ',', ';', '"', '\\', 'host="', ' ', 'x=', '=', 'a'), {
      maxLength: 12,
    });
    const element = fc.constantFrom(
      'for=192.0.2.1',
      'for="[2001:db8::5]"',
      'for=192.0.2.1;host="h,;=:x"',
      'host="a";for=192.0.2.1',
    );
    fc.assert(
      fc.property(text, element, (before, last) => {
        const hops = readForwarded(`${before.join('')}, ${last}`);
        assert.match(hops.at(-1)?.address ?? '', /^(192\.0\.2\.1|2001:db8::5)$/);
      }),
    );
  });

  test('long texts come to an end', () => {
    assert.equal(readForwarded(','.repeat(50_000)).length, 1);
    assert.equal(readForwarded('for="'.repeat(10_000)).length, 1);
    assert.equal(readForwarded(`${'a=b;'.repeat(12_000)}"`).length, 1);
    assert.equal(readForwarded(`${'for=192.0.2.1,'.repeat(4_000)}for=192.0.2.1`).length, 32);
  });
});

/** The forwarding fields that a backend sees, by name. */
const backend = new RawUpstream((connection) => onRequests(connection, (request) => ok(request)));
const rigs: GatewayRig[] = [];
const open = async (options: Parameters<typeof startRig>[1]): Promise<GatewayRig> => {
  const rig = await startRig(
    {
      hosts: [
        testHost('*', [
          testRoute('/inside', [{ backend: 'web', weight: 1 }], {
            filters: [{ type: 'access', allow: ['192.0.2.0/24'], deny: [] }],
          }),
          testRoute('/secure', [{ backend: 'web', weight: 1 }], {
            filters: [{ type: 'https-redirect', status: 308, port: 8443 }],
          }),
          testRoute('/', [{ backend: 'web', weight: 1 }]),
        ]),
      ],
      backends: [testBackend('web', [backend.port])],
    },
    options,
  );
  rigs.push(rig);
  return rig;
};
let untrusting: GatewayRig;
let trusting: GatewayRig;
let counting: GatewayRig;
let standard: GatewayRig;
before(async () => {
  await backend.listen();
  untrusting = await open({});
  trusting = await open({ trustedProxies: ['127.0.0.1'] });
  counting = await open({ trustedHops: 2 });
  standard = await open({ trustedProxies: ['127.0.0.1'], clientField: 'forwarded' });
});
after(async () => {
  for (const rig of rigs) await rig.stop();
  await backend.close();
});

const SAID = {
  'x-forwarded-for': '192.0.2.1',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'shop.example',
  'x-forwarded-port': '443',
  'x-forwarded-prefix': '/x',
  'x-forwarded-client-cert': 'Hash=1',
  'x-real-ip': '192.0.2.9',
  'x-original-url': '/admin',
  'x-rewrite-url': '/admin',
  x_forwarded_for: '192.0.2.1',
  x_real_ip: '192.0.2.1',
  X_Original_URL: '/admin',
  forwarded: 'for=192.0.2.7;proto=https;host=other.example',
};
const EXPECTED: readonly (readonly [
  name: string,
  rig: () => GatewayRig,
  lines: (port: number) => readonly string[],
])[] = [
  [
    'a client',
    () => untrusting,
    (port) => [
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-host: h',
      `x-forwarded-port: ${port}`,
      'x-forwarded-proto: http',
      'x-real-ip: 127.0.0.1',
    ],
  ],
  [
    'a trusted proxy',
    () => trusting,
    () => [
      'x-forwarded-client-cert: Hash=1',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-for: 192.0.2.1',
      'x-forwarded-host: shop.example',
      'x-forwarded-port: 443',
      'x-forwarded-prefix: /x',
      'x-forwarded-proto: https',
      'x-original-url: /admin',
      'x-real-ip: 192.0.2.9',
      'x-rewrite-url: /admin',
      'x_forwarded_for: 192.0.2.1',
      'x_original_url: /admin',
      'x_real_ip: 192.0.2.1',
    ],
  ],
  [
    'a trusted proxy that speaks RFC 7239',
    () => standard,
    (port) => [
      'forwarded: for=127.0.0.1;proto=http;host="h"',
      'forwarded: for=192.0.2.7;proto=https;host=other.example',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-for: 192.0.2.7',
      'x-forwarded-host: other.example',
      `x-forwarded-port: ${port}`,
      'x-forwarded-proto: https',
      'x-real-ip: 192.0.2.7',
    ],
  ],
];

for (const version of HTTP_VERSIONS) {
  describe(`what backends see, ${version}`, () => {
    for (const [name, rig, lines] of EXPECTED) {
      test(name, async () => {
        const client = new EitherClient(rig().port, version);
        const { body } = await client.ask({ path: '/', headers: SAID });
        client.close();
        const seen = body
          .split('\r\n')
          .slice(1)
          .map((line) => line.replace(/^[^:]+/, (field) => field.toLowerCase()))
          .filter((line) => /^(x[-_](forwarded|real|original|rewrite)|forwarded)/.test(line));
        assert.deepEqual(seen.sort(), lines(rig().port));
      });
    }

    test('a trusted proxy that says nothing', async () => {
      const client = new EitherClient(trusting.port, version);
      const { body } = await client.ask({ path: '/', headers: { 'x-forwarded-for': '192.0.2.1' } });
      client.close();
      assert.match(body, /^x-real-ip: 192\.0\.2\.1\r$/m);
      assert.match(body, /^x-forwarded-proto: http\r$/m);
    });
  });
}

describe('filters go by it', () => {
  const rows: readonly (readonly [
    name: string,
    rig: () => GatewayRig,
    path: string,
    headers: Readonly<Record<string, string>>,
    status: number,
  ])[] = [
    ['a client cannot say where it is', () => untrusting, '/inside', { 'x-forwarded-for': '192.0.2.1' }, 403],
    ['a proxy can', () => trusting, '/inside', { 'x-forwarded-for': '192.0.2.1' }, 200],
    ['the other field is not heeded', () => trusting, '/inside', { forwarded: 'for=192.0.2.1' }, 403],
    ['two hops', () => counting, '/inside', { 'x-forwarded-for': '6.6.6.6, 192.0.2.1, 10.0.0.1' }, 200],
    ['two hops, one missing', () => counting, '/inside', { 'x-forwarded-for': '192.0.2.1' }, 403],
    ['RFC 7239', () => standard, '/inside', { forwarded: 'for=192.0.2.1' }, 200],
    ['RFC 7239, the usual one is not heeded', () => standard, '/inside', { 'x-forwarded-for': '192.0.2.1' }, 403],
    ['a client cannot say how it came', () => untrusting, '/secure', { 'x-forwarded-proto': 'https' }, 308],
    ['a proxy can say how', () => trusting, '/secure', { 'x-forwarded-proto': 'https' }, 200],
    ['a proxy that says: in plain text', () => trusting, '/secure', { 'x-forwarded-proto': 'http' }, 308],
    ['RFC 7239 says how', () => standard, '/secure', { forwarded: 'for=192.0.2.1;proto=https' }, 200],
  ];
  for (const [name, rig, path, headers, status] of rows) {
    test(name, async () => {
      const client = new EitherClient(rig().port, 'HTTP/1.1');
      const answer = await client.ask({ path, headers });
      assert.equal(answer.status, status);
      if (status === 308) {
        // Behind a proxy its own port would be wrong.
        const to = rig() === untrusting ? 'https://h:8443/secure' : 'https://h/secure';
        assert.equal(answer.headers.location, to);
      }
    });
  }
});
