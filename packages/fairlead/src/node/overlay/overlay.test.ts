import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMaps, nodes, type Pod, pods, type Stored } from '@fairlead/api';
import type { IpFamily } from '../machine-network.ts';
import type { NodeNamespace } from '../node-namespaces.ts';
import { podNetns } from '../sandbox/kernel.ts';
import { createKernelLab, type FixtureProcess, kernelObstacle } from '../testing/kernel-lab.ts';
import { addressTowards, addVxlanPeer, peerOf, removeVxlanPeer, vtepMac } from './peers.ts';

const skip = kernelObstacle() ?? false;

test('a node is a peer once it has an address and a Pod range', () => {
  const status = {
    addresses: [
      { type: 'Hostname', address: 'b' },
      { type: 'InternalIP', address: '172.29.0.12' },
    ],
  };
  const peer = { name: 'b', nodeIps: ['172.29.0.12'], podCidrs: ['10.244.2.0/24'] };
  assert.deepEqual(peerOf({ metadata: { name: 'b' }, spec: { podCIDR: '10.244.2.0/24' }, status }), peer);
  assert.equal(peerOf({ metadata: { name: 'b' }, status }), undefined);
  assert.equal(peerOf({ metadata: { name: 'b' }, spec: { podCIDR: '10.244.2.0/24' } }), undefined);
});

test('commands for a peer: one forwarding entry, one neighbour, one route, and back', () => {
  const peer = { name: 'b', nodeIps: ['172.29.0.12'], podCidrs: ['10.244.2.0/24'] };
  assert.deepEqual(addVxlanPeer(peer, '172.29.0.12', ['10.244.1.1']), {
    bridge: ['fdb replace 0a:58:0a:f4:02:01 dev fl-vxlan dst 172.29.0.12 self permanent'],
    ip: [
      'neigh replace 10.244.2.1 lladdr 0a:58:0a:f4:02:01 dev fl-vxlan nud permanent',
      'route replace 10.244.2.0/24 via 10.244.2.1 dev fl-vxlan onlink src 10.244.1.1',
    ],
  });
  assert.deepEqual(removeVxlanPeer(peer, '172.29.0.12'), {
    ip: ['route del 10.244.2.0/24 dev fl-vxlan', 'neigh del 10.244.2.1 dev fl-vxlan'],
    bridge: ['fdb del 0a:58:0a:f4:02:01 dev fl-vxlan dst 172.29.0.12 self'],
  });
});

test('commands for a peer of both families, over IPv6: one MAC address, two neighbours, two routes', () => {
  const peer = {
    name: 'b',
    nodeIps: ['fd00:172:29::12', '172.29.0.12'],
    podCidrs: ['fd00:10:244:2::/64', '10.244.2.0/24'],
  };
  const mac = vtepMac('fd00:10:244:2::/64');
  assert.match(mac, /^0a:58(:[0-9a-f]{2}){4}$/);
  assert.notEqual(mac, vtepMac('fd00:10:244:1::/64'));
  assert.deepEqual(addVxlanPeer(peer, 'fd00:172:29::12', ['fd00:10:244:1::1', '10.244.1.1']), {
    bridge: [`fdb replace ${mac} dev fl-vxlan dst fd00:172:29::12 self permanent`],
    ip: [
      `neigh replace fd00:10:244:2::1 lladdr ${mac} dev fl-vxlan nud permanent`,
      'route replace fd00:10:244:2::/64 via fd00:10:244:2::1 dev fl-vxlan onlink src fd00:10:244:1::1',
      `neigh replace 10.244.2.1 lladdr ${mac} dev fl-vxlan nud permanent`,
      'route replace 10.244.2.0/24 via 10.244.2.1 dev fl-vxlan onlink src 10.244.1.1',
    ],
  });
  assert.deepEqual(
    [addressTowards(peer, '10.244.2.0/24'), addressTowards({ ...peer, nodeIps: ['172.29.0.12'] }, 'fd00::1')],
    ['172.29.0.12', undefined],
  );
});

const rangesOf = {
  4: {
    services: '10.96.0.0/16',
    pods: (node: number) => `10.244.${node}.0/24`,
    pod: (node: number) => `10.244.${node}.2`,
  },
  6: {
    services: 'fd00:10:96::/112',
    pods: (node: number) => `fd00:10:244:${node}::/64`,
    pod: (node: number) => `fd00:10:244:${node}::2`,
  },
} as const;

/** Tells one node's API of both nodes: each fixture has an API of its own. */
async function knowNodes(
  fixture: FixtureProcess,
  machine: readonly NodeNamespace[],
  families: readonly IpFamily[],
): Promise<void> {
  for (const [index, node] of machine.entries()) {
    const podCIDRs = families.map((family) => rangesOf[family].pods(index + 1));
    const object = {
      metadata: { name: node.name },
      spec: { podCIDR: podCIDRs[0], podCIDRs },
      status: { addresses: node.addresses.map((address) => ({ type: 'InternalIP', address })) },
    };
    await fixture.ask({ op: 'create', ref: nodes, object });
  }
}

const urlOf = (ip: string): string => `http://${ip.includes(':') ? `[${ip}]` : ip}`;

for (const [name, families, addresses] of [
  ['IPv4', [4], [['172.29.0.11'], ['172.29.0.12']]],
  [
    'both families over IPv6',
    [6, 4],
    [
      ['fd00:172:29::11', '172.29.0.11'],
      ['fd00:172:29::12', '172.29.0.12'],
    ],
  ],
] as const) {
  test(`two nodes, ${name}: Pod to Pod over VXLAN, machine to Pod over routes, large packets, nothing left`, {
    skip,
    timeout: 120_000,
  }, async (context) => {
    const lab = createKernelLab(context);
    const outside = lab.process();
    const { instance, dataDir } = lab;
    const request = {
      op: 'createNodes',
      instance,
      count: 2,
      serviceCidrs: families.map((family) => rangesOf[family].services),
    } as const;
    const machine = await outside.ask<NodeNamespace[]>(request);
    assert.deepEqual(machine, await outside.ask(request), 'making them again changes nothing');
    assert.deepEqual(
      machine.map((node) => node.addresses),
      addresses,
    );
    await knowNodes(outside, machine, families);
    await outside.ask({ op: 'edge', dataDir, podCidrs: families.map((family) => rangesOf[family].pods(0)) });
    const made: Stored<Pod>[] = [];
    const fixtures: FixtureProcess[] = [];
    for (const node of machine) {
      const fixture = lab.process(node.netns);
      fixtures.push(fixture);
      await knowNodes(fixture, machine, families);
      // Each API counts its uids from one: this keeps those of the Pods apart.
      for (let extra = 0; extra < fixtures.length; extra++) {
        const object = { metadata: { name: `extra-${extra}`, namespace: 'default' } };
        await fixture.ask({ op: 'create', ref: configMaps, object });
      }
      const common = { op: 'start', instance, dataDir, mode: 'kernel', overlay: true, families } as const;
      await fixture.ask({ ...common, nodeName: node.name, nodeIps: node.addresses });
      const object = {
        metadata: { name: `pod-of-${node.name}`, namespace: 'default' },
        spec: {
          nodeName: node.name,
          containers: [{ name: 'web', image: 'fairlead/echo', ports: [{ containerPort: 80 }] }],
        },
      };
      await fixture.ask({ op: 'create', ref: pods, object });
      made.push(await fixture.ask({ op: 'await', namespace: 'default', name: object.metadata.name, until: 'ready' }));
    }
    for (const [index, pod] of made.entries()) {
      const expected = families.map((family) => rangesOf[family].pod(index + 1));
      assert.deepEqual([pod.status?.podIP, pod.status?.podIPs?.map(({ ip }) => ip)], [expected[0], expected]);
      assert.deepEqual(
        pod.status?.hostIPs?.map(({ ip }) => ip),
        addresses[index],
      );
    }

    const netns = podNetns(instance, made[0]!.metadata.uid);
    for (const family of families) {
      const [first, second] = [rangesOf[family].pod(1), rangesOf[family].pod(2)];
      const script = `fetch('${urlOf(second)}/').then(async (r) => console.log(await r.text()), (e) => console.log(String(e.cause)))`;
      const said = JSON.parse(lab.run(netns, process.execPath, '-e', script)) as { pod: string; remote: string };
      assert.equal(said.pod, 'pod-of-node-2');
      assert.equal(said.remote.slice(0, said.remote.lastIndexOf(':')), first, 'the Pod is seen with its own address');

      for (const fixture of [outside, ...fixtures]) {
        for (const ip of [first, second]) {
          const answer = await fixture.ask<{ status: number; text: string }>({
            op: 'fetch',
            url: `${urlOf(ip)}/bytes/300000`,
          });
          assert.equal(answer.text.length, 300_000);
        }
      }
    }
    for (const fixture of fixtures) await fixture.ask({ op: 'stop' });
    await outside.ask({ op: 'removeNodes' });
    assert.deepEqual(lab.leftovers(), []);
  });
}
