import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PodStatus, pods } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock } from '../../sys/clock.ts';
import { createStatusWriter } from './status-writer.ts';

test('addresses of a Pod that is made anew take the place of those before', async () => {
  const api = new FakeApi();
  const created = await api.create(pods, { metadata: { namespace: 'default', name: 'a' }, spec: { containers: [] } });
  const name = { namespace: 'default', name: 'a' };
  const placed = (podIP: string, hostIP: string): PodStatus => ({
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }, { ip: `fd00::${podIP.at(-1)}` }],
    hostIP,
    hostIPs: [{ ip: hostIP }],
  });
  const writer = createStatusWriter(api, systemClock, () => {}, created);
  for (const status of [placed('10.244.0.2', '192.0.2.1'), placed('10.244.0.3', '192.0.2.2')]) {
    writer.offer(status);
    await writer.flush();
    const { podIPs, hostIPs } = (await api.get(pods, name)).status ?? {};
    assert.deepEqual({ podIPs, hostIPs }, { podIPs: status.podIPs, hostIPs: status.hostIPs });
  }
  writer.stop();
});
