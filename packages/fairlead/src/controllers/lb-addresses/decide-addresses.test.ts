import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Service } from '@fairlead/api';
import { decide, pool, type ServiceText, service, type World } from './address-fixtures.ts';
import type { AddressDecision } from './decide-addresses.ts';

const small = pool('small', { addresses: ['192.0.2.10-192.0.2.11'] });
const dual = pool('dual', { addresses: ['192.0.2.10-192.0.2.11', '2001:db8::10-2001:db8::11'] });
const ask = (text: string): ServiceText => ({ annotations: { 'fairlead.dev/addresses': text } });
const share = (port: number, more: Service['spec'] = {}, key = 'k'): ServiceText => ({
  annotations: { 'fairlead.dev/address-sharing-key': key },
  spec: { ports: [{ port }], ...more },
});
const local: Service['spec'] = { externalTrafficPolicy: 'Local', selector: { app: 'one' } };
const bothFamilies: Service['spec'] = { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' };

interface Row {
  readonly name: string;
  readonly of?: ServiceText;
  readonly current?: readonly string[];
  readonly world: World;
  readonly gets: readonly string[];
  readonly reason?: AddressDecision['reason'];
  readonly says?: RegExp;
}

const rows: readonly Row[] = [
  {
    name: 'the lowest free address',
    world: { pools: [small] },
    gets: ['192.0.2.10'],
    says: /192\.0\.2\.10 from pool small/,
  },
  {
    name: 'the next one when that is taken',
    world: { pools: [small], others: [[service('a'), '192.0.2.10']] },
    gets: ['192.0.2.11'],
  },
  { name: 'what it has stays', current: ['192.0.2.11'], world: { pools: [small] }, gets: ['192.0.2.11'] },
  {
    name: 'a full pool',
    world: {
      pools: [small],
      others: [
        [service('a'), '192.0.2.10'],
        [service('b'), '192.0.2.11'],
      ],
    },
    gets: [],
    reason: 'PoolExhausted',
    says: /no IPv4 address is free in pool small/,
  },
  {
    name: 'a node’s address is not handed out',
    world: { pools: [small], reserved: ['192.0.2.10'] },
    gets: ['192.0.2.11'],
  },
  {
    name: 'no pool for the class',
    of: { spec: { loadBalancerClass: 'example.com/x' } },
    world: { pools: [small] },
    gets: [],
    reason: 'NoPool',
  },
  {
    name: 'our own class is served by pools without a class',
    of: { spec: { loadBalancerClass: 'fairlead.dev/addresses' } },
    world: { pools: [small] },
    gets: ['192.0.2.10'],
  },
  {
    name: 'a pool of the class',
    of: { spec: { loadBalancerClass: 'example.com/x' } },
    world: { pools: [small, pool('x', { addresses: ['198.51.100.1'], loadBalancerClass: 'example.com/x' })] },
    gets: ['198.51.100.1'],
  },
  {
    name: 'a classed pool is not for others',
    world: { pools: [pool('x', { addresses: ['198.51.100.1'], loadBalancerClass: 'example.com/x' })] },
    gets: [],
    reason: 'NoPool',
  },
  {
    name: 'priority decides',
    world: { pools: [small, pool('better', { addresses: ['198.51.100.1'], priority: 1 })] },
    gets: ['198.51.100.1'],
  },
  {
    name: 'a full pool is passed over',
    world: {
      pools: [small, pool('better', { addresses: ['198.51.100.1'], priority: 1 })],
      others: [[service('a'), '198.51.100.1']],
    },
    gets: ['192.0.2.10'],
  },
  {
    name: 'a selector decides before the name',
    of: { labels: { tier: 'web' } },
    world: {
      pools: [
        pool('a', { addresses: ['192.0.2.1'] }),
        pool('z', { addresses: ['198.51.100.1'], serviceSelector: { matchLabels: { tier: 'web' } } }),
      ],
    },
    gets: ['198.51.100.1'],
  },
  {
    name: 'a selector that does not match',
    world: { pools: [pool('z', { addresses: ['198.51.100.1'], serviceSelector: { matchLabels: { tier: 'web' } } })] },
    gets: [],
    reason: 'NoPool',
  },
  {
    name: 'a namespace selector',
    world: {
      pools: [small, pool('a', { addresses: ['198.51.100.1'], namespaceSelector: { matchLabels: { team: 'x' } } })],
      namespaceLabels: { team: 'x' },
    },
    gets: ['198.51.100.1'],
  },
  {
    name: 'a selector that cannot be read serves nobody',
    world: {
      pools: [
        pool('z', {
          addresses: ['198.51.100.1'],
          serviceSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] },
        }),
      ],
    },
    gets: [],
    reason: 'NoPool',
  },
  {
    name: 'a pool that does not assign by itself',
    world: { pools: [pool('hand', { addresses: ['192.0.2.1'], autoAssign: false })] },
    gets: [],
    reason: 'NoPool',
  },
  {
    name: 'but on request',
    of: ask('192.0.2.1'),
    world: { pools: [pool('hand', { addresses: ['192.0.2.1'], autoAssign: false })] },
    gets: ['192.0.2.1'],
  },
  {
    name: 'and by its name',
    of: { annotations: { 'fairlead.dev/address-pool': 'hand' } },
    world: { pools: [small, pool('hand', { addresses: ['192.0.2.1'], autoAssign: false })] },
    gets: ['192.0.2.1'],
  },
  {
    name: 'a pool that is not there',
    of: { annotations: { 'fairlead.dev/address-pool': 'none' } },
    world: { pools: [small] },
    gets: [],
    reason: 'NoPool',
    says: /no AddressPool none/,
  },
  {
    name: 'another pool than the present one moves it',
    of: { annotations: { 'fairlead.dev/address-pool': 'other' } },
    current: ['192.0.2.10'],
    world: { pools: [small, pool('other', { addresses: ['198.51.100.1'] })] },
    gets: ['198.51.100.1'],
  },
  {
    name: 'buggy addresses are left out',
    world: { pools: [pool('b', { addresses: ['192.0.2.255-192.0.3.1'], avoidBuggyAddresses: true })] },
    gets: ['192.0.3.1'],
  },
  {
    name: 'buggy addresses are used otherwise',
    world: { pools: [pool('b', { addresses: ['192.0.2.255-192.0.3.1'] })] },
    gets: ['192.0.2.255'],
  },
  {
    name: 'a buggy one on request is not in the pool',
    of: ask('192.0.3.0'),
    world: { pools: [pool('b', { addresses: ['192.0.2.255-192.0.3.1'], avoidBuggyAddresses: true })] },
    gets: [],
    reason: 'NotInPool',
  },
  {
    name: 'spec.loadBalancerIP',
    of: { spec: { loadBalancerIP: '192.0.2.11' } },
    world: { pools: [small] },
    gets: ['192.0.2.11'],
  },
  {
    name: 'the annotation wins over it',
    of: { ...ask('192.0.2.10'), spec: { loadBalancerIP: '192.0.2.11' } },
    world: { pools: [small] },
    gets: ['192.0.2.10'],
  },
  { name: 'an address in no pool', of: ask('203.0.113.9'), world: { pools: [small] }, gets: [], reason: 'NotInPool' },
  {
    name: 'an address in a pool for others',
    of: ask('198.51.100.1'),
    world: { pools: [small, pool('x', { addresses: ['198.51.100.1'], serviceSelector: { matchLabels: { a: 'b' } } })] },
    gets: [],
    reason: 'NotInPool',
    says: /pool x has it/,
  },
  {
    name: 'an address in use',
    of: ask('192.0.2.10'),
    world: { pools: [small], others: [[service('a'), '192.0.2.10']] },
    gets: [],
    reason: 'AddressInUse',
    says: /belongs to Service default\/a/,
  },
  {
    name: 'a wish that cannot be had keeps the present one',
    of: ask('192.0.2.10'),
    current: ['192.0.2.11'],
    world: { pools: [small], others: [[service('a'), '192.0.2.10']] },
    gets: ['192.0.2.11'],
    reason: 'AddressInUse',
  },
  {
    name: 'a wish that can be had moves it',
    of: ask('192.0.2.10'),
    current: ['192.0.2.11'],
    world: { pools: [small] },
    gets: ['192.0.2.10'],
  },
  {
    name: 'nonsense in the annotation: the rest is done, and said',
    of: ask('nonsense'),
    world: { pools: [small] },
    gets: ['192.0.2.10'],
    reason: 'InvalidRequest',
    says: /'nonsense' is not an IP address/,
  },
  {
    name: 'an IPv6 wish of an IPv4 Service',
    of: ask('2001:db8::10'),
    world: { pools: [dual] },
    gets: ['192.0.2.10'],
    reason: 'InvalidRequest',
  },
  {
    name: 'two wishes of one family',
    of: ask('192.0.2.10,192.0.2.11'),
    world: { pools: [dual] },
    gets: ['192.0.2.10'],
    reason: 'InvalidRequest',
  },
  { name: 'both families', of: { spec: bothFamilies }, world: { pools: [dual] }, gets: ['192.0.2.10', '2001:db8::10'] },
  {
    name: 'IPv6 first',
    of: { spec: { ipFamilies: ['IPv6', 'IPv4'] } },
    world: { pools: [dual] },
    gets: ['2001:db8::10', '192.0.2.10'],
  },
  {
    name: 'wishes in both families',
    of: { ...ask('2001:db8::11, 192.0.2.11'), spec: bothFamilies },
    world: { pools: [dual] },
    gets: ['192.0.2.11', '2001:db8::11'],
  },
  {
    name: 'PreferDualStack takes one',
    of: { spec: bothFamilies },
    world: { pools: [small] },
    gets: ['192.0.2.10'],
    reason: 'NoPool',
  },
  {
    name: 'RequireDualStack takes both or none',
    of: { spec: { ...bothFamilies, ipFamilyPolicy: 'RequireDualStack' } },
    world: { pools: [small] },
    gets: [],
    reason: 'NoPool',
  },
  {
    name: 'a family that is released goes',
    current: ['192.0.2.10', '2001:db8::10'],
    world: { pools: [dual] },
    gets: ['192.0.2.10'],
  },
  {
    name: 'a shrunk pool: the address stays',
    current: ['192.0.2.99'],
    world: { pools: [pool('small', small.spec, { addresses: ['192.0.2.0/24'] })] },
    gets: ['192.0.2.99'],
    says: /from pool small/,
  },
  {
    name: 'a deleted pool: the address stays',
    current: ['192.0.2.99'],
    world: { pools: [] },
    gets: ['192.0.2.99'],
    says: /in no AddressPool any more/,
  },
  {
    name: 'sharing: same key, other port',
    of: share(443),
    world: { pools: [small], others: [[service('a', share(80)), '192.0.2.11']] },
    gets: ['192.0.2.11'],
  },
  {
    name: 'sharing: another key',
    of: share(443, {}, 'other'),
    world: { pools: [small], others: [[service('a', share(80)), '192.0.2.10']] },
    gets: ['192.0.2.11'],
  },
  {
    name: 'sharing: same port',
    of: share(80),
    world: { pools: [small], others: [[service('a', share(80)), '192.0.2.10']] },
    gets: ['192.0.2.11'],
  },
  {
    name: 'sharing: same port on another protocol',
    of: share(80, { ports: [{ port: 80, protocol: 'UDP' }] }),
    world: { pools: [small], others: [[service('a', share(80)), '192.0.2.10']] },
    gets: ['192.0.2.10'],
  },
  {
    name: 'sharing: Local with Cluster',
    of: share(443, local),
    world: { pools: [small], others: [[service('a', share(80)), '192.0.2.10']] },
    gets: ['192.0.2.11'],
  },
  {
    name: 'sharing: Local with the same selector',
    of: share(443, local),
    world: { pools: [small], others: [[service('a', share(80, local)), '192.0.2.10']] },
    gets: ['192.0.2.10'],
  },
  {
    name: 'sharing: Local with another selector',
    of: share(443, local),
    world: {
      pools: [small],
      others: [[service('a', share(80, { ...local, selector: { app: 'two' } })), '192.0.2.10']],
    },
    gets: ['192.0.2.11'],
  },
  {
    name: 'sharing: asked for, not possible',
    of: {
      ...share(80),
      annotations: { 'fairlead.dev/address-sharing-key': 'k', 'fairlead.dev/addresses': '192.0.2.10' },
    },
    world: { pools: [small], others: [[service('a', share(80)), '192.0.2.10']] },
    gets: [],
    reason: 'NotShareable',
    says: /both have port 80\/TCP/,
  },
  {
    name: 'sharing ends: the one that changed moves',
    of: {},
    current: ['192.0.2.10'],
    world: { pools: [small], others: [[service('a', share(80)), '192.0.2.10']] },
    gets: ['192.0.2.11'],
  },
];

describe('decideAddresses', () => {
  for (const { name, of, current = [], world, gets, reason = 'Assigned', says } of rows) {
    test(name, () => {
      const decision = decide(service('own', of), current, world);
      assert.deepEqual([decision.addresses, decision.reason], [gets, reason], decision.message);
      if (says !== undefined) assert.match(decision.message, says);
    });
  }
});
