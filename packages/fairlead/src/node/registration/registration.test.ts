import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Node, nodes } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock } from '../../sys/clock.ts';
import type { IpFamily } from '../machine-network.ts';
import { registerNode } from './registration.ts';

const facts = {
  nodeName: 'n1',
  nodeIps: ['192.0.2.10', '2001:db8::10'],
  mode: 'kernel',
  version: 'v1',
  logServerPort: 1,
  maxPods: 10,
} as const;

const before: Node = {
  metadata: { name: 'n1' },
  spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] },
};

/** Registers the node, with a controller that gives it these ranges once it has none. */
async function register(
  api: FakeApi,
  families: readonly IpFamily[],
  ranges: readonly string[],
  warned: string[] = [],
): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(20_000);
  const given = (async () => {
    for await (const event of api.watch(nodes, { sendInitialEvents: true, signal })) {
      if (event.type === 'BOOKMARK' || event.type === 'ERROR' || event.type === 'DELETED') continue;
      if (event.object.spec?.podCIDR !== undefined) continue;
      await api.patch(nodes, { name: 'n1' }, 'merge', { spec: { podCIDR: ranges[0], podCIDRs: [...ranges] } });
      return;
    }
  })();
  given.catch(() => undefined);
  const registration = await registerNode(
    { client: api, clock: systemClock, log: (_, text) => void warned.push(text), facts, families },
    signal,
  );
  registration.stop();
  return registration.podCidrs;
}

test('a node without ranges waits for those of the controller', async () => {
  const api = new FakeApi();
  assert.deepEqual(await register(api, [4], ['10.244.3.0/24']), ['10.244.3.0/24']);
});

test('both InternalIPs are written, and written again', async () => {
  const api = new FakeApi();
  await register(api, [4, 6], ['10.244.3.0/24', 'fd00::/64']);
  await register(api, [4, 6], []);
  const { status } = await api.get(nodes, { name: 'n1' });
  assert.deepEqual(
    status?.addresses?.map(({ type, address }) => `${type} ${address}`),
    ['InternalIP 192.0.2.10', 'InternalIP 2001:db8::10', 'Hostname n1'],
  );
});

test('ranges of the wanted families are kept, also without a wish', async () => {
  for (const families of [[4], []] as const) {
    const api = new FakeApi();
    const { metadata } = api.seed(nodes, before);
    assert.deepEqual(await register(api, families, []), ['10.244.0.0/24']);
    assert.equal((await api.get(nodes, { name: 'n1' })).metadata.uid, metadata.uid);
  }
});

test('ranges of other families are used, with a warning', async () => {
  for (const [families, warnings] of [
    [[4], 0],
    [[4, 6], 1],
    [[6], 1],
  ] as const) {
    const api = new FakeApi();
    api.seed(nodes, before);
    const warned: string[] = [];
    assert.deepEqual(await register(api, families, [], warned), ['10.244.0.0/24']);
    assert.equal(warned.filter((text) => text.includes('other address families')).length, warnings, families.join());
  }
});
