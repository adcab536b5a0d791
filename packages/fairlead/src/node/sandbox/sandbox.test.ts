import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '@fairlead/api';
import { podLink, podMac, podNetns } from './kernel.ts';
import { createPodAddresses } from './pod-addresses.ts';
import { podHosts, podResolvConf } from './pod-files.ts';
import { createPodIps } from './pod-ips.ts';

test('addresses: in turn, a freed one rests until all others were used', () => {
  const ips = createPodIps('10.244.1.0/29');
  assert.equal(ips.gateway, '10.244.1.1');
  assert.deepEqual([ips.allocate(), ips.allocate(), ips.allocate()], ['10.244.1.2', '10.244.1.3', '10.244.1.4']);
  ips.release('10.244.1.2');
  assert.deepEqual([ips.allocate(), ips.allocate(), ips.allocate()], ['10.244.1.5', '10.244.1.6', '10.244.1.2']);
  assert.throws(() => ips.allocate(), /all 5 Pod addresses/);
});

test('addresses: a restart goes on after the last one and keeps claimed ones out', () => {
  const ips = createPodIps('10.244.1.0/24', '10.244.1.9');
  assert.equal(ips.claim('10.244.1.10'), true);
  assert.equal(ips.claim('10.244.1.10'), false);
  assert.equal(ips.claim('10.9.9.9'), false);
  assert.equal(ips.claim('10.244.1.255'), false);
  assert.equal(ips.allocate(), '10.244.1.11');
});

test('addresses: a malformed range is refused by name', () => {
  for (const cidr of ['', '10.0.0.0', '10.0.0.0/31', 'fd00::', 'fd00::/127'])
    assert.throws(() => createPodIps(cidr), /Pod CIDR/);
});

test('addresses: an IPv6 range, of which nobody counts the end', () => {
  const ips = createPodIps('fd00:10:244:1::/64', 'fd00:10:244:1::fffe');
  assert.equal(ips.gateway, 'fd00:10:244:1::1');
  assert.deepEqual([ips.allocate(), ips.allocate()], ['fd00:10:244:1::ffff', 'fd00:10:244:1::1:0']);
  assert.equal(ips.claim('fd00:10:244:1::1:0'), false);
  assert.equal(ips.claim('fd00:10:244:2::5'), false);
  assert.equal(ips.claim('10.244.1.5'), false);
  const small = createPodIps('fd00::/126');
  assert.deepEqual([small.allocate(), small.allocate()], ['fd00::2', 'fd00::3'], 'IPv6 has no broadcast address');
  assert.throws(() => small.allocate(), /all 2 Pod addresses of fd00::\/126/);
});

test('addresses of two families: in order, all or none, and on after a restart', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-ips-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'state', 'last');
  const ranges = ['fd00::/126', '10.244.1.0/24'];
  const first = createPodAddresses(ranges, file);
  assert.deepEqual(first.gateways, ['fd00::1', '10.244.1.1']);
  assert.deepEqual(
    [first.allocate(), first.allocate()],
    [
      ['fd00::2', '10.244.1.2'],
      ['fd00::3', '10.244.1.3'],
    ],
  );
  assert.throws(() => first.allocate(), /all 2 Pod addresses/);
  first.release(['fd00::3', '10.244.1.3']);
  assert.deepEqual(first.allocate(), ['fd00::3', '10.244.1.4'], 'the failed attempt took no IPv4 address');

  const second = createPodAddresses(ranges, file);
  for (const [ips, why] of [
    [['10.244.1.2'], 'one family only'],
    [['10.244.1.2', 'fd00::2'], 'another order'],
    [['fd00::2', '10.9.9.9'], 'another range'],
  ] as const) {
    assert.equal(second.claim(ips), false, why);
  }
  assert.equal(second.claim(['fd00::2', '10.244.1.2']), true, 'nothing was taken by what was refused');
  assert.deepEqual(second.allocate(), ['fd00::3', '10.244.1.5']);
  second.forget();
  assert.deepEqual(createPodAddresses(ranges, file).allocate(), ['fd00::2', '10.244.1.2']);
});

test('kernel names keep to the limits of the kernel', () => {
  assert.match(podNetns('abcd', 'uid'), /^fl-abcd-[0-9a-f]{8}$/);
  assert.equal(podLink('abcd', 'uid').length, 15);
  assert.match(podMac('uid'), /^0a:58(:[0-9a-f]{2}){4}$/);
});

const settings = {
  clusterDns: '10.244.0.1',
  clusterDomain: 'cluster.local',
  nodeResolvConf: '# comment\nnameserver 1.1.1.1\nsearch corp.example\noptions edns0\n',
};
const cluster =
  'nameserver 10.244.0.1\nsearch shop.svc.cluster.local svc.cluster.local cluster.local corp.example\noptions ndots:5\n';
const node = 'nameserver 1.1.1.1\nsearch corp.example\noptions edns0\n';

for (const [name, spec, expected] of [
  ['ClusterFirst is the default', {}, cluster],
  ['Default is the node', { dnsPolicy: 'Default' }, node],
  ['hostNetwork falls back to the node', { hostNetwork: true }, node],
  ['ClusterFirstWithHostNet', { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }, cluster],
  [
    'None takes dnsConfig alone',
    {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['9.9.9.9'], searches: ['a'], options: [{ name: 'ndots', value: '1' }] },
    },
    'nameserver 9.9.9.9\nsearch a\noptions ndots:1\n',
  ],
  [
    'dnsConfig is added, its options win, duplicates go',
    {
      dnsConfig: {
        nameservers: ['10.244.0.1', '8.8.8.8'],
        searches: ['cluster.local', 'x'],
        options: [{ name: 'ndots', value: '2' }],
      },
    },
    'nameserver 10.244.0.1\nnameserver 8.8.8.8\nsearch shop.svc.cluster.local svc.cluster.local cluster.local corp.example x\noptions ndots:2\n',
  ],
] as [string, object, string][]) {
  test(`resolv.conf: ${name}`, () => {
    const pod = { metadata: { name: 'p', namespace: 'shop' }, spec: { containers: [], ...spec } } as Pod;
    assert.equal(podResolvConf(pod, settings), expected);
  });
}

test('hosts: own names, subdomain, aliases', () => {
  const pod: Pod = {
    metadata: { name: 'web-0', namespace: 'shop' },
    spec: { containers: [], subdomain: 'web', hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] },
  };
  const lines = podHosts(pod, ['10.244.0.7', 'fd00::7'], 'cluster.local').split('\n');
  assert.ok(lines.includes('10.244.0.7\tweb-0.web.shop.svc.cluster.local\tweb-0'));
  assert.ok(lines.includes('fd00::7\tweb-0.web.shop.svc.cluster.local\tweb-0'));
  assert.ok(lines.includes('1.2.3.4\ta\tb'));
  assert.ok(lines.includes('127.0.0.1\tlocalhost'));
});
