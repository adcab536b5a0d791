import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMaps, nodes, type Pod, pods, type Stored } from '@fairlead/api';
import type { NodeNamespace } from '../node-namespaces.ts';
import { podNetns } from '../sandbox/kernel.ts';
import { createKernelLab, type FixtureProcess, kernelObstacle } from '../testing/kernel-lab.ts';
import { addVxlanPeer, peerOf, removeVxlanPeer } from './peers.ts';

const skip = kernelObstacle() ?? false;

test('a node is a peer once it has an address and a Pod range', () => {
  const status = {
    addresses: [
      { type: 'Hostname', address: 'b' },
      { type: 'InternalIP', address: '172.29.0.12' },
    ],
  };
  const peer = { name: 'b', nodeIp: '172.29.0.12', podCidr: '10.244.2.0/24' };
  assert.deepEqual(peerOf({ metadata: { name: 'b' }, spec: { podCIDR: '10.244.2.0/24' }, status }), peer);
  assert.equal(peerOf({ metadata: { name: 'b' }, status }), undefined);
  assert.equal(peerOf({ metadata: { name: 'b' }, spec: { podCIDR: '10.244.2.0/24' } }), undefined);
});

test('commands for a peer: one forwarding entry, one neighbour, one route, and back', () => {
  const peer = { name: 'b', nodeIp: '172.29.0.12', podCidr: '10.244.2.0/24' };
  assert.deepEqual(addVxlanPeer(peer, '10.244.1.1'), {
    bridge: ['fdb replace 0a:58:0a:f4:02:01 dev fl-vxlan dst 172.29.0.12 self permanent'],
    ip: [
      'neigh replace 10.244.2.1 lladdr 0a:58:0a:f4:02:01 dev fl-vxlan nud permanent',
      'route replace 10.244.2.0/24 via 10.244.2.1 dev fl-vxlan onlink src 10.244.1.1',
    ],
  });
  assert.deepEqual(removeVxlanPeer(peer), {
    ip: ['route del 10.244.2.0/24 dev fl-vxlan', 'neigh del 10.244.2.1 dev fl-vxlan'],
    bridge: ['fdb del 0a:58:0a:f4:02:01 dev fl-vxlan dst 172.29.0.12 self'],
  });
});

/** Tells one node's API of both nodes: each fixture has an API of its own. */
async function knowNodes(fixture: FixtureProcess, machine: readonly NodeNamespace[]): Promise<void> {
  for (const [index, node] of machine.entries()) {
    const object = {
      metadata: { name: node.name },
      spec: { podCIDR: `10.244.${index + 1}.0/24` },
      status: { addresses: [{ type: 'InternalIP', address: node.address }] },
    };
    await fixture.ask({ op: 'create', ref: nodes, object });
  }
}

test('two nodes: Pod to Pod over VXLAN, machine to Pod over routes, large packets, nothing left', {
  skip,
  timeout: 120_000,
}, async (context) => {
  const lab = createKernelLab(context);
  const outside = lab.process();
  const { instance, dataDir } = lab;
  const machine = await outside.ask<NodeNamespace[]>({
    op: 'createNodes',
    instance,
    count: 2,
    serviceCidr: '10.96.0.0/16',
  });
  assert.deepEqual(
    machine,
    await outside.ask({ op: 'createNodes', instance, count: 2, serviceCidr: '10.96.0.0/16' }),
    'making them again changes nothing',
  );
  assert.deepEqual(
    machine.map(({ address }) => address),
    ['172.29.0.11', '172.29.0.12'],
  );
  await knowNodes(outside, machine);
  await outside.ask({ op: 'edge' });
  const made: Stored<Pod>[] = [];
  const fixtures: FixtureProcess[] = [];
  for (const node of machine) {
    const fixture = lab.process(node.netns);
    fixtures.push(fixture);
    await knowNodes(fixture, machine);
    // Each API counts its uids from one: this keeps those of the Pods apart.
    for (let extra = 0; extra < fixtures.length; extra++) {
      const object = { metadata: { name: `extra-${extra}`, namespace: 'default' } };
      await fixture.ask({ op: 'create', ref: configMaps, object });
    }
    const common = { op: 'start', instance, dataDir, mode: 'kernel', overlay: true } as const;
    await fixture.ask({ ...common, nodeName: node.name, nodeIp: node.address });
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
  const [first, second] = made.map((pod) => pod.status!.podIP!) as [string, string];
  assert.deepEqual([first, second], ['10.244.1.2', '10.244.2.2']);

  const netns = podNetns(instance, made[0]!.metadata.uid);
  const script = `fetch('http://${second}/').then(async (r) => console.log(await r.text()), (e) => console.log(String(e.cause)))`;
  const said = JSON.parse(lab.run(netns, process.execPath, '-e', script)) as { pod: string; remote: string };
  assert.equal(said.pod, 'pod-of-node-2');
  assert.equal(said.remote.split(':')[0], first, 'the Pod is seen with its own address');

  for (const fixture of [outside, ...fixtures]) {
    for (const ip of [first, second]) {
      const answer = await fixture.ask<{ status: number; text: string }>({
        op: 'fetch',
        url: `http://${ip}/bytes/300000`,
      });
      assert.equal(answer.text.length, 300_000);
    }
  }
  for (const fixture of fixtures) await fixture.ask({ op: 'stop' });
  await outside.ask({ op: 'removeNodes' });
  assert.deepEqual(lab.leftovers(), []);
});
