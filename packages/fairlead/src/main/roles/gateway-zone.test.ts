import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodes } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock } from '../../sys/clock.ts';
import { followZone } from './gateway-zone.ts';

const LABEL = 'topology.kubernetes.io/zone';

test('the zone of a gateway is that of its Node, as long as it has one', { timeout: 60_000 }, async () => {
  const api = new FakeApi();
  const told: string[] = [];
  let wake = (): void => {};
  const until = async (zone: string): Promise<void> => {
    while (told.at(-1) !== zone) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  };
  const following = followZone({ client: api, clock: systemClock, log: () => {} }, 'node-1', (zone) => {
    told.push(zone);
    wake();
  });
  try {
    await api.create(nodes, { metadata: { name: 'node-2', labels: { [LABEL]: 'b' } } });
    await api.create(nodes, { metadata: { name: 'node-1', labels: { [LABEL]: 'a' } } });
    await until('a');
    await api.patch(nodes, { name: 'node-1' }, 'merge', { metadata: { labels: { [LABEL]: 'c' } } });
    await until('c');
    await api.delete(nodes, { name: 'node-1' });
    await until('');
    assert.ok(!told.includes('b'));
  } finally {
    await following.stop();
  }
});
