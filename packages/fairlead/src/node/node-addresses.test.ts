import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { chooseNodeIps, publicAddresses } from './node-addresses.ts';

const at = (address: string, internal = false): NetworkInterfaceInfo =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo;

const lo = { lo: [at('127.0.0.1', true), at('::1', true)] };
const machine = { fairlead0: [at('172.29.0.1'), at('fd00:172:29::1'), at('fe80::1')] };
const eth0 = { eth0: [at('fe80::5'), at('192.0.2.10'), at('2001:db8::10')] };
const old = { eth0: [at('192.0.2.10'), at('fe80::5')] };
const pods = { 'fl-pods': [at('10.244.0.1'), at('fd00:10:244::1')] };

for (const [name, links, families, expected] of [
  ['IPv4 of a machine with both', { ...lo, ...pods, ...machine, ...eth0 }, [4], ['192.0.2.10']],
  [
    'both, in the order of the cluster',
    { ...lo, ...pods, ...machine, ...eth0 },
    [6, 4],
    ['2001:db8::10', '192.0.2.10'],
  ],
  ['a link-local address is nobody’s', { ...lo, ...machine, ...old }, [4, 6], ['192.0.2.10', 'fd00:172:29::1']],
  ['IPv6 alone on an IPv4 machine', { ...lo, ...machine, ...old }, [6], ['fd00:172:29::1']],
  ['no machine link, no IPv6', { ...lo, ...old }, [4, 6], ['192.0.2.10']],
  ['no link at all', lo, [4], ['127.0.0.1']],
  ['no link at all, IPv6', lo, [6], ['::1']],
] as const) {
  test(`node addresses: ${name}`, () => assert.deepEqual(chooseNodeIps('kernel', families, links), expected));
}

test('node addresses: userspace mode has the loopback', () => {
  assert.deepEqual(chooseNodeIps('userspace', [4], eth0), ['127.0.0.1']);
});

for (const [name, links, families, expected] of [
  ['both', { ...lo, ...machine, ...eth0 }, [4, 6], ['192.0.2.10', '2001:db8::10']],
  ['our own links do not count beside others', { ...lo, ...machine, ...pods, ...old }, [4, 6], ['192.0.2.10']],
  ['nothing but our own links', { ...lo, ...machine }, [4, 6], ['172.29.0.1']],
  ['nothing', lo, [4, 6], ['127.0.0.1']],
] as const) {
  test(`public addresses: ${name}`, () => assert.deepEqual(publicAddresses(families, links), expected));
}
