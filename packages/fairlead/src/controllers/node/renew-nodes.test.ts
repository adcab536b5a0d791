import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Node, nodes } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { renewNodes } from './renew-nodes.ts';

const before: Node = {
  metadata: { name: 'n1', labels: { zone: 'a' }, annotations: { note: 'mine' } },
  spec: {
    podCIDR: '10.244.0.0/24',
    podCIDRs: ['10.244.0.0/24'],
    taints: [{ key: 'k', effect: 'NoSchedule' }],
    unschedulable: true,
  },
};

for (const [name, podCidr, isRenewed] of [
  ['the same family', '10.244.0.0/16', false],
  ['another range of it', '10.7.0.0/16', false],
  ['a second family', '10.244.0.0/16,fd00:10:244::/56', true],
  ['another order', 'fd00:10:244::/56,10.244.0.0/16', true],
  ['the other family', 'fd00:10:244::/56', true],
] as const) {
  test(`nodes of used data: ${name}`, async () => {
    const api = new FakeApi();
    const { metadata } = api.seed(nodes, before);
    api.seed(nodes, { metadata: { name: 'new' } });
    await renewNodes(api, podCidr, () => {});
    const after = await api.get(nodes, { name: 'n1' });
    assert.equal(after.metadata.uid !== metadata.uid, isRenewed);
    assert.equal(after.spec?.podCIDRs, isRenewed ? undefined : before.spec?.podCIDRs);
    assert.deepEqual([after.metadata.labels, after.metadata.annotations], [{ zone: 'a' }, { note: 'mine' }]);
    assert.deepEqual([after.spec?.taints, after.spec?.unschedulable], [before.spec?.taints, true]);
    assert.equal(api.calls.filter(({ verb }) => verb === 'delete').length, isRenewed ? 1 : 0);
  });
}
