import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalIp, formatCidr, formatIp, inAnyCidr, parseCidr, parseIp, withoutNestedCidrs } from './cidr.ts';

const addresses: readonly [text: string, canonical: string | undefined][] = [
  ['10.0.0.1', '10.0.0.1'],
  ['255.255.255.255', '255.255.255.255'],
  ['10.0.0.01', undefined],
  ['10.0.0', undefined],
  ['10.0.0.256', undefined],
  ['10.0.0.1 } ; flush ruleset', undefined],
  ['', undefined],
  ['::', '::'],
  ['::1', '::1'],
  ['fd00:0:0:0:0:0:0:1', 'fd00::1'],
  ['FD00::A:0:0:1', 'fd00::a:0:0:1'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['::ffff:a00:1', '::ffff:10.0.0.1'],
  ['1::2::3', undefined],
  ['1:2:3:4:5:6:7:8:9', undefined],
  ['fe80::1%eth0', undefined],
];

for (const [text, canonical] of addresses) {
  test(`address '${text}'`, () => {
    const parsed = parseIp(text);
    assert.equal(parsed === undefined ? undefined : formatIp(parsed), canonical);
  });
}

test('prefixes', () => {
  const show = (text: string): string | undefined => {
    const cidr = parseCidr(text);
    return cidr === undefined ? undefined : formatCidr(cidr);
  };
  assert.equal(show('10.1.2.3/8'), '10.0.0.0/8');
  assert.equal(show('10.1.2.3'), '10.1.2.3/32');
  assert.equal(show('fd00::5/64'), 'fd00::/64');
  assert.equal(show('0.0.0.0/0'), '0.0.0.0/0');
  for (const bad of ['10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', 'fd00::/129', '/8'])
    assert.equal(show(bad), undefined, bad);
  assert.equal(inAnyCidr('10.9.9.9', ['192.168.0.0/16', '10.0.0.0/8']), true);
  assert.equal(inAnyCidr('fd00::1', ['0.0.0.0/0']), false);
});

test('nested prefixes are dropped, whatever their order', () => {
  const nested = ['10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8', '11.0.0.1/32'].map(
    (text) => parseCidr(text) ?? assert.fail(text),
  );
  assert.deepEqual(withoutNestedCidrs(nested).map(formatCidr), ['10.0.0.0/8', '11.0.0.1/32']);
});

test('canonical texts, by family', () => {
  for (const [text, canonical] of addresses) {
    const family = text.includes(':') ? 'IPv6' : 'IPv4';
    assert.equal(canonicalIp(text, family), canonical, text);
    assert.equal(canonicalIp(text, family === 'IPv4' ? 'IPv6' : 'IPv4'), undefined, text);
  }
});
