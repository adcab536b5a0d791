import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as api from './index.ts';

test('quantities: canonical forms', () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['1000m', '1'],
    ['1.5', '1500m'],
    ['0.5', '500m'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1000', '1k'],
    ['1e3', '1e3'],
    ['12e6', '12e6'],
    ['0', '0'],
    ['-0.1', '-100m'],
    ['0.0000000001', '1n'],
    ['512', '512'],
    ['1Ki', '1Ki'],
    ['0.5Ki', '512'],
    ['1E', '1E'],
    ['100000000000000000000', '9223372036854775807'],
    ['', undefined],
    ['1.5.5', undefined],
    ['1x', undefined],
    ['Ki', '0'],
    ['1e', undefined],
    ['.', '0'],
    ['-k', '0'],
  ];
  for (const [text, expected] of rows) assert.equal(api.canonicalQuantity(text), expected, text);
});

test('quantities: the canonical form means the same and is a fixed point', () => {
  const text = fc
    .tuple(
      fc.integer({ min: -1e9, max: 1e9 }),
      fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e2', 'E'),
    )
    .map(([n, s]) => `${n}${s}`);
  fc.assert(
    fc.property(text, (quantity) => {
      const canonical = api.canonicalQuantity(quantity);
      assert.ok(canonical !== undefined);
      assert.equal(api.compareQuantities(canonical, quantity), 0);
      assert.equal(api.canonicalQuantity(canonical), canonical);
    }),
  );
});

test('addresses: text forms', () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['256.1.1.1', undefined],
    ['01.2.3.4', undefined],
    ['1.2.3', undefined],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['fe80::', 'fe80::'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['1:2:3:4:5:6:7', undefined],
    ['1::2::3', undefined],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['12345::', undefined],
    ['', undefined],
    ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
  ];
  for (const [text, expected] of rows) {
    const ip = api.parseIp(text);
    assert.equal(ip === undefined ? undefined : api.formatIp(ip), expected, text);
  }
});

const anyIp = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ family: 4 as const, value })),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ({ family: 6 as const, value })),
  fc
    .array(fc.constantFrom(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
    .map((groups) => ({ family: 6 as const, value: groups.reduce<bigint>((sum, group) => (sum << 16n) | group, 0n) })),
);

test('addresses: text, bytes and reverse names round-trip', () => {
  fc.assert(
    fc.property(anyIp, (ip) => {
      assert.deepEqual(api.parseIp(api.formatIp(ip)), ip);
      assert.deepEqual(api.ipFromBytes(api.ipToBytes(ip)), ip);
      assert.deepEqual(api.parseReverseName(`${api.reverseName(ip).toUpperCase()}.`), ip);
    }),
  );
  assert.equal(api.reverseName({ family: 4, value: 0x0a000001n }), '1.0.0.10.in-addr.arpa');
});

test('ranges: contain exactly their own addresses', () => {
  fc.assert(
    fc.property(anyIp, fc.nat(32), fc.bigInt({ min: 0n, max: 2n ** 40n }), (ip, prefix, offset) => {
      const cidr = api.parseCidr(`${api.formatIp(ip)}/${prefix}`);
      assert.ok(cidr !== undefined);
      assert.ok(api.cidrContains(cidr, ip));
      const inside = api.cidrAddress(cidr, offset);
      assert.equal(inside !== undefined, offset < api.cidrSize(cidr));
      if (inside !== undefined) assert.ok(api.cidrContains(cidr, inside));
      assert.deepEqual(api.parseCidr(api.formatCidr(cidr)), cidr);
    }),
  );
  const small = api.parseCidr('10.0.0.5/30');
  assert.ok(small !== undefined);
  assert.deepEqual([...api.cidrAddresses(small)].map(api.formatIp), ['10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.7']);
  for (const bad of ['10.0.0.0', '10.0.0.0/33', '::/129', 'x/8', '10.0.0.0/08', '10.0.0.0/-1'])
    assert.equal(api.parseCidr(bad), undefined, bad);
});

test('percentages round the way they are asked to', () => {
  const rows: readonly (readonly [number | string, number, 'up' | 'down', number | undefined])[] = [
    ['25%', 3, 'up', 1],
    ['25%', 3, 'down', 0],
    ['50%', 4, 'up', 2],
    [7, 3, 'up', 7],
    ['100%', 5, 'down', 5],
    ['x', 5, 'up', undefined],
  ];
  for (const [value, total, rounding, expected] of rows)
    assert.equal(api.resolveIntOrPercent(value, total, rounding), expected);
});

test('durations in the short form', () => {
  const s = 1000,
    m = 60 * s,
    h = 60 * m,
    d = 24 * h,
    y = 365 * d;
  const rows: readonly (readonly [number, string])[] = [
    [-5 * s, '<invalid>'],
    [-s, '0s'],
    [0, '0s'],
    [119 * s, '119s'],
    [2 * m, '2m'],
    [2 * m + 5 * s, '2m5s'],
    [10 * m + 5 * s, '10m'],
    [179 * m, '179m'],
    [3 * h, '3h'],
    [3 * h + 5 * m, '3h5m'],
    [8 * h + 5 * m, '8h'],
    [47 * h, '47h'],
    [2 * d, '2d'],
    [2 * d + 3 * h, '2d3h'],
    [8 * d + 3 * h, '8d'],
    [2 * y - d, '729d'],
    [2 * y, '2y'],
    [2 * y + d, '2y1d'],
    [8 * y + d, '8y'],
  ];
  for (const [ms, text] of rows) assert.equal(api.humanDuration(ms), text);
});
