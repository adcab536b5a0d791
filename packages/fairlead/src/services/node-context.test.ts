import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Stored } from '@fairlead/api';
import { isEligible, layoutFor, type NodeSettings, nodeContext } from './node-context.ts';

const settings: NodeSettings = { nodeName: 'n', podCidr: ['10.244.0.0/16'], serviceCidr: ['10.96.0.0/16'] };

function node(spec: Node['spec'], deleted = false): Stored<Node> {
  return {
    metadata: {
      name: 'n',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2025-01-01T00:00:00Z',
      ...(deleted ? { deletionTimestamp: '2025-01-02T00:00:00Z' } : {}),
    },
    ...(spec === undefined ? {} : { spec }),
    status: {
      addresses: [
        { type: 'InternalIP', address: '192.0.2.1' },
        { type: 'InternalIP', address: '2001:db8::1' },
        { type: 'Hostname', address: 'n' },
        { type: 'ExternalIP', address: '198.51.100.1' },
      ],
    },
  };
}

const ranged = node({ podCIDR: '10.244.7.0/24', podCIDRs: ['10.244.7.0/24', 'fd00:7::/64'] });
const rows: readonly [name: string, more: Partial<NodeSettings>, own: Stored<Node> | undefined, expected: unknown][] = [
  ['the ranges of the node', {}, ranged, { podCidrs: ['10.244.7.0/24', 'fd00:7::/64'] }],
  ['no ranges yet: the cluster’s', {}, node({}), { podCidrs: ['10.244.0.0/16'] }],
  ['no Node: the cluster’s', {}, undefined, { podCidrs: ['10.244.0.0/16'] }],
  ['nonsense in the Node: the cluster’s', {}, node({ podCIDRs: ['x'] }), { podCidrs: ['10.244.0.0/16'] }],
  ['ClusterCIDR', { localDetection: { by: 'cluster-cidr' } }, ranged, { podCidrs: ['10.244.0.0/16'] }],
  ['no detection', { podCidr: [] }, ranged, { podCidrs: [] }],
  [
    'links by name',
    { localDetection: { by: 'interface', name: 'cali*' } },
    ranged,
    { podCidrs: [], podInterface: 'cali*' },
  ],
  ['masquerade all', { masqueradeAll: true }, undefined, { podCidrs: ['10.244.0.0/16'], masqueradeAll: true }],
  [
    'primary node port addresses',
    { nodePortCidrs: 'primary' },
    ranged,
    { podCidrs: ['10.244.7.0/24', 'fd00:7::/64'], nodePortCidrs: ['192.0.2.1/32', '2001:db8::1/128'] },
  ],
];
for (const [name, more, own, expected] of rows) {
  test(`layout: ${name}`, () => {
    const { serviceCidrs, nodePorts, ...rest } = layoutFor({ ...settings, ...more }, own);
    assert.deepEqual(serviceCidrs, ['10.96.0.0/16']);
    assert.equal(nodePorts, true);
    assert.deepEqual(rest, expected);
  });
}

test('layout: ranges beside those that were named, and none inside another', () => {
  const own = { ...settings, podCidr: ['10.244.0.0/16', '10.244.3.0/24', '10.0.0.0/8'] };
  const nodePortCidrs = ['192.0.2.7/24', '192.0.2.128/25', '::/0'];
  const ranges = ['10.96.0.0/16', '10.97.4.0/22', '10.96.4.0/22', 'fd00:96::/112', 'nonsense'];
  const layout = layoutFor({ ...own, nodePortCidrs }, undefined, ranges);
  assert.deepEqual(layout.podCidrs, ['10.0.0.0/8']);
  assert.deepEqual([...(layout.nodePortCidrs ?? [])].sort(), ['192.0.2.0/24', '::/0']);
  assert.deepEqual([...layout.serviceCidrs].sort(), ['10.96.0.0/16', '10.97.4.0/22', 'fd00:96::/112']);
});

test('addresses of a node are those of links, with the ones given first', () => {
  const given = { ...settings, nodeIps: ['192.0.2.9', '192.0.2.1'] };
  assert.deepEqual(nodeContext(given, ranged).nodeIps, ['192.0.2.9', '192.0.2.1', '2001:db8::1', '198.51.100.1']);
});

test('a node that is going gets nothing new', () => {
  assert.equal(isEligible(undefined), true);
  assert.equal(isEligible(ranged), true);
  assert.equal(isEligible(node({}, true)), false);
  const taint = (key: string) => node({ taints: [{ key, effect: 'NoSchedule' }] });
  assert.equal(isEligible(taint('ToBeDeletedByClusterAutoscaler')), false);
  assert.equal(isEligible(taint('other')), true);
});
